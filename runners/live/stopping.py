"""Ways to be told to stop: signals, and a request file that works on every system.

``runners.live --stop`` writes the file beside the database; the daemon that holds the database
looks for it four times a second. On Windows a service has no console to send Ctrl-C to, and
nothing else that another process may signal.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from alertlib.errors import BusyError, StorageError
from runners.live.database import lock
from runners.live.database.mark import NO_LINKS, require_plain_file

LOOK_SECONDS = 0.25
PATIENCE_SECONDS = 20.0
_SIGNALS = ("SIGINT", "SIGTERM", "SIGBREAK")


class Stop:
    """Whether the daemon is to end, and why."""

    def __init__(self) -> None:
        self.event = asyncio.Event()
        self.reason = ""

    @property
    def is_interrupt(self) -> bool:
        """Whether it was Ctrl-C, which has an exit status of its own."""
        return self.reason == "SIGINT"

    def ask(self, reason: str) -> None:
        """Ask for an end; the first reason counts."""
        self.reason = self.reason or reason
        self.event.set()

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """Take signals as requests to stop, for the length of a block in the main thread.

        Not `loop.add_signal_handler`, which Windows does not have.
        """
        loop = asyncio.get_running_loop()

        def handle(number: int, frame: FrameType | None) -> None:
            loop.call_soon_threadsafe(self.ask, signal.Signals(number).name)

        numbers = [getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)]
        before = {number: signal.signal(number, handle) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    async def watch(self, database: str) -> None:
        """Look for a request file until there is one; it may have been made during the start."""
        path = request_path(database)
        while not _is_request(path):
            await asyncio.sleep(LOOK_SECONDS)
        forget_request(database)
        self.ask("--stop")


def request_path(database: str) -> Path:
    """Return the file that asks the daemon on ``database`` to stop."""
    return Path(f"{os.path.realpath(database)}.stop")


def _is_request(path: Path) -> bool:
    """Whether there is a request: a link, or a folder that happens to have the name, is none."""
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:
        return False


def left_over(database: str) -> str | None:
    """Return what stands in a request file already; None without one.

    Read before the database is locked: who asks a daemon to stop has seen the lock, and writes
    something new.
    """
    path = request_path(database)
    if not _is_request(path):
        return None
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return None


def forget_left_over(database: str, content: str | None) -> None:
    """Remove the request an earlier daemon left, unless another has taken its place."""
    if content is not None and left_over(database) == content:
        forget_request(database)


def forget_request(database: str) -> None:
    """Remove a request, answered or left over."""
    with suppress(OSError):
        request_path(database).unlink()


def stop_daemon(database: str, seconds: float = PATIENCE_SECONDS) -> bool:
    """Ask the daemon on ``database`` to stop and wait until it has; False if there is none.

    Raises
    ------
    BusyError
        It has not ended after ``seconds``.
    StorageError
        This user may not open the database, or the request cannot be written.
    """
    if not lock.is_held(database):
        return False
    path = request_path(database)
    try:
        require_plain_file(str(path))
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | NO_LINKS
        with os.fdopen(os.open(path, flags, 0o600), "w", encoding="ascii") as file:
            file.write(secrets.token_hex(8))  # not what an earlier request may have left
    except OSError as error:
        raise StorageError(
            f"{path}: cannot be written ({error.strerror or error}), expected a folder this user "
            "may write; run --stop as the user of the daemon"
        ) from error
    deadline = time.monotonic() + seconds
    try:
        while lock.is_held(database):
            if time.monotonic() >= deadline:
                raise BusyError(
                    f"{database}: still in use {seconds:.0f} s after it was asked to stop, "
                    "expected at most 10 s; look at the daemon's log"
                )
            time.sleep(0.05)
    finally:
        forget_request(database)
    return True
