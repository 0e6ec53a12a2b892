"""Detector steps against naive twins, TA-Lib and cases worked by hand."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from datetime import date

import naive
import numpy as np
import pytest
import talib
from hypothesis import given
from hypothesis import strategies as st
from naive import NaiveBar
from steps import in_ticks, rough_walk, signs, step_through, tick_bars
from synthetic import session, walk

from alertlib.detectors import Detector, breakout, engulfing, rsi_divergence, volatility
from alertlib.kernels.alerting import (
    SEVERITIES,
    SetupParams,
    confidence_of,
    merge,
    setup_levels,
    severity_of,
)
from alertlib.kernels.atr import AtrState, atr_step
from alertlib.kernels.breakout import BreakoutParams, Levels
from alertlib.kernels.params import Range
from alertlib.kernels.rsi_divergence import RsiDivergenceParams
from alertlib.kernels.volatility import VolatilityParams

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


def average_ranges(bars: list[NaiveBar], window: int = 14) -> list[float]:
    state = AtrState()
    values = []
    place = 0
    for i, b in enumerate(bars):
        place = 0 if i == 0 or bars[i - 1].date != b.date else place + 1
        value, state = atr_step(state, b.high, b.low, b.close, place, window)
        values.append(value)
    return values


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


# --- worked by hand -----------------------------------------------------------------------


def signals_of(detector: Detector, bars: list[tuple[float, float, float, float]]) -> list[int]:
    return step_through(detector, tick_bars(session(bars)))[0]


def flat(*closes: float) -> list[tuple[float, float, float, float]]:
    return [(c, c, c, c) for c in closes]


def test_volatility_fires_on_the_second_bar_of_an_excursion_and_only_there() -> None:
    """Window 4, 1 sigma, 2 bars. z of the last of each window of four closes:

    0 0 0 1: mean 1/4, deviation sqrt(3)/4, z = sqrt(3) = 1.73: first bar beyond
    0 0 1 2: mean 3/4, deviation sqrt(11)/4, z = 5/sqrt(11) = 1.51: second, fires
    0 1 2 3: mean 3/2, deviation sqrt(5)/2, z = 3/sqrt(5) = 1.34: third, silent
    1 2 3 3: mean 9/4, deviation sqrt(11)/4, z = 3/sqrt(11) = 0.90: over
    """
    detector = volatility.with_params(VolatilityParams(4, 1.0, 2))
    closes = [100.0 + 5 * n for n in (0, 0, 0, 1, 2, 3, 3)]

    assert signals_of(detector, flat(*closes)) == [0, 0, 0, 0, 1, 0, 0]
    down = [200.0 - c for c in closes]
    assert signals_of(detector, flat(*down)) == [0, 0, 0, 0, -1, 0, 0]


def test_volatility_counts_a_close_exactly_on_the_threshold() -> None:
    """Window 4, closes 0 0 0 4: mean 1, variance 3, z = 3/sqrt(3); z squared is exactly 3.

    Threshold sqrt(3) rounds up in binary, so it is asked as 1.7320508 (below) and 1.7320509
    (above); and closes 0 2 2 4 over window 4 with mean 2, variance 2 give z squared exactly 2.
    A threshold of 1 is exact: -1 1 -1 1 has mean 0, variance 1, z = 1.
    """
    on = volatility.with_params(VolatilityParams(4, 1.0, 1))

    assert signals_of(on, flat(95, 105, 95, 105)) == [0, 0, 0, 1]
    just_above = volatility.with_params(VolatilityParams(4, math.nextafter(1.0, 2.0), 1))
    assert signals_of(just_above, flat(95, 105, 95, 105)) == [0, 0, 0, 0]


def test_volatility_says_nothing_of_a_constant_window() -> None:
    detector = volatility.with_params(VolatilityParams(3, 0.1, 1))

    # The jump fires; once three equal closes fill the window there is no deviation to measure.
    assert signals_of(detector, flat(100, 100, 100, 105, 105, 105, 105)) == [
        0,
        0,
        0,
        1,
        0,
        0,
        0,
    ]


def test_a_confirmed_excursion_is_stamped_at_its_confirmation_not_at_its_start() -> None:
    detector = volatility.with_params(VolatilityParams(4, 1.0, 2))
    closes = [100.0 + 5 * n for n in (0, 0, 0, 1, 2, 3, 3)]

    first_beyond, confirmed = 3, 4

    signals = signals_of(detector, flat(*closes))
    assert signals[first_beyond] == 0
    assert signals[confirmed] == 1


BEAR, BULL = (110.0, 115.0, 95.0, 100.0), (100.0, 115.0, 95.0, 110.0)


@pytest.mark.parametrize(
    ("first", "second", "signal"),
    [
        (BEAR, (95, 120, 90, 115), 1),  # covers with room on both sides
        (BEAR, (100, 120, 90, 110), 1),  # both ends equal: inclusive
        (BEAR, (100, 120, 90, 105), 0),  # leaves the top uncovered
        (BEAR, (105, 120, 90, 115), 0),  # leaves the bottom uncovered
        (BEAR, (115, 120, 90, 95), 0),  # same colour
        (BULL, (115, 120, 90, 95), -1),
        (BULL, (110, 120, 90, 100), -1),
        (BULL, (110, 120, 90, 105), 0),
        ((105, 115, 95, 105), (95, 120, 90, 115), 0),  # a first bar without a body
        (BEAR, (105, 120, 90, 105), 0),  # a second bar without a body
    ],
)
def test_engulfing_by_hand(
    first: tuple[float, ...], second: tuple[float, ...], signal: int
) -> None:
    assert signals_of(engulfing, [first, second]) == [0, signal]  # type: ignore[list-item]  # tuples of four


def test_engulfing_does_not_reach_over_the_night() -> None:
    rows = session([BEAR], date(2021, 4, 5)) + session([(95, 120, 90, 115)], date(2021, 4, 6))

    assert step_through(engulfing, tick_bars(rows))[0] == [0, 0]


def test_breakout_fires_once_per_break_and_again_after_coming_back() -> None:
    """Window 2, extremes. Highs and lows are the closes, in ticks of 5 from 100:

    closes 0 0 1 2 2 4 0: bar 2 (1) is over max(0, 0): fires; bar 3 (2) is over max(0, 1) and
    its condition held before: silent; bar 4 (2) is not over max(1, 2); bar 5 (4) fires anew;
    bar 6 (0) is under min(2, 4): fires downward.
    """
    detector = breakout.with_params(BreakoutParams(2))
    closes = [100.0 + 5 * n for n in (0, 0, 1, 2, 2, 4, 0)]

    assert signals_of(detector, flat(*closes)) == [0, 0, 1, 0, 0, 1, -1]


def test_breakout_needs_a_whole_tick_beyond_a_level_of_highs() -> None:
    bars = [(100, 110, 95, 100), (100, 105, 95, 100), (100, 115, 95, 110), (100, 120, 95, 120)]
    two = breakout.with_params(BreakoutParams(2))

    # The third close touches the highest high (110); the fourth is 5 above 115.
    assert signals_of(two, bars) == [0, 0, 0, 1]
    closes = breakout.with_params(BreakoutParams(2, levels=Levels.closes))
    assert signals_of(closes, bars) == [0, 0, 1, 0]


def test_the_breakout_latch_is_carried_over_the_night() -> None:
    """The break of the last bar holds on the next morning's first: no second alert."""
    bars = flat(100, 100, 105)
    rows = session(bars, date(2021, 4, 5)) + session(flat(150, 155), date(2021, 4, 6))
    detector = breakout.with_params(BreakoutParams(2))

    # Gap-joined closes in ticks: 0 0 1 | 1 2. The morning's 1 does not exceed max(0, 1), so the
    # condition is interrupted and the second bar breaks anew.
    assert step_through(detector, tick_bars(rows))[0] == [0, 0, 1, 0, 1]
    # Had the first morning bar moved on itself, the break would have gone on.
    rows = session(bars, date(2021, 4, 5)) + session([(150, 155, 150, 155)], date(2021, 4, 6))
    assert step_through(detector, tick_bars(rows))[0] == [0, 0, 1, 0]


