"""The contract every detector keeps: built-in or a user's own."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertlib.bars.series import Series
from alertlib.detection.builtin import (
    breakout,
    directional_change,
    engulfing,
    rsi_divergence,
    volatility,
)
from alertlib.detection.detectors import Detector
from alertlib.scoring.engine import COMPILED, INTERPRETED, Engine
from alertlib.scoring.signals import detect
from tests.support import user_detectors
from tests.support.steps import columns_of, mirrored, rough_walk, step_through
from tests.support.synthetic import Row, series_of, session, shared_rows, walk

BUILT_IN = (volatility, engulfing, rsi_divergence, breakout, directional_change)
EVERY = (*BUILT_IN, user_detectors.follow, user_detectors.metronome)
# Upside-down prices change the other two: `follow` calls an unchanged close a fall, and
# `metronome` does not look at prices at all.
SYMMETRIC = BUILT_IN

seeds = st.integers(0, 10**6)
each = pytest.mark.parametrize("one", EVERY, ids=lambda d: d.name)
each_built_in = pytest.mark.parametrize("one", BUILT_IN, ids=lambda d: d.name)


def signals(series: Series, one: Detector, engine: Engine = INTERPRETED) -> list[int]:
    found = detect(series, (one,), engine).sign
    assert found.dtype == np.int8
    assert found.shape == (len(series), 1)
    return [int(s) for s in found[:, 0]]


@each
def test_batch_is_the_step_loop_bit_for_bit(one: Detector, engine: Engine) -> None:
    series = series_of(walk(31, sessions=12, missing=0.03))

    assert signals(series, one, engine) == step_through(one, columns_of(series))[0]


@each
@given(seed=seeds)
def test_plain_python_and_compiled_agree_bit_for_bit(one: Detector, seed: int) -> None:
    series = series_of(rough_walk(seed), timeframe="M5")

    assert signals(series, one, INTERPRETED) == signals(series, one, COMPILED)


@each
def test_both_engines_agree_on_recorded_bars(one: Detector) -> None:
    series = series_of(shared_rows("win_n_m5_2020-11_2021-03"))

    interpreted = signals(series, one, INTERPRETED)

    assert interpreted == signals(series, one, COMPILED)
    assert {-1, 1} <= set(interpreted)


@each
@given(seed=seeds, cut=st.floats(0, 1))
def test_any_split_equals_the_whole(one: Detector, seed: int, cut: float) -> None:
    bars = columns_of(series_of(rough_walk(seed), timeframe="M5"))
    at = int(cut * len(bars))

    head, state, ring = step_through(one, bars[:at])
    # The state survives being written down and read again.
    stored = json.dumps({"state": list(state), "ring": ring})
    read = json.loads(stored)
    tail, _, _ = step_through(one, bars[at:], type(one.state)(*read["state"]), read["ring"])

    assert head + tail == step_through(one, bars)[0]


@each
@given(seed=seeds, cut=st.floats(0, 1))
def test_signals_of_a_prefix_are_a_prefix_of_the_signals(
    one: Detector, seed: int, cut: float
) -> None:
    series = series_of(rough_walk(seed), timeframe="M5")
    at = int(cut * len(series))

    assert signals(series.head(at), one) == signals(series, one)[:at]


@pytest.mark.parametrize("one", SYMMETRIC, ids=lambda d: d.name)
@given(seed=seeds)
def test_mirrored_prices_give_mirrored_signals(one: Detector, seed: int) -> None:
    rows = rough_walk(seed)

    upright = signals(series_of(rows, timeframe="M5"), one)
    upside_down = signals(series_of(mirrored(rows), timeframe="M5"), one)

    assert upside_down == [-s for s in upright]


@each
@given(seed=seeds, shift=st.integers(1, 10_000))
def test_adding_a_constant_to_every_price_changes_nothing(
    one: Detector, seed: int, shift: int
) -> None:
    rows = rough_walk(seed)
    higher: list[Row] = [(t, *(p + 5.0 * shift for p in prices)) for t, *prices in rows]

    before = series_of(rows, timeframe="M5")
    assert signals(series_of(higher, timeframe="M5"), one) == signals(before, one)


@each
@given(seed=seeds, factor=st.sampled_from((2, 3, 10, 100)))
def test_scaling_prices_and_tick_together_changes_nothing(
    one: Detector, seed: int, factor: int
) -> None:
    bars = columns_of(series_of(rough_walk(seed), timeframe="M5"))
    coarse, _, _ = step_through(one, bars)

    params = one.kernel_params(factor)
    state, ring, fine = one.state, [0] * one.ring, []
    for bar in bars:
        prices = (factor * x for x in bar[:4])
        signal, *_, state = one.step(state, ring, bar._replace(**dict(zip(
            ("open", "high", "low", "close"), prices, strict=True))), params)  # fmt: skip
        fine.append(signal)

    assert fine == coarse


@each_built_in
def test_a_constant_market_is_silent(one: Detector, engine: Engine) -> None:
    rows = session([(100_000.0,) * 4] * 100)

    assert not any(signals(series_of(rows), one, engine))


@each
@pytest.mark.parametrize("size", [0, 1, 2])
def test_hardly_any_bars_are_no_trouble(one: Detector, size: int, engine: Engine) -> None:
    series = series_of(walk(1, sessions=1)).head(size)

    found = signals(series, one, engine)

    assert len(found) == size
    if one in BUILT_IN and one is not engulfing:
        assert not any(found)


@each
def test_holes_in_the_bars_are_no_trouble(one: Detector, engine: Engine) -> None:
    series = series_of(walk(5, sessions=8, missing=0.4))
    assert len(series) < 600

    assert signals(series, one, engine) == step_through(one, columns_of(series))[0]


@each
def test_a_bad_print_leaves_no_trace(one: Detector) -> None:
    """One absurd bar in mid-session; after the warm-up its signals are the clean ones."""
    series = series_of(walk(8, sessions=12))
    at = 200
    high, close = series.high.copy(), series.close.copy()
    close[at] = high[at] = 10 * close[at]
    struck = series.with_prices(series.open, high, series.low, close)

    clean, dirty = signals(series, one), signals(struck, one)

    recovered = at + 1 + one.warmup + 1
    assert recovered < len(series) - 100
    assert dirty[recovered:] == clean[recovered:]
    assert any(clean[recovered:])


@each
def test_detection_leaves_its_input_as_it_was(one: Detector, engine: Engine) -> None:
    series = series_of(walk(2, sessions=3))
    columns = ("open", "high", "low", "close", "gaps", "volume", "place", "minute")
    before = {name: getattr(series, name).copy() for name in columns}

    signals(series, one, engine)

    for name, column in before.items():
        assert np.array_equal(getattr(series, name), column), name


@each
def test_memory_is_bounded_and_plain(one: Detector) -> None:
    bars = columns_of(series_of(walk(4, sessions=10)))

    _, state, ring = step_through(one, bars)

    assert len(ring) == one.ring
    assert len(state) == len(one.state)
    assert all(type(value) in (int, float) for value in (*state, *ring))


@each_built_in
def test_the_declared_warmup_is_long_enough_for_signals_to_be_the_same(one: Detector) -> None:
    series = series_of(walk(9, sessions=12))
    whole = signals(series, one)

    for start in (1, 50, 107, 321, 500):
        late = signals(series.tail(start), one)
        assert late[one.warmup + 1 :] == whole[start + one.warmup + 1 :], start
