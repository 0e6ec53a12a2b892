"""The average true range over a file, and its naive twin."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from alertlib.scoring.true_ranges import true_ranges
from tests import naive
from tests.support.steps import rough_walk
from tests.support.synthetic import series_of


@given(st.integers(0, 10**6), st.integers(2, 20))
def test_true_ranges_equal_their_naive_twin(seed: int, window: int) -> None:
    rows = rough_walk(seed)
    bars, _ = naive.in_units(rows)

    ours = true_ranges(series_of(rows, timeframe="M5"), window)

    # Ticks here, points there: a factor of five, and with it another rounding.
    np.testing.assert_allclose(5 * ours, naive.atr(bars, window), rtol=1e-12, equal_nan=True)
