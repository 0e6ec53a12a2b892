"""Which of two levels a price path touches first, and how long it may take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

TARGET, STOP, TIME, SESSION = range(4)


class Touch(NamedTuple):
    """How a trade ends. Prices are signed: up wins, whichever way the trade goes.

    Attributes
    ----------
    exit : int
        Bar.
    reason : int
        ``TARGET`` or ``STOP``; -1 where neither was touched.
    up_exit : float
        Fill, slippage included; the last close, less slippage, where neither was touched.
    both : bool
        The last bar touched both levels.
    best, worst : float
        Highest and lowest price seen.
    """

    exit: int
    reason: int
    up_exit: float
    both: bool
    best: float
    worst: float


def first_touch(
    open_: Sequence[int],
    high: Sequence[int],
    low: Sequence[int],
    close: Sequence[int],
    entry: int,
    final: int,
    direction: int,
    up_stop: float,
    up_target: float,
    slip: float,
    margin: float,
) -> Touch:
    """Follow a trade bar by bar until it is stopped, at its target, or at its last bar.

    Parameters
    ----------
    open_, high, low, close : sequence of int, one per bar
        In quanta.
    entry, final : int
        First and last bar of the trade.
    direction : int
        +1 or -1.
    up_stop, up_target : float
        Levels times the direction.
    slip, margin : float
        Slippage, and how far beyond the target a price has to go, in quanta.

    Notes
    -----
    A bar that touches both is stopped, whose fill is its open if that lies beyond the stop.
    """
    best = float(high[entry] if direction > 0 else -low[entry])
    worst = float(low[entry] if direction > 0 else -high[entry])
    reach = up_target + margin
    at = entry
    while True:
        up_high = float(high[at] if direction > 0 else -low[at])
        up_low = float(low[at] if direction > 0 else -high[at])
        if up_high > best:
            best = up_high
        if up_low < worst:
            worst = up_low
        reached = up_high >= reach
        if up_low <= up_stop:
            up_open = float(direction * open_[at])
            fill = up_stop if up_stop < up_open else up_open
            return Touch(at, STOP, fill - slip, reached, best, worst)
        if reached:
            return Touch(at, TARGET, up_target, False, best, worst)
        if at >= final:
            return Touch(at, -1, float(direction * close[at]) - slip, False, best, worst)
        at += 1


def last_bar(minute: Sequence[int], entry: int, end: int, limit: int) -> int:
    """Return the last bar from ``entry`` to ``end`` that opens at ``limit`` or before.

    Parameters
    ----------
    minute : sequence of int, one per bar
        Opens, ascending.
    entry, end : int
        The answer is ``entry`` where no bar opens so early.
    limit : int
    """
    if minute[end] <= limit:
        return end
    # `entry` is early enough or the answer all the same, `end` is too late.
    while end - entry > 1:
        middle = (entry + end) // 2
        if minute[middle] <= limit:
            entry = middle
        else:
            end = middle
    return entry
