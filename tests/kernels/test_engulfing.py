"""Engulfing against its naive twin and TA-Lib."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import talib
from hypothesis import given
from hypothesis import strategies as st

from alertlib.detection.builtin import engulfing
from alertlib.kernels.bar import TickBar
from alertlib.kernels.engulfing import EngulfingParams, EngulfingState, engulfing_evidence
from alertlib.kernels.reading import Reading
from tests import naive
from tests.support.steps import coarse_walk, in_ticks, rough_walk, signs, step_through, tick_bars
from tests.support.synthetic import walk


@pytest.mark.parametrize("made", [rough_walk, coarse_walk])
@given(seed=st.integers(0, 10**6))
def test_it_equals_its_naive_twin(made: Callable[[int], Any], seed: int) -> None:
    rows = made(seed)

    signals, _, _ = step_through(engulfing, tick_bars(rows))

    assert signals == signs(naive.engulfing(in_ticks(rows)), len(rows))


def test_it_is_talibs_where_the_definitions_meet() -> None:
    """TA-Lib counts a bar without a body as rising, and wants one end to be overshot.

    So the two differ where a body is zero, and where both ends are equal; everywhere else they
    must agree.
    """
    bars, _ = naive.in_units(walk(7, sessions=1, bars=400, size=1.5))
    columns = [
        np.array([getattr(b, n) for b in bars], dtype=float)
        for n in ("open", "high", "low", "close")
    ]
    theirs = np.sign(talib.CDLENGULFING(*columns)).astype(int).tolist()
    rows = [(b.time, float(b.open), float(b.high), float(b.low), float(b.close)) for b in bars]

    ours, _, _ = step_through(engulfing, tick_bars(rows))

    apart = [i for i in range(1, len(bars)) if ours[i] != theirs[i]]
    for i in apart:
        a, b = bars[i - 1], bars[i]
        no_body = a.open == a.close or b.open == b.close
        same_ends = {a.open, a.close} == {b.open, b.close}
        assert no_body or same_ends, f"bar {i}: {a} then {b}"
    assert sum(map(abs, ours)) > 20
    assert apart  # both kinds of difference are rare, but this walk has some


def test_what_it_says_it_saw_by_hand() -> None:
    """A body of +6 from 8 to 14 over one of -3 from 12 to 9: twice as long, and it covers it."""
    bar = TickBar(8, 15, 7, 14, 0, place=1, minute=0)

    found = engulfing_evidence(EngulfingState(12, 9), [], bar, EngulfingParams())

    assert found == (
        Reading("body over the one before", 2.0),
        Reading("body", 6, 1, True, 1, "distance"),
        Reading("body before", -3, -1, True, 1, "distance"),
        Reading("open", 8, 9, True, 1, "price"),
        Reading("close", 14, 12, True, 1, "price"),
        Reading("body", 6, -1, False, -1, "distance"),
        Reading("body before", -3, 1, False, -1, "distance"),
        Reading("open", 8, 9, False, -1, "price"),
        Reading("close", 14, 12, False, -1, "price"),
    )


def test_a_sessions_first_bar_has_none_to_cover() -> None:
    bar = TickBar(8, 15, 7, 14, 0, place=0, minute=0)

    first, *_ = engulfing_evidence(EngulfingState(12, 9), [], bar, EngulfingParams())
    alone = engulfing_evidence(EngulfingState(9, 9), [], bar, EngulfingParams())

    assert first == Reading("bars before it in its session", 0, 1, False)
    assert "body over the one before" not in {r.name for r in alone}  # of nothing


def test_ends_that_meet_are_covered_and_a_bar_that_stood_still_has_no_side() -> None:
    """A body of +4 from 8 to 12 over one of -4, its exact reverse, and over one of nothing."""
    bar = TickBar(8, 12, 8, 12, 0, place=1, minute=0)

    reverse, nothing = (
        engulfing_evidence(EngulfingState(*before), [], bar, EngulfingParams())
        for before in ((12, 8), (9, 9))
    )

    assert {r.name: r.met for r in reverse if r.side == 1} == {
        "body": True, "body before": True, "open": True, "close": True,
    }  # fmt: skip
    assert [r.met for r in nothing if r.name == "body before"] == [False, False]
