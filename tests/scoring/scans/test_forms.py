"""Every block form gives its step's signals, bit for bit."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alertlib.detection.builtin import breakout, engulfing, rsi_divergence, volatility
from alertlib.detection.detectors import Detector
from alertlib.kernels.breakout import BreakoutParams
from alertlib.kernels.rsi_divergence import RsiDivergenceParams
from alertlib.kernels.volatility import VolatilityParams
from alertlib.scoring.engine import COMPILED, INTERPRETED, Engine
from alertlib.scoring.scans import lanes
from alertlib.scoring.scans.breakout import LONGEST_CHANNEL
from alertlib.scoring.scans.form import BLOCK
from alertlib.scoring.scans.rsi_divergence import HIGH, KIND_BITS, NO_PIVOT, _rsi_at
from alertlib.scoring.scans.table import BLOCK_FORMS, find_form
from alertlib.scoring.scans.volatility import EXACT_BELOW, LONGEST_RUN, covers
from alertlib.scoring.signals import detect
from alertlib.scoring.step_bars import NARROW_BELOW, StepBars
from tests import naive
from tests.support.steps import rough_walk
from tests.support.synthetic import series_of, session, walk

FORMS = (volatility, engulfing, breakout, rsi_divergence)


def one_of_each(far: int) -> st.SearchStrategy[Detector]:
    """Detectors whose windows and distances reach as far as ``far`` bars."""
    bars = st.integers(1, far)
    return st.one_of(
        st.builds(
            lambda n, limit, confirm: volatility.with_params(VolatilityParams(n, limit, confirm)),
            st.integers(2, far), st.sampled_from((1e-9, 0.1, 1.0, 1.5, 2, 3.0, 100.0)),
            st.integers(1, min(far, LONGEST_RUN + 3)),
        ),
        st.just(engulfing),
        st.builds(
            lambda n, margin, closes: breakout.with_params(BreakoutParams(n, margin, closes)),
            st.integers(1, min(far, LONGEST_CHANNEL + 3)), st.integers(0, 4), st.integers(0, 1),
        ),
        st.builds(
            lambda n, low, high, points: rsi_divergence.with_params(
                RsiDivergenceParams(n, low, high, points)
            ),
            st.integers(2, far), bars, bars, st.sampled_from((0, 0.0, 1.0, 7.5, 100.0)),
        ),
    )  # fmt: skip


def assert_equal(detector: Detector, rows: Any) -> None:
    series = series_of(rows, timeframe="M5")
    plain = detect(series, (detector,), INTERPRETED).sign
    assert np.array_equal(detect(series, (detector,), COMPILED).sign, plain)


@settings(max_examples=80)
@given(one_of_each(60), st.integers(0, 10**6))
def test_a_form_is_its_step_on_rough_walks(detector: Detector, seed: int) -> None:
    assert_equal(detector, rough_walk(seed))


@settings(max_examples=40)
@given(one_of_each(15), st.integers(0, 10**6), st.integers(-3, 8))
def test_a_form_is_its_step_over_the_borders_of_blocks(
    detector: Detector, seed: int, more: int
) -> None:
    """And, of the RSI, over those of lanes, which such a file is long enough for."""
    rows = walk(seed, sessions=2 * BLOCK // 100 + 1, bars=100, missing=0.02)

    assert_equal(detector, rows[: 2 * BLOCK + more])


@pytest.mark.parametrize("one", FORMS, ids=lambda d: d.name)
def test_a_form_is_its_step_where_no_lane_begins_as_the_one_before_it_ends(
    one: Detector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lanes, "silent_steps", lambda window: 3)

    for seed in range(3):
        assert_equal(one, walk(seed, sessions=12, bars=100))


@pytest.mark.parametrize("bars", [1_400, 1_401, 1_402, 1_403])
def test_the_rsi_is_told_at_every_bar_wherever_lanes_begin_and_end(
    engine: Engine, bars: int
) -> None:
    n = 5
    closes = np.random.default_rng(bars).integers(-9, 10, bars).cumsum() + 24_000
    at = np.arange(n, bars)
    pivots = np.append((at << KIND_BITS) + HIGH, NO_PIVOT).astype(np.uint32)

    found = _rsi_at(engine, closes.astype(np.int32), n, pivots, len(at))

    assert found == pytest.approx(naive.rsi(closes.tolist(), n)[n:], abs=1e-9)


@settings(max_examples=30)
@given(one_of_each(40), st.integers(0, 10**6))
def test_a_form_is_its_step_after_a_long_standstill(detector: Detector, seed: int) -> None:
    """An average that has almost vanished is not what any guess comes to."""
    still = [(t, 120_000.0, 120_000.0, 120_000.0, 120_000.0) for t, *_ in walk(0, sessions=10)]
    rows = [*walk(seed, sessions=2), *still[220:980], *walk(seed, sessions=14)[980:]]

    assert_equal(detector, rows)


@given(one_of_each(12), st.integers(1, 12))
def test_a_form_is_its_step_on_the_shortest_files(detector: Detector, bars: int) -> None:
    assert_equal(detector, walk(3, sessions=1, bars=60)[:bars])


@settings(max_examples=30)
@given(one_of_each(30), st.integers(0, 10**6))
def test_a_form_is_its_step_on_few_and_extreme_prices(detector: Detector, seed: int) -> None:
    rng = random.Random(seed)
    far = rng.choice((5.0, 100_000.0, 900_000.0))
    bars = []
    for _ in range(100):
        low = far + 5 * rng.randrange(3)
        high = low + 5 * rng.randrange(3)
        inside = [low + 5 * rng.randrange(int((high - low) / 5) + 1) for _ in range(2)]
        bars.append((inside[0], high, low, inside[1]))

    assert_equal(detector, session(bars))


@pytest.mark.parametrize(
    "one",
    [
        volatility.with_params(VolatilityParams(10_000, 2.0, 1_000)),
        volatility.with_params(VolatilityParams(2, 100.0, 1)),
        breakout.with_params(BreakoutParams(10_000, 10_000)),
        rsi_divergence.with_params(RsiDivergenceParams(1_000, 1, 1_000, 0.0)),
        rsi_divergence.with_params(RsiDivergenceParams(2, 1_000, 1_000, 100.0)),
    ],
    ids=lambda d: f"{d.name}-{d.params[0]}",
)
def test_a_form_is_its_step_at_the_ends_of_the_declared_ranges(one: Detector) -> None:
    assert_equal(one, walk(5, sessions=15, bars=100))


@pytest.mark.parametrize("bars", [30, 31, 32, 100])
def test_there_is_room_for_as_many_pivots_as_bars_can_hold(bars: int) -> None:
    """A high or a low in two of three bars: a pivot is apart from the next of its kind by three."""
    middle = 100_000.0
    rows = [
        (middle, middle + (50 if at % 3 == 0 else 25), middle - (50 if at % 3 == 1 else 25), middle)
        for at in range(bars)
    ]

    assert_equal(rsi_divergence, session(rows))


@pytest.mark.parametrize("one", FORMS, ids=lambda d: d.name)
def test_the_defaults_are_covered(one: Detector) -> None:
    series = series_of(rough_walk(1), timeframe="M5")
    bars = StepBars(series, np.zeros(len(series)))

    assert find_form(one.step, bars, one.kernel_params(1)) is BLOCK_FORMS[one.step]


@pytest.mark.parametrize("one", FORMS, ids=lambda d: d.name)
def test_prices_beyond_32_bits_are_left_to_the_step(one: Detector) -> None:
    rows = walk(1, sessions=3, tick=0.01)
    above: list[Any] = [(t, *(round(p + 3.0e7, 2) for p in prices)) for t, *prices in rows]
    series = series_of(above, "PETR4")
    bars = StepBars(series, np.zeros(len(series)))

    assert bars.largest >= NARROW_BELOW
    assert find_form(one.step, bars, one.kernel_params(1)) is None
    near = detect(series_of(rows, "PETR4"), (one,), COMPILED).sign
    assert np.array_equal(detect(series, (one,), COMPILED).sign, near)


@given(st.integers(2, 10_000), st.integers(1, 32))
def test_sums_of_squares_are_taken_as_floats_only_where_these_are_exact(n: int, run: int) -> None:
    """A product of two sums is then below 2^53."""
    params = VolatilityParams(n, 2.0, run)
    largest = (EXACT_BELOW - 1) // n

    assert covers(params, largest)
    assert (n * largest) ** 2 <= 2**53
    assert not covers(params, largest + 1)
    assert not covers(params._replace(confirm_bars=LONGEST_RUN + 1), 1)
