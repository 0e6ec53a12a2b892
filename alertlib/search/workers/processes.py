"""Worker processes as an executor: a worker that dies is replaced, and its block done again."""

from __future__ import annotations

import pickle
import signal
from collections.abc import Callable
from concurrent.futures import CancelledError, Executor, Future, ThreadPoolExecutor
from threading import Lock, local
from typing import Any

from alertlib.errors import ConfigError, DataError
from alertlib.search.workers.worker import Worker

# How often a call whose worker died is made again before that is told.
RETRIES = 3


class Processes(Executor):
    """Processes of this program, each started by the thread that waits for it.

    Parameters
    ----------
    workers : int
    """

    def __init__(self, workers: int) -> None:
        self._threads = ThreadPoolExecutor(workers, "search", initializer=_hold_back_interrupts)
        self._own = local()
        self._workers: list[Worker] = []
        self._lock = Lock()
        self._stopped = False

    @property
    def pids(self) -> list[int]:
        """Numbers of the processes there are now."""
        return [worker.pid for worker in self._workers]

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Call a function of a module in a worker."""
        assert not kwargs
        return self._threads.submit(self._call, pickle.dumps((fn, args)))

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the workers in the midst of what they do."""
        with self._lock:
            self._stopped = True
        self._threads.shutdown(wait=False, cancel_futures=True)
        for worker in list(self._workers):
            worker.kill()
        self._threads.shutdown(wait=True)
        for worker in self._workers:
            worker.close()
        self._workers.clear()

    def _call(self, call: bytes) -> Any:
        for _ in range(1 + RETRIES):
            worker = self._worker()
            try:
                return worker.ask(call)
            except (EOFError, BrokenPipeError):
                self._own.worker = None
                with self._lock:
                    if self._stopped:
                        raise CancelledError from None
                    self._workers.remove(worker)
                worker.close()
        raise DataError(
            f"executor: a worker process died {1 + RETRIES} times over the same combinations; "
            "expected it to live; see whether memory is short, and use fewer workers or threads"
        )

    def _worker(self) -> Worker:
        if getattr(self._own, "worker", None) is None:
            with self._lock:
                if self._stopped:
                    raise CancelledError
                self._own.worker = Worker()
                self._workers.append(self._own.worker)
        worker: Worker = self._own.worker
        return worker


def check_processes(executor: Executor) -> None:
    """Refuse a pool whose processes are forked.

    Raises
    ------
    ConfigError
    """
    context = getattr(executor, "_mp_context", None)
    if context is not None and context.get_start_method() == "fork":
        raise ConfigError(
            "executor: got a ProcessPoolExecutor that forks, in which Polars waits for ever; "
            "expected one that spawns: "
            'ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn"))'
        )


def _hold_back_interrupts() -> None:
    """Keep Ctrl-C from this thread, and so from the processes it starts.

    A terminal sends it to all of a program's processes, and one that is still importing would
    print where it was. The program's main thread gets it as before.
    """
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
