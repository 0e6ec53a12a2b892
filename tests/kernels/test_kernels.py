"""Detector steps against naive twins and TA-Lib."""

from __future__ import annotations

import numpy as np
import talib
from hypothesis import given
from hypothesis import strategies as st

from alertlib.detection.builtin import breakout, engulfing, rsi_divergence, volatility
from alertlib.kernels.atr import AtrState, atr_step
from alertlib.kernels.breakout import BreakoutParams, Levels
from alertlib.kernels.rsi_divergence import RsiDivergenceParams
from alertlib.kernels.volatility import VolatilityParams
from tests import naive
from tests.naive import NaiveBar
from tests.support.steps import average_ranges, in_ticks, rough_walk, signs, step_through, tick_bars
from tests.support.synthetic import session, walk

# TA-Lib works in floating point throughout; one step rounds a few times.
TALIB_RELATIVE = 1e-9

seeds = st.integers(0, 10**6)


# --- naive twins --------------------------------------------------------------------------


@given(seeds, st.integers(2, 30), st.sampled_from((0.5, 1.0, 1.5, 2.0, 3.0)), st.integers(1, 4))
def test_volatility_equals_its_naive_twin(
    seed: int, window: int, sigma: float, confirm: int
) -> None:
    rows = rough_walk(seed)
    detector = volatility.with_params(VolatilityParams(window, sigma, confirm))

    signals, _, _ = step_through(detector, tick_bars(rows))

    twin = naive.volatility(in_ticks(rows), window, sigma, confirm)
    assert signals == signs(twin, len(rows))


@given(seeds)
def test_engulfing_equals_its_naive_twin(seed: int) -> None:
    rows = rough_walk(seed)

    signals, _, _ = step_through(engulfing, tick_bars(rows))

    assert signals == signs(naive.engulfing(in_ticks(rows)), len(rows))


# Zero points are left out: where price stands still between two pivots their RSIs are equal but
# for the rounding of either recursion.
@given(seeds, st.integers(1, 8), st.integers(9, 40), st.sampled_from((0.5, 1.0, 5.0)))
def test_rsi_divergence_equals_its_naive_twin(
    seed: int, least: int, most: int, points: float
) -> None:
    rows = rough_walk(seed)
    detector = rsi_divergence.with_params(RsiDivergenceParams(14, least, most, points))

    signals, _, _ = step_through(detector, tick_bars(rows))

    twin = naive.rsi_divergence(in_ticks(rows), least, most, points)
    assert signals == signs(twin, len(rows))


@given(seeds, st.integers(1, 12), st.integers(1, 3), st.sampled_from(list(Levels)))
def test_breakout_equals_its_naive_twin(
    seed: int, window: int, margin: int, levels: Levels
) -> None:
    rows = rough_walk(seed)
    detector = breakout.with_params(BreakoutParams(window, margin, levels))

    signals, _, _ = step_through(detector, tick_bars(rows))

    twin = naive.breakout(in_ticks(rows), margin, window, levels.name)
    assert signals == signs(twin, len(rows))


def test_a_breakout_without_margin_still_has_to_leave_the_channel() -> None:
    rows = walk(3, sessions=2, size=1.0)
    none, one = (
        step_through(breakout.with_params(BreakoutParams(margin_ticks=m)), tick_bars(rows))[0]
        for m in (0, 1)
    )

    assert none == one
    assert any(none)


@given(seeds, st.integers(2, 20))
def test_average_true_range_equals_its_naive_twin(seed: int, window: int) -> None:
    bars, _ = naive.in_units(rough_walk(seed))

    ours, theirs = average_ranges(bars, window), naive.atr(bars, window)

    # The same sums in the same order, hence the same bits.
    assert np.array_equal(ours, theirs, equal_nan=True)


# --- TA-Lib -------------------------------------------------------------------------------


def test_average_true_range_is_talibs_once_started_like_it() -> None:
    """TA-Lib leaves the first bar out, having no close before it; we count its range.

    Started behind the first bar of a session with that bar's close known, both average the
    same ranges. TA-Lib knows no sessions, so only one is compared.
    """
    bars, _ = naive.in_units(walk(5, sessions=1, bars=200))
    high, low, close = (
        np.array([getattr(b, name) for b in bars], dtype=float) for name in ("high", "low", "close")
    )

    state = AtrState(close=bars[0].close)
    ours = []
    for place, b in enumerate(bars[1:], start=1):
        value, state = atr_step(state, b.high, b.low, b.close, place, 14)
        ours.append(value)

    theirs = talib.ATR(high, low, close, 14)[1:]
    np.testing.assert_allclose(ours, theirs, rtol=TALIB_RELATIVE, equal_nan=True)


def strengths(closes: list[int]) -> list[float]:
    bars = [
        NaiveBar(date_time, c, c, c, c) for date_time, c in zip(_minutes(), closes, strict=False)
    ]
    rows = [(b.time, *(float(x) for x in (b.open, b.high, b.low, b.close))) for b in bars]
    state = rsi_divergence.state
    values = []
    ring = [0] * rsi_divergence.ring
    for bar in tick_bars(rows, tick=1):
        _, state = rsi_divergence.step(state, ring, bar, rsi_divergence.params)
        values.append(state.rsi_1)
    return values


def _minutes() -> list:
    return [row[0] for row in session([(1.0, 1.0, 1.0, 1.0)] * 500, minutes=1)]


def test_rsi_is_talibs_wherever_something_moved() -> None:
    """Same seed, same recursion. Where nothing has moved TA-Lib says 0 and we say 50."""
    bars, _ = naive.in_units(walk(6, sessions=1, bars=300))
    closes = [b.close for b in bars]

    theirs = talib.RSI(np.array(closes, dtype=float), 14)

    np.testing.assert_allclose(strengths(closes)[14:], theirs[14:], rtol=TALIB_RELATIVE)
    np.testing.assert_allclose(naive.rsi(closes)[14:], theirs[14:], rtol=TALIB_RELATIVE)


def test_rsi_of_a_market_that_never_moved_is_fifty() -> None:
    assert strengths([1_000] * 40) == [50.0] * 40
    assert talib.RSI(np.full(40, 1_000.0), 14)[-1] == 0.0


def test_engulfing_is_talibs_where_the_definitions_meet() -> None:
    """TA-Lib counts a bar without a body as rising, and wants one end to be overshot.

    So the two differ where a body is zero, and where both ends are equal; everywhere else they
    must agree.
    """
    bars, _ = naive.in_units(walk(7, sessions=1, bars=400, size=1.5))
    columns = [
        np.array([getattr(b, n) for b in bars], dtype=float)
        for n in ("open", "high", "low", "close")
    ]
    theirs = np.sign(talib.CDLENGULFING(*columns)).astype(int).tolist()
    rows = [(b.time, float(b.open), float(b.high), float(b.low), float(b.close)) for b in bars]

    ours, _, _ = step_through(engulfing, tick_bars(rows))

    apart = [i for i in range(1, len(bars)) if ours[i] != theirs[i]]
    for i in apart:
        a, b = bars[i - 1], bars[i]
        no_body = a.open == a.close or b.open == b.close
        same_ends = {a.open, a.close} == {b.open, b.close}
        assert no_body or same_ends, f"bar {i}: {a} then {b}"
    assert sum(map(abs, ours)) > 20
    assert apart  # both kinds of difference are rare, but this walk has some
