"""What the reader of a replay writes: a JSON head, then one record per bar. Standard library."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, BinaryIO

from alertlib.detection.bar import Bar

#: Stream, open in minutes since 1970-01-01 (wall clock), open, high, low, close, both volumes.
ROW = struct.Struct("<Iqddddqq")
NO_VOLUME = -(2**63)

_LENGTH = struct.Struct("<I")
_START = datetime(1970, 1, 1)
_AT_ONCE = 256


def write_head(out: BinaryIO, head: dict[str, Any]) -> None:
    """Write the head, its length in front."""
    content = json.dumps(head).encode()
    out.write(_LENGTH.pack(len(content)) + content)


def read_head(source: BinaryIO) -> dict[str, Any] | None:
    """Return the head; None if the writer died before it was whole."""
    length = source.read(_LENGTH.size)
    if len(length) < _LENGTH.size:
        return None
    content = source.read(_LENGTH.unpack(length)[0])
    try:
        head: dict[str, Any] = json.loads(content)
    except ValueError:
        return None
    return head


def read_rows(source: BinaryIO) -> Iterator[tuple[int, Bar]]:
    """Yield each bar with the number of its stream."""
    while chunk := source.read(_AT_ONCE * ROW.size):
        for stream, minute, opened, high, low, close, ticks, contracts in ROW.iter_unpack(chunk):
            time = _START + timedelta(minutes=minute)
            yield stream, Bar(time, opened, high, low, close, _volume(ticks), _volume(contracts))


def _volume(value: int) -> int | None:
    return None if value == NO_VOLUME else value
