"""Whole rehearsals: of this checkout, of a wheel that is none, and one that is broken off."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from runners.rehearsal.checklist import CHECKS
from tests.support.commands import ROOT, one_line
from tests.support.running import SAMPLE

POSIX_ONLY = pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")


class Rehearsal(subprocess.Popen[str]):
    """``python -m runners.rehearse`` with a folder of its own for temporary files."""

    def __init__(self, folder: Path, *options: str, **environ: str) -> None:
        super().__init__(
            [sys.executable, "-m", "runners.rehearse", *options],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8",
            env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(folder), **environ},
        )  # fmt: skip

    def ended(self) -> subprocess.CompletedProcess[str]:
        said = self.communicate(timeout=900)
        return subprocess.CompletedProcess(self.args, self.returncode, *said)


def found(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(done.stdout)
    return report | {"checks": {one["name"]: one for one in report["checks"]}}


@pytest.mark.slow
def test_a_release_of_this_checkout_is_go(tmp_path: Path) -> None:
    done = Rehearsal(tmp_path, "--json", "-").ended()
    report = found(done)
    assert done.stderr.splitlines()[-1] == "GO: 14 of 14 checks are well"
    assert (done.returncode, report["decision"]) == (0, "go")
    assert list(report["checks"]) == list(CHECKS)
    assert report["day"]["synthetic"], "the sample is made up, and said to be"
    assert "epoch_ends_with_a_restore" in report["checks"]["upgrade"]["said"]
    assert list(tmp_path.iterdir()) == [], "nothing is left"


@pytest.mark.slow
def test_what_is_no_wheel_inside_is_no_go_and_everything_is_kept(tmp_path: Path) -> None:
    wheel = _any_wheel(tmp_path)
    folder = tmp_path / "temporary"
    folder.mkdir()
    done = Rehearsal(folder, "--wheel", str(wheel), "--json", "-").ended()
    report = found(done)
    assert (done.returncode, report["decision"]) == (1, "no-go")
    assert report["checks"]["test_imports"]["state"] == "failed"
    assert report["checks"]["email"]["state"] == "not run"
    assert Path(report["kept"]).parent == folder
    assert report["kept"] in done.stderr


@pytest.mark.parametrize(
    ("options", "status", "words"),
    [
        (("--wheel", "none.whl"), 2, ["--wheel none.whl", "expected a file NAME.whl"]),
        (("--previous", "none.whl"), 2, ["--previous none.whl", "expected a file NAME.whl"]),
        (("--bars", "none.csv"), 3, ["none.csv"]),
        (("--config", "none.yaml"), 2, ["none.yaml"]),
    ],
)
def test_what_is_missing_is_said_before_anything_is_installed(
    tmp_path: Path, options: tuple[str, ...], status: int, words: list[str]
) -> None:
    one_line(Rehearsal(tmp_path, *options).ended(), status, *words)
    assert list(tmp_path.iterdir()) == []


@POSIX_ONLY
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_rehearsal_that_is_broken_off_leaves_nothing(
    tmp_path: Path, number: signal.Signals
) -> None:
    rehearsal = Rehearsal(tmp_path, "--wheel", str(_any_wheel(tmp_path)), "--bars", str(SAMPLE))
    assert rehearsal.stderr is not None
    while "fresh environment" not in rehearsal.stderr.readline():
        assert rehearsal.poll() is None
    rehearsal.send_signal(number)
    done = rehearsal.ended()
    assert (done.returncode, done.stderr) == (130, "")
    assert [path for path in tmp_path.iterdir() if path.is_dir()] == []


def _any_wheel(folder: Path) -> Path:
    wheel = folder / "alertlib-9.9-py3-none-any.whl"
    wheel.write_bytes(b"no archive")
    return wheel
