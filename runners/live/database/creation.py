"""What an opening has created, so that a start that is refused can take it back."""

from __future__ import annotations

import os
import stat
from contextlib import suppress

from runners.live.database.mark import mark_path

_BESIDE = ("-wal", "-shm", "-journal")


class Creation:
    """What was not there before a database was opened.

    Parameters
    ----------
    path : str
        Its real path.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._folders = _missing_folders(os.path.dirname(path))
        beside = (mark_path(path), *(path + end for end in _BESIDE))
        self._files = [name for name in beside if not os.path.lexists(name)]
        self._mark = _content(mark_path(path))
        self._is_empty_and_ours = False

    def claim(self, descriptor: int, *, created: bool) -> None:
        """Note that the file is locked; it is ours to remove if we made it and it is empty yet."""
        self._is_empty_and_ours = created and os.fstat(descriptor).st_size == 0

    def undo(self) -> None:
        """Remove the database and what came with it. Without a :meth:`claim`, only new folders."""
        if self._is_empty_and_ours:
            for name in (*self._files, self._path):
                with suppress(OSError):
                    os.unlink(name)
            self._put_mark_back()
        for folder in self._folders:
            with suppress(OSError):  # somebody else has put something there
                os.rmdir(folder)

    def _put_mark_back(self) -> None:
        """Leave the mark of a database that is gone, or kept elsewhere, as it was."""
        name = mark_path(self._path)
        if self._mark is None or self._mark == _content(name):
            return
        with suppress(OSError), open(name, "r+b") as file:
            file.write(self._mark)
            file.truncate()


def _missing_folders(folder: str) -> list[str]:
    """Return ``folder`` and those above it that do not exist, the innermost first."""
    missing = []
    while not os.path.lexists(folder):
        missing.append(folder)
        folder = os.path.dirname(folder)
    return missing


def _content(name: str) -> bytes | None:
    """Return what is in a plain file; None if it is none, or cannot be read."""
    with suppress(OSError):
        if stat.S_ISREG(os.lstat(name).st_mode):
            with open(name, "rb") as file:
                return file.read()
    return None
