"""A bar as a feed delivers it, and how it is read into whole quanta."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from alertlib.errors import DataError
from alertlib.market.clock import MINUTES_PER_DAY, day_number, exchange_time
from alertlib.market.ticks import Grid

# How far from the grid a float price may lie and still be that price, in quanta.
_GRID_TOLERANCE = 1e-4
_MOST = 2**63 - 1


class Bar(NamedTuple):
    """One closed bar in points, as a feed delivers it.

    :meth:`alertlib.Stream.on_bar` takes anything with these attributes, or a mapping with these
    keys.
    """

    time: datetime
    open: float
    high: float
    low: float
    close: float
    tick_volume: int | None = None
    real_volume: int | None = None


def read_bar(
    bar: Any, grid: Grid, symbol: str, last_minute: int
) -> tuple[int, int, int, int, int, int, int]:
    """Return minute, open, high, low, close, volume and contracts of a bar, prices in quanta.

    Raises
    ------
    DataError
        If it is not a bar of ``symbol`` on its grid, or not after ``last_minute``.
    """
    time, opened, high, low, close, ticks, contracts = bar if isinstance(bar, Bar) else _as_bar(bar)
    minute = _wall_minute(time)
    if minute <= last_minute:
        raise DataError(
            f"bar of {symbol} at {wall_time(minute)} is not after the last one "
            f"({wall_time(last_minute)}); bars come once each, in order of time"
        )
    up, down = grid.denominator, grid.numerator
    try:
        exact = opened * up / down, high * up / down, low * up / down, close * up / down
        o, h, lo, c = (
            int(exact[0] + 0.5), int(exact[1] + 0.5), int(exact[2] + 0.5),
            int(exact[3] + 0.5),
        )  # fmt: skip
        off = abs(exact[0] - o) + abs(exact[1] - h) + abs(exact[2] - lo) + abs(exact[3] - c)
    except TypeError as error:
        raise DataError(
            f"bar of {symbol} at {wall_time(minute)}: got open, high, low, close "
            f"{(opened, high, low, close)}; expected four numbers, float or int; convert them"
        ) from error
    except (ValueError, OverflowError):
        off, o, h, lo, c = 1.0, 0, 0, 0, 0
    if off > _GRID_TOLERANCE or not (0 < lo <= o <= h and lo <= c <= h):
        raise DataError(
            f"bar of {symbol} at {wall_time(minute)}: got open, high, low, close "
            f"{(opened, high, low, close)}; expected multiples of {grid.quantum:g} "
            "with 0 < low <= open, close <= high"
        )
    volume, held = whole_volume(ticks), whole_volume(contracts) or 0
    return minute, o, h, lo, c, held if volume is None else volume, held


def whole_volume(value: Any) -> int | None:
    """Return a volume as an integer; None where it cannot be one, as a file's reader does.

    NaN, ``pandas.NA`` and None say that nothing is known; integers of NumPy become Python's,
    for a state that holds one has to go into a snapshot.
    """
    if value is None or (type(value) is int and 0 <= value <= _MOST):
        return value
    try:
        whole = int(value)
        return whole if whole == value and 0 <= whole <= _MOST else None
    except (TypeError, ValueError, OverflowError, ArithmeticError):
        return None


def _as_bar(bar: Any) -> Bar:
    if isinstance(bar, Mapping):
        return Bar._make(bar.get(name) for name in Bar._fields)
    return Bar._make(getattr(bar, name, None) for name in Bar._fields)


def _wall_minute(value: Any) -> int:
    if not isinstance(value, datetime):
        raise DataError(f"bar: got time {value!r}; expected a datetime, the open of the bar")
    time = value
    if time.tzinfo is not None:
        time = exchange_time(time)
    if time.second or time.microsecond:
        raise DataError(f"bar: got time {value}; expected the open of a bar, a whole minute")
    return day_number(time) * MINUTES_PER_DAY + time.hour * 60 + time.minute


def wall_time(minute: int) -> datetime:
    """Return minutes since 1970-01-01 as a naive time."""
    return datetime(1970, 1, 1) + timedelta(minutes=minute)
