"""A process forked after bars were used says so instead of waiting for ever."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys

import pytest

import alertlib as al

pytestmark = pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="cannot fork"
)

# A child is ended by its own alarm: one that hangs must not hang the suite.
PROGRAM = """
import multiprocessing, signal
import alertlib as al

{before}

def work(_):
    signal.alarm(20)
    return len(al.read_bars(al.sample_path()))

with multiprocessing.get_context("fork").Pool(1) as pool:
    try:
        print(pool.map_async(work, range(1)).get(30))
    except al.ConfigError as error:
        print(error)
"""


def run(before: str) -> subprocess.CompletedProcess[str]:
    program = PROGRAM.format(before=before)
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )


def test_a_pool_forked_after_bars_were_used_is_refused_with_what_to_write_instead() -> None:
    """The child waited for ever for locks of Polars' threads, which it does not have."""
    done = run("al.read_bars(al.sample_path())")

    assert "forked after bars were used" in done.stdout
    assert 'multiprocessing.get_context("spawn")' in done.stdout
    assert "AlertlibWarning: forking after bars were used" in done.stderr


def test_a_pool_forked_before_works_as_ever() -> None:
    done = run("")

    assert done.stdout == f"[{len(al.read_bars(al.sample_path()))}]\n"
    assert done.stderr == ""