def zigzag(lows: list[float]) -> list[tuple[float, float, float, float]]:
    return [(low + 20, low + 40, low, low + 20) for low in lows]


def divergence_case() -> list[float]:
    """A fast fall to a pivot, a slow one to a lower pivot: price lower, RSI higher."""
    start = [1_000.0 + 10 * (n % 2) for n in range(20)]
    fast = [950.0, 900.0, 850.0, 800.0]
    up = [850.0, 880.0, 900.0, 910.0, 900.0]
    slow = [880.0, 860.0, 840.0, 820.0, 810.0, 795.0]
    return start + fast + up + slow + [820.0, 850.0, 860.0]


def test_a_divergence_is_stamped_where_the_pivot_is_known_not_at_the_pivot() -> None:
    lows = divergence_case()
    pivot = lows.index(795.0)

    signals = signals_of(rsi_divergence, zigzag(lows))

    assert [i for i, s in enumerate(signals) if s] == [pivot + 2]
    assert signals[pivot + 2] == 1


def test_a_divergence_needs_both_pivots_in_one_session() -> None:
    bars = zigzag(divergence_case())
    cut = divergence_case().index(910.0)
    rows = session(bars[:cut], date(2021, 4, 5)) + session(bars[cut:], date(2021, 4, 6))

    assert not any(step_through(rsi_divergence, tick_bars(rows))[0])


