"""The head of the log noted beside the database: what was acknowledged, and in which file.

SQLite takes a write-ahead log that was cut, damaged or removed for a shorter one and says
nothing. The mark is written after each fsync, never before, so it never runs ahead of what is on
disk: a database that ends before its mark has lost something it had acknowledged. Against
somebody who rewrites both, an anchor kept elsewhere is needed.

It also names the file itself, by what no copy takes along: its inode and, once the database was
closed, the time the system last changed it. So a copy of both that is put back is known for one.
"""

from __future__ import annotations

import os
import re
import stat
from contextlib import suppress
from typing import Literal, NamedTuple, cast

from alertlib.errors import StorageError

State = Literal["open", "shut", "copy"]

_PATTERN = re.compile(
    rb"([0-9a-f]{1,64}) ([0-9]{20}) ([0-9a-f]{64})(?: (open|shut|copy) ([0-9]{20}) ([0-9]{20}))?\n"
)
# Where the system has it, no file is opened through a symbolic link.
NO_LINKS = getattr(os, "O_NOFOLLOW", 0)
_FLAGS = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0) | NO_LINKS


class Mark(NamedTuple):
    """What the mark says.

    Attributes
    ----------
    epoch : str
        Of the database.
    seq, hash
        Number and hash of the last event acknowledged.
    state : {"open", "shut", "copy"} or None
        Whether the file was in use, was closed, or is a backup; None from older versions.
    inode, changed_ns : int
        Of the file; the time counts for one that was closed.
    """

    epoch: str
    seq: int
    hash: str
    state: State | None = None
    inode: int = 0
    changed_ns: int = 0

    def is_of(self, status: os.stat_result) -> bool:
        """Whether a file is the one the mark was written for, not a copy of it."""
        if self.state is None:
            return True
        same = status.st_ino == self.inode
        if self.state == "shut":
            return same and status.st_ctime_ns == self.changed_ns
        return same and self.state == "open"


def mark_path(path: str) -> str:
    """Return where the mark of the database at ``path`` is kept."""
    return f"{path}-head"


def require_plain_file(path: str) -> None:
    """Raise StorageError if there is something at ``path`` that is no file of its own.

    What cannot be looked at cannot be opened either, which says why.
    """
    with suppress(OSError):
        if not stat.S_ISREG(os.lstat(path).st_mode):
            raise StorageError(
                f"{path}: a link, a folder or a device, expected a plain file or nothing; remove it"
            )


def read_mark(path: str) -> Mark | None:
    """Read the mark of the database at ``path``; None if there is none that can be read.

    Raises
    ------
    StorageError
        Something else stands in its place.
    """
    require_plain_file(mark_path(path))
    try:
        descriptor = os.open(mark_path(path), os.O_RDONLY | _FLAGS)
    except OSError:
        return None
    with open(descriptor, "rb") as file:
        match = _PATTERN.fullmatch(file.read(256))
    return None if match is None else _mark(match)


def _mark(match: re.Match[bytes]) -> Mark:
    epoch, digest = match[1].decode(), match[3].decode()
    if match[4] is None:
        return Mark(epoch, int(match[2]), digest)
    state = cast(State, match[4].decode())
    return Mark(epoch, int(match[2]), digest, state, int(match[5]), int(match[6]))


class MarkFile:
    """The mark, open for writing. A few bytes in one place: no partial state.

    Parameters
    ----------
    path : str
        The database.
    epoch : str
        The database's.
    status : os.stat_result
        Of the database's file.
    """

    def __init__(self, path: str, epoch: str, status: os.stat_result) -> None:
        require_plain_file(mark_path(path))
        self._descriptor = os.open(mark_path(path), os.O_RDWR | os.O_CREAT | _FLAGS, 0o600)
        self._epoch, self._inode = epoch, status.st_ino
        self._seq, self._hash = 0, "0" * 64

    def note(self, seq: int, digest: str) -> None:
        """Note event ``seq`` as acknowledged; call only after its fsync."""
        self._seq, self._hash = seq, digest
        self._write("open", 0)

    def shut(self, status: os.stat_result) -> None:
        """Note that the database was closed whole; ``status`` is of its file, synced."""
        self._inode = status.st_ino
        self._write("shut", status.st_ctime_ns)
        os.fsync(self._descriptor)

    def copy(self) -> None:
        """Note that the file beside it is a copy, which is not to go on under the same epoch."""
        self._write("copy", 0)
        os.fsync(self._descriptor)

    def close(self) -> None:
        """Close the file; the mark stays."""
        os.close(self._descriptor)

    def _write(self, state: State, changed_ns: int) -> None:
        text = f"{self._epoch} {self._seq:020d} {self._hash} {state} {self._inode:020d} "
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        os.write(self._descriptor, f"{text}{changed_ns:020d}\n".encode())


def note_shut(path: str, mark: Mark) -> None:
    """Write ``mark``'s epoch and event for the database at ``path``, which nobody has open now."""
    descriptor = os.open(path, os.O_RDWR | _FLAGS)
    try:
        os.fsync(descriptor)
        status = os.fstat(descriptor)
    finally:
        os.close(descriptor)
    file = MarkFile(path, mark.epoch, status)
    try:
        file.note(mark.seq, mark.hash)
        file.shut(status)
    finally:
        file.close()
