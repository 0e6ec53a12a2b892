"""Detector steps on cases worked by hand."""

from __future__ import annotations

import math
from datetime import date

import pytest

from alertlib.detection.builtin import breakout, engulfing, rsi_divergence, volatility
from alertlib.detection.detectors import Detector
from alertlib.kernels.breakout import BreakoutParams, Levels
from alertlib.kernels.rsi_divergence import RsiDivergenceParams
from alertlib.kernels.volatility import VolatilityParams
from tests import naive
from tests.naive import NaiveBar
from tests.support.steps import average_ranges, in_ticks, step_through, tick_bars
from tests.support.synthetic import session, walk


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