def test_a_divergence_needs_its_pivots_within_the_distance() -> None:
    lows = divergence_case()
    apart = lows.index(795.0) - lows.index(800.0)
    for params, fires in (
        (RsiDivergenceParams(min_bars=apart), True),
        (RsiDivergenceParams(min_bars=apart + 1), False),
        (RsiDivergenceParams(max_bars=apart), True),
        (RsiDivergenceParams(max_bars=apart - 1), False),
    ):
        assert any(signals_of(rsi_divergence.with_params(params), zigzag(lows))) is fires, params


def test_a_bar_that_confirms_both_divergences_says_nothing() -> None:
    """Found by comparing walks: +1 used to win, so mirrored prices scored differently."""
    rows = walk(0, sessions=14, missing=0.02)
    bars = in_ticks(rows)
    lows = naive.rsi_divergence([_only_lows(b) for b in bars])
    highs = naive.rsi_divergence([_only_highs(b) for b in bars])
    both = {i for i, _, _ in lows} & {i for i, _, _ in highs}
    assert len(both) == 1  # the walk does have such a bar

    signals, _, _ = step_through(rsi_divergence, tick_bars(rows))

    assert [signals[i] for i in both] == [0]


def _only_lows(bar: NaiveBar) -> NaiveBar:
    return NaiveBar(bar.time, bar.open, 0, bar.low, bar.close)


def _only_highs(bar: NaiveBar) -> NaiveBar:
    return NaiveBar(bar.time, bar.open, bar.high, 0, bar.close)


def test_average_true_range_takes_no_night_into_account() -> None:
    """Window 2. Ranges 10 and 20 -> 15; next morning a gap of 1000 and a range of 30 -> 22.5."""
    bars, _ = naive.in_units(
        session([(100, 110, 100, 105), (105, 120, 100, 110)], date(2021, 4, 5))
        + session([(1100, 1130, 1100, 1120), (1120, 1125, 1060, 1070)], date(2021, 4, 6))
    )

    values = average_ranges(bars, 2)

    assert math.isnan(values[0])
    # The last: max(65, |1125 - 1120|, |1060 - 1120|) = 65, (22.5 + 65) / 2 = 43.75.
    assert values[1:] == [15.0, 22.5, 43.75]


def test_average_true_range_sees_a_gap_inside_the_session() -> None:
    """Range 10, then a bar of range 5 that opens 40 higher: true range 45; mean 27.5."""
    bars, _ = naive.in_units(session([(100, 110, 100, 100), (140, 145, 140, 145)]))

    assert average_ranges(bars, 2)[1] == 27.5


# --- from signals to an alert -------------------------------------------------------------


def test_merging_counts_every_combination_of_signals() -> None:
    for signals in itertools.product((-1, 0, 1), repeat=4):
        for direction in (1, -1):
            agree = [place for place, s in enumerate(signals) if s == direction]
            lead, others, mask = merge(signals, direction)
            assert lead == (agree[0] if agree else -1)
            assert others == max(len(agree) - 1, 0)
            assert mask == sum(1 << place for place in agree[1:])


@pytest.mark.parametrize(
    ("base", "others", "confidence", "severity"),
    [
        (85, 0, 85, "CRITICO"),
        (85, 1, 95, "CRITICO"),
        (85, 3, 95, "CRITICO"),  # capped
        (70, 0, 70, "ALTO"),
        (70, 1, 80, "CRITICO"),  # 0.70 + 0.10 in floats is 0.7999999999999999
        (65, 0, 65, "ALTO"),
        (60, 0, 60, "MEDIO"),
        (60, 2, 80, "CRITICO"),
        (64, 0, 64, "MEDIO"),
        (79, 0, 79, "ALTO"),
    ],
)
def test_confidence_and_severity_are_counted_in_hundredths(
    base: int, others: int, confidence: int, severity: str
) -> None:
    assert confidence_of(base, others) == confidence
    assert SEVERITIES[severity_of(confidence)] == severity


