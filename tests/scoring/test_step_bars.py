"""Bars as detectors read them: every form is the same bars."""

from __future__ import annotations

from datetime import date

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from alertlib.bars.schema import PRICES
from alertlib.kernels.bar import TickBar, weekday_of
from alertlib.scoring.engine import COMPILED, INTERPRETED
from alertlib.scoring.step_bars import StepBars
from tests.support.steps import rough_walk
from tests.support.synthetic import series_of, session


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


def test_32_bits_hold_what_is_below_two_to_the_31st() -> None:
    series = series_of(rough_walk(1), timeframe="M5")
    bars = StepBars(series, np.zeros(len(series)))
    narrow = []
    for largest in (2**31 - 1, 2**31):
        vars(bars)["largest"] = largest  # as bars of such prices would say
        narrow.append(bars.is_narrow)

    assert narrow == [True, False]


def test_the_largest_price_counts_the_nights_the_joined_ones_left_out() -> None:
    """Two sessions of 100 and 300 ticks, 200 apart, and the same upside down."""
    rows = [*session([(500.0, 500.0, 500.0, 500.0)]), *session([(1500.0,) * 4], date(2021, 4, 6))]

    for made in (rows, rows[1:]):
        series = series_of(made, timeframe="M5")
        nights = 200 if len(made) == 2 else 0
        assert StepBars(series, np.zeros(len(series))).largest == 300 + nights


def test_a_bar_is_named_by_its_minute() -> None:
    series = series_of(rough_walk(1), timeframe="M5")

    assert StepBars(series, np.zeros(len(series))).when(1) == f"{series.times()[1]:%Y-%m-%d %H:%M}"
