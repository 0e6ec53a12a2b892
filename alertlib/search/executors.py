"""Where the blocks of a search are counted: threads, processes, a dask cluster."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeVar

from alertlib.errors import ConfigError, DataError

Block = TypeVar("Block")
Done = TypeVar("Done")

# Blocks handed out ahead of those that are done, for each worker.
AHEAD = 3
# How often a block whose worker died is done again before that is told.
RETRIES = 3
_SCHEME = "dask://"
_KINDS = "threads, processes, dask://HOST:PORT or a concurrent.futures.Executor"


def is_local(executor: str | Executor) -> bool:
    """Whether its workers see this program's memory."""
    return executor == "threads" or isinstance(executor, ThreadPoolExecutor)


def check_executor(executor: str | Executor, workers: int | None) -> None:
    """Refuse what names no executor.

    Raises
    ------
    ConfigError
    """
    known = isinstance(executor, Executor) or executor in ("threads", "processes")
    if not known and not str(executor).startswith(_SCHEME):
        raise ConfigError(f"executor: got {executor!r}, expected {_KINDS}")
    if workers is not None and workers < 1:
        raise ConfigError(f"workers: got {workers}, expected 1 or more")


@contextmanager
def open_executor(executor: str | Executor, workers: int | None) -> Iterator[_Pool]:
    """Open an executor by its name, and close it again; one that is given stays open.

    Raises
    ------
    ConfigError
        If there is no such kind, or dask is not installed.
    DataError
        If the cluster cannot be reached.
    """
    check_executor(executor, workers)
    count = workers or os.cpu_count() or 1
    if isinstance(executor, Executor):
        yield _Pool(executor, workers or int(getattr(executor, "_max_workers", count)))
        return
    if executor.startswith(_SCHEME):
        with _dask_client(executor.removeprefix(_SCHEME)) as client:
            size = max(1, len(client.scheduler_info(n_workers=-1)["workers"]))
            yield _Pool(client.get_executor(retries=RETRIES), size)
        return
    make = _maker(executor, count)
    with _Pool(make(), count, make) as pool:
        yield pool


class _Pool(AbstractContextManager["_Pool"]):
    """An executor, made anew when one of its workers has died if it is ours to make."""

    def __init__(
        self, executor: Executor, workers: int, make: Callable[[], Executor] | None = None
    ) -> None:
        self._executor, self.workers, self._make = executor, workers, make

    def map(
        self, count: Callable[[Block], Done], blocks: Sequence[Block]
    ) -> Iterator[tuple[int, Done]]:
        """Yield the number of each block and what it came to, in the order in which they end.

        Parameters
        ----------
        count : callable
            Fit for the executor: a function of a module, for processes.
        blocks : sequence
        """
        ahead = list(range(len(blocks)))[::-1]
        tries = [0] * len(blocks)
        running: dict[Future[Done], int] = {}
        try:
            while ahead or running:
                while ahead and len(running) < AHEAD * self.workers:
                    at = ahead.pop()
                    running[self._executor.submit(count, blocks[at])] = at
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    at = running.pop(future)
                    try:
                        yield at, future.result()
                    except BrokenProcessPool:
                        # Every block under way is lost with it.
                        lost = [at, *running.values()]
                        running.clear()
                        self._again(lost, tries)
                        ahead += lost
                        break
        finally:
            for future in running:
                future.cancel()

    def _again(self, lost: list[int], tries: list[int]) -> None:
        for at in lost:
            tries[at] += 1
        if self._make is None or max(tries[at] for at in lost) > RETRIES:
            raise DataError(
                f"executor: a worker died {max(tries[at] for at in lost)} times over the same "
                "parameters; expected it to live; look for a lack of memory, or use threads"
            )
        self._executor.shutdown(wait=False, cancel_futures=True)
        self._executor = self._make()

    def __exit__(self, *error: object) -> None:
        self._executor.shutdown(wait=True, cancel_futures=True)


def _maker(executor: str, workers: int) -> Callable[[], Executor]:
    if executor == "threads":
        return lambda: ThreadPoolExecutor(workers, thread_name_prefix="search")

    def processes() -> Executor:
        import multiprocessing

        # A forked child would take over locks that a thread of ours may hold.
        return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))

    return processes


@contextmanager
def _dask_client(address: str) -> Iterator[Any]:
    try:
        import distributed
    except ImportError as error:
        raise ConfigError(
            "executor: dask is not installed; expected it for dask://; install the extra dask"
        ) from error
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise ConfigError(f"executor: got {_SCHEME}{address}, expected dask://HOST:PORT")
    try:
        socket.create_connection((host, int(port)), timeout=5.0).close()
        dask: Any = distributed
        client = dask.Client(f"tcp://{address}", timeout="10s", set_as_default=False)
    except OSError as error:
        raise DataError(
            f"executor: {_SCHEME}{address} cannot be reached ({error}); expected the scheduler of "
            "a running dask cluster; start one or correct the address"
        ) from error
    with client:
        yield client
