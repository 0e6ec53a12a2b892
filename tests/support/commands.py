"""Commands as their users run them, in a process of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def command(*arguments: str, cwd: Path = ROOT, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", **environ},
        timeout=600,  # in plain Python and watched by coverage they take minutes
        check=False,
    )


def said(done: subprocess.CompletedProcess[str]) -> str:
    """What a command says on stderr, but for the first compilation on a machine."""
    lines = done.stderr.strip().splitlines()
    return "\n".join(line for line in lines if "compiling once for this machine" not in line)


def one_line(done: subprocess.CompletedProcess[str], status: int, *words: str) -> None:
    assert done.returncode == status, done.stderr
    lines = said(done).splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("error: ")
    for word in words:
        assert word in lines[0]
