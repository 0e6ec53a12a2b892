"""RSI divergence: price makes a new extreme, momentum does not."""

from __future__ import annotations

from collections.abc import MutableSequence, Sequence
from typing import Annotated, NamedTuple

from alertlib.kernels.bar import TickBar
from alertlib.kernels.params import Range
from alertlib.kernels.reading import Reading


class RsiDivergenceParams(NamedTuple):
    """``detection.rsi_divergence``."""

    window: Annotated[int, Range(2, 1_000)] = 14
    min_bars: Annotated[int, Range(1, 1_000)] = 5
    max_bars: Annotated[int, Range(1, 1_000)] = 40
    min_points: Annotated[float, Range(0.0, 100.0)] = 1.0


class RsiDivergenceState(NamedTuple):
    """Wilder averages, the RSI of the last two bars, and the last pivot of each kind."""

    seen: int = 0
    close: int = 0
    gain: float = 0.0
    loss: float = 0.0
    rsi_1: float = 50.0
    rsi_2: float = 50.0
    low_at: int = -1
    low: int = 0
    low_rsi: float = 0.0
    high_at: int = -1
    high: int = 0
    high_rsi: float = 0.0


def rsi_divergence_step(
    state: RsiDivergenceState,
    ring: MutableSequence[int],
    bar: TickBar,
    params: RsiDivergenceParams,
) -> tuple[int, RsiDivergenceState]:
    """Signal two pivots of which the second is more extreme in price but less in RSI.

    A pivot is a strict extreme of 2 + 1 + 2 lows (highs). It is known two bars later and
    stamped there; the RSI is the one of the pivot bar itself. Only consecutive pivots of a
    kind are compared, ``min_bars`` to ``max_bars`` apart, all bars of both windows in one
    session. A lower low with an RSI higher by ``min_points`` is ``+1``; mirrored for highs.

    Parameters
    ----------
    state : RsiDivergenceState
        State to continue from; ``RsiDivergenceState()`` at the start of a series.
    ring : sequence of int, length 16
        The last eight lows, then the last eight highs; zeros at the start of a series.
    bar : TickBar
        One closed bar, prices in quanta of the gap-joined series.
    params : RsiDivergenceParams
        ``window`` of the RSI (bars), distances (bars), ``min_points`` (RSI points, 0-100).

    Returns
    -------
    signal : {-1, 0, 1}
        ``+1`` for a bullish divergence. Should one bar confirm both kinds they cancel: anything
        else would make mirrored prices score differently.
    state : RsiDivergenceState
        Stepping through two halves in turn gives the same signals as the whole.

    Notes
    -----
    The RSI's averages are seeded with the mean of the first ``window`` changes and never quite
    forget their start; 600 bars are declared as warm-up (a weight of 5e-20 at ``window`` 14).
    It is 50 when nothing moved.

    References
    ----------
    Wilder (1978), New Concepts in Technical Trading Systems, section VI.
    """
    # Unpacked once: in plain Python an attribute costs more than the arithmetic on it.
    n, min_bars, max_bars, min_points = params
    (
        seen, previous, gain, loss, rsi_1, rsi_2,
        low_at, low, low_rsi, high_at, high, high_rsi,
    ) = state  # fmt: skip
    bar_high, bar_low, close, place = bar.high, bar.low, bar.close, bar.place
    change = close - previous if seen > 0 else 0
    rise = float(change) if change > 0 else 0.0
    fall = float(-change) if change < 0 else 0.0
    if seen <= n:
        # A running sum, turned into its mean at the last of the first `n` changes.
        gain += rise
        loss += fall
        if seen == n:
            gain /= n
            loss /= n
    else:
        weight = 1.0 / n
        gain = gain * (1.0 - weight) + rise * weight
        loss = loss * (1.0 - weight) + fall * weight
    moved = gain + loss
    rsi = 100.0 * gain / moved if moved > 0.0 and seen >= n else 50.0

    # Rings of eight hold the five bars needed; a power of two makes the slot a mask.
    ring[seen & 7] = bar_low
    ring[8 + (seen & 7)] = bar_high
    pivot = seen - 2
    signal = 0
    if seen >= 4:
        outer, before, at, after = (seen - 4) & 7, (seen - 3) & 7, pivot & 7, (seen - 1) & 7
        first = seen - place + 2  # earliest pivot whose window lies in this session
        level = ring[8 + at]
        # `&` instead of `and`: four unpredictable branches become one rarely taken.
        if (level > bar_high) & (level > ring[8 + after]) and (
            (level > ring[8 + before]) & (level > ring[8 + outer])
        ):
            if (
                high_at >= first
                and high_at >= n
                and min_bars <= pivot - high_at <= max_bars
                and level > high
                and rsi_2 <= high_rsi - min_points
            ):
                signal = -1
            high_at, high, high_rsi = pivot, level, rsi_2
        level = ring[at]
        if (level < bar_low) & (level < ring[after]) and (
            (level < ring[before]) & (level < ring[outer])
        ):
            if (
                low_at >= first
                and low_at >= n
                and min_bars <= pivot - low_at <= max_bars
                and level < low
                and rsi_2 >= low_rsi + min_points
            ):
                signal += 1
            low_at, low, low_rsi = pivot, level, rsi_2
    return signal, RsiDivergenceState(
        seen + 1, close, gain, loss, rsi, rsi_1,
        low_at, low, low_rsi, high_at, high, high_rsi,
    )  # fmt: skip


