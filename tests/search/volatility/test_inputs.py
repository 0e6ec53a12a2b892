"""What the loops of a sweep are given."""

from __future__ import annotations

from math import inf, nextafter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from alertlib.market.ticks import decimal_grid, tick_grid
from alertlib.scoring.scored_sessions import Scope
from alertlib.search.volatility.inputs import blocks_of, middle, smallest_win
from tests.support.synthetic import series_of, walk


@given(st.sampled_from((5.0, 0.5, 0.01, 0.25)), st.floats(0.0, 1e6), st.booleans())
def test_the_smallest_win_wins_and_the_next_smaller_result_does_not(
    tick: float, fees: float, adjusted: bool
) -> None:
    grid = decimal_grid(2, tick) if adjusted else tick_grid(tick)

    least = smallest_win(grid, fees)

    assert grid.price(least) - fees > 0
    assert not grid.price(nextafter(least, -inf)) - fees > 0


def test_the_middle_is_as_far_from_the_lowest_close_as_from_the_highest() -> None:
    series = series_of(walk(3, sessions=4), timeframe="M5")
    joined = series.close - series.gaps

    base, span = middle(series)

    assert span == joined.max() - joined.min() > 0
    assert 0 <= (joined.max() - base) - (base - joined.min()) <= 1


@given(st.integers(0, 80), st.integers(1, 100), st.booleans())
def test_blocks_cover_the_bars_once_and_stay_within_their_part(
    begin: int, block: int, by_session: bool
) -> None:
    series = series_of(walk(3, sessions=5, bars=40), timeframe="M5")
    scored = np.isin(series.session, (1, 2, 4))
    scope = Scope(np.array([1, 2, 4]), np.array([], dtype=np.int64), scored, False, len(series))
    end = len(series)

    starts, parts = blocks_of(series, scope, begin, end, block, by_session)

    assert starts[0] == begin
    assert starts[-1] == end
    length = np.diff(starts)
    assert length.min() > 0
    assert length.max() <= block
    if by_session:
        part = np.repeat(parts, length)
        inside = scored[begin:end]
        assert (scope.sessions[part][inside] == series.session[begin:end][inside]).all()
    else:
        assert not parts.any()
