"""Frames of other libraries as Polars frames: their indices and columns of two levels included."""

from __future__ import annotations

from typing import Any

import polars as pl

from alertlib.bars.readers.names import read_headings
from alertlib.bars.readers.stacked import one_level
from alertlib.bars.readers.table import one_line
from alertlib.errors import DataError


def as_polars(df: Any, where: str, symbol: str | None = None) -> pl.DataFrame:
    """Return any frame as a Polars one.

    Parameters
    ----------
    df : polars.DataFrame or LazyFrame, pandas.DataFrame, or anything polars makes a frame of
        The index of a pandas frame becomes a column where no column holds the time; of columns
        of two levels (yfinance) those of ``symbol`` are taken.
    where : str
        Name of the frame, for messages.
    symbol : str, optional

    Raises
    ------
    DataError
        No frame can be made of it.
    """
    if isinstance(df, pl.DataFrame):
        return df
    try:
        if isinstance(df, pl.LazyFrame):
            return df.collect()
        if _is_pandas(df):
            df = _without_index(_one_level(df, where, symbol))
        return pl.DataFrame(df)
    except DataError:
        raise
    # Arrow's errors are of these kinds as well.
    except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError) as error:
        raise DataError(
            f"{where}: got {type(df).__name__}, of which no frame can be made "
            f"({one_line(error)}); expected a Polars or pandas frame, an Arrow table or a "
            "structured array; convert it before"
        ) from error


def _is_pandas(df: Any) -> bool:
    """Whether ``df`` is a pandas frame, without importing pandas for those who have none."""
    return type(df).__module__.partition(".")[0] == "pandas" and hasattr(df, "columns")


def _one_level(df: Any, where: str, symbol: str | None) -> Any:
    """Return the frame with the level of its columns that names the prices."""
    if df.columns.nlevels == 1:
        return df
    levels = [list(map(str, df.columns.get_level_values(n))) for n in range(df.columns.nlevels)]
    level = one_level(levels, symbol, where)
    if level is None:
        return df
    flat = df.loc[:, [name is not None for name in level.names]].copy(deep=False)
    flat.columns = [name for name in level.names if name is not None]
    return flat


def _without_index(df: Any) -> Any:
    """Return the frame with its index as a column, where the index is what holds the time."""
    headings = read_headings([str(name) for name in df.columns])
    if "time" not in headings.missing:
        return df
    if type(df.index).__name__ == "PeriodIndex":
        df = df.set_axis(df.index.to_timestamp(), axis=0)
    named = read_headings([str(df.index.name)])
    if df.index.nlevels > 1 or "time" not in named.missing:
        return df.reset_index()
    if df.index.dtype.kind in "iu":
        return df
    return df.rename_axis(index="datetime").reset_index()
