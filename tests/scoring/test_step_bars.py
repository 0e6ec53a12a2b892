"""Bars as detectors read them: every form is the same bars."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from alertlib.bars.schema import PRICES
from alertlib.kernels.bar import TickBar, weekday_of
from alertlib.scoring.engine import COMPILED, INTERPRETED
from alertlib.scoring.step_bars import StepBars
from tests.support.steps import rough_walk
from tests.support.synthetic import series_of


@given(st.integers(0, 10**6), st.integers(0, 150), st.integers(1, 150))
def test_every_column_is_what_a_bar_says_it_is(seed: int, start: int, size: int) -> None:
    series = series_of(rough_walk(seed), timeframe="M5").tail(start).head(size)
    atr = np.arange(float(len(series)))

    columns = StepBars(series, atr).columns

    assert set(columns) == set(TickBar._fields)
    for name in PRICES:
        assert np.array_equal(columns[name], getattr(series, name) - series.gaps), name
    assert np.array_equal(columns["minute"], series.minute % 1_440)
    assert np.array_equal(columns["gap"], np.diff(series.gaps, prepend=0))
    assert np.array_equal(columns["weekday"], weekday_of(series.day))
    for name in ("volume", "place", "day", "real_volume"):
        assert np.array_equal(columns[name], getattr(series, name)), name
    assert np.array_equal(columns["atr"], atr)


@given(st.integers(0, 10**6))
def test_narrow_prices_are_the_prices_and_none_exceeds_the_largest(seed: int) -> None:
    series = series_of(rough_walk(seed), timeframe="M5")
    bars = StepBars(series, np.zeros(len(series)))

    assert bars.is_narrow
    for name in PRICES:
        assert bars.narrow[name].dtype == np.int32
        assert np.array_equal(bars.narrow[name], bars.columns[name]), name
        assert np.abs(bars.columns[name]).max() <= bars.largest


@given(st.integers(0, 10**6))
def test_both_engines_read_the_same_bars(seed: int) -> None:
    series = series_of(rough_walk(seed), timeframe="M5")
    bars = StepBars(series, np.zeros(len(series)))
    plain, columns = bars.by(INTERPRETED), bars.by(COMPILED)

    assert bars.by(COMPILED) is columns
    assert [COMPILED.bar_of(columns, at) for at in range(len(bars))] == plain
