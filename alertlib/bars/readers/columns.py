"""From a frame with typed columns (Parquet, the store, a user's own) to a table of bars."""

from __future__ import annotations

import polars as pl

from alertlib.bars.quality.findings import Finding
from alertlib.bars.quality.rows import OUTSIDE_YEARS
from alertlib.bars.readers.choice import ANYTHING, Asked, choose_rows, labels_of
from alertlib.bars.readers.names import Headings, may_be_money, read_headings
from alertlib.bars.readers.numbers import UNSIGNED, is_absent
from alertlib.bars.readers.table import NOT_WHOLE, Read, Table, table_rows
from alertlib.bars.readers.times import (
    clock_text,
    converted,
    epoch_to_wall_clock,
    is_clock,
    parse_times,
    sayable,
    utc_to_wall_clock,
)
from alertlib.bars.readers.volumes import TOO_LARGE, is_too_large, money_left_out, read_volume
from alertlib.bars.schema import PRICES, VOLUMES
from alertlib.errors import DataError

_TEXTS = (pl.String, pl.Categorical, pl.Enum)


def table_from_columns(
    frame: pl.DataFrame,
    where: str,
    layout: str,
    *,
    synthetic: bool = False,
    asked: Asked = ANYTHING,
) -> Table:
    """Check names and types and bring them to the table's schema.

    Parameters
    ----------
    frame : polars.DataFrame
        Columns in any order, under any of the spellings of :mod:`.names`. The time may be a
        datetime (naive wall clock, or zoned and then converted), a date, text, or the
        exchange-local epoch of the MetaTrader5 package. ``symbol`` and ``timeframe`` columns
        are read where present; other columns are named in the layout.
    where : str
        Name of the source, for messages.
    layout : str
        How the source was laid out, for people.
    asked : Asked
        Whose rows to take, where the frame holds those of several series.

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
    headings = _headings(frame, where)
    columns = {name: frame.to_series(place) for name, place in headings.places.items()}
    chosen = choose_rows(columns, asked, where)
    time, findings = _time(_time_column(columns), headings.utc, where)
    read = {"time": time}
    read |= {name: _price(columns[name], where) for name in PRICES}
    notes = [f"not used: {' '.join(headings.ignored)}"] if headings.ignored else []
    money = []
    for name in VOLUMES:
        if name in columns:
            volume = _volume(columns[name], name)
            if volume is not None and _is_money(columns[name], name, volume):
                money.append(money_left_out(columns[name].name, frame.height, TOO_LARGE))
                notes.append(TOO_LARGE.note)
            elif volume is None:
                notes.append(f"not used: {columns[name].name} ({columns[name].dtype})")
            else:
                read[name] = volume
    places = pl.int_range(frame.height, eager=True)
    rows = table_rows(places, read, chosen.reason).only(chosen.rows)
    return Table(
        rows.frame,
        rows.unread,
        row_word="row",
        layout=", ".join((layout, *notes, *chosen.notes)),
        symbol=chosen.symbol,
        timeframe=chosen.timeframe,
        synthetic=synthetic,
        findings=(*findings, *money),
    )


def symbols_of_columns(frame: pl.DataFrame) -> list[str]:
    """Return the symbols that the rows of a frame name, in order."""
    place = read_headings(frame.columns).places.get("symbol")
    return [] if place is None else labels_of(frame.to_series(place))


def _headings(frame: pl.DataFrame, where: str) -> Headings:
    headings = read_headings(frame.columns)
    if headings.missing:
        raise DataError(
            f"{where}: no column {', '.join(f'`{name}`' for name in headings.missing)}; got "
            f"{', '.join(frame.columns[:12])}; expected time, open, high, low, close and any of "
            f"{', '.join(VOLUMES)}; rename the columns"
        )
    return headings


def _time_column(columns: dict[str, pl.Series]) -> pl.Series:
    """Return the column of times; a date and a clock beside each other are put together."""
    date, clock = columns.get("date"), columns.get("time")
    if date is not None and clock is not None and not _is_whole_time(clock):
        if clock.dtype == pl.Time and not isinstance(date.dtype, _TEXTS):
            combined = pl.lit(date.cast(pl.Date)).dt.combine(pl.lit(clock))
            return pl.select(combined).to_series().alias(clock.name)
        if clock.dtype.is_integer():
            clock = clock_text(clock)
        parts = [date.cast(pl.String).str.strip_chars(), clock.cast(pl.String).str.strip_chars()]
        return pl.select(pl.concat_str(parts, separator=" ")).to_series().alias(clock.name)
    if clock is not None and (_is_whole_time(clock) or "datetime" not in columns):
        return clock
    return columns["datetime"] if "datetime" in columns else columns["date"]


def _is_whole_time(clock: pl.Series) -> bool:
    """Whether a column has dates as well, and not the time of the day only."""
    if isinstance(clock.dtype, _TEXTS):
        present = clock.cast(pl.String).drop_nulls().head(50)
        return not present.str.contains(r"^\s*\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?\s*$").all()
    if clock.dtype.is_integer():
        return not is_clock(clock)  # 93000 and not an epoch
    return clock.dtype != pl.Time


def _time(column: pl.Series, utc: bool, where: str) -> tuple[Read, tuple[Finding, ...]]:
    kind = column.dtype
    if isinstance(kind, _TEXTS):
        return _text_time(column.cast(pl.String).str.strip_chars(), utc, where)
    zone = f"UTC by their heading `{column.name}`" if utc else ""
    if kind.is_float():
        column = _whole(column)
        kind = column.dtype
    if kind.is_integer():
        times = epoch_to_wall_clock(column, where)
    elif isinstance(kind, (pl.Datetime, pl.Date)):
        fine = sayable(column)
        times = column if fine.all() else pl.select(pl.when(fine).then(column)).to_series()
        if isinstance(kind, pl.Datetime) and kind.time_zone is not None:
            zone = f"the zone {kind.time_zone}"
            times = times.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    else:
        raise DataError(
            f"{where}: column `{column.name}` is {kind}; expected datetimes, text or epoch "
            "seconds; parse the times before"
        )
    failed = times.is_null() & column.is_not_null()
    times = times.cast(pl.Datetime("us"))
    if zone:
        times = utc_to_wall_clock(times)
    read = Read(times, column.to_physical(), failed, OUTSIDE_YEARS)
    count = column.len() - column.null_count()
    return read, (converted(zone, count),) if zone else ()


def _whole(column: pl.Series) -> pl.Series:
    """Return floats that are whole numbers as integers, NaN as null; others as they are."""
    column = column.fill_nan(None)
    whole = column.cast(pl.Int64, strict=False)
    return (
        whole if (whole == column).all() and whole.null_count() == column.null_count() else column
    )


def _text_time(texts: pl.Series, utc: bool, where: str) -> tuple[Read, tuple[Finding, ...]]:
    rows = pl.int_range(texts.len(), eager=True)
    times = parse_times(texts, rows, where, utc=utc)
    failed = times.column.is_null() & ~is_absent(texts)
    zone = f"UTC by their heading `{texts.name}`" if utc else "offsets from UTC"
    count = texts.len() - times.column.null_count()
    return (
        Read(times.column, texts, failed, "not a time"),
        (converted(zone, count),) if times.offset else (),
    )


def _price(column: pl.Series, where: str) -> Read:
    if not (column.dtype.is_numeric() or column.dtype == pl.Null):
        raise DataError(
            f"{where}: column `{column.name}` is {column.dtype}; expected numbers; "
            "convert it to float before"
        )
    return Read(column.cast(pl.Float64), column)


def _is_money(column: pl.Series, name: str, volume: Read) -> bool:
    values = column if column.dtype.is_numeric() else volume.values
    return name == "real_volume" and may_be_money(column.name) and is_too_large(values)


def _volume(column: pl.Series, name: str) -> Read | None:
    """Read whole numbers; None of a type that holds none. NaN is null, as pandas means it."""
    kind = column.dtype
    if isinstance(kind, _TEXTS):
        return read_volume(column.cast(pl.String).str.strip_chars(), name, UNSIGNED, False)
    if not (kind.is_numeric() or kind == pl.Null):
        return None
    if kind.is_float():
        column = column.fill_nan(None)
    whole = column.cast(pl.Int64, strict=False)
    failed = whole.is_null() & column.is_not_null()
    if kind.is_float() or kind.is_decimal():
        fraction = (column != whole.cast(kind, strict=False)).fill_null(False)
        failed |= fraction
        whole = pl.select(pl.when(~fraction).then(whole)).to_series()
    return Read(whole, column, failed, NOT_WHOLE.format(name))
