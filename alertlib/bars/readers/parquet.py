"""Bars from Parquet files.

Decoded by pyarrow, not by polars. On a damaged file polars 2.1 may print a Rust panic past
Python, or abort the process outright when a corrupt length asks for more memory than there is
(seen once in some 11,000 flipped bits). pyarrow refuses such files with an exception, and once
polars and numpy are loaded it costs about 30 ms more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from alertlib.bars.readers.choice import ANYTHING, Asked
from alertlib.bars.readers.columns import symbols_of_columns, table_from_columns
from alertlib.bars.readers.names import is_known
from alertlib.bars.readers.stacked import Level, one_level, written_levels
from alertlib.bars.readers.table import Table, one_line
from alertlib.errors import DataError

VOUCHED = frozenset({"bdfdb96d7aa040a5a019a69b9551a3a4d5f302cf748d8c5445154cd60c7c9889"})
"""Hashes of files known to be whole, and synthetic: the bundled sample. They need no pyarrow."""

_VOUCHED_BELOW = 1 << 20

# Rows decoded at once.
BATCH = 65_536

SYNTHETIC_KEY = "alertlib.synthetic"
"""Key of the file's metadata; the value ``true`` declares its bars synthetic."""


def is_parquet(path: Path) -> bool:
    """Whether a file is Parquet, or calls itself so."""
    with path.open("rb") as file:
        return file.read(4) == b"PAR1" or path.suffix.lower() in (".parquet", ".pq")


def read_parquet(path: Path, asked: Asked = ANYTHING) -> Table:
    """Read one Parquet file; of several series the rows of the one asked for.

    Raises
    ------
    DataError
        The file is damaged or lacks a column. Few writers add checksums to their pages, so a
        flipped bit that leaves a decodable page yields other prices; the row checks and the
        canonical hash are then what is left to notice it.
    """
    frame, synthetic, unused, ticker = _decode(path, asked.symbol)
    layout = f"Parquet, not used: {' '.join(unused)}" if unused else "Parquet"
    if ticker:
        layout += f", ticker {ticker}"
    table = table_from_columns(frame, str(path), layout, synthetic=synthetic, asked=asked)
    return replace(table, symbol=table.symbol or ticker)


def symbols_of_parquet(path: Path) -> list[str]:
    """Return the symbols that the rows of one Parquet file name, in order."""
    return symbols_of_columns(_decode(path).frame)


def read_parts(paths: Sequence[Path], where: str) -> Table:
    """Read several files of one series, in the order given, as one table."""
    parts = [_decode(path) for path in paths]
    frame = pl.concat([part.frame for part in parts], how="diagonal_relaxed")
    return table_from_columns(
        frame, where, "bar store", synthetic=any(part.synthetic for part in parts)
    )


class _Decoded(NamedTuple):
    """Columns of a file that bars may use, the names of the others, and the ticker over them."""

    frame: pl.DataFrame
    synthetic: bool
    unused: list[str]
    ticker: str | None = None


def _decode(path: Path, symbol: str | None = None) -> _Decoded:
    content = path.read_bytes() if path.stat().st_size < _VOUCHED_BELOW else b""
    if content and hashlib.sha256(content).hexdigest() in VOUCHED:
        return _Decoded(pl.read_parquet(content), True, [])
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with (
            _shared_memory(),
            pq.ParquetFile(path, page_checksum_verification=True, pre_buffer=False) as file,
        ):
            synthetic = (file.metadata.metadata or {}).get(SYNTHETIC_KEY.encode()) == b"true"
            level = _level(file, symbol, str(path))
            frame, unused = _read_known(file, level.names)
            return _Decoded(frame, synthetic, unused, level.symbol)
    except (pa.ArrowException, OSError, UnicodeDecodeError, pl.exceptions.PolarsError) as error:
        raise DataError(
            f"{path}: not a readable Parquet file ({one_line(error)}); expected undamaged "
            "Parquet; export or fetch it again"
        ) from error


@contextmanager
def _shared_memory() -> Iterator[None]:
    """Let pyarrow take memory where NumPy does, so that what it frees is used again.

    Its own pool keeps some 25 MB after a million bars, for nobody.
    """
    import pyarrow as pa

    pool = pa.default_memory_pool()
    pa.set_memory_pool(pa.system_memory_pool())
    try:
        yield
    finally:
        pa.set_memory_pool(pool)


def _level(file: Any, symbol: str | None, where: str) -> Level:
    """Return what the columns are called: pandas writes two levels of names into one."""
    names = [field.name for field in file.schema_arrow]
    levels = written_levels(names)
    return (one_level(levels, symbol, where) if levels else None) or Level(names, None)


def _read_known(file: Any, called: list[str | None]) -> tuple[pl.DataFrame, list[str]]:
    """Read the columns bars can use, or all of them where none is: for the message's sake.

    The names of the others come with them. One at a time, so that what decoding needs beside a
    column is needed once.
    """
    names = [field.name for field in file.schema_arrow]
    known = {
        name: plainly
        for name, plainly in zip(names, called, strict=True)
        if plainly is not None and is_known(plainly)
    }
    if not known:
        return _to_polars(file.read()), []
    parts = [_to_polars(_read_column(file, name)).rename(known, strict=False) for name in known]
    frame = pl.DataFrame([column for part in parts for column in part])
    return frame, [name for name in names if name not in known]


def _read_column(file: Any, name: str) -> Any:
    """Return one column as a table, without a second copy of it while it is read.

    Numbers without nulls go batch by batch into an array of their final size; what a whole
    column takes while it grows is as much again.
    """
    import pyarrow as pa

    kind = file.schema_arrow.field(name).type
    plain = pa.types.is_float64(kind) or pa.types.is_int64(kind) or pa.types.is_timestamp(kind)
    values = np.empty(file.metadata.num_rows if plain else 0, dtype=np.int64)
    filled = 0
    for batch in file.iter_batches(BATCH, columns=[name], use_threads=False) if plain else ():
        batch.validate(full=True)
        (part,) = batch.columns
        if part.null_count:
            break
        values[filled : filled + len(part)] = np.frombuffer(
            part.buffers()[1], dtype=np.int64, count=len(part), offset=8 * part.offset
        )
        filled += len(part)
    if not plain or filled < len(values):
        return file.read(columns=[name], use_threads=False)
    array = pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(values)])
    return pa.Table.from_arrays([array], names=[name])


def _to_polars(table: Any) -> pl.DataFrame:
    """Convert without what polars panics on: names, zones or metadata that are not UTF-8."""
    import pyarrow as pa

    table.validate(full=True)
    str(table.schema)  # decodes all names and zones, or raises
    return pl.DataFrame(pa.Table.from_arrays(table.columns, names=table.column_names))
