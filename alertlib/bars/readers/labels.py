"""Manual labels: moves that a person marked."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from alertlib.bars.readers.table import one_line
from alertlib.errors import DataError
from alertlib.market.clock import EXCHANGE_ZONE

_COLUMNS = ("time_start", "time_end", "direction")


def read_labels(source: str | Path | pl.DataFrame) -> tuple[pl.DataFrame, str]:
    """Read a table of moves.

    Parameters
    ----------
    source : path or DataFrame
        Columns ``time_start``, ``time_end`` (opens of the move's first and last bar, ISO or
        datetime, exchange wall clock; a datetime with a zone is converted) and ``direction``
        (1 or -1), optionally ``note``. A file is Parquet or CSV by its ending.

    Returns
    -------
    labels : DataFrame
        Times as naive datetimes, direction as integer.
    where : str
        The table's name for messages.

    Raises
    ------
    DataError
        If the file cannot be read or a column is missing or of another type.
    """
    if isinstance(source, pl.DataFrame):
        frame, where = source, "labels"
    else:
        where = str(source)
        frame = _read_file(Path(source))
    missing = [name for name in _COLUMNS if name not in frame.columns]
    if missing:
        raise DataError(
            f"{where}: column {missing[0]!r} is missing; expected {', '.join(_COLUMNS)} "
            f"and optionally note, got {', '.join(frame.columns)}"
        )
    times = [_times(frame, name, where) for name in _COLUMNS[:2]]
    direction = _whole(frame["direction"])
    if direction.null_count():
        row = direction.is_null().arg_max() or 0
        raise DataError(
            f"{where}: row {row + 1}: direction {frame['direction'][row]!r}; expected 1 or -1"
        )
    return pl.DataFrame([*times, direction.alias("direction")]), where


def _read_file(path: Path) -> pl.DataFrame:
    if not path.is_file():
        raise DataError(f"{path}: no such file; expected a label table (CSV or Parquet)")
    # Polars may panic on a damaged Parquet file; pyarrow refuses it.
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        if path.suffix.lower() == ".parquet":
            return pl.DataFrame(pq.read_table(path))
        return pl.read_csv(path, infer_schema=False)
    except (OSError, pa.ArrowException, pl.exceptions.PolarsError) as error:
        raise DataError(
            f"{path}: cannot be read ({one_line(error)}); expected a label table (CSV or Parquet)"
        ) from error


def _whole(column: pl.Series) -> pl.Series:
    """Return a column as integers, null where it is not one."""
    numbers = column.cast(pl.Float64, strict=False)
    integers = numbers.cast(pl.Int64, strict=False)
    return integers.zip_with(integers == numbers, pl.Series([None], dtype=pl.Int64))


def _times(frame: pl.DataFrame, name: str, where: str) -> pl.Series:
    column = frame[name]
    if column.dtype == pl.String:
        text = column.str.strip_chars().str.replace(" ", "T", literal=True)
        # Seconds may be left out.
        full = pl.select(
            pl.when(text.str.len_chars() == 16).then(text + ":00").otherwise(text)
        ).to_series()
        parsed = full.str.to_datetime("%Y-%m-%dT%H:%M:%S", time_unit="us", strict=False)
    elif isinstance(column.dtype, pl.Datetime):
        if column.dtype.time_zone is not None:
            column = column.dt.convert_time_zone(EXCHANGE_ZONE).dt.replace_time_zone(None)
        parsed = column.cast(pl.Datetime("us"))
    else:
        raise DataError(f"{where}: column {name!r} is {column.dtype}; expected times")
    if parsed.null_count():
        row = parsed.is_null().arg_max() or 0
        raise DataError(
            f"{where}: row {row + 1}: {name} {column[row]!r}; expected a time such as "
            "2026-01-05T10:15, exchange wall clock"
        )
    return parsed.alias(name)
