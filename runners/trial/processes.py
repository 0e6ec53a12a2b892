"""Processes of a trial: they end with it, also when it is interrupted."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from types import FrameType

#: A group of its own: Ctrl-C is the trial's, which then ends its processes in their order.
OWN_GROUP: dict[str, int | bool] = (
    {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    if hasattr(subprocess, "CREATE_NEW_PROCESS_GROUP")
    else {"start_new_session": True}
)


def leave_interrupts_to_the_parent() -> None:
    """Do not end in the middle of a sentence, with a traceback, where the terminal's group is."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def ended(process: BaseProcess) -> Iterator[BaseProcess]:
    """Start a process for the length of a block."""
    process.start()
    try:
        yield process
    finally:
        if process.is_alive():
            process.terminate()
        process.join()


@contextmanager
def terminated_as_interrupted() -> Iterator[None]:
    """Take SIGTERM as Ctrl-C for the length of a block, so that nothing is left running."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
