"""The bar a kernel sees."""

from __future__ import annotations

from typing import Any, NamedTuple


class TickBar(NamedTuple):
    """One closed bar of the gap-joined series, as a step is given it.

    Attributes
    ----------
    open, high, low, close : int
        Prices in quanta of the series (ticks, when it is on its grid), less the sum of all
        overnight gaps so far: neither a night nor a roll is a move.
    volume : int
        Tick volume, or real volume where there is none; 0 if unknown.
    place : int
        Number of bars before this one in its session; 0 for a session's first bar. It is not
        the clock: the first bar of a day may be missing.
    minute : int
        Minutes since midnight of the bar's open, exchange wall clock.
    gap : int
        On a session's first bar its open less the last close, in quanta; 0 on every other.
    day : int
        Date of the session, days since 1970-01-01.
    weekday : int
        0 for Monday to 6 for Sunday.
    real_volume : int
        Contracts or shares; 0 if unknown.
    atr : float
        The library's average true range (``trade.atr_window`` bars) with this bar included, in
        quanta; NaN while it is not defined. A step that reads it needs 600 bars of warm-up.
    """

    open: int
    high: int
    low: int
    close: int
    volume: int
    place: int
    minute: int
    gap: int = 0
    day: int = 0
    weekday: int = 0
    real_volume: int = 0
    atr: float = 0.0


def bar_of(columns: Any, at: int) -> TickBar:
    """Return one bar of as many columns as a bar has fields, in their order."""
    (
        opened, high, low, close, volume, place, minute, gap, day, weekday, real_volume, atr,
    ) = columns  # fmt: skip
    return TickBar(
        opened[at], high[at], low[at], close[at], volume[at], place[at], minute[at],
        gap[at], day[at], weekday[at], real_volume[at], atr[at],
    )  # fmt: skip


def weekday_of(day: Any) -> Any:
    """Return the weekday of a day (or a column of them) counted from 1970-01-01, a Thursday:
    0 for Monday."""
    return (day + 3) % 7
