"""Which sessions to choose on, and which to judge the choice on."""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import numpy as np

from alertlib._arguments import expect_whole
from alertlib._typing import Ints
from alertlib.errors import ConfigError, DataError


class Split(NamedTuple):
    """Sessions by their place in order, 0 the first.

    Attributes
    ----------
    train, test : int64, ascending
        Never empty, and nothing in both.
    """

    train: Ints
    test: Ints


def walk_forward_splits(
    sessions: int, train: int = 30, test: int = 10, *, embargo: int = 1
) -> list[Split]:
    """Choose on the sessions before, judge on the next, and walk on.

    Parameters
    ----------
    sessions : int
        How many there are.
    train, test : int
        Sessions on either side. The last split may have fewer to test.
    embargo : int
        Sessions left out between the two, as where a detector learns (``al.Fit``).

    Returns
    -------
    list of Split
        In order; every session after the first ``train + embargo`` is tested once.

    Raises
    ------
    ConfigError
        A length that cannot be.
    DataError
        Too few sessions for one split.
    """
    check_lengths(train, test)
    expect_whole("embargo", embargo, 0, "sessions")
    _enough(sessions, train + embargo + 1, "take a shorter train")
    return [
        Split(
            np.arange(start - embargo - train, start - embargo),
            np.arange(start, min(start + test, sessions)),
        )
        for start in range(train + embargo, sessions, test)
    ]


def purged_splits(
    sessions: int, groups: int = 6, test_groups: int = 2, embargo: int = 1
) -> list[Split]:
    """Judge on every choice of a few groups of sessions, choose on the others.

    Combinatorial purged cross-validation. Six groups, two of them tested, make 15 splits.

    Parameters
    ----------
    sessions : int
        How many there are.
    groups : int
        Of consecutive sessions, at least 2; the first have one more where it does not come out
        even.
    test_groups : int
        Tested in each split, fewer than there are.
    embargo : int
        Sessions on each side of a tested group that are not trained on.

    Returns
    -------
    list of Split
        Every session is tested in ``C(groups - 1, test_groups - 1)`` of them.

    Raises
    ------
    ConfigError
        A number that cannot be.
    DataError
        Fewer sessions than groups, or a split without a session left to train on.

    Notes
    -----
    Alerts, moves and trades end with their session, so no label reaches into another, and
    purging takes nothing beyond the embargo. Training on what came after the test is
    meant here; :func:`walk_forward_splits` never does.

    References
    ----------
    Lopez de Prado (2018), Advances in Financial Machine Learning, chapters 7 and 12.
    """
    expect_whole("groups", groups, 2)
    expect_whole("embargo", embargo, 0, "sessions")
    expect_whole("test_groups", test_groups, 1)
    if test_groups >= groups:
        raise ConfigError(
            f"test_groups: got {test_groups}, expected 1 to {groups - 1}, fewer than the groups"
        )
    _enough(sessions, groups, "take fewer groups")
    members = np.array_split(np.arange(sessions), groups)
    splits = []
    for chosen in combinations(members, test_groups):
        free = np.ones(sessions, dtype=np.bool_)
        for group in chosen:
            free[max(0, group[0] - embargo) : group[-1] + 1 + embargo] = False
        if not free.any():
            raise DataError(
                f"sessions: got {sessions}, expected some to train on beside {test_groups} of "
                f"{groups} groups and an embargo of {embargo}; take a shorter one"
            )
        splits.append(Split(np.flatnonzero(free), np.concatenate(chosen)))
    return splits


def hold_out(sessions: int, n: int, *, embargo: int = 1) -> Split:
    """Keep the last sessions for one look at the end.

    Parameters
    ----------
    sessions : int
        How many there are.
    n : int
        The last that are tested.
    embargo : int
        Sessions left out before them.

    Raises
    ------
    ConfigError, DataError
        As in :func:`walk_forward_splits`.
    """
    expect_whole("n", n, 1, "sessions")
    expect_whole("embargo", embargo, 0, "sessions")
    _enough(sessions, n + embargo + 1, "hold out fewer")
    return Split(np.arange(sessions - n - embargo), np.arange(sessions - n, sessions))


def check_lengths(train: int, test: int) -> None:
    """Refuse numbers of sessions on either side that cannot be.

    Raises
    ------
    ConfigError
    """
    expect_whole("train", train, 1, "sessions")
    expect_whole("test", test, 1, "sessions")


def _enough(sessions: int, least: int, otherwise: str) -> None:
    if sessions < least:
        raise DataError(f"sessions: got {sessions}, expected at least {least}; {otherwise}")
