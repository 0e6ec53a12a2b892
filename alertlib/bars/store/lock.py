"""One writer at a time: a lock that the operating system releases when its holder dies."""

from __future__ import annotations

from pathlib import Path

from alertlib._files import WriterLock

LOCK = ".lock"


class StoreLock(WriterLock):
    """Exclusive right to write the store at ``root``.

    The lock is on the file itself, so other paths to the same directory meet it too.
    """

    def __init__(self, root: Path) -> None:
        super().__init__(root / LOCK, root, "bar store", "a directory")
