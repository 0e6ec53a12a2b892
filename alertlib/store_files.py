"""Partition files: one Parquet file each, read only if its hash is the one the manifest tells."""

from __future__ import annotations

import hashlib
import io
from datetime import datetime
from pathlib import Path

import polars as pl

from alertlib.errors import DataError
from alertlib.readers.table import BAR_SCHEMA
from alertlib.store_manifest import (
    MANIFEST,
    PARTITION_FILE,
    PENDING,
    Entry,
    Key,
    Manifest,
    load_manifest,
)

# Small enough for statistics to skip most of a year of M1 bars, large enough to compress well.
_ROW_GROUP = 32_768

# A writer may have replaced file and manifest since the manifest was read.
_LOOKS = 4


def partition_file(root: Path, key: Key) -> Path:
    """Return where the file of a partition is."""
    return root / str(key) / PARTITION_FILE


def encode(bars: pl.DataFrame) -> tuple[bytes, str]:
    """Return a partition file's content (Parquet, zstd) and its SHA-256."""
    buffer = io.BytesIO()
    bars.select(BAR_SCHEMA.names()).write_parquet(
        buffer, compression="zstd", row_group_size=_ROW_GROUP, statistics=True
    )
    content = buffer.getvalue()
    return content, hashlib.sha256(content).hexdigest()


def matches(root: Path, key: Key, entry: Entry) -> bool:
    """Whether the file of a partition is there and is the one ``entry`` describes."""
    try:
        with open(partition_file(root, key), "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == entry.sha256
    except OSError:
        return False


def settled_manifest(root: Path) -> tuple[Manifest, bool]:
    """Return the manifest that is in force, and whether it is the staged one.

    A writer stages the next manifest, replaces one partition file, and then renames the
    manifest. Should it die between the two renames, the file on disk is the one the staged
    manifest describes, and that is then the manifest in force.
    """
    present = load_manifest(root)
    try:
        staged = load_manifest(root, PENDING)
    except DataError:
        # Cut short while it was written: the partition file is still the old one.
        return present, False
    changed = [key for key, entry in staged.items() if present.get(key) != entry]
    in_force = bool(changed) and all(
        staged[key].sha256 != _hash_of(present, key) and matches(root, key, staged[key])
        for key in changed
    )
    return (staged, True) if in_force else (present, False)


def _hash_of(manifest: Manifest, key: Key) -> str | None:
    entry = manifest.get(key)
    return entry.sha256 if entry else None


def check(root: Path, key: Key, entry: Entry) -> Path:
    """Return the file of a partition after comparing its hash, with a newer manifest if need be.

    Raises
    ------
    DataError
        The file is missing or is not the one the manifest describes.
    """
    for _ in range(_LOOKS):
        if matches(root, key, entry):
            return partition_file(root, key)
        entry = settled_manifest(root)[0].get(key, entry)
    raise DataError(
        f"{root / str(key)}: the file is missing or damaged; expected the {entry.rows:,} bars of "
        f"{root / MANIFEST}; run the fetch or import that stored them again (what is damaged is "
        "then set aside and replaced)"
    )


def scan_files(files: list[Path], first: datetime | None, last: datetime | None) -> pl.LazyFrame:
    """Return the bars of ``files`` (in order of time) that open in ``[first, last]``, lazily."""
    bars = pl.scan_parquet(files, glob=False, hive_partitioning=False)
    if first is not None:
        bars = bars.filter(pl.col("time") >= first)
    if last is not None:
        bars = bars.filter(pl.col("time") <= last)
    return bars.select(BAR_SCHEMA.names())
