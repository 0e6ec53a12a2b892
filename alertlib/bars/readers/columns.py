"""From a frame with typed columns (Parquet, the store, a user's own) to a table of bars."""

from __future__ import annotations

import polars as pl

from alertlib.bars.quality.findings import Finding
from alertlib.bars.quality.rows import OUTSIDE_YEARS
from alertlib.bars.readers.table import NOT_WHOLE, Read, Table, one_label, table_frame
from alertlib.bars.readers.times import converted, epoch_to_wall_clock, sayable
from alertlib.bars.schema import PRICES, VOLUMES
from alertlib.errors import DataError
from alertlib.market.clock import EXCHANGE_ZONE

_TIME_NAMES = ("time", "datetime", "timestamp", "date")
_TIMEFRAME_NAMES = ("timeframe", "tf")

KNOWN_NAMES = frozenset((*_TIME_NAMES, *PRICES, *VOLUMES, "symbol", *_TIMEFRAME_NAMES))
"""Columns a table of bars can use, in lower case."""


def table_from_columns(
    frame: pl.DataFrame, where: str, layout: str, *, synthetic: bool = False
) -> Table:
    """Check names and types and bring them to the table's schema.

    Parameters
    ----------
    frame : polars.DataFrame
        Columns in any order; names in any case. ``time`` may be a datetime (naive wall clock,
        or zoned and then converted), a date, or the exchange-local epoch of the MetaTrader5
        package. ``symbol`` and ``timeframe`` (or ``tf``) columns are read where present.
    where : str
        Name of the source, for messages.

    Raises
    ------
    DataError
        A column is missing or of a type that cannot hold what it should.
    """
    if frame.width == 0 or frame.height == 0:
        raise DataError(
            f"{where}: no rows; expected bars with time, open, high, low, close; "
            "export the history again"
        )
    names = _names(frame, where)
    time, findings = _time(frame[names["time"]], where)
    read = {"time": time}
    read |= {name: _price(frame[names[name]], where) for name in PRICES}
    read |= {name: _volume(frame[names[name]], name, where) for name in VOLUMES if name in names}
    return Table(
        table_frame(pl.int_range(frame.height, eager=True), read),
        row_word="row",
        layout=layout,
        symbol=one_label(_label(frame, names, "symbol"), "symbol", where),
        timeframe=one_label(_label(frame, names, "timeframe"), "timeframe", where),
        synthetic=synthetic,
        findings=findings,
    )


def _names(frame: pl.DataFrame, where: str) -> dict[str, str]:
    """Map the canonical names to those of the frame."""
    lowered: dict[str, str] = {}
    for name in frame.columns:
        lowered.setdefault(name.strip().lower(), name)
    names = {name: lowered[name] for name in (*PRICES, *VOLUMES, "symbol") if name in lowered}
    for canonical, spellings in (("time", _TIME_NAMES), ("timeframe", _TIMEFRAME_NAMES)):
        found = next((lowered[name] for name in spellings if name in lowered), None)
        if found is not None:
            names[canonical] = found
    missing = [name for name in ("time", *PRICES) if name not in names]
    if missing:
        raise DataError(
            f"{where}: no column {', '.join(f'`{name}`' for name in missing)}; got "
            f"{', '.join(frame.columns[:12])}; expected time, open, high, low, close and any of "
            f"{', '.join(VOLUMES)}; rename the columns"
        )
    return names


def _time(column: pl.Series, where: str) -> tuple[Read, tuple[Finding, ...]]:
    kind = column.dtype
    findings: tuple[Finding, ...] = ()
    if kind.is_integer():
        times = epoch_to_wall_clock(column, where)
    elif isinstance(kind, (pl.Datetime, pl.Date)):
        fine = sayable(column)
        times = column if fine.all() else pl.select(pl.when(fine).then(column)).to_series()
        if isinstance(kind, pl.Datetime) and kind.time_zone is not None:
            times = times.dt.convert_time_zone(EXCHANGE_ZONE).dt.replace_time_zone(None)
            count = column.len() - column.null_count()
            findings = (converted(f"the zone {kind.time_zone}", count),)
    else:
        raise DataError(
            f"{where}: column `{column.name}` is {kind}; expected datetimes or epoch seconds; "
            "parse the times before"
        )
    failed = times.is_null() & column.is_not_null()
    return Read(
        times.cast(pl.Datetime("us")), column.to_physical(), failed, OUTSIDE_YEARS
    ), findings


def _price(column: pl.Series, where: str) -> Read:
    if not (column.dtype.is_numeric() or column.dtype == pl.Null):
        raise DataError(
            f"{where}: column `{column.name}` is {column.dtype}; expected numbers; "
            "convert it to float before"
        )
    return Read(column.cast(pl.Float64), column)


def _volume(column: pl.Series, name: str, where: str) -> Read:
    """Read whole numbers; NaN stands for null in frames that come from pandas."""
    kind = column.dtype
    if not (kind.is_numeric() or kind == pl.Null):
        raise DataError(
            f"{where}: column `{column.name}` is {kind}; expected whole numbers; "
            "convert it to int before"
        )
    if kind.is_float():
        column = column.fill_nan(None)
    whole = column.cast(pl.Int64, strict=False)
    failed = whole.is_null() & column.is_not_null()
    if kind.is_float() or kind.is_decimal():
        failed |= (column != whole.cast(kind, strict=False)).fill_null(False)
    return Read(whole, column, failed, NOT_WHOLE.format(name))


def _label(frame: pl.DataFrame, names: dict[str, str], what: str) -> pl.Series | None:
    return frame[names[what]] if what in names else None
