"""A file that only grows, in whole pieces, by one writer at a time."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from alertlib._files import WriterLock, sync_directory, write_durably
from alertlib.errors import StorageError


class AppendOnly:
    """An open file to append to, and the lock that keeps other writers from it.

    Parameters
    ----------
    path : Path
        Made if need be. Through links as well; the lock is beside the file they lead to.
    kind : str
        What it is, for messages.

    Attributes
    ----------
    path : Path
        As it was named.
    real : Path
        Where links lead to.

    Raises
    ------
    BusyError
        Another process has it open.
    StorageError
        It cannot be made, read or written.
    """

    def __init__(self, path: Path, kind: str) -> None:
        self.path = path
        self.real = Path(os.path.realpath(path))
        self._kind = kind
        self._descriptor = -1
        self._lock = WriterLock(self.real.with_name(f"{self.real.name}.lock"), path, kind, "a file")
        self._lock.__enter__()
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)
        try:
            self._descriptor = os.open(self.real, flags, 0o644)
        except OSError as error:
            self.close()
            raise StorageError(
                f"{path}: cannot be written ({error.strerror}); expected a file for the {kind}; "
                "choose another one"
            ) from error

    def append(self, raw: bytes) -> None:
        """Write a piece by one call; of one that cannot be written whole, nothing stays.

        Raises
        ------
        StorageError
            The disk is full, read-only or broken.
        """
        size = -1
        try:
            size = os.fstat(self._descriptor).st_size
            written = os.write(self._descriptor, raw)
            if written < len(raw):
                raise OSError(0, f"{written:,} of {len(raw):,} bytes written")
        except OSError as error:
            if size >= 0:
                with contextlib.suppress(OSError):
                    os.ftruncate(self._descriptor, size)
            raise self._unwritten(error) from error

    def sync(self) -> None:
        """Wait until the disk has everything appended.

        Raises
        ------
        StorageError
            It does not take it.
        """
        try:
            os.fsync(self._descriptor)
        except OSError as error:
            raise self._unwritten(error) from error

    def sync_name(self) -> None:
        """Wait until the disk has the file's name: it may be new."""
        try:
            sync_directory(self.real.parent)
        except OSError as error:
            raise self._unwritten(error) from error

    def set_aside(self, tail: bytes) -> Path:
        """Move the file's last bytes to a file ``NAME.torn-N`` beside it, and return that.

        They are in one of the two at every moment.
        """
        aside = _file_for(self.real, tail)
        write_durably(aside, tail)
        self.sync_name()
        try:
            os.ftruncate(self._descriptor, os.fstat(self._descriptor).st_size - len(tail))
        except OSError as error:
            raise self._unwritten(error) from error
        self.sync()
        return aside

    def close(self) -> None:
        """Let others write; once more does nothing."""
        if self._lock.held:
            if self._descriptor >= 0:
                os.close(self._descriptor)
                self._descriptor = -1
            self._lock.__exit__(None, None, None)

    def _unwritten(self, error: OSError) -> StorageError:
        return StorageError(
            f"{self.path}: cannot be written ({error.strerror}); what was committed before is "
            "intact; free some space or choose another file, then run again"
        )


def _file_for(path: Path, tail: bytes) -> Path:
    """Return where to set bytes aside: a new file, or the one that has them already."""
    number = 1
    while True:
        aside = path.with_name(f"{path.name}.torn-{number}")
        try:
            if aside.read_bytes() == tail:
                return aside
        except FileNotFoundError:
            return aside
        number += 1
