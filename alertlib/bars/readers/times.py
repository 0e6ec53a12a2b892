"""Times as bars carry them: naive wall clock of the exchange."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from alertlib.bars.quality.findings import Finding, finding
from alertlib.errors import DataError
from alertlib.market.clock import EXCHANGE_ZONE

# Size of the median epoch below which the unit is this many microseconds: it tells seconds,
# milli- and microseconds apart for every date between 1973 and 5138.
_UNITS = ((10**11, 1_000_000), (10**14, 1_000), (10**17, 1))
_NANOSECONDS_PER_MICROSECOND = 1_000

# The years 2 and 9999, seconds since 1970: whatever its zone, a Python datetime holds the rest.
_FIRST_SECOND, _END_SECOND = -62_104_060_800, 253_370_764_800
_SECONDS_PER_DAY = 86_400
_PER_SECOND = {"ms": 10**3, "us": 10**6, "ns": 10**9}

# With an exponent (numpy's savetxt) only where all digits are there: of 1.75e+09 they are not.
_POWER = r"^\d\.\d{9,18}[eE]\+?\d{1,2}$"
_EPOCH = rf"^\d{{9,19}}(\.0*)?$|{_POWER}"
_OFFSET = r":\d{2}(\.\d+)?\s?(Z|GMT|UTC|(GMT|UTC)?[+-]\d{2}(:?\d{2})?)$"
_YEAR_FIRST = ("%Y.%m.%d", "%Y-%m-%d", "%Y/%m/%d", "%Y%m%d")
_DAY_FIRST = ("%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y")
_CLOCKS = (" %H:%M:%S", " %H:%M", " %H:%M:%S%.f", " %H%M%S", " %H%M", "")
_HALF_DAYS = (" %I:%M:%S %p", " %I:%M %p")
_SAMPLE = 50
_END_OF_DAY = 240_000
_WEEKS = 25
# In a text, a year before it is one of two digits.
_FIRST_YEAR = 1000


@dataclass(frozen=True, eq=False, slots=True)
class Times:
    """Parsed times and how they were written.

    Attributes
    ----------
    column : polars.Series of datetime
        Null where a text is not a time.
    written : {"epoch", "year first", "day first"}
    offset : bool
        Whether they carried an offset from UTC and were converted.
    """

    column: pl.Series
    written: str
    offset: bool = False


def epoch_to_wall_clock(column: pl.Series, where: str) -> pl.Series:
    """Decode epochs of the MetaTrader5 package into naive wall clock.

    The package writes the broker server's wall clock as if it were UTC, so decoding to naive
    gives the exchange's own time; converting it to a zone would shift it.

    Parameters
    ----------
    column : polars.Series of int
        Seconds since 1970-01-01, or milli-, micro- or nanoseconds.
    where : str
        Name of the source, for messages.
    """
    column = column.cast(pl.Int64, strict=False)
    median = column.drop_nulls().median()
    if not isinstance(median, (int, float)) or median <= 0:
        raise DataError(
            f"{where}: column `{column.name}` holds no epochs; expected seconds since "
            "1970-01-01; parse the times before"
        )
    for limit, factor in _UNITS:
        if median < limit:
            in_range = _within(column, 1_000_000 // factor)
            scaled = pl.select(pl.when(in_range).then(column * factor)).to_series()
            return scaled.cast(pl.Datetime("us")).alias(column.name)
    return (column // _NANOSECONDS_PER_MICROSECOND).cast(pl.Datetime("us"))


def is_clock(column: pl.Series) -> bool:
    """Whether integers are times of the day, such as 93000 or 930, and not epochs."""
    last = column.max()
    return isinstance(last, int) and last < _END_OF_DAY


def clock_text(column: pl.Series) -> pl.Series:
    """Return integers that :func:`is_clock` as texts, with the zeros that they have lost."""
    last = column.max()
    digits = 4 if isinstance(last, int) and last < _END_OF_DAY // 100 else 6
    return column.cast(pl.String).str.zfill(digits)


def sayable(column: pl.Series) -> pl.Series:
    """Return which dates or datetimes lie within the years 2 to 9998; on far ones polars panics."""
    physical = column.to_physical()
    if isinstance(column.dtype, pl.Datetime):
        return _within(physical, _PER_SECOND[column.dtype.time_unit])
    return _within(physical.cast(pl.Int64) * _SECONDS_PER_DAY, 1)


def _within(stamps: pl.Series, per_second: int) -> pl.Series:
    low = max(_FIRST_SECOND * per_second, -(2**63))
    high = min(_END_SECOND * per_second, 2**63 - 1)
    return (stamps >= low) & (stamps < high)


def parse_times(texts: pl.Series, numbers: pl.Series, where: str, *, utc: bool = False) -> Times:
    """Parse a column of texts, each a date and time or an epoch.

    Parameters
    ----------
    texts : polars.Series of str
        Trimmed; one blank between date and clock.
    numbers : polars.Series of int
        Line of each text in its file, for messages.
    where : str
        Name of the file, for messages.
    utc : bool
        Whether the source says that its times are UTC where they do not say so themselves.

    Raises
    ------
    DataError
        Some times carry an offset from UTC and some do not, or the dates are month first.
    """
    if is_epoch(texts):
        whole = texts.str.replace(r"\.0*$", "").cast(pl.Int64, strict=False)
        if whole.null_count():
            powers = texts.str.contains(_POWER).fill_null(False)
            values = texts.cast(pl.Float64, strict=False).cast(pl.Int64, strict=False)
            whole = whole.zip_with(~powers, values)
        column = epoch_to_wall_clock(whole, where)
        return Times(utc_to_wall_clock(column) if utc else column, "epoch", utc)
    texts = texts.str.replace(r"^(\d+-\d+-\d+|\d{8})T", "$1 ")
    offset = _all_have_offset(texts, numbers, where)
    if offset:
        texts = (
            texts.str.replace(r"\s?(Z|GMT|UTC)$", "+00:00")
            .str.replace(r"\s?(GMT|UTC)?([+-]\d{2}):?(\d{2})$", "$2:$3")
            .str.replace(r"(:\d{2}(?:\.\d+)?)\s?(?:GMT|UTC)?([+-]\d{2})$", "$1$2:00")
        )
    dates = (
        _DAY_FIRST
        if _share(_sample(texts).str.contains(r"^\d{1,2}[/.-]\d{1,2}[/.-]")) > 0.5
        else ()
    )
    column = _try_all(texts, dates or _YEAR_FIRST, offset)
    if dates:
        _refuse_month_first(texts, column, where)
    fine = sayable(column) & (column.dt.year() >= _FIRST_YEAR)
    column = pl.select(pl.when(fine).then(column)).to_series()
    if offset or utc:
        column = utc_to_wall_clock(column)
    return Times(column, "day first" if dates else "year first", offset or utc)


def utc_to_wall_clock(column: pl.Series) -> pl.Series:
    """Bring UTC, naive or zoned, to the exchange's wall clock."""
    zoned = column.dt.replace_time_zone("UTC")
    return zoned.dt.convert_time_zone(EXCHANGE_ZONE).dt.replace_time_zone(None)


