"""A damaged write-ahead log, seen before SQLite quietly forgets what follows the damage.

Recovery ends at the first frame whose checksum is wrong. That is right for the torn end of a
transaction that was never synced, and wrong for damage done later: synced transactions behind it
would vanish without an error. A writer that syncs every commit begins no transaction before the
one ahead of it is on disk, so a frame behind a commit behind a bad frame means damage. A WAL cut
short at its end cannot be told from one that never went further; an anchor can tell.

Format: https://www.sqlite.org/fileformat2.html#the_write_ahead_log
"""

from __future__ import annotations

import os
import struct
import sys
import time
from array import array
from typing import BinaryIO

from alertlib.errors import StorageError

_HEADER = struct.Struct(">8I")
_FRAME = struct.Struct(">6I")
_MAGIC = 0x377F0682  # its lowest bit: checksums read big-endian words
_ATTEMPTS = 4
_PAUSE_SECONDS = 0.05


def require_intact_wal(path: str) -> None:
    """Check the WAL beside the database at ``path``; it may be in use.

    Raises
    ------
    StorageError
        Synced transactions in it can no longer be read.

    Notes
    -----
    About 0.1 s per 1,000 frames, of which the store lets a WAL have some 2,000.
    """
    wal = f"{path}-wal"
    for attempt in range(_ATTEMPTS):
        try:
            with open(wal, "rb") as file:
                damage = _damage(file)
        except FileNotFoundError:
            return
        if damage is None:
            return
        if attempt < _ATTEMPTS - 1:
            # A frame half written by a running daemon looks the same, but not for long.
            time.sleep(_PAUSE_SECONDS)
    raise StorageError(
        f"{wal}: damaged, {damage}; newer events would be lost silently: keep both files and "
        "restore a backup"
    )


def _damage(file: BinaryIO) -> str | None:
    header = file.read(_HEADER.size)
    if not header:
        return None
    words = _HEADER.unpack(header) if len(header) == _HEADER.size else (0,) * 8
    magic, _, page_size, _, salt1, salt2, *sums = words
    big = bool(magic & 1)
    if magic & ~1 != _MAGIC or _checksum(header[:24], big, 0, 0) != tuple(sums):
        # All zeros is a file the file system made longer and never filled.
        return "its header is unreadable" if any(header + file.read()) else None
    return _damaged_frame(file, page_size, (salt1, salt2), big, (sums[0], sums[1]))


def _damaged_frame(
    file: BinaryIO, page_size: int, salts: tuple[int, int], big: bool, sums: tuple[int, int]
) -> str | None:
    number, bad, commit_behind_bad = 0, 0, False
    while len(frame := file.read(_FRAME.size)) == _FRAME.size:
        number += 1
        _, pages, salt1, salt2, sum1, sum2 = _FRAME.unpack(frame)
        same_run = (salt1, salt2) == salts
        if bad:
            file.seek(page_size, os.SEEK_CUR)
            if same_run and commit_behind_bad:
                return f"frame {bad} is unreadable and transactions follow it"
            commit_behind_bad |= same_run and pages > 0
            continue
        page = file.read(page_size)
        sums = _checksum(frame[:8] + page, big, *sums) if len(page) == page_size else (-1, -1)
        if not same_run or sums != (sum1, sum2):
            bad = number
            commit_behind_bad = same_run and pages > 0
    return None


def _checksum(data: bytes, big: bool, sum1: int, sum2: int) -> tuple[int, int]:
    words = array("I", data)
    if big != (sys.byteorder == "big"):
        words.byteswap()
    pairs = iter(words)
    for first, second in zip(pairs, pairs, strict=True):
        sum1 = (sum1 + first + sum2) & 0xFFFFFFFF
        sum2 = (sum2 + second + sum1) & 0xFFFFFFFF
    return sum1, sum2
