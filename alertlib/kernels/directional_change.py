"""Directional change: the labeller's automaton, watched for a leg that is probably coming."""

from __future__ import annotations

from collections.abc import MutableSequence, Sequence
from typing import Annotated, NamedTuple

from alertlib.kernels.atr import AtrState, atr_step
from alertlib.kernels.bar import TickBar
from alertlib.kernels.legs import UNREACHABLE, LegState, leg_step
from alertlib.kernels.params import FIXED, Range
from alertlib.kernels.reading import Reading


class DirectionalChangeParams(NamedTuple):
    """``detection.directional_change``. ``margin_ticks`` reaches the kernel in quanta."""

    min_probability: Annotated[float, Range(above=0.0, high=1.0)] = 0.82
    k: Annotated[float, Range(above=0.0, high=100.0)] = 3.0
    atr_window: Annotated[int, Range(2, 1_000)] = 14
    early_bars: Annotated[int, Range(0, 1_000)] = 2
    wait_bars: Annotated[int, Range(0, 10_000)] = 6
    margin_ticks: Annotated[int, FIXED] = 1


class DirectionalChangeState(NamedTuple):
    """Average range, legs, and the bar of this session's last signal on each side (-1: none)."""

    seen: int = 0
    average: float = 0.0
    close: int = 0
    mode: int = 0
    onset: int = -1
    top: int = 0
    top_at: int = -1
    top_reversal: float = UNREACHABLE
    bottom: int = 0
    bottom_at: int = -1
    bottom_reversal: float = UNREACHABLE
    up_at: int = -1
    down_at: int = -1


def directional_change_step(
    state: DirectionalChangeState,
    ring: MutableSequence[int],
    bar: TickBar,
    params: DirectionalChangeParams,
) -> tuple[int, float, DirectionalChangeState]:
    """Signal once per leg that an alert now is probably valid, and say how probably.

    The labeller's automaton runs along (:func:`alertlib.kernels.legs.leg_step`). An alert up
    is valid once price goes ``toward`` quanta up before it goes ``against`` quanta down: in a
    leg up, to one tick above its top before the reversal from it; in a leg down, to the
    reversal before one tick below its bottom; in neither, to the reversal from the bottom
    before either a new bottom or the reversal from the top. For a walk without drift the
    probability of that is the gambler's ruin, ``against / (against + toward)``. A signal
    needs it to be at least ``min_probability``; down is mirrored, up is asked first.

    A side signals once per leg: for the first time in a session, or when its leg begins more
    than ``early_bars`` after its last signal and that is more than ``wait_bars`` ago. It does
    so on a session's first bar as well.

    Parameters
    ----------
    state : DirectionalChangeState
        State to continue from; ``DirectionalChangeState()`` at the start of a series.
    ring : sequence of int, length 0
        Not used.
    bar : TickBar
        One closed bar, prices in quanta of the gap-joined series.
    params : DirectionalChangeParams
        ``min_probability``; ``k``, the reversal in average true ranges of the extreme's own
        bar; ``atr_window``, ``early_bars``, ``wait_bars`` (bars); ``margin_ticks``, how much
        further a new extreme lies than the old one.

    Returns
    -------
    signal : {-1, 0, 1}
        Direction of the leg. 0 while no average range is defined.
    probability : float
        Of the signal, from ``min_probability`` to 1; 0.0 where there is none.
    state : DirectionalChangeState
        Stepping through two halves in turn gives the same signals as the whole.

    Notes
    -----
    O(1) per bar. The average range never quite forgets its start; 600 bars are declared as
    warm-up. On bars without direction the rule scores as well as on real ones: what it
    captures is geometry, not foresight.

    References
    ----------
    Guillaume et al. (1997), Finance and Stochastics 1(2), 95-129, on directional change;
    Feller (1968), An Introduction to Probability Theory, vol. 1, ch. XIV, on ruin.
    """
    least, k, window, early, wait, margin = params
    (
        at, average, previous,
        mode, onset, top, top_at, top_reversal, bottom, bottom_at, bottom_reversal,
        up_at, down_at,
    ) = state  # fmt: skip
    high, low, close, place = bar.high, bar.low, bar.close, bar.place
    atr, ranges = atr_step(AtrState(at, average, previous), high, low, close, place, window)
    reversal = k * atr if atr == atr else UNREACHABLE
    legs = LegState(mode, onset, top, top_at, top_reversal, bottom, bottom_at, bottom_reversal)
    _, legs = leg_step(legs, high, low, at, place, reversal)
    mode, onset, top, top_at, top_reversal, bottom, bottom_at, bottom_reversal = legs
    if place == 0:
        up_at = down_at = -1

    signal = 0
    probability = 0.0
    # A leg up begins at the lowest low, whether it is known as one yet or not.
    up_is_new = _is_new(bottom_at, up_at, at, early, wait)
    down_is_new = _is_new(top_at, down_at, at, early, wait)
    # An extreme without a reversal is of the first bars of a series: nothing is known yet.
    known = top_reversal < UNREACHABLE and bottom_reversal < UNREACHABLE
    if known and (up_is_new or down_is_new):
        up_toward, up_against, down_toward, down_against = _stakes(legs, close, margin)
        up = _probability(up_toward, up_against, least) if up_is_new else 0.0
        down = _probability(down_toward, down_against, least) if down_is_new else 0.0
        if up > 0.0:
            signal, probability, up_at = 1, up, at
        elif down > 0.0:
            signal, probability, down_at = -1, down, at
    return signal, probability, DirectionalChangeState(
        ranges.seen, ranges.average, ranges.close,
        mode, onset, top, top_at, top_reversal, bottom, bottom_at, bottom_reversal,
        up_at, down_at,
    )  # fmt: skip