@pytest.mark.parametrize(
    ("price", "atr", "direction", "tick", "expected"),
    [
        # 1.5 * 7 = 10.5 and 0.25 * 7 = 1.75 quanta of one tick. Stop 100 - 10.5 = 89.5 -> 90,
        # toward the price; target 110.5 -> 111, away from it; band 98.25-101.75 -> 98-102.
        (100, 7.0, 1, 1, (98, 102, 90, 111)),
        (100, 7.0, -1, 1, (98, 102, 110, 89)),
        # Whole distances stay: 1.5 * 8 = 12, 0.25 * 8 = 2.
        (100, 8.0, 1, 1, (98, 102, 88, 112)),
        (100, 8.0, -1, 1, (98, 102, 112, 88)),
        # No range at all: one tick away on each side.
        (100, 0.0, 1, 1, (100, 100, 99, 101)),
        (100, 0.0, -1, 1, (100, 100, 101, 99)),
        # 1.5 * 0.4 = 0.6 is less than a tick.
        (100, 0.4, 1, 1, (99, 101, 99, 101)),
        # Two quanta a tick and an odd price: levels land on the tick.
        (101, 4.0, 1, 2, (100, 102, 96, 108)),
        (101, 4.0, -1, 2, (100, 102, 106, 94)),
    ],
)
def test_levels_by_hand(
    price: int, atr: float, direction: int, tick: int, expected: tuple[int, int, int, int]
) -> None:
    params = SetupParams(0.25, 1.5, 1.5, tick, 1)

    assert setup_levels(price, atr, direction, params) == expected


def test_levels_off_the_grid_are_not_rounded() -> None:
    params = SetupParams(0.25, 1.5, 1.5, tick=5, rounded=0)

    assert setup_levels(100, 7.0, 1, params) == (98.25, 101.75, 89.5, 110.5)
    assert setup_levels(100, 0.0, -1, params) == (100.0, 100.0, 105.0, 95.0)


@given(
    st.integers(500, 40_000), st.floats(0, 300), st.sampled_from((0.25, 0.5, 1.5, 3.0)),
    st.sampled_from((0.25, 1.0)), st.integers(1, 10), st.booleans(),
)  # fmt: skip
def test_levels_keep_their_side_of_the_price_and_mirror(
    price: int, atr: float, distance: float, band: float, tick: int, rounded: bool
) -> None:
    params = SetupParams(band, distance, distance, tick, int(rounded))
    price *= tick  # a close is on the grid

    long = setup_levels(price, atr, 1, params)
    short = setup_levels(price, atr, -1, params)

    assert long.entry_min <= price <= long.entry_max
    assert long.stop <= price - tick
    assert long.target >= price + tick
    assert (long.entry_min, long.entry_max) == (short.entry_min, short.entry_max)
    if rounded:
        assert long.target - price >= price - long.stop  # risk rounded down, reward up
        mirrored = tuple(2 * price - level for level in (short.stop, short.target))
        assert (long.stop, long.target) == mirrored


# --- the limits of parameters -------------------------------------------------------------


@pytest.mark.parametrize(
    ("limits", "inside", "outside", "words"),
    [
        (Range(1, 10), [1, 10, 2.5], [0, 11, "3", None], "from 1 to 10"),
        (Range(above=0.0, high=100.0), [0.001, 100], [0, -1, 100.1], "above 0 and at most 100"),
        (Range(above=0.0), [1e9], [0.0], "above 0"),
        (Range(low=5.0), [5, 1e12], [4.9], "of at least 5"),
        (Range(high=0.25), [0.25, -9], [0.3], "of at most 0.25"),
        (Range(), [0, -1e300], ["x"], "of any size"),
    ],
)
def test_a_range_contains_its_ends_and_reads_as_words(
    limits: Range, inside: list[object], outside: list[object], words: str
) -> None:
    assert all(value in limits for value in inside)
    assert not any(value in limits for value in outside)
    assert str(limits) == words


def test_a_nan_is_in_no_bounded_range() -> None:
    assert math.nan not in Range(0, 1)


TWINS: list[tuple[Detector, Callable[..., list[tuple[int, int, str]]]]] = [
    (volatility, naive.volatility),
    (engulfing, naive.engulfing),
    (rsi_divergence, naive.rsi_divergence),
    (breakout, lambda bars: naive.breakout(bars, 1)),
]


@pytest.mark.parametrize(("detector", "twin"), TWINS, ids=lambda x: getattr(x, "name", ""))
def test_twins_are_compared_on_more_than_silence(
    detector: Detector, twin: Callable[..., list[tuple[int, int, str]]]
) -> None:
    rows = walk(21, sessions=6)

    found = twin(in_ticks(rows))

    assert {direction for _, direction, _ in found} == {1, -1}
    assert step_through(detector, tick_bars(rows))[0] == signs(found, len(rows))
