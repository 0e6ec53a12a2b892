"""Files on disk: written durably, replaced atomically, locked."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from pathlib import Path

from alertlib.errors import StorageError

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
        _sync_directory(path.parent)
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


def _sync_directory(path: Path) -> None:
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
