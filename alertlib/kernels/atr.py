"""Average true range, the yardstick of labels, stops and targets."""

from __future__ import annotations

from typing import NamedTuple


class AtrState(NamedTuple):
    """Number of true ranges seen, their average (their sum before there are enough), last close."""

    seen: int = 0
    average: float = 0.0
    close: int = 0


def atr_step(
    state: AtrState, high: int, low: int, close: int, place: int, window: int
) -> tuple[float, AtrState]:
    """Advance Wilder's average true range by one bar.

    Parameters
    ----------
    state : AtrState
        State to continue from; ``AtrState()`` at the start of a series.
    high, low, close : int
        The bar in quanta; raw or gap-joined prices give the same ranges.
    place : int
        Bars before this one in its session. The first bar of a session has the true range
        ``high - low``: a night is not volatility. The average carries over sessions.
    window : int
        Number of bars averaged, >= 1.

    Returns
    -------
    atr : float
        In quanta; NaN before the ``window``-th bar, the mean of the first ``window`` true
        ranges at it, Wilder's recursion afterwards.
    state : AtrState
        Stepping through two halves in turn gives the same values as the whole.

    References
    ----------
    Wilder (1978), New Concepts in Technical Trading Systems, section III.
    """
    true_range = high - low
    if place > 0:
        up = high - state.close
        down = state.close - low
        if up > true_range:
            true_range = up
        if down > true_range:
            true_range = down
    seen = state.seen + 1
    if seen < window:
        return float("nan"), AtrState(seen, state.average + true_range, close)
    if seen == window:
        average = (state.average + true_range) / window
    else:
        average = (state.average * (window - 1) + true_range) / window
    return average, AtrState(seen, average, close)
