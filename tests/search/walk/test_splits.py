"""Splits of sessions: nothing in both, the embargo kept, everything tested equally often."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertlib.errors import ConfigError, DataError
from alertlib.search.walk.splits import Split, hold_out, purged_splits, walk_forward_splits

few = st.integers(0, 4)


def check(split: Split, sessions: int, embargo: int) -> None:
    """What holds of every split: ascending, in range, never nearer than the embargo allows."""
    for side in split:
        assert len(side) > 0
        assert side.dtype == np.int64
        assert (np.diff(side) > 0).all()
        assert side[0] >= 0
        assert side[-1] < sessions
    assert np.abs(split.train[:, None] - split.test).min() > embargo


def test_sixty_sessions_walk_forward() -> None:
    splits = walk_forward_splits(60)

    assert [(s.train[0], s.train[-1], s.test[0], s.test[-1]) for s in splits] == [
        (0, 29, 31, 40),
        (10, 39, 41, 50),
        (20, 49, 51, 59),
    ]


@given(st.integers(1, 20), st.integers(1, 9), few, st.integers(1, 60))
def test_walking_forward_tests_each_later_session_once(
    train: int, test: int, embargo: int, more: int
) -> None:
    sessions = train + embargo + more

    splits = walk_forward_splits(sessions, train, test, embargo=embargo)

    for split in splits:
        check(split, sessions, embargo)
        assert len(split.train) == train
        assert split.test[0] - split.train[-1] == embargo + 1  # always before, never after
        assert split.train[-1] - split.train[0] == train - 1
    assert all(len(split.test) == test for split in splits[:-1])
    tested = np.concatenate([split.test for split in splits])
    assert tested.tolist() == list(range(train + embargo, sessions))


def test_six_groups_of_ten() -> None:
    splits = purged_splits(60)

    assert len(splits) == 15
    assert splits[0].test.tolist() == list(range(20))
    assert splits[0].train.tolist() == list(range(21, 60))
    second = splits[1]  # the first and the third group
    assert second.test.tolist() == [*range(10), *range(20, 30)]
    assert second.train.tolist() == [*range(11, 19), *range(31, 60)]
    assert splits[-1].train.tolist() == list(range(39))


@given(st.integers(2, 7), st.integers(1, 6), st.integers(0, 2), st.integers(0, 40))
def test_purged_splits_test_every_session_equally_often(
    groups: int, test_groups: int, embargo: int, more: int
) -> None:
    test_groups = min(test_groups, groups - 1)
    sessions = groups * (2 * embargo + 1) + more

    splits = purged_splits(sessions, groups, test_groups, embargo)

    assert len(splits) == comb(groups, test_groups)
    for split in splits:
        check(split, sessions, embargo)
        near = np.abs(np.arange(sessions)[:, None] - split.test).min(axis=1)
        assert split.train.tolist() == np.flatnonzero(near > embargo).tolist()  # no more left out
    tested = Counter(np.concatenate([split.test for split in splits]).tolist())
    assert set(tested.values()) == {comb(groups - 1, test_groups - 1)}
    assert set(tested) == set(range(sessions))
    sizes = [len(split.test) for split in purged_splits(sessions, groups, 1, embargo)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] - sizes[-1] <= 1


@given(st.integers(1, 20), few, st.integers(1, 40))
def test_the_last_are_held_out(n: int, embargo: int, rest: int) -> None:
    sessions = n + embargo + rest

    split = hold_out(sessions, n, embargo=embargo)

    check(split, sessions, embargo)
    assert split.train.tolist() == list(range(rest))
    assert split.test.tolist() == list(range(rest + embargo, sessions))


@pytest.mark.parametrize(
    ("make", "error", "line"),
    [
        (lambda: walk_forward_splits(60, 0), ConfigError, "train: got 0, expected at least 1"),
        (lambda: walk_forward_splits(60, 30, 0), ConfigError, "test: got 0, expected at least 1"),
        (lambda: walk_forward_splits(60, embargo=-1), ConfigError, "embargo: got -1"),
        (lambda: walk_forward_splits(31), DataError, "sessions: got 31, expected at least 32"),
        (lambda: purged_splits(60, 1), ConfigError, "groups: got 1, expected at least 2"),
        (lambda: purged_splits(60, 6, 6), ConfigError, "test_groups: got 6, expected 1 to 5"),
        (lambda: purged_splits(60, 6, 0), ConfigError, "test_groups: got 0, expected at least 1"),
        (lambda: purged_splits(60, embargo=-1), ConfigError, "embargo: got -1"),
        (lambda: purged_splits(5), DataError, "sessions: got 5, expected at least 6"),
        (lambda: purged_splits(6, 3, 2), DataError, "sessions: got 6, expected some to train on"),
        (lambda: hold_out(60, 0), ConfigError, "n: got 0, expected at least 1"),
        (lambda: hold_out(60, 10, embargo=-1), ConfigError, "embargo: got -1"),
        (lambda: hold_out(11, 10), DataError, "sessions: got 11, expected at least 12"),
    ],
)
def test_what_cannot_be_split_is_refused(
    make: Callable[[], object], error: type[Exception], line: str
) -> None:
    with pytest.raises(error, match=line):
        make()
