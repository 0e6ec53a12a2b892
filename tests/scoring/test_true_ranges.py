"""The average true range over a file: step by step, in lanes, and its naive twin."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alertlib.scoring.engine import COMPILED
from alertlib.scoring.scans import lanes
from alertlib.scoring.true_ranges import true_ranges
from tests import naive
from tests.support.steps import rough_walk
from tests.support.synthetic import series_of, walk


@given(st.integers(0, 10**6), st.integers(2, 20))
def test_true_ranges_equal_their_naive_twin(seed: int, window: int) -> None:
    rows = rough_walk(seed)
    bars, _ = naive.in_units(rows)

    ours = true_ranges(series_of(rows, timeframe="M5"), window)

    # Ticks here, points there: a factor of five, and with it another rounding.
    np.testing.assert_allclose(5 * ours, naive.atr(bars, window), rtol=1e-12, equal_nan=True)


@settings(max_examples=30)
@given(st.integers(0, 10**6), st.integers(1, 20), st.integers(0, 1_500))
def test_lanes_are_the_step_to_the_last_bit(seed: int, window: int, bars: int) -> None:
    series = series_of(walk(seed, sessions=15, bars=100, missing=0.02), timeframe="M5").head(bars)

    plain = true_ranges(series, window)

    assert np.array_equal(true_ranges(series, window, COMPILED), plain, equal_nan=True)


@settings(max_examples=20)
@given(st.integers(0, 10**6), st.integers(1, 20), st.integers(0, 40))
def test_lanes_are_the_step_where_their_guesses_fail(seed: int, window: int, silent: int) -> None:
    series = series_of(rough_walk(seed), timeframe="M5")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lanes, "silent_steps", lambda window: silent)
        found = true_ranges(series, window, COMPILED)

    assert np.array_equal(found, true_ranges(series, window), equal_nan=True)
