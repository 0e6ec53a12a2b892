"""Worker processes: they answer, die, are replaced, and never outlive who started them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError, ProcessPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertlib.errors import ConfigError, DataError
from alertlib.search.workers.processes import RETRIES, Processes, check_processes
from tests.support import calls
from tests.support.running import until

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def two() -> Iterator[Processes]:
    with Processes(2) as processes:
        yield processes


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


@given(st.lists(st.binary(max_size=100_000), max_size=6))
def test_every_answer_is_its_own_calls(two: Processes, contents: list[bytes]) -> None:
    futures = [two.submit(bytes.upper, content) for content in contents]
    assert [future.result() for future in futures] == [content.upper() for content in contents]


def test_they_are_other_processes_and_at_most_so_many(two: Processes) -> None:
    found = {future.result() for future in [two.submit(calls.pid) for _ in range(20)]}
    assert os.getpid() not in found
    assert 1 <= len(found) <= 2
    assert found <= set(two.pids)


def test_what_is_printed_is_no_answer(two: Processes) -> None:
    assert two.submit(calls.chatter, 7).result() == 7


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("ours", ConfigError("a worker's own line")),
        ("unsendable", RuntimeError("Unsendable: not to be sent")),
        ("exit", RuntimeError("SystemExit: leaving")),
    ],
)
def test_errors_come_back_with_their_line_and_their_place(
    two: Processes, kind: str, error: Exception
) -> None:
    raised = two.submit(calls.refuse, kind).exception()
    assert type(raised) is type(error)
    assert str(raised) == str(error)
    assert "tests/support/calls.py" in raised.__notes__[0]
    assert two.submit(calls.chatter, 3).result() == 3


def test_a_call_whose_worker_died_is_made_again(two: Processes, tmp_path: Path) -> None:
    futures = [two.submit(calls.die_once, str(tmp_path), number) for number in range(3)]
    assert [future.result() for future in futures] == [0, 1, 2]
    assert len(list(tmp_path.iterdir())) == 3


def test_half_an_answer_is_none(two: Processes, tmp_path: Path) -> None:
    """The pool of concurrent.futures waits for the other half for ever."""
    assert two.submit(calls.die_within_an_answer, str(tmp_path)).result(timeout=60) == "whole"


def test_a_call_that_always_kills_its_worker_is_given_up() -> None:
    with Processes(1) as one:
        with pytest.raises(DataError, match=f"a worker process died {1 + RETRIES} times over"):
            one.submit(calls.die).result()
        assert one.submit(calls.chatter, 5).result() == 5


def test_shutting_down_ends_them_in_the_midst_of_a_call() -> None:
    processes = Processes(2)
    futures = [processes.submit(calls.sleep, 300.0) for _ in range(5)]
    until(lambda: len(processes.pids) == 2)
    pids = processes.pids
    begun = time.monotonic()
    processes.shutdown(cancel_futures=True)

    assert time.monotonic() - begun < 10.0
    assert not any(is_alive(pid) for pid in pids)
    for future in futures:
        with pytest.raises(CancelledError):
            future.result()
    processes.shutdown()  # once more does nothing


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM"])
def test_they_end_when_the_program_is_killed(name: str) -> None:
    code = (
        "from alertlib.search.workers.processes import Processes; from tests.support import calls\n"
        "pool = Processes(2)\n"
        "print(*{f.result() for f in [pool.submit(calls.pid) for _ in range(9)]}, flush=True)\n"
        "pool.submit(calls.sleep, 300.0).result()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as program:
        assert program.stdout is not None
        pids = [int(word) for word in program.stdout.readline().split()]
        assert pids
        assert all(is_alive(pid) for pid in pids)
        program.send_signal(getattr(signal, name))
    until(lambda: not any(is_alive(pid) for pid in pids))


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="cannot fork")
def test_a_pool_that_forks_is_refused_with_what_to_write_instead() -> None:
    """A forked worker waits for ever for locks of Polars' threads, which it does not have."""
    forks = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork"))
    with pytest.raises(ConfigError, match="that forks") as refused:
        check_processes(forks)
    assert 'ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn"))' in str(
        refused.value
    )
    check_processes(ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")))
