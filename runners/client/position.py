"""How far a client has come, and the small file that remembers it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import NamedTuple

from alertlib.errors import DataError, StorageError


class Position(NamedTuple):
    """Everything up to ``seq`` of the database ``epoch`` has been dealt with."""

    epoch: str
    seq: int


def load(path: Path) -> Position | None:
    """Return the position kept in ``path``; None if there is no such file.

    Raises
    ------
    DataError
        It holds something else.
    StorageError
        It cannot be read, a folder for one.
    """
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unusable(path, "read", error) from error
    try:
        fields = json.loads(text)
        epoch, seq = fields["epoch"], fields["seq"]
    except (ValueError, KeyError, TypeError, RecursionError):
        epoch = seq = None
    if not isinstance(epoch, str) or not isinstance(seq, int) or seq < 0:
        raise DataError(
            f"{path}: got {text[:60]!r}, expected a client's position such as "
            '{"epoch": "…", "seq": 7}; delete the file to start anew'
        )
    return Position(epoch, seq)


def save(path: Path, position: Position) -> None:
    """Replace the file in one step: whoever reads it sees the old position or the new one.

    Also after a power cut: the new content is on disk before its name is. That cut may take the
    newest positions back, and the alerts after them are then sent once more.

    Raises
    ------
    StorageError
        It cannot be written.
    """
    temporary = path.with_name(f"{path.name}.new")
    try:
        with open(temporary, "w", encoding="utf-8") as file:
            file.write(json.dumps(position._asdict()))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise _unusable(path, "written", error) from error


def _unusable(path: Path, done: str, error: OSError) -> StorageError:
    return StorageError(
        f"{path}: cannot be {done} ({error.strerror or error}), expected a file for the client's "
        "position, in a folder this user may write; name another"
    )
