"""Which of two levels is touched first, against a plain search of every bar."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertlib.kernels.first_touch import STOP, TARGET, Touch, first_touch, last_bar

levels = st.integers(-3, 3)
bars = st.lists(st.lists(levels, min_size=4, max_size=4), min_size=1, max_size=6)


def searched(
    rows: list[tuple[int, int, int, int]], stop: int, target: int, slip: float, margin: int
) -> Touch:
    """The same of a trade up, from lists of what touches what."""
    hit = [i for i, row in enumerate(rows) if row[2] <= stop]
    beyond = [i for i, row in enumerate(rows) if row[1] >= target + margin]
    at = min([*hit, *beyond, len(rows) - 1])
    best, worst = max(row[1] for row in rows[: at + 1]), min(row[2] for row in rows[: at + 1])
    if at in hit:
        return Touch(at, STOP, min(stop, rows[at][0]) - slip, at in beyond, best, worst)
    if at in beyond:
        return Touch(at, TARGET, target, False, best, worst)
    return Touch(at, -1, rows[at][3] - slip, False, best, worst)


@given(bars, levels, levels, st.sampled_from((0.0, 0.5)), st.integers(0, 1), st.integers(0, 3))
def test_it_is_what_a_search_of_every_bar_finds(
    drawn: list[list[int]], stop: int, target: int, slip: float, margin: int, entry: int
) -> None:
    entry %= len(drawn)
    rows = [(opened, max(row), min(row), row[3]) for opened, *row in ((r[0], *r) for r in drawn)]
    expected = searched(rows[entry:], stop, target, slip, margin)
    expected = expected._replace(exit=expected.exit + entry)
    final = len(rows) - 1
    columns = [list(column) for column in zip(*rows, strict=True)]

    assert first_touch(*columns, entry, final, 1, stop, target, slip, margin) == expected
    opened, high, low, close = ([-price for price in column] for column in columns)
    down = first_touch(opened, low, high, close, entry, final, -1, stop, target, slip, margin)
    assert down == expected


@given(st.lists(st.integers(0, 30), min_size=1, max_size=12, unique=True), st.integers(-2, 32))
def test_the_last_bar_is_the_last_that_opens_in_time(minutes: list[int], limit: int) -> None:
    minutes.sort()
    for entry in range(len(minutes)):
        in_time = [i for i in range(entry, len(minutes)) if minutes[i] <= limit]

        found = last_bar(minutes, entry, len(minutes) - 1, limit)

        assert found == max(in_time, default=entry)


@pytest.mark.parametrize("final", [0, 1, 2])
def test_a_trade_without_a_touch_ends_at_its_final_bar(final: int) -> None:
    flat = [5, 6, 7]

    touch = first_touch(flat, flat, flat, flat, 0, final, 1, 0.0, 9.0, 0.25, 1.0)

    assert touch == Touch(final, -1, flat[final] - 0.25, False, flat[final], 5)
