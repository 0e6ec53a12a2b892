"""Directional change: the legs between a session's extremes."""

from __future__ import annotations

from typing import NamedTuple

# A reversal that nothing reaches: the one of a bar without an average range.
UNREACHABLE = float("inf")


class LegState(NamedTuple):
    """The present leg: where it began, and both extremes with their bars and reversals.

    Attributes
    ----------
    mode : int
        +1 or -1 in a leg, 0 before a session's first.
    onset : int
        Bar of the extreme the leg began at; without meaning in mode 0.
    top, bottom : int
        Highest high and lowest low.
    top_at, bottom_at : int
        Their bars; -1 at the start of a series.
    top_reversal, bottom_reversal : float
        How far price has to come back from each, fixed at its own bar.
    """

    mode: int = 0
    onset: int = -1
    top: int = 0
    top_at: int = -1
    top_reversal: float = UNREACHABLE
    bottom: int = 0
    bottom_at: int = -1
    bottom_reversal: float = UNREACHABLE


def leg_step(
    state: LegState, high: int, low: int, at: int, place: int, reversal: float
) -> tuple[int, LegState]:
    """Advance the directional-change automaton by one bar.

    Price runs from one extreme to the next; an extreme is one once price has come back from it
    by the reversal of the extreme's own bar. Within one bar an extreme is extended or reversed
    from, never both. A session's first bar starts anew.

    Parameters
    ----------
    state : LegState
        State to continue from; ``LegState()`` at the start of a series.
    high, low : int
        The bar in quanta; raw or gap-joined prices give the same legs.
    at : int
        Number of the bar in its series, >= 0.
    place : int
        Bars before this one in its session.
    reversal : float
        Size of a reversal from an extreme made at this bar, in quanta; NaN or ``UNREACHABLE``
        where it is not defined, and then nothing is a reversal.

    Returns
    -------
    ended : {-1, 0, 1}
        Direction of the leg this bar ended, by reversal or by being a session's first. It ran
        from ``state.onset`` to its extreme in ``state``, the state given. The last leg of a
        series is still open in the last state.
    state : LegState

    References
    ----------
    Guillaume et al. (1997), Finance and Stochastics 1(2), 95-129.
    """
    # Unpacked once: in plain Python an attribute costs more than the arithmetic on it.
    mode, onset, top, top_at, top_reversal, bottom, bottom_at, bottom_reversal = state
    if place == 0 or top_at < 0:
        return mode, LegState(0, at, high, at, reversal, low, at, reversal)
    if mode > 0:
        if high > top:
            return 0, LegState(1, onset, high, at, reversal, bottom, bottom_at, bottom_reversal)
        if top - low >= top_reversal:
            return 1, LegState(-1, top_at, top, top_at, top_reversal, low, at, reversal)
        return 0, state
    if mode < 0:
        if low < bottom:
            return 0, LegState(-1, onset, top, top_at, top_reversal, low, at, reversal)
        if high - bottom >= bottom_reversal:
            return -1, LegState(
                1, bottom_at, high, at, reversal, bottom, bottom_at, bottom_reversal
            )
        return 0, state
    higher = high > top
    lower = low < bottom
    if higher:
        top, top_at, top_reversal = high, at, reversal
    if lower:
        bottom, bottom_at, bottom_reversal = low, at, reversal
    up = not lower and high - bottom >= bottom_reversal
    down = not higher and top - low >= top_reversal
    if up and not down:
        mode, onset, top, top_at, top_reversal = 1, bottom_at, high, at, reversal
    elif down and not up:
        mode, onset, bottom, bottom_at, bottom_reversal = -1, top_at, low, at, reversal
    return 0, LegState(mode, onset, top, top_at, top_reversal, bottom, bottom_at, bottom_reversal)
