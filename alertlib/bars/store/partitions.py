"""Partition files: one Parquet file each, read only if its hash is the one the manifest tells."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import polars as pl
from polars.io.plugins import register_io_source

from alertlib.bars.schema import BAR_SCHEMA
from alertlib.bars.store.manifest import (
    MANIFEST,
    PARTITION_FILE,
    PENDING,
    Entry,
    Key,
    Manifest,
    load_manifest,
)
from alertlib.errors import DataError

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


def verified_content(root: Path, key: Key, entry: Entry) -> bytes | None:
    """Return the content of a partition's file; None if it is not what ``entry`` describes."""
    try:
        content = partition_file(root, key).read_bytes()
    except OSError:
        return None
    return content if hashlib.sha256(content).hexdigest() == entry.sha256 else None


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
        staged[key].sha256 != _hash_of(present, key)
        and verified_content(root, key, staged[key]) is not None
        for key in changed
    )
    return (staged, True) if in_force else (present, False)


def _hash_of(manifest: Manifest, key: Key) -> str | None:
    entry = manifest.get(key)
    return entry.sha256 if entry else None


def read_partition(root: Path, key: Key, entry: Entry) -> bytes:
    """Return the content of a partition's file after comparing its hash.

    Raises
    ------
    DataError
        The file is missing or is not the one the manifest describes.
    """
    for _ in range(_LOOKS):
        content = verified_content(root, key, entry)
        if content is not None:
            return content
        entry = settled_manifest(root)[0].get(key, entry)
    raise DataError(
        f"{root / str(key)}: the file is missing or damaged; expected the {entry.rows:,} bars of "
        f"{root / MANIFEST}; run the fetch or import that stored them again (what is damaged is "
        "then set aside and replaced)"
    )


def decode(content: bytes) -> pl.LazyFrame:
    """Return the bars of a partition file's content."""
    return pl.scan_parquet(io.BytesIO(content)).select(BAR_SCHEMA.names())


def scan_partitions(
    root: Path,
    partitions: Sequence[tuple[Key, Entry]],
    first: datetime | None,
    last: datetime | None,
) -> pl.LazyFrame:
    """Return the bars of ``partitions`` (in order of time) that open in ``[first, last]``.

    Each file is read once, whole, when its turn comes, and decoded from the very bytes whose
    hash was compared: a file that a writer replaces meanwhile is never seen in parts. One
    partition at a time is in memory.
    """

    def read(
        columns: list[str] | None, predicate: pl.Expr | None, limit: int | None, _: int | None
    ) -> Iterator[pl.DataFrame]:
        for key, entry in partitions:
            bars = decode(read_partition(root, key, entry))
            if first is not None:
                bars = bars.filter(pl.col("time") >= first)
            if last is not None:
                bars = bars.filter(pl.col("time") <= last)
            if predicate is not None:
                bars = bars.filter(predicate)
            if columns is not None:
                bars = bars.select(columns)
            part = (bars if limit is None else bars.head(limit)).collect()
            yield part
            if limit is not None:
                limit -= part.height
                if limit <= 0:
                    return

    return register_io_source(read, schema=BAR_SCHEMA, is_pure=False)
