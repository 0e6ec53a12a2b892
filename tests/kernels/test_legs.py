"""The labeller's automaton against the whole session walked again at every bar."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertlib.kernels.legs import UNREACHABLE, LegState, leg_step
from tests import naive
from tests.support.steps import coarse_walk, in_ticks, rough_walk


@pytest.mark.parametrize("made", [rough_walk, coarse_walk])
@given(seed=st.integers(0, 10**6))
def test_it_equals_its_naive_twin(made: Callable[[int], Any], seed: int) -> None:
    bars = in_ticks(made(seed))
    rng = random.Random(seed)
    sizes = rng.choice(((1, 2, 3), (2, 3, UNREACHABLE), (5, 30, math.nan)))
    reversal = [float(rng.choice(sizes)) for _ in bars]
    state = LegState()
    session: list[int] = []
    for at, bar in enumerate(bars):
        begins = at == 0 or bars[at - 1].date != bar.date
        session = [at] if begins else [*session, at]
        before = state

        ended, state = leg_step(before, bar.high, bar.low, at, len(session) - 1, reversal[at])

        mode, onset, top_at, bottom_at = naive.mode_at(bars, session, reversal)
        assert (state.mode, state.top_at, state.bottom_at) == (mode, top_at, bottom_at)
        assert mode == 0 or state.onset == onset
        assert (state.top, state.bottom) == (bars[top_at].high, bars[bottom_at].low)
        kept = [reversal[top_at], reversal[bottom_at]]
        assert [str(state.top_reversal), str(state.bottom_reversal)] == [str(r) for r in kept]
        assert ended == (before.mode if begins or before.mode not in (0, mode) else 0)


def test_a_series_that_begins_within_a_session_begins_with_its_first_bar() -> None:
    """Nothing came before it, whatever its place is: not even a price of nought."""
    ended, state = leg_step(LegState(), 105, 95, at=0, place=40, reversal=3.0)

    assert ended == 0
    assert (state.mode, state.top, state.bottom, state.top_at) == (0, 105, 95, 0)
    assert (state.top_reversal, state.bottom_reversal, state.bottom_at) == (3.0, 3.0, 0)