def rsi_divergence_evidence(
    state: RsiDivergenceState, ring: Sequence[int], bar: TickBar, params: RsiDivergenceParams
) -> tuple[Reading, ...]:
    """Return what the step compares at ``bar``, of the bar two before it and the last pivots.

    Parameters
    ----------
    state, ring, bar, params
        As the step is about to be given them; the ring is left as it is.

    Returns
    -------
    tuple of Reading
        Empty while fewer than five bars have been seen.
    """
    seen = state.seen
    if seen < 4:
        return ()
    kept = list(ring)
    _, after = rsi_divergence_step(state, kept, bar, params)
    others = [(seen - back) & 7 for back in (4, 3, 1, 0)]
    at = (seen - 2) & 7
    first = max(seen - bar.place + 2, params.window)
    lows = _divergence(
        "low", 1, kept[at], min(kept[other] for other in others),
        (state.low_at, state.low, state.low_rsi), first, state, params,
    )  # fmt: skip
    highs = _divergence(
        "high", -1, kept[8 + at], max(kept[8 + other] for other in others),
        (state.high_at, state.high, state.high_rsi), first, state, params,
    )  # fmt: skip
    return (Reading(f"RSI({params.window})", after.rsi_1), *lows, *highs)


def _divergence(
    kind: str,
    side: int,
    level: int,
    others: int,
    pivot: tuple[int, int, float],
    first: int,
    state: RsiDivergenceState,
    params: RsiDivergenceParams,
) -> list[Reading]:
    """Return the comparisons of one kind of pivot: ``side`` 1 for lows, -1 for highs."""
    at, was, was_rsi = pivot
    # Whole quanta: what has to lie beyond a level lies at least one beyond.
    beyond = others - side
    extreme = side * (beyond - level) >= 0
    found = [Reading(f"{kind} two bars ago", level, beyond, extreme, side, "price")]
    if at < first:
        return [*found, Reading(f"pivot {kind}s before it in its session", 0, 1, False, side)]
    apart = state.seen - 2 - at
    bound = params.max_bars if apart > params.max_bars else params.min_bars
    inside = params.min_bars <= apart <= params.max_bars
    needed = was_rsi + side * params.min_points
    more = state.rsi_2 >= needed if side > 0 else state.rsi_2 <= needed
    return [
        *found,
        Reading("bars since the pivot before", apart, bound, inside, side),
        Reading(
            f"{kind} against that pivot's",
            level,
            was - side,
            side * (was - level) > 0,
            side,
            "price",
        ),
        Reading("RSI against that pivot's", state.rsi_2, needed, more, side),
    ]
