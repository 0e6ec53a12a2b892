"""Where the blocks of a search are counted: threads, processes, a dask cluster."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ThreadPoolExecutor,
    wait,
)
from contextlib import contextmanager
from typing import Any, TypeVar

from alertlib._arguments import expect_whole
from alertlib._version import __version__
from alertlib.errors import AlertlibError, ConfigError, DataError
from alertlib.search.workers.dask_cluster import SCHEME, check_address, open_cluster
from alertlib.search.workers.processes import Processes, check_processes

Block = TypeVar("Block")
Done = TypeVar("Done")

# Blocks handed out ahead of those that are done, for each worker.
AHEAD = 3
# How long nothing may come back before it is asked whether anybody is still there.
PATIENCE_S = 30.0
_KINDS = "threads, processes, dask://HOST:PORT or a concurrent.futures.Executor"


def is_local(executor: str | Executor) -> bool:
    """Whether its workers see this program's memory."""
    return executor == "threads" or isinstance(executor, ThreadPoolExecutor)


def check_executor(executor: str | Executor, workers: int | None) -> None:
    """Refuse what names no executor, or one that cannot be used.

    Raises
    ------
    ConfigError
    """
    if workers is not None:
        expect_whole("workers", workers, 1)
    if isinstance(executor, Executor):
        check_processes(executor)
    elif str(executor).startswith(SCHEME):
        check_address(str(executor))
    elif executor not in ("threads", "processes"):
        raise ConfigError(f"executor: got {executor!r}, expected {_KINDS}")


@contextmanager
def open_executor(executor: str | Executor, workers: int | None) -> Iterator[Pool]:
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
        yield Pool(executor, workers or int(getattr(executor, "_max_workers", count)))
    elif executor.startswith(SCHEME):
        with open_cluster(executor) as cluster:
            size = workers or max(1, cluster.threads())
            yield Pool(cluster.executor, size, threads=cluster.threads)
    else:
        kind = ThreadPoolExecutor if executor == "threads" else Processes
        with kind(count) as own:
            yield Pool(own, count)


class Pool:
    """An executor at work.

    Parameters
    ----------
    executor : Executor
    workers : int
        Blocks it counts at a time.
    threads : callable, optional
        Returns how many workers there are now, where they may all leave.
    """

    def __init__(
        self,
        executor: Executor,
        workers: int,
        threads: Callable[[], int] | None = None,
    ) -> None:
        self.executor, self.workers = executor, workers
        self._threads = threads

    def map(
        self, count: Callable[[Block], Done], blocks: Sequence[Block]
    ) -> Iterator[tuple[int, Done]]:
        """Yield the number of each block and what it came to, in the order in which they end.

        Each is yielded once, however often it had to be counted.

        Parameters
        ----------
        count : callable
            Fit for the executor: a function of a module, for processes.
        blocks : sequence
            Each is asked for when it is handed out.

        Raises
        ------
        ConfigError
            If workers do not have what they need.
        DataError
            If workers died or left, and it is no use to go on.
        """
        ahead = list(range(len(blocks)))[::-1]
        running: dict[Future[Done], int] = {}
        try:
            while ahead or running:
                self._hand_out(count, blocks, ahead, running)
                yield from self._finished(running)
        except BrokenExecutor as error:
            raise DataError(
                f"executor: the given {type(self.executor).__name__} is broken, a worker died; "
                "expected workers that live; make a new one and go on with resume, or use "
                "processes, which are replaced"
            ) from error
        finally:
            for future in running:
                future.cancel()

    def _hand_out(
        self,
        count: Callable[[Block], Done],
        blocks: Sequence[Block],
        ahead: list[int],
        running: dict[Future[Done], int],
    ) -> None:
        while ahead and len(running) < AHEAD * self.workers:
            at = ahead.pop()
            try:
                running[self.executor.submit(count, blocks[at])] = at
            except BrokenExecutor:
                raise
            except RuntimeError as error:
                raise ConfigError(
                    f"executor: takes no work ({error}); expected an open one; give one that has "
                    "not been shut down"
                ) from error

    def _finished(self, running: dict[Future[Done], int]) -> Iterator[tuple[int, Done]]:
        done, _ = wait(running, timeout=PATIENCE_S, return_when=FIRST_COMPLETED)
        if not done and self._threads is not None and self._threads() == 0:
            raise DataError(
                f"executor: the cluster has had no worker for {PATIENCE_S:.0f} s; expected one at "
                "least; start workers and go on with resume"
            )
        # What is counted first: where one of them is broken, the others are not lost.
        for future in sorted(done, key=_has_failed):
            try:
                found = future.result()
            except BrokenExecutor:
                raise
            except (Exception, CancelledError) as error:
                told = _told(error)
                if told is None:
                    raise
                raise told from error
            yield running.pop(future), found


def _has_failed(future: Future[Any]) -> bool:
    return future.cancelled() or future.exception() is not None


def _told(error: BaseException) -> AlertlibError | None:
    """Return what an error means that is not the combinations' own; None if it is."""
    if isinstance(error, AlertlibError):
        return None
    said = f"{type(error).__name__}: {' '.join(str(error).split())}"
    # Where the scheduler goes as a result comes in, dask takes the result for an error.
    if isinstance(error, CancelledError) or "with_traceback" in said:
        return DataError(
            "executor: what was handed out is lost, the scheduler has gone; expected it to stay; "
            "start it again and go on with resume"
        )
    if type(error).__name__ == "KilledWorker":
        return DataError(
            "executor: workers of the cluster died over the same combinations; expected them to "
            "live; see their logs and whether memory is short"
        )
    if isinstance(error, ImportError | AttributeError) and "alertlib" in said:
        return ConfigError(
            f"executor: a worker cannot import what it is to do ({said}); expected alertlib "
            f"{__version__} there; install it on all workers"
        )
    return None
