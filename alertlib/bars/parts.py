"""Parts of a series of bars."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import polars as pl

from alertlib._arguments import shown
from alertlib.bars.quality.findings import Finding, Quality
from alertlib.errors import ConfigError, DataError


def read_dates(first: Any, last: Any) -> tuple[date, date]:
    """Return two dates in order, given as dates or as ISO texts.

    Raises
    ------
    ConfigError
        If they are not.
    """
    try:
        a, b = _date(first), _date(last)
    except (TypeError, ValueError):
        a, b = date.max, date.min
    if a > b:
        raise ConfigError(
            f"between: got {shown(first)} and {shown(last)}; expected a first and a last date, "
            "such as 2021-01-04 and 2021-02-26, the first not after the last"
        )
    return a, b


def _date(value: Any) -> date:
    if isinstance(value, datetime):
        return value.date()
    return value if isinstance(value, date) else date.fromisoformat(value)


def between(frame: pl.DataFrame, source: str, first: Any, last: Any) -> pl.DataFrame:
    """Return the bars of the dates from ``first`` to ``last``, both included."""
    a, b = read_dates(first, last)
    part = frame.filter(pl.col("time").dt.date().is_between(a, b))
    if part.is_empty():
        times = frame["time"]
        raise DataError(
            f"{source}: no bar from {a} to {b}; expected dates within {times[0]:%Y-%m-%d} to "
            f"{times[-1]:%Y-%m-%d}"
        )
    return part


def at(frame: pl.DataFrame, places: Any) -> pl.DataFrame:
    """Return the bars of a slice, as ``bars[:1000]`` asks for them."""
    if not isinstance(places, slice) or places.step not in (None, 1):
        raise DataError(
            f"bars[...]: got {places!r}; expected a slice such as bars[:1000]; single rows are in "
            "bars.frame"
        )
    try:
        start, stop, _ = places.indices(frame.height)
    except TypeError as error:
        raise DataError(
            f"bars[...]: got {places!r}; expected whole numbers, such as bars[:1000]; by date use "
            "bars.between"
        ) from error
    if start >= stop:
        raise DataError(
            f"bars[{places.start}:{places.stop}]: holds no bar; expected places from 0 to "
            f"{frame.height:,}"
        )
    return frame[start:stop]


def quality_of(frame: pl.DataFrame, whole: Quality) -> Quality:
    """Return what was found in the whole series and may concern these bars of it."""
    first, last = frame["time"][0], frame["time"][-1]

    def is_here(found: Finding) -> bool:
        # One of several bars stands at the first of them: others may be within the part.
        return found.time is None or (
            found.time <= last and (found.count > 1 or found.time >= first)
        )

    time = pl.col("time")
    rows = whole.quarantined.filter(time.is_null() | time.is_between(first, last))
    found = tuple(filter(is_here, whole.findings))
    return Quality(found, rows, frame.height + rows.height, whole.layout)
