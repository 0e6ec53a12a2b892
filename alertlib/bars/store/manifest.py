"""The bar store's manifest: what each partition holds, where it came from, and its hash."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, get_args

import msgspec

from alertlib._files import replace, write_durably
from alertlib.config.types import Symbol, Timeframe
from alertlib.errors import DataError, StorageError

MANIFEST = "manifest.json"
PENDING = "manifest.json.tmp"
QUARANTINE = "quarantine"
PARTITION_FILE = "bars.parquet"
_KEY = re.compile(r"symbol=([^/]+)/timeframe=([^/]+)/year=(\d{4})", re.ASCII)
_NAMES = {"symbol": Symbol, "timeframe": Timeframe}


class Key(NamedTuple):
    """One partition: a year of one symbol at one timeframe."""

    symbol: str
    timeframe: str
    year: int

    def __str__(self) -> str:
        return f"symbol={self.symbol}/timeframe={self.timeframe}/year={self.year:04d}"


def check_names(symbol: str, timeframe: str, where: str) -> None:
    """Refuse names that are none, before they become those of directories."""
    for what, value in (("symbol", symbol), ("timeframe", timeframe)):
        pattern = get_args(_NAMES[what])[1]
        if value not in pattern:
            raise DataError(f"{where}: got the {what} {value!r}; expected {pattern}; correct it")


class Revision(msgspec.Struct, frozen=True):
    """A bar that came again with other values; the stored one was kept.

    ``received`` is None for a stored bar that the source no longer has.
    """

    time: datetime
    stored: dict[str, float | int | None]
    received: dict[str, float | int | None] | None
    source: str
    seen_at: datetime


class Lost(msgspec.Struct, frozen=True):
    """Bars that were stored, turned out damaged and wait in quarantine to be fetched again."""

    first: datetime
    last: datetime
    rows: int
    moved_to: str | None


class Removal(msgspec.Struct, frozen=True):
    """Bars that somebody took out; ``moved_to`` holds them."""

    first: datetime
    last: datetime
    rows: int
    moved_to: str
    removed_at: datetime


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the manifest says of one partition.

    ``first`` and ``last`` are open times, exchange wall clock; ``fetched_at`` is UTC;
    ``server_offset`` is the terminal's clock less UTC in seconds, null where it is unknown.
    ``bad_rows`` counts the rows left out, by the file of ``quarantine/`` that lists them. A
    partition whose file was ``lost`` and not yet fetched again has no rows and no hash; one
    whose bars were all ``removed`` has no rows.
    """

    source: str
    rows: int
    first: datetime
    last: datetime
    sha256: str
    fetched_at: datetime
    server_offset: int | None
    synthetic: bool = False
    bad_rows: dict[str, int] = {}
    revisions: tuple[Revision, ...] = ()
    lost: Lost | None = None
    removed: tuple[Removal, ...] = ()


Manifest = dict[Key, Entry]


def load_manifest(root: Path, name: str = MANIFEST) -> Manifest:
    """Read the manifest of the store at ``root``; empty where there is none yet.

    Raises
    ------
    DataError
        It is there and cannot be understood.
    StorageError
        It is there and cannot be read.
    """
    path = root / name
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise StorageError(f"{path}: cannot be read ({error.strerror}); check the disk") from error
    try:
        entries = msgspec.json.decode(content, type=dict[str, Entry])
    except msgspec.MsgspecError as error:
        raise DataError(
            f"{path}: not a manifest of a bar store ({error}); expected one entry for each "
            "partition; restore it from a backup, or fetch into another directory"
        ) from error
    return {_parse_key(text, path): entry for text, entry in entries.items()}


def _parse_key(text: str, path: Path) -> Key:
    found = _KEY.fullmatch(text)
    if found is None:
        raise DataError(
            f"{path}: got the key {text!r}; expected symbol=S/timeframe=T/year=Y; restore the "
            "manifest from a backup, or fetch into another directory"
        )
    check_names(found[1], found[2], str(path))
    return Key(found[1], found[2], int(found[3]))


def stage_manifest(root: Path, manifest: Mapping[Key, Entry]) -> None:
    """Write the next manifest beside the present one and bring it to the disk."""
    entries = {str(key): entry for key, entry in sorted(manifest.items())}
    content = msgspec.json.format(msgspec.json.encode(entries), indent=2)
    write_durably(root / PENDING, content + b"\n")


def commit_manifest(root: Path) -> None:
    """Make the staged manifest the present one."""
    replace(root / PENDING, root / MANIFEST)
