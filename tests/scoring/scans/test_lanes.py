"""A recurrence in lanes is the chain from bar to bar, whatever its guesses come to."""

from __future__ import annotations

from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertlib._typing import Floats
from alertlib.scoring.scans import lanes
from alertlib.scoring.scans.lanes import LANES, STEPS, run_in_lanes, silent_steps


def forget(value: float, given: float, keep: float) -> float:
    return value * keep + given * (1.0 - keep)


@given(
    st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=200),
    st.sampled_from((0.0, 0.5, 0.9, 1.0)),
    st.integers(0, 30),
)
def test_lanes_are_the_chain_to_the_last_bit(given_: list[float], keep: float, silent: int) -> None:
    """A lane that forgets at once, one that never does, and those between."""
    chain = [given_[0]]
    for value in given_[1:]:
        chain.append(forget(chain[-1], value, keep))
    out = np.full(len(given_), np.nan)
    out[0] = chain[0]
    states = np.empty((1, (STEPS + 1) * LANES))
    states[0, 0] = chain[0]

    def advance(first: int, apart: int, steps: int, silent: int, begun: Floats) -> None:
        for lane in range(LANES):
            for step in range(steps):
                if step == silent:
                    begun[0, lane] = states[0, lane]
                at = first + lane * apart + step + 1
                states[0, lane] = forget(states[0, lane], given_[at], keep)
                if lane == 0 or step >= silent:
                    out[at] = states[0, lane]

    with mock.patch.object(lanes, "silent_steps", return_value=silent):
        run_in_lanes(advance, states, 0, len(given_) - 1, 14)

    assert out.tolist() == chain


@pytest.mark.parametrize("window", [2, 14, 1_000])
def test_a_guess_weighs_less_than_the_last_bit_when_its_lane_begins(window: int) -> None:
    assert (1.0 - 1.0 / window) ** silent_steps(window) < 2.0**-64
