"""The average true range against its naive twin and TA-Lib."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import talib
from hypothesis import given
from hypothesis import strategies as st

from alertlib.kernels.atr import AtrState, atr_step
from tests import naive
from tests.support.steps import average_ranges, coarse_walk, rough_walk
from tests.support.synthetic import walk

# TA-Lib works in floating point throughout; one step rounds a few times.
TALIB_RELATIVE = 1e-9


@pytest.mark.parametrize("made", [rough_walk, coarse_walk])
@given(seed=st.integers(0, 10**6), window=st.integers(1, 20))
def test_it_equals_its_naive_twin(made: Callable[[int], Any], seed: int, window: int) -> None:
    bars, _ = naive.in_units(made(seed))

    ours, theirs = average_ranges(bars, window), naive.atr(bars, window)

    # The same sums in the same order, hence the same bits.
    assert np.array_equal(ours, theirs, equal_nan=True)


def test_it_is_talibs_once_started_like_it() -> None:
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
