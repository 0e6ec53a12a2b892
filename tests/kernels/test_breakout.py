"""Breakout against its naive twin, and what it says it saw."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertlib.detection.builtin import breakout
from alertlib.kernels.bar import TickBar
from alertlib.kernels.breakout import BreakoutParams, BreakoutState, Levels, breakout_evidence
from alertlib.kernels.reading import Reading
from tests import naive
from tests.support.steps import coarse_walk, in_ticks, rough_walk, signs, step_through, tick_bars
from tests.support.synthetic import walk


@pytest.mark.parametrize("made", [rough_walk, coarse_walk])
@given(
    seed=st.integers(0, 10**6), window=st.integers(1, 12), margin=st.integers(1, 3),
    levels=st.sampled_from(list(Levels)),
)  # fmt: skip
def test_it_equals_its_naive_twin(
    made: Callable[[int], Any], seed: int, window: int, margin: int, levels: Levels
) -> None:
    rows = made(seed)
    detector = breakout.with_params(BreakoutParams(window, margin, levels))

    signals, _, _ = step_through(detector, tick_bars(rows))

    twin = naive.breakout(in_ticks(rows), margin, window, levels.name)
    assert signals == signs(twin, len(rows))


def test_without_margin_it_still_has_to_leave_the_channel() -> None:
    rows = walk(3, sessions=2, size=1.0)
    none, one = (
        step_through(breakout.with_params(BreakoutParams(margin_ticks=m)), tick_bars(rows))[0]
        for m in (0, 1)
    )

    assert none == one
    assert any(none)


def reading(params: BreakoutParams, side: int, close: int = 12) -> tuple[Reading, ...]:
    """At a close over two bars between 5 and 10, of which ``side`` was broken before."""
    state = BreakoutState(seen=2, top=10, bottom=5, side=side)
    return breakout_evidence(state, [], TickBar(9, 12, 4, close, 0, 2, 0), params)


def test_what_it_says_it_saw_by_hand() -> None:
    assert reading(BreakoutParams(2, 2), side=0) == (
        Reading("highest high(2)", 10, side=1, unit="price"),
        Reading("close", 12, 12, True, 1, "price"),
        Reading("lowest low(2)", 5, side=-1, unit="price"),
        Reading("close", 12, 3, False, -1, "price"),
    )
    by_closes = reading(BreakoutParams(2, 0, Levels.closes), side=-1, close=4)
    assert by_closes == (
        Reading("highest close(2)", 10, side=1, unit="price"),
        Reading("close", 4, 11, False, 1, "price"),
        Reading("lowest close(2)", 5, side=-1, unit="price"),
        Reading("close", 4, 4, True, -1, "price"),
        Reading("broken before", 1, 0, False, -1),
    )


def test_it_says_nothing_before_its_window_is_full() -> None:
    bar = TickBar(9, 12, 4, 11, 0, 1, 0)

    assert (
        breakout_evidence(BreakoutState(seen=1, top=10, bottom=5), [], bar, BreakoutParams(2)) == ()
    )
