"""The head of the log noted beside the database: what was acknowledged, so what must be there.

SQLite takes a write-ahead log that was cut, damaged or removed for a shorter one and says
nothing. The mark is written after each fsync, never before, so it never runs ahead of what is on
disk: a database that ends before its mark has lost something it had acknowledged. Against
somebody who rewrites both, an anchor kept elsewhere is needed.
"""

from __future__ import annotations

import os
import re
from typing import NamedTuple

_PATTERN = re.compile(rb"([0-9a-f]{1,64}) ([0-9]{20}) ([0-9a-f]{64})\n")


class Mark(NamedTuple):
    """Epoch of the database, number and hash of the last event acknowledged."""

    epoch: str
    seq: int
    hash: str


def mark_path(path: str) -> str:
    """Return where the mark of the database at ``path`` is kept."""
    return f"{path}-head"


def read_mark(path: str) -> Mark | None:
    """Read the mark of the database at ``path``; None if there is none that can be read."""
    try:
        with open(mark_path(path), "rb") as file:
            match = _PATTERN.fullmatch(file.read(256))
    except OSError:
        return None
    return match and Mark(match[1].decode(), int(match[2]), match[3].decode())


class MarkFile:
    """The mark, open for writing. A few bytes in one place: no fsync, no partial state."""

    def __init__(self, path: str, epoch: str) -> None:
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
        self._descriptor = os.open(mark_path(path), flags, 0o600)
        self._epoch = epoch

    def note(self, seq: int, digest: str) -> None:
        """Note event ``seq`` as acknowledged; call only after its fsync."""
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        os.write(self._descriptor, f"{self._epoch} {seq:020d} {digest}\n".encode())

    def close(self) -> None:
        """Close the file; the mark stays."""
        os.close(self._descriptor)
