"""Every block form gives its step's signals, bit for bit."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alertlib.detection.builtin import breakout, volatility
from alertlib.detection.detectors import Detector
from alertlib.kernels.breakout import BreakoutParams
from alertlib.kernels.volatility import VolatilityParams
from alertlib.scoring.engine import COMPILED, INTERPRETED
from alertlib.scoring.scans import BLOCK, BLOCK_FORMS, LONGEST_CHANNEL
from alertlib.scoring.signals import detect
from tests.support.steps import rough_walk
from tests.support.synthetic import series_of, session, walk

ways = st.one_of(
    st.builds(
        lambda n, limit, confirm: volatility.with_params(VolatilityParams(n, limit, confirm)),
        st.integers(2, 60), st.sampled_from((0.1, 0.5, 1.0, 1.5, 2.0, 3.0)), st.integers(1, 6),
    ),
    st.builds(
        lambda n, margin, closes: breakout.with_params(BreakoutParams(n, margin, closes)),
        st.integers(1, LONGEST_CHANNEL + 3), st.integers(0, 4), st.integers(0, 1),
    ),
)  # fmt: skip


def assert_equal(detector: Detector, rows: Any) -> None:
    series = series_of(rows, timeframe="M5")
    plain = detect(series, (detector,), INTERPRETED).sign
    assert np.array_equal(detect(series, (detector,), COMPILED).sign, plain)


@settings(max_examples=60)
@given(ways, st.integers(0, 10**6))
def test_a_form_is_its_step_on_rough_walks(detector: Detector, seed: int) -> None:
    assert_equal(detector, rough_walk(seed))


@settings(max_examples=10)
@given(ways, st.integers(0, 10**6), st.integers(-3, 3))
def test_a_form_is_its_step_over_the_borders_of_blocks(
    detector: Detector, seed: int, more: int
) -> None:
    rows = walk(seed, sessions=2 * BLOCK // 100 + 1, bars=100, missing=0.02)

    assert_equal(detector, rows[: 2 * BLOCK + more])


@given(ways, st.integers(1, 12))
def test_a_form_is_its_step_on_the_shortest_files(detector: Detector, bars: int) -> None:
    assert_equal(detector, walk(3, sessions=1, bars=60)[:bars])


@settings(max_examples=20)
@given(ways, st.integers(0, 10**6))
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


@pytest.mark.parametrize("one", [volatility, breakout], ids=lambda d: d.name)
def test_the_defaults_are_covered(one: Detector) -> None:
    assert BLOCK_FORMS[one.step].covers(one.kernel_params(1))
