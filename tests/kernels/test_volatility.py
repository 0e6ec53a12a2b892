"""Volatility against its naive twin, and at its limits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertlib.detection.builtin import volatility
from alertlib.kernels.bar import TickBar
from alertlib.kernels.reading import Reading
from alertlib.kernels.volatility import VolatilityParams, VolatilityState, volatility_evidence
from tests import naive
from tests.support.steps import coarse_walk, in_ticks, rough_walk, signs, step_through, tick_bars


def closes(*prices: int) -> list[TickBar]:
    return [TickBar(p, p, p, p, 0, place, 0) for place, p in enumerate(prices)]


def signals(params: VolatilityParams, *prices: int) -> list[int]:
    return step_through(volatility.with_params(params), closes(*prices))[0]


@pytest.mark.parametrize("made", [rough_walk, coarse_walk])
@given(
    seed=st.integers(0, 10**6), window=st.integers(2, 30),
    sigma=st.sampled_from((0.5, 1.0, 1.5, 2.0, 3.0)), confirm=st.integers(1, 4),
)  # fmt: skip
def test_it_equals_its_naive_twin(
    made: Callable[[int], Any], seed: int, window: int, sigma: float, confirm: int
) -> None:
    rows = made(seed)
    detector = volatility.with_params(VolatilityParams(window, sigma, confirm))

    found, _, _ = step_through(detector, tick_bars(rows))

    assert found == signs(naive.volatility(in_ticks(rows), window, sigma, confirm), len(rows))


def test_of_two_closes_either_is_exactly_one_deviation_from_their_mean() -> None:
    """That reaches a threshold of one, from the first full window on, and none above it."""
    prices = (100, 103, 104, 104, 102, 101, 105)

    assert signals(VolatilityParams(2, 1.0, 1), *prices) == [0, 1, 0, 0, -1, 0, 1]
    assert signals(VolatilityParams(2, 1.0, 2), *prices) == [0, 0, 1, 0, 0, -1, 0]
    assert signals(VolatilityParams(2, 1.0 + 1e-9, 1), *prices) == [0] * 7


def test_a_run_that_changes_sides_starts_again() -> None:
    assert signals(VolatilityParams(2, 1.0, 2), 5, 6, 5, 6, 5, 4, 3, 4, 5) == [
        0, 0, 0, 0, 0, -1, 0, 0, 1,
    ]  # fmt: skip


def test_what_it_says_it_saw_by_hand() -> None:
    """Closes 1, 1, 4: mean 2, variance (1 + 1 + 4) / 3 = 2, z = 2 / sqrt(2)."""
    params = VolatilityParams(3, 1.4, 1)
    assert signals(params, 1, 1, 4) == [0, 0, 1]
    state, ring = VolatilityState(2, 2, 2, 0), [1, 1, 0]

    found = volatility_evidence(state, ring, closes(4)[0], params)

    root = pytest.approx(2**0.5, rel=1e-15)
    assert found == (
        Reading("mean(3)", 2.0, unit="price"),
        Reading("deviation", root, unit="distance"),
        Reading("z", root, 1.4, True, 1),
        Reading("confirming bars", 1, 1, True, 1),
        Reading("z", root, -1.4, False, -1),
        Reading("confirming bars", 0, 1, False, -1),
    )


def test_it_says_nothing_before_its_window_is_full_and_no_z_where_it_is_constant() -> None:
    params = VolatilityParams(2, 1.0, 1)

    assert volatility_evidence(VolatilityState(), [0, 0], closes(7)[0], params) == ()
    full = volatility_evidence(VolatilityState(1, 7, 49, 0), [7, 0], closes(7)[0], params)
    assert {r.value for r in full if r.name in ("z", "deviation")} == {0.0}
