"""The table of trials: what is refused, and sums that have no rounding."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from alertlib.errors import DataError
from alertlib.stats import trials
from alertlib.stats.trials import constant_rows, exact_rows, parts, trial_points

values = st.floats(-1e9, 1e9, allow_subnormal=False)
tables = hnp.arrays(
    np.float64, hnp.array_shapes(min_dims=2, max_dims=2, max_side=12), elements=values
)


def test_a_table_is_taken_as_it_is() -> None:
    table = np.arange(6.0).reshape(2, 3)

    assert trial_points(table, trials=2, sessions=3) is table


@pytest.mark.parametrize(
    ("points", "line"),
    [
        (np.zeros(3), r"points: got shape \(3,\), expected one row per trial"),
        (np.zeros((1, 5)), "points: got 1 trials, expected at least 2"),
        (np.zeros((2, 4)), "points: got 4 sessions, expected at least 5"),
        (np.full((2, 5), np.nan), "points: got nan in trial 0, session 0"),
        (np.diag([0, 0, 0, np.inf, 0]), "points: got inf in trial 3, session 3"),
    ],
)
def test_what_is_no_table_of_trials_is_refused(points: trials.Floats, line: str) -> None:
    with pytest.raises(DataError, match=line):
        trial_points(points, trials=2, sessions=5)


def test_a_hole_is_named_in_whichever_part_it_lies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trials, "CELLS", 6)
    table = np.zeros((9, 3))
    table[7, 1] = np.nan

    with pytest.raises(DataError, match="trial 7, session 1"):
        trial_points(table)


@given(st.integers(0, 50), st.integers(0, 9), st.integers(1, 40))
def test_parts_are_every_row_once(rows: int, width: int, cells: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trials, "CELLS", cells)
        found = list(parts(rows, width))

    assert [row for part in found for row in range(rows)[part]] == list(range(rows))
    assert all((part.stop - part.start) * width <= max(cells, width) for part in found)


def test_constant_rows_are_those_without_a_difference() -> None:
    table = np.array([[0.0, 0, 0], [0.1, 0.1, 0.1], [1, 1, 2]])

    assert constant_rows(table).tolist() == [True, True, False]


@given(tables, st.data())
def test_sums_of_exact_rows_have_no_rounding(table: trials.Floats, data: st.DataObject) -> None:
    sessions = table.shape[1]
    weights = np.array(
        data.draw(st.lists(st.integers(0, 3), min_size=sessions, max_size=sessions)), np.float64
    )
    terms = int(weights.sum())

    rounded = exact_rows(table, terms)

    for row, found in zip(rounded, rounded @ weights, strict=True):
        exact = sum(Fraction(x) * Fraction(w) for x, w in zip(row, weights, strict=True))
        assert Fraction(found) == exact
    largest = np.abs(table).max(axis=1, keepdims=True)
    assert (np.abs(rounded - table) <= max(terms, 1) * 2.0**-51 * largest + 2.0**-1001).all()


@given(st.integers(0, 2**32 - 1), st.integers(1, 9))
def test_nor_has_the_difference_of_two_sums(seed: int, terms: int) -> None:
    row = np.random.default_rng(seed).uniform(0.5, 1.0, size=(1, 2)) * [[1.0, -1.0]]

    up, down = (terms * exact_rows(row, terms))[0]

    assert Fraction(up - down) == Fraction(up) - Fraction(down)


def test_the_smallest_numbers_there_are_become_nothing() -> None:
    assert exact_rows(np.array([[5e-324, -1e-310, 0.0], [1.0, 2.0, 3.0]]), 9).tolist() == [
        [0.0, 0.0, 0.0],
        [1.0, 2.0, 3.0],
    ]


def test_a_single_term_loses_no_more_than_its_last_bit() -> None:
    row = np.array([[1.0, 1.0 + 2.0**-51, 1.5 + 2.0**-51]])

    assert exact_rows(row, 1).tolist() == row.tolist()


@given(hnp.arrays(np.int64, (3, 7), elements=st.integers(-(10**9), 10**9)))
def test_whole_points_are_not_moved(ticks: trials.Floats) -> None:
    assert (exact_rows(ticks / 4, 500) == ticks / 4).all()


def test_no_trial_depends_on_those_beside_it() -> None:
    rng = np.random.default_rng(1)
    table = rng.normal(size=(4, 30)) * np.array([[1e-6], [1.0], [1e3], [1e12]])

    together = exact_rows(table, 30)

    assert (np.vstack([exact_rows(row[None], 30) for row in table]) == together).all()
