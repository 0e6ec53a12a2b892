"""The bar a kernel sees."""

from __future__ import annotations

from typing import NamedTuple


class TickBar(NamedTuple):
    """One closed bar of the gap-joined series, all integers.

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
    """

    open: int
    high: int
    low: int
    close: int
    volume: int
    place: int
    minute: int
