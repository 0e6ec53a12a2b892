"""From signals to an alert."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertlib.detection.builtin import breakout, engulfing, rsi_divergence, volatility
from alertlib.detection.detectors import Detector
from alertlib.kernels.alerting import (
    SEVERITIES,
    SetupParams,
    confidence_of,
    merge,
    setup_levels,
    severity_of,
    stated_confidence,
)
from tests import naive
from tests.support.steps import in_ticks, signs, step_through, tick_bars
from tests.support.synthetic import walk

# --- from signals to an alert -------------------------------------------------------------


def test_merging_counts_every_combination_of_signals() -> None:
    for signals in itertools.product((-1, 0, 1), repeat=4):
        for direction in (1, -1):
            agree = [place for place, s in enumerate(signals) if s == direction]
            lead, others, mask = merge(signals, direction)
            assert lead == (agree[0] if agree else -1)
            assert others == max(len(agree) - 1, 0)
            assert mask == sum(1 << place for place in agree[1:])


@pytest.mark.parametrize(
    ("probability", "hundredths"),
    [
        (0.0, 0),
        (0.5, 50),
        (0.829999, 82),
        (0.83, 83),
        (0.82, 82),
        (0.95, 95),
        (0.99, 95),
        (1.0, 95),
    ],
)
def test_a_stated_probability_is_whole_hundredths_down(probability: float, hundredths: int) -> None:
    assert stated_confidence(probability) == hundredths


@pytest.mark.parametrize(
    ("base", "others", "confidence", "severity"),
    [
        (85, 0, 85, "CRITICO"),
        (85, 1, 95, "CRITICO"),
        (85, 3, 95, "CRITICO"),  # capped
        (70, 0, 70, "ALTO"),
        (70, 1, 80, "CRITICO"),  # 0.70 + 0.10 in floats is 0.7999999999999999
        (65, 0, 65, "ALTO"),
        (60, 0, 60, "MEDIO"),
        (60, 2, 80, "CRITICO"),
        (64, 0, 64, "MEDIO"),
        (79, 0, 79, "ALTO"),
    ],
)
def test_confidence_and_severity_are_counted_in_hundredths(
    base: int, others: int, confidence: int, severity: str
) -> None:
    assert confidence_of(base, others) == confidence
    assert SEVERITIES[severity_of(confidence)] == severity


@pytest.mark.parametrize(
    ("price", "atr", "direction", "tick", "expected"),
    [
        # 1.5 * 7 = 10.5 and 0.25 * 7 = 1.75 quanta of one tick. Stop 100 - 10.5 = 89.5 -> 90,
        # toward the price; target 110.5 -> 111, away from it; band 98.25-101.75 -> 98-102.
        (100, 7.0, 1, 1, (98, 102, 90, 111)),
        (100, 7.0, -1, 1, (98, 102, 110, 89)),
        # Whole distances stay: 1.5 * 8 = 12, 0.25 * 8 = 2.
        (100, 8.0, 1, 1, (98, 102, 88, 112)),
        (100, 8.0, -1, 1, (98, 102, 112, 88)),
        # No range at all: one tick away on each side.
        (100, 0.0, 1, 1, (100, 100, 99, 101)),
        (100, 0.0, -1, 1, (100, 100, 101, 99)),
        # 1.5 * 0.4 = 0.6 is less than a tick.
        (100, 0.4, 1, 1, (99, 101, 99, 101)),
        # Two quanta a tick and an odd price: levels land on the tick.
        (101, 4.0, 1, 2, (100, 102, 96, 108)),
        (101, 4.0, -1, 2, (100, 102, 106, 94)),
    ],
)
def test_levels_by_hand(
    price: int, atr: float, direction: int, tick: int, expected: tuple[int, int, int, int]
) -> None:
    params = SetupParams(0.25, 1.5, 1.5, tick, 1)

    assert setup_levels(price, atr, direction, params) == expected


def test_levels_off_the_grid_are_not_rounded() -> None:
    params = SetupParams(0.25, 1.5, 1.5, tick=5, rounded=0)

    assert setup_levels(100, 7.0, 1, params) == (98.25, 101.75, 89.5, 110.5)
    assert setup_levels(100, 0.0, -1, params) == (100.0, 100.0, 105.0, 95.0)


@given(
    st.integers(500, 40_000), st.floats(0, 300), st.sampled_from((0.25, 0.5, 1.5, 3.0)),
    st.sampled_from((0.25, 1.0)), st.integers(1, 10), st.booleans(),
)  # fmt: skip
def test_levels_keep_their_side_of_the_price_and_mirror(
    price: int, atr: float, distance: float, band: float, tick: int, rounded: bool
) -> None:
    params = SetupParams(band, distance, distance, tick, int(rounded))
    price *= tick  # a close is on the grid

    long = setup_levels(price, atr, 1, params)
    short = setup_levels(price, atr, -1, params)

    assert long.entry_min <= price <= long.entry_max
    assert long.stop <= price - tick
    assert long.target >= price + tick
    assert (long.entry_min, long.entry_max) == (short.entry_min, short.entry_max)
    if rounded:
        assert long.target - price >= price - long.stop  # risk rounded down, reward up
        mirrored = tuple(2 * price - level for level in (short.stop, short.target))
        assert (long.stop, long.target) == mirrored


TWINS: list[tuple[Detector, Callable[..., list[tuple[int, int, str]]]]] = [
    (volatility, naive.volatility),
    (engulfing, naive.engulfing),
    (rsi_divergence, naive.rsi_divergence),
    (breakout, lambda bars: naive.breakout(bars, 1)),
]


@pytest.mark.parametrize(("detector", "twin"), TWINS, ids=lambda x: getattr(x, "name", ""))
def test_twins_are_compared_on_more_than_silence(
    detector: Detector, twin: Callable[..., list[tuple[int, int, str]]]
) -> None:
    rows = walk(21, sessions=6)

    found = twin(in_ticks(rows))

    assert {direction for _, direction, _ in found} == {1, -1}
    assert step_through(detector, tick_bars(rows))[0] == signs(found, len(rows))
