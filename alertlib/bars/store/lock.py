"""One writer at a time: a lock that the operating system releases when its holder dies."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from types import TracebackType

from alertlib._files import lock_byte
from alertlib.errors import BusyError, StorageError

LOCK = ".lock"


class StoreLock:
    """Exclusive right to write the store at ``root``, from ``__enter__`` to ``__exit__``.

    The lock is on the file itself, so other paths to the same directory meet it too. Nothing
    waits: a second writer is refused at once.

    Raises
    ------
    BusyError
        Another process holds it; the message names it.
    StorageError
        The directory cannot be made or written.
    """

    def __init__(self, root: Path) -> None:
        self._path = root / LOCK
        self._descriptor = -1

    def __enter__(self) -> StoreLock:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise StorageError(
                f"{self._path.parent}: cannot be written ({error.strerror}); expected a directory "
                "for the bar store; choose another one"
            ) from error
        try:
            lock_byte(self._descriptor)
        except OSError as error:
            holder = _read_holder(self._descriptor)
            os.close(self._descriptor)
            raise BusyError(
                f"{self._path.parent}: process {holder} is writing this bar store; expected one "
                "writer at a time; wait until it has finished"
            ) from error
        with contextlib.suppress(OSError):  # a full disk; the number only serves the message above
            os.ftruncate(self._descriptor, 0)
            os.lseek(self._descriptor, 0, os.SEEK_SET)
            os.write(self._descriptor, str(os.getpid()).encode())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._descriptor)


def _read_holder(descriptor: int) -> str:
    os.lseek(descriptor, 0, os.SEEK_SET)
    try:
        return os.read(descriptor, 20).decode("ascii", "replace").strip("\0 ") or "another"
    except OSError:
        return "another"
