"""One process per database: a lock on the file itself, whatever path leads to it.

The lock belongs to the inode, so a symbolic or hard link to the same database meets it too. It
covers one byte far beyond any page, where SQLite's own locks never are, and the kernel drops it
when the process dies, however it dies.
"""

from __future__ import annotations

import errno
import os
import struct
import sys
import time

from alertlib.errors import BusyError, StorageError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_OFFSET = 1 << 40
_TAKEN = (errno.EAGAIN, errno.EACCES, errno.EDEADLK)
_ATTEMPTS = 5
_PAUSE_SECONDS = 0.1
_held: dict[int, tuple[int, int]] = {}


def refuse_if_held_here(path: str) -> None:
    """Raise BusyError if this very process has the database open, without touching the file.

    Opening and closing it once more would drop the locks SQLite has on it.
    """
    try:
        status = os.stat(path)
    except OSError:
        return
    if (status.st_dev, status.st_ino) in _held.values():
        raise _busy(path)


def acquire(descriptor: int, path: str) -> None:
    """Lock the open database file until ``descriptor`` is closed by :func:`release`.

    Raises
    ------
    BusyError
        Another process holds it. Said within half a second: where a lock can be probed only by
        taking it, a probe must not be mistaken for a daemon.
    OSError
        The file system has no locks.
    """
    for attempts_left in reversed(range(_ATTEMPTS)):
        try:
            _lock_byte(descriptor)
            break
        except OSError as error:
            if error.errno not in _TAKEN:
                raise
            if not attempts_left:
                raise _busy(path) from None
        time.sleep(_PAUSE_SECONDS)
    status = os.fstat(descriptor)
    _held[descriptor] = (status.st_dev, status.st_ino)


def release(descriptor: int) -> None:
    """Unlock and close; call only after SQLite has closed the same file."""
    _held.pop(descriptor, None)
    os.close(descriptor)


def is_held(path: str) -> bool:
    """Return whether some process has the database at ``path`` open as its store.

    Not for a process that has the file open in SQLite itself: closing the probe would drop
    SQLite's own locks.

    Raises
    ------
    StorageError
        There is a file that this user may not open, so that nobody can tell.
    """
    try:
        descriptor = os.open(path, _TO_PROBE)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return False
    except OSError as error:
        raise StorageError(
            f"{path}: cannot be opened ({error.strerror or error}), expected to see there whether "
            "a daemon runs on it; run this as the user of the daemon"
        ) from error
    try:
        return _is_taken(descriptor)
    except OSError as error:
        return error.errno in _TAKEN
    finally:
        os.close(descriptor)


if sys.platform == "linux":
    _TO_PROBE = os.O_RDONLY  # whoever may read the database may ask

    def _is_taken(descriptor: int) -> bool:
        answer = fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, _request())
        return bool(struct.unpack("@hhqqi4x", answer)[0] != fcntl.F_UNLCK)

else:
    _TO_PROBE = os.O_RDWR

    def _is_taken(descriptor: int) -> bool:
        _lock_byte(descriptor)  # only by taking it, for a moment
        return False


def _busy(path: str) -> BusyError:
    return BusyError(
        f"{path}: another process has this database open; stop it first "
        "(python -m runners.live --stop) or give another --db"
    )


def _request() -> bytes:
    return struct.pack("@hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, _OFFSET, 1, 0)


def _lock_byte(descriptor: int) -> None:
    if sys.platform == "win32":
        os.lseek(descriptor, _OFFSET, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    elif sys.platform == "linux":
        # Owned by the open file, not the process: another close() in this process keeps it.
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, _request())
    else:
        # SQLite closes no descriptor of a file it holds locks on, so this one lasts as well.
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _OFFSET)


def _close_in_child() -> None:
    # A forked helper process must not keep the lock alive after its parent was killed.
    for descriptor in _held:
        os.close(descriptor)
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_in_child)
