"""Frames between the client and the worker: JSON with bars behind it, lengths in front.

A frame is two little-endian 32-bit lengths, a JSON object and raw bars: per bar eight
little-endian words of 64 bits, in the order of :class:`Rate`.
"""

from __future__ import annotations

import json
import struct
from typing import Any, BinaryIO, NamedTuple

_LENGTHS = struct.Struct("<II")
_RATE = struct.Struct("<qddddqqq")


class Rate(NamedTuple):
    """One bar as the terminal has it; ``time`` is the server's wall clock in seconds."""

    time: int
    open: float
    high: float
    low: float
    close: float
    tick_volume: int
    spread: int
    real_volume: int


def unpack_rates(content: bytes) -> list[Rate]:
    """Return the bars of a frame one by one."""
    return [Rate._make(fields) for fields in _RATE.iter_unpack(content)]


def write_frame(stream: BinaryIO, message: dict[str, Any], bars: bytes = b"") -> None:
    """Send one frame."""
    head = json.dumps(message).encode()
    stream.write(_LENGTHS.pack(len(head), len(bars)) + head + bars)
    stream.flush()


def read_frame(stream: BinaryIO) -> tuple[dict[str, Any], bytes] | None:
    """Return the next frame; None once the other end is gone, in mid-frame included."""
    lengths = stream.read(_LENGTHS.size)
    if len(lengths) < _LENGTHS.size:
        return None
    head_length, bars_length = _LENGTHS.unpack(lengths)
    content = stream.read(head_length + bars_length)
    if len(content) < head_length + bars_length:
        return None
    return json.loads(content[:head_length]), content[head_length:]
