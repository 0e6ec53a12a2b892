"""How far a client has come, and the small file that remembers it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import NamedTuple

from alertlib.errors import DataError


class Position(NamedTuple):
    """Everything up to ``seq`` of the database ``epoch`` has been dealt with."""

    epoch: str
    seq: int


def load(path: Path) -> Position | None:
    """Return the position kept in ``path``; None if there is no such file."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    try:
        fields = json.loads(text)
        epoch, seq = fields["epoch"], fields["seq"]
    except (ValueError, KeyError, TypeError):
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
    """
    temporary = path.with_name(f"{path.name}.new")
    with open(temporary, "w", encoding="utf-8") as file:
        file.write(json.dumps(position._asdict()))
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
