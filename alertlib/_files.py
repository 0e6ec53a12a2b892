"""Files on disk: written durably, replaced atomically, locked."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from pathlib import Path
from types import TracebackType

from alertlib.errors import BusyError, StorageError

_WINDOWS_TRIES = 40
_WINDOWS_WAIT_SECONDS = 0.05


def write_durably(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path`` and wait until the disk has it.

    Raises
    ------
    StorageError
        The disk is full, read-only or broken; what was written so far is removed.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        # A stub left on a full disk would be one more thing in the way.
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
        raise StorageError(
            f"{path}: cannot write {len(content):,} bytes ({error.strerror}); everything stored "
            "before is intact; free some space or choose another directory, then run again"
        ) from error


def replace(staged: Path, path: Path) -> None:
    """Rename ``staged`` to ``path``, atomically and durably."""
    try:
        _rename(staged, path)
        sync_directory(path.parent)
    except OSError as error:
        raise StorageError(
            f"{path}: cannot be replaced ({error.strerror}); everything stored before is intact; "
            "close the programs that hold it open, then run again"
        ) from error


def _rename(staged: Path, path: Path) -> None:
    # Windows does not replace a file that a reader has open: let readers finish.
    for _ in range(_WINDOWS_TRIES if os.name == "nt" else 0):
        try:
            os.replace(staged, path)
            return
        except PermissionError:
            time.sleep(_WINDOWS_WAIT_SECONDS)
    os.replace(staged, path)


def sync_directory(path: Path) -> None:
    """Wait until the disk has the names of a directory's files."""
    # Windows has no handle for a directory to flush; NTFS journals the rename itself.
    if os.name != "nt":
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


# Windows locks are mandatory: the byte locked lies behind the text a second writer reads.
_LOCKED_BYTE = 1_024


def lock_byte(descriptor: int) -> None:
    """Lock one byte of an open file until it is closed; OSError if another process has it."""
    if sys.platform == "win32":
        import msvcrt

        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


class WriterLock:
    """Exclusive right to write something, from ``__enter__`` to ``__exit__``.

    The operating system releases it when its holder dies. Nothing waits: a second writer is
    refused at once.

    Parameters
    ----------
    path : Path
        The lock, a file of its own beside what is locked; its folder is made if need be.
    subject : Path
        What is locked, for messages.
    kind : str
        What that is, such as ``bar store``.
    place : str
        What is to be named instead where it cannot be written, such as ``a directory``.

    Raises
    ------
    BusyError
        Another process holds it; the message names it.
    StorageError
        The folder cannot be made or written.
    """

    def __init__(self, path: Path, subject: Path, kind: str, place: str) -> None:
        self._path, self._subject, self._kind, self._place = path, subject, kind, place
        self._descriptor = -1

    def __enter__(self) -> WriterLock:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise StorageError(
                f"{self._subject}: cannot be written ({error.strerror}); expected {self._place} "
                f"for the {self._kind}; choose another one"
            ) from error
        try:
            lock_byte(self._descriptor)
        except OSError as error:
            holder = _read_holder(self._descriptor)
            self.__exit__(None, None, None)
            raise BusyError(
                f"{self._subject}: process {holder} is writing this {self._kind}; expected one "
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
        self._descriptor = -1

    @property
    def held(self) -> bool:
        """Whether this process holds it."""
        return self._descriptor >= 0


def _read_holder(descriptor: int) -> str:
    os.lseek(descriptor, 0, os.SEEK_SET)
    try:
        return os.read(descriptor, 20).decode("ascii", "replace").strip("\0 ") or "another"
    except OSError:
        return "another"
