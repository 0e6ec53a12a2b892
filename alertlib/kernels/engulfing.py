"""Engulfing: a real body that covers the previous one of the opposite colour."""

from __future__ import annotations

from collections.abc import MutableSequence, Sequence
from typing import NamedTuple

from alertlib.kernels.bar import TickBar
from alertlib.kernels.reading import Reading


class EngulfingParams(NamedTuple):
    """``detection.engulfing``: the definition has no free parameter."""


class EngulfingState(NamedTuple):
    """Open and close of the previous bar."""

    open: int = 0
    close: int = 0


def engulfing_step(
    state: EngulfingState, ring: MutableSequence[int], bar: TickBar, params: EngulfingParams
) -> tuple[int, EngulfingState]:
    """Signal a real body that covers the previous one of opposite sign.

    Both bars belong to one session, both bodies are non-zero and of opposite sign, and the
    second covers the first, ends inclusive. There is no trend filter.

    Parameters
    ----------
    state : EngulfingState
        State to continue from; ``EngulfingState()`` at the start of a series.
    ring : sequence of int, length 0
        Not used.
    bar : TickBar
        One closed bar, prices in quanta of the gap-joined series.
    params : EngulfingParams
        None.

    Returns
    -------
    signal : {-1, 0, 1}
        Sign of the second body.
    state : EngulfingState
        This bar's open and close.

    References
    ----------
    Nison (1991), Japanese Candlestick Charting Techniques, ch. 4 (without its trend filter).
    """
    opened, closed, place = bar.open, bar.close, bar.place
    was_opened, was_closed = state
    body = closed - opened
    before = was_closed - was_opened
    signal = 0
    if place > 0:
        if body > 0 and before < 0 and opened <= was_closed and closed >= was_opened:
            signal = 1
        elif body < 0 and before > 0 and opened >= was_closed and closed <= was_opened:
            signal = -1
    return signal, EngulfingState(opened, closed)


def engulfing_evidence(
    state: EngulfingState, ring: Sequence[int], bar: TickBar, params: EngulfingParams
) -> tuple[Reading, ...]:
    """Return what the step compares at ``bar``: the two bodies, and the ends of either.

    Parameters
    ----------
    state, ring, bar, params
        As the step is about to be given them.

    Returns
    -------
    tuple of Reading
        On every bar, a session's first included, which has no bar before it.
    """
    opened, closed = bar.open, bar.close
    was_opened, was_closed = state
    body, before = closed - opened, was_closed - was_opened
    found = []
    if bar.place == 0:
        found.append(Reading("bars before it in its session", 0, 1, False))
    if before != 0:
        found.append(Reading("body over the one before", abs(body / before)))
    for side in (1, -1):
        found += [
            Reading("body", body, side, side * body > 0, side, "distance"),
            Reading("body before", before, -side, side * before < 0, side, "distance"),
            Reading("open", opened, was_closed, side * (was_closed - opened) >= 0, side, "price"),
            Reading("close", closed, was_opened, side * (closed - was_opened) >= 0, side, "price"),
        ]
    return tuple(found)
