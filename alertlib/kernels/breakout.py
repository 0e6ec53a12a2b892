"""Breakout: a close beyond the extremes of the bars before it."""

from __future__ import annotations

from collections.abc import MutableSequence, Sequence
from enum import IntEnum
from typing import Annotated, NamedTuple

from alertlib.kernels.bar import TickBar
from alertlib.kernels.params import Range
from alertlib.kernels.reading import Reading


class Levels(IntEnum):
    """What the channel is made of: highs and lows, or closes."""

    extremes = 0
    closes = 1


_CLOSES = int(Levels.closes)


class BreakoutParams(NamedTuple):
    """``detection.breakout``. ``margin_ticks`` reaches the kernel in quanta."""

    window: Annotated[int, Range(1, 10_000)] = 5
    margin_ticks: Annotated[int, Range(0, 10_000)] = 1
    levels: Levels = Levels.extremes


class BreakoutState(NamedTuple):
    """Extremes of the window with the ring slots that hold them, and which side was broken."""

    seen: int = 0
    slot: int = 0
    top: int = 0
    top_slot: int = 0
    bottom: int = 0
    bottom_slot: int = 0
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
    # Unpacked once: in plain Python an attribute costs more than the arithmetic on it.
    n, margin, levels = params
    seen, slot, top, top_slot, bottom, bottom_slot, broken = state
    high, low, close = bar.high, bar.low, bar.close
    side = 0
    if seen >= n:
        margin = margin if margin > 0 else 1
        if close >= top + margin:
            side = 1
        elif close <= bottom - margin:
            side = -1
    signal = side if side != broken else 0

    if levels == _CLOSES:
        high = low = close
    ring[slot] = high
    ring[n + slot] = low
    if (high < top) & (top_slot == slot) & (seen >= n):
        top, top_slot = high, slot
        for other in range(n):
            level = ring[other]
            top_slot = other if level > top else top_slot
            top = level if level > top else top
    else:
        fresh = (high >= top) | (seen == 0)
        top = high if fresh else top
        top_slot = slot if fresh else top_slot
    if (low > bottom) & (bottom_slot == slot) & (seen >= n):
        bottom, bottom_slot = low, slot
        for other in range(n):
            level = ring[n + other]
            bottom_slot = other if level < bottom else bottom_slot
            bottom = level if level < bottom else bottom
    else:
        fresh = (low <= bottom) | (seen == 0)
        bottom = low if fresh else bottom
        bottom_slot = slot if fresh else bottom_slot
    slot += 1
    if slot == n:
        slot = 0
    return signal, BreakoutState(seen + 1, slot, top, top_slot, bottom, bottom_slot, side)


def breakout_evidence(
    state: BreakoutState, ring: Sequence[int], bar: TickBar, params: BreakoutParams
) -> tuple[Reading, ...]:
    """Return what the step compares at ``bar``: the close with either level and its margin.

    Parameters
    ----------
    state, ring, bar, params
        As the step is about to be given them.

    Returns
    -------
    tuple of Reading
        Empty while fewer than ``window`` bars have been seen.
    """
    n, margin, levels = params
    if state.seen < n:
        return ()
    margin = margin if margin > 0 else 1
    high, low = ("close", "close") if levels == _CLOSES else ("high", "low")
    top, bottom = state.top + margin, state.bottom - margin
    close = bar.close
    found = [
        Reading(f"highest {high}({n})", state.top, side=1, unit="price"),
        Reading("close", close, top, close >= top, 1, "price"),
        Reading(f"lowest {low}({n})", state.bottom, side=-1, unit="price"),
        Reading("close", close, bottom, close <= bottom, -1, "price"),
    ]
    if state.side != 0:
        found.append(Reading("broken before", 1, 0, False, state.side))
    return tuple(found)