def is_epoch(texts: pl.Series | None) -> bool:
    """Whether a column holds epochs rather than clock times."""
    return texts is not None and _share(_sample(texts).str.contains(_EPOCH)) > 0.5


def converted(zone: str, count: int) -> Finding:
    """Report that times with a zone were brought to the exchange's wall clock."""
    message = f"times carry {zone}; converted to {EXCHANGE_ZONE} wall clock"
    return finding("zone", "info", None, max(count, 1), message)


def _sample(texts: pl.Series) -> pl.Series:
    return texts.filter(texts.str.len_bytes() > 0).head(_SAMPLE)


def _share(matches: pl.Series) -> float:
    return float(matches.fill_null(False).sum()) / max(matches.len(), 1)


def _all_have_offset(texts: pl.Series, numbers: pl.Series, where: str) -> bool:
    has = texts.str.contains(_OFFSET).fill_null(False)
    if not has.any():
        return False
    naive = ~has & texts.str.contains(r"\d:\d{2}").fill_null(False)
    if naive.any():
        lines = numbers.filter(naive), numbers.filter(has)
        raise DataError(
            f"{where}: times with and without an offset from UTC (line {lines[0][0]}: "
            f"{texts.filter(naive)[0]}; line {lines[1][0]}: {texts.filter(has)[0]}); expected one "
            "kind; export all of them as exchange wall clock"
        )
    return True


def _try_all(texts: pl.Series, dates: tuple[str, ...], offset: bool) -> pl.Series:
    """Parse with every form in turn, each taking what the earlier ones left."""
    zone = "%:z" if offset else ""
    parsed: pl.Series | None = None
    sample = _sample(texts)
    clocks = _HALF_DAYS if sample.str.contains(r"(?i)\d\s?[ap]m$").any() else _CLOCKS
    forms = [date + clock + zone for date in dates for clock in clocks if clock or not offset]
    forms.sort(key=lambda form: _strptime(sample, form, offset).null_count())
    for form in forms:
        if parsed is None:
            parsed = _strptime(texts, form, offset)
        elif parsed.null_count():
            left = parsed.is_null()
            rest = _strptime(texts.filter(left), form, offset)
            if rest.null_count() < rest.len():
                parsed = parsed.scatter(left.arg_true(), rest)
        else:
            break
    assert parsed is not None
    return parsed


def _strptime(texts: pl.Series, form: str, offset: bool) -> pl.Series:
    kind = pl.Datetime("us", "UTC" if offset else None)
    if form.endswith(("%d", "%Y")):
        return texts.str.strptime(pl.Date, form, strict=False).cast(kind)
    return texts.str.strptime(kind, form, strict=False)


def _weeks_apart(times: pl.Series) -> bool:
    """Whether days of several bars lie weeks apart: 6 February, 6 March for 2 June, 3 June."""
    days = times.drop_nulls().dt.date().unique().sort()
    if not 1 < days.len() < times.len():  # a bar a month is as far apart
        return False
    return bool((days.diff().drop_nulls().dt.total_days() >= _WEEKS).all())


def _refuse_month_first(texts: pl.Series, day_first: pl.Series, where: str) -> None:
    """Refuse dates that make sense only, or also, with the month first.

    Day-first reading is believed unless it fails where the other does not, or puts bars on a
    weekend or weeks apart where the other does not.
    """
    weekend = day_first.dt.weekday() > 5
    apart = _weeks_apart(day_first)
    if not (weekend.any() or day_first.null_count() or apart):
        return
    swapped = texts.str.replace(r"^(\d{1,2})([/.-])(\d{1,2})", "$3$2$1")
    month_first = _try_all(swapped, _DAY_FIRST, offset=False)
    worse = weekend.any() or (apart and not _weeks_apart(month_first))
    fewer_failures = month_first.null_count() < day_first.null_count()
    no_worse = month_first.null_count() == day_first.null_count()
    if fewer_failures or (no_worse and worse and not (month_first.dt.weekday() > 5).any()):
        raise DataError(
            f"{where}: dates such as {texts.drop_nulls()[0]} look month first; expected "
            "dd/mm/yyyy or yyyy-mm-dd; export again"
        )
