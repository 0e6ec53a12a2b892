"""Grids: ticks as exact fractions, prices to quanta and back."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertlib.market.ticks import decimal_grid, tick_grid

TICKS = (5.0, 0.5, 0.01, 20.0, 0.25, 1e-5, 0.005, 1e-9, 100.0, 3.0)


@pytest.mark.parametrize("tick", TICKS)
def test_a_tick_is_the_decimal_it_prints_as(tick: float) -> None:
    grid = tick_grid(tick)

    assert Fraction(grid.numerator, grid.denominator) == Fraction(str(tick))
    assert (grid.quantum, grid.tick, grid.per_tick) == (tick, tick, 1)


@given(st.sampled_from(TICKS), st.integers(1, 10**8))
def test_quanta_of_a_price_are_the_quanta_it_was_made_of(tick: float, quanta: int) -> None:
    grid = tick_grid(tick)

    assert grid.quanta(grid.price(quanta)) == quanta


@given(st.sampled_from(TICKS), st.integers(0, 6))
def test_a_decimal_grid_holds_whole_ticks(tick: float, decimals: int) -> None:
    grid = decimal_grid(decimals, tick)

    assert Fraction(grid.per_tick, grid.denominator) == Fraction(str(tick))
    assert grid.denominator >= 10**decimals
    assert not grid.on_tick
