"""Detectors that went wrong for others: the check says so in a line, and never blames itself."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.support.house import ROOT
from tests.support.synthetic import SHARED

CASES = SHARED.parent / "cases"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CASES.is_dir(), reason="the collected cases are not beside the project"),
]


def checked(name: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(ROOT), str(CASES)])
    return subprocess.run(
        [sys.executable, "-m", "runners.check", "--detector", name],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path, "COLUMNS": "400", "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    ("name", "status", "said"),
    [
        ("wrong_steps:hidden_list", 1, "keep what the step remembers in its state or its ring"),
        ("wrong_steps:half_signal", 1, "answered the signal 0.5; expected -1, 0 or +1"),
        ("wrong_steps:other_state", 1, "answered the state (1, 2, 3); expected one of type S"),
        ("wrong_steps:default_list", 0, "clean"),
        ("wrong_steps:keyword_state", 0, "clean"),
        ("wrong_steps:with_partial", 0, "clean"),
        ("wrong_steps:limit_of_module", 0, "clean"),
        ("wrong_frames:backfill", 1, "declare warmup="),
        ("wrong_frames:centred", 1, "2025-01-02 09:00 it answered nan; expected -1, 0 or +1"),
    ],
)
def test_the_check_gives_its_verdict(name: str, status: int, said: str) -> None:
    done = checked(name)

    assert done.returncode == status, done.stdout + done.stderr
    assert said in " ".join(done.stdout.split())  # a long path breaks the line elsewhere
    lines = done.stderr.splitlines()
    assert len(lines) <= 1
    assert all("runs in plain Python: numba cannot compile it (" in line for line in lines)
    assert all(line.startswith("warning: detector ") for line in lines)


def test_a_declaration_that_cannot_be_is_a_usage_error() -> None:
    done = checked("wrong_steps:negative_warmup")

    assert done.returncode == 2
    assert done.stderr == (
        "error: detector 'negative_warmup': warmup: got -5, expected a whole number >= 0\n"
    )
