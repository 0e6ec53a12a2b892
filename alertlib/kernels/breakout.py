"""Breakout: a close beyond the extremes of the bars before it."""

from __future__ import annotations

from collections.abc import MutableSequence
from enum import IntEnum
from typing import Annotated, NamedTuple

from alertlib.kernels.bar import TickBar
from alertlib.kernels.params import Range


class Levels(IntEnum):
    """What the channel is made of: highs and lows, or closes."""

    extremes = 0
    closes = 1


class BreakoutParams(NamedTuple):
    """``detection.breakout``. ``margin_ticks`` reaches the kernel in quanta."""

    window: Annotated[int, Range(1, 10_000)] = 5
    margin_ticks: Annotated[int, Range(0, 10_000)] = 1
    levels: Levels = Levels.extremes


class BreakoutState(NamedTuple):
    """Extremes of the window with the bars that made them, and which side was broken."""

    seen: int = 0
    top: int = 0
    top_at: int = 0
    bottom: int = 0
    bottom_at: int = 0
    side: int = 0


def breakout_step(
    state: BreakoutState, ring: MutableSequence[int], bar: TickBar, params: BreakoutParams
) -> tuple[int, BreakoutState]:
    """Signal a close beyond the previous ``window`` bars' resistance or support.

    The channel is the highest high and the lowest low (or the closes) of the ``window`` bars
    before the current one; it rolls with every bar. A side fires when its condition holds and
    did not hold on the previous bar; the latch is carried over the night.

    Parameters
    ----------
    state : BreakoutState
        State to continue from; ``BreakoutState()`` at the start of a series.
    ring : sequence of int, length ``2 * params.window``
        Upper levels, then lower levels, updated in place; zeros at the start of a series.
    bar : TickBar
        One closed bar, prices in quanta of the gap-joined series.
    params : BreakoutParams
        ``window`` (bars), ``margin_ticks`` (how far beyond the level the close must be; 0 is
        any distance above zero), ``levels``.

    Returns
    -------
    signal : {-1, 0, 1}
        Side broken. 0 while fewer than ``window`` bars have been seen.
    state : BreakoutState
        Stepping through two halves in turn gives the same signals as the whole.

    Notes
    -----
    O(1) amortised: the window is searched again only when its extreme leaves it.
    """
    n = params.window
    seen = state.seen
    margin = params.margin_ticks if params.margin_ticks > 0 else 1
    side = 0
    if seen >= n:
        if bar.close >= state.top + margin:
            side = 1
        elif bar.close <= state.bottom - margin:
            side = -1
    signal = side if side != state.side else 0

    if params.levels == Levels.closes:
        high = bar.close
        low = bar.close
    else:
        high = bar.high
        low = bar.low
    slot = seen % n
    ring[slot] = high
    ring[n + slot] = low
    top, top_at = state.top, state.top_at
    if seen == 0 or high >= top:
        top, top_at = high, seen
    elif top_at <= seen - n:
        top, top_at = high, seen
        for back in range(1, n):
            level = ring[(seen - back) % n]
            if level > top:
                top, top_at = level, seen - back
    bottom, bottom_at = state.bottom, state.bottom_at
    if seen == 0 or low <= bottom:
        bottom, bottom_at = low, seen
    elif bottom_at <= seen - n:
        bottom, bottom_at = low, seen
        for back in range(1, n):
            level = ring[n + (seen - back) % n]
            if level < bottom:
                bottom, bottom_at = level, seen - back
    return signal, BreakoutState(seen + 1, top, top_at, bottom, bottom_at, side)
