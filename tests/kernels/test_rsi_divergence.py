"""RSI divergence against its naive twin and TA-Lib, and at each of its limits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import talib
from hypothesis import given
from hypothesis import strategies as st

from alertlib.detection.builtin import rsi_divergence
from alertlib.kernels.bar import TickBar
from alertlib.kernels.reading import Reading
from alertlib.kernels.rsi_divergence import RsiDivergenceParams, rsi_divergence_evidence
from tests import naive
from tests.support.steps import coarse_walk, in_ticks, rough_walk, signs, step_through, tick_bars
from tests.support.synthetic import walk

# TA-Lib works in floating point throughout; one step rounds a few times.
TALIB_RELATIVE = 1e-9


# Points that no two RSIs of few ticks are apart, nor zero, as they are where price stands still
# between two pivots: there the rounding of either recursion decides.
@pytest.mark.parametrize("made", [rough_walk, coarse_walk])
@given(
    seed=st.integers(0, 10**6), least=st.integers(1, 8), most=st.integers(9, 40),
    points=st.sampled_from((0.5003, 1.0007, 5.0013)), window=st.sampled_from((3, 14)),
)  # fmt: skip
def test_it_equals_its_naive_twin(
    made: Callable[[int], Any], seed: int, least: int, most: int, points: float, window: int
) -> None:
    rows = made(seed)
    detector = rsi_divergence.with_params(RsiDivergenceParams(window, least, most, points))

    signals, _, _ = step_through(detector, tick_bars(rows))

    twin = naive.rsi_divergence(in_ticks(rows), least, most, points, window)
    assert signals == signs(twin, len(rows))


# --- limits -------------------------------------------------------------------------------

# Closes stand still, so that the RSI is 50 everywhere, and all lows are equal: a divergence is two
# highs of which the second is higher. With no points asked for, 50 is as low as 50.
LIMITS = RsiDivergenceParams(window=2, min_bars=5, max_bars=5, min_points=0.0)


def bars_with_highs(highs: dict[int, int], size: int = 12, night: int = 0) -> list[TickBar]:
    """Bars between 90 and 101 but for some highs; a session begins at bar ``night``."""
    places = [at if at < night else at - night for at in range(size)]
    return [
        TickBar(100, highs.get(at, 101), 90, 100, 0, place, 0) for at, place in enumerate(places)
    ]


def signals(bars: list[TickBar], params: RsiDivergenceParams = LIMITS) -> dict[int, int]:
    """Signals by their bar; with prices turned upside down they are the opposite ones."""
    detector = rsi_divergence.with_params(params)
    found, _, _ = step_through(detector, bars)
    turned = [bar._replace(high=-bar.low, low=-bar.high, close=-bar.close) for bar in bars]
    assert step_through(detector, turned)[0] == [-signal for signal in found]
    return {at: signal for at, signal in enumerate(found) if signal != 0}


def test_the_second_of_two_highs_is_known_two_bars_later() -> None:
    assert signals(bars_with_highs({2: 105, 7: 106})) == {9: -1}
    assert signals(bars_with_highs({2: 105, 7: 105})) == {}  # not higher


@pytest.mark.parametrize(("least", "most"), [(5, 5), (4, 5), (5, 6)])
def test_highs_may_be_as_near_and_as_far_apart_as_the_limits(least: int, most: int) -> None:
    bars = bars_with_highs({2: 105, 7: 106})

    assert signals(bars, LIMITS._replace(min_bars=least, max_bars=most)) == {9: -1}


@pytest.mark.parametrize(("least", "most"), [(6, 9), (1, 4)])
def test_and_not_nearer_or_farther(least: int, most: int) -> None:
    bars = bars_with_highs({2: 105, 7: 106})

    assert signals(bars, LIMITS._replace(min_bars=least, max_bars=most)) == {}


def test_the_first_high_may_have_its_sessions_first_bar_in_its_window_and_none_before_it() -> None:
    assert signals(bars_with_highs({6: 105, 11: 106}, 14, night=4)) == {13: -1}
    assert signals(bars_with_highs({6: 105, 11: 106}, 14, night=5)) == {}


def test_the_first_high_may_be_the_first_bar_with_an_rsi_and_none_before_it() -> None:
    bars = bars_with_highs({5: 105, 10: 106}, 14)

    assert signals(bars, LIMITS._replace(window=5)) == {12: -1}
    assert signals(bars, LIMITS._replace(window=6)) == {}


def test_an_rsi_that_differs_by_the_points_is_enough() -> None:
    assert signals(bars_with_highs({2: 105, 7: 106}), LIMITS._replace(min_points=1e-9)) == {}


@pytest.mark.parametrize("other", [5, 6, 8, 9])
def test_a_high_that_any_of_four_neighbours_equals_is_none(other: int) -> None:
    assert signals(bars_with_highs({2: 105, 7: 106, other: 106})) == {}


def test_a_high_and_a_low_at_once_cancel() -> None:
    bars = bars_with_highs({2: 105, 7: 106})
    both = [b._replace(low={2: 85, 7: 84}.get(at, 90)) for at, b in enumerate(bars)]

    assert signals(both) == {}


# --- RSI ----------------------------------------------------------------------------------


def strengths(closes: list[int]) -> list[float]:
    state = rsi_divergence.state
    values = []
    ring = [0] * rsi_divergence.ring
    for place, close in enumerate(closes):
        bar = TickBar(close, close, close, close, 0, place, 0)
        _, state = rsi_divergence.step(state, ring, bar, rsi_divergence.params)
        values.append(state.rsi_1)
    return values


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


def test_before_enough_changes_rsi_is_fifty_whatever_moved() -> None:
    rising = strengths(list(range(20)))

    assert rising[:14] == [50.0] * 14
    assert rising[14:] == [100.0] * 6


# --- what it says it saw ------------------------------------------------------------------


def evidence_at(last: int, bars: list[TickBar], params: RsiDivergenceParams) -> tuple[Reading, ...]:
    _, state, ring = step_through(rsi_divergence.with_params(params), bars[:last])
    return rsi_divergence_evidence(state, ring, bars[last], params)


def test_what_it_says_it_saw_by_hand() -> None:
    bars = bars_with_highs({2: 105, 7: 106})

    assert evidence_at(9, bars, LIMITS) == (
        Reading("RSI(2)", 50.0),
        Reading("low two bars ago", 90, 89, False, 1, "price"),
        Reading("pivot lows before it in its session", 0, 1, False, 1),
        Reading("high two bars ago", 106, 102, True, -1, "price"),
        Reading("bars since the pivot before", 5, 5, True, -1),
        Reading("high against that pivot's", 106, 106, True, -1, "price"),
        Reading("RSI against that pivot's", 50.0, 50.0, True, -1),
    )


@pytest.mark.parametrize("beside", [5, 6, 8, 9])
def test_an_extreme_has_to_lie_beyond_each_of_its_four_neighbours(beside: int) -> None:
    found = evidence_at(9, bars_with_highs({7: 106, beside: 107}), LIMITS)

    assert Reading("high two bars ago", 106, 108, False, -1, "price") in found


def test_the_bound_it_names_is_the_one_that_is_broken() -> None:
    bars = bars_with_highs({2: 105, 7: 106})
    far, near = (
        evidence_at(9, bars, LIMITS._replace(min_bars=least, max_bars=most))[4]
        for least, most in ((1, 4), (6, 9))
    )

    assert far == Reading("bars since the pivot before", 5, 4, False, -1)
    assert near == Reading("bars since the pivot before", 5, 6, False, -1)


def test_it_says_nothing_before_it_has_five_bars_and_of_a_pivot_before_them() -> None:
    bars = bars_with_highs({2: 105})

    assert evidence_at(3, bars, LIMITS) == ()
    assert Reading("high two bars ago", 105, 102, True, -1, "price") in evidence_at(4, bars, LIMITS)
    assert Reading("pivot highs before it in its session", 0, 1, False, -1) in (
        evidence_at(7, bars, LIMITS._replace(window=3))
    )