def _stakes(legs: LegState, close: int, margin: int) -> tuple[float, float, float, float]:
    """Return how far a leg up is from coming and from being refuted, then one down, in quanta."""
    # Differences of integers first: exact, and the same wherever the series stands.
    above = legs.top - close
    below = close - legs.bottom
    to_up = legs.bottom_reversal - below
    to_down = legs.top_reversal - above
    to_high = float(above + margin)
    to_low = float(below + margin)
    if legs.mode > 0:
        return to_high, to_down, to_down, to_high
    if legs.mode < 0:
        return to_up, to_low, to_low, to_up
    up_against = to_low if to_low < to_down else to_down
    down_against = to_high if to_high < to_up else to_up
    return to_up, up_against, to_down, down_against


def _probability(toward: float, against: float, least: float) -> float:
    """Return the gambler's-ruin probability of ``toward`` before ``against``; 0.0 below least."""
    if toward < 0.0:
        toward = 0.0
    if against > 0.0 and against >= least * (against + toward):
        probability = against / (against + toward)
        # The quotient may be rounded to just below the limit that the product has reached.
        return probability if probability > least else least
    return 0.0


def _is_new(origin: int, last: int, at: int, early: int, wait: int) -> bool:
    """Whether a leg that begins at ``origin`` is another one than the last signal was for."""
    return last < 0 or (origin > last + early and at - last > wait)


def directional_change_evidence(
    state: DirectionalChangeState,
    ring: Sequence[int],
    bar: TickBar,
    params: DirectionalChangeParams,
) -> tuple[Reading, ...]:
    """Return what the step compares at ``bar``: either side's probability, and its last signal.

    Up is asked first: a bar on which both sides hold signals up.

    Parameters
    ----------
    state, ring, bar, params
        As the step is about to be given them.

    Returns
    -------
    tuple of Reading
        Empty while no average range is defined.
    """
    _, _, after = directional_change_step(state, [], bar, params)
    if not (after.top_reversal < UNREACHABLE and after.bottom_reversal < UNREACHABLE):
        return ()
    legs = LegState._make(after[3:11])
    up_toward, up_against, down_toward, down_against = _stakes(legs, bar.close, params.margin_ticks)
    up_last, down_last = (-1, -1) if bar.place == 0 else (state.up_at, state.down_at)
    return (
        Reading("leg", legs.mode),
        Reading("lowest low", legs.bottom, side=1, unit="price"),
        Reading("reversal", legs.bottom_reversal, side=1, unit="distance"),
        *_side(1, up_toward, up_against, legs.bottom_at, up_last, state.seen, params),
        Reading("highest high", legs.top, side=-1, unit="price"),
        Reading("reversal", legs.top_reversal, side=-1, unit="distance"),
        *_side(-1, down_toward, down_against, legs.top_at, down_last, state.seen, params),
    )


def _side(
    side: int,
    toward: float,
    against: float,
    origin: int,
    last: int,
    at: int,
    params: DirectionalChangeParams,
) -> list[Reading]:
    least, early, wait = params.min_probability, params.early_bars, params.wait_bars
    stated = _probability(toward, against, least)
    shown = stated
    if stated == 0.0 and against > 0.0:
        shown = against / (against + (toward if toward > 0.0 else 0.0))
    found = [
        Reading("to go for it", toward, side=side, unit="distance"),
        Reading("to go against it", against, side=side, unit="distance"),
        Reading("probability", shown, least, stated > 0.0, side),
    ]
    if last >= 0:
        since, begun = at - last, origin - last
        found.append(Reading("bars since its last signal", since, wait + 1, since > wait, side))
        found.append(Reading("its leg began after that", begun, early + 1, begun > early, side))
    return found
