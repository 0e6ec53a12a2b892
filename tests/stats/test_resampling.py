"""The stationary bootstrap: arch's own sampler, pair by pair, and laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertlib.stats import trials
from alertlib.stats.resampling import (
    largest_sums,
    mean_variances,
    stationary_weights,
    trial_sums,
)
from tests import naive_selection


@pytest.mark.parametrize("mean_block", [1, 1.5, 2, 7.25, 30])
def test_the_sessions_drawn_are_archs(mean_block: float) -> None:
    """Given the same coins and places."""
    from arch.bootstrap._samplers_python import stationary_bootstrap_sample_python

    weights = stationary_weights(30, 50, mean_block, seed=5)

    coins, places = np.random.default_rng(5).spawn(2)
    heads = coins.random((50, 30))
    starts = places.integers(0, 30, size=(50, 30), dtype=np.uint32).astype(np.int64)
    for row, u, place in zip(weights, heads, starts, strict=True):
        drawn = stationary_bootstrap_sample_python(place, u, 1 / mean_block)
        assert np.bincount(drawn, minlength=30).tolist() == row.tolist()


@given(st.integers(1, 40), st.integers(1, 20), st.floats(1, 40), st.integers(0, 2**40))
def test_each_run_draws_as_many_as_there_are(
    sessions: int, runs: int, mean_block: float, seed: int
) -> None:
    weights = stationary_weights(sessions, runs, mean_block, seed)

    assert weights.shape == (runs, sessions)
    assert (weights.sum(axis=1) == sessions).all()
    assert (weights == stationary_weights(sessions, runs, mean_block, seed)).all()


def test_chunks_do_not_change_a_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = stationary_weights(37, 101, 3, seed=9)

    monkeypatch.setattr(trials, "CELLS", 37 * 4)

    assert (stationary_weights(37, 101, 3, seed=9) == whole).all()


@given(st.integers(0, 2**32 - 1), st.integers(3, 41), st.floats(1, 41))
def test_the_variance_is_that_of_the_lemma(seed: int, sessions: int, mean_block: float) -> None:
    points = np.random.default_rng(seed).standard_t(3, size=(2, sessions)) + 5

    found = mean_variances(points, mean_block)

    theirs = [naive_selection.long_run_variance(row, mean_block) for row in points]
    assert found == pytest.approx(theirs, rel=1e-9, abs=1e-12 * float(points.var()))


def test_with_independent_sessions_it_is_the_population_variance() -> None:
    points = np.random.default_rng(1).normal(size=(3, 60))

    assert mean_variances(points, 1) == pytest.approx(points.var(axis=1), rel=1e-12)


@pytest.mark.parametrize("mean_block", [1, 2, 6])
def test_it_is_what_many_runs_come_to(mean_block: float) -> None:
    points = np.cumsum(np.random.default_rng(2).normal(size=(1, 40)), axis=1)

    means = stationary_weights(40, 20_000, mean_block, seed=3) @ points[0] / 40

    # The standard error of a variance of 20,000 normal values is 1 % of it.
    assert 40 * means.var() == pytest.approx(mean_variances(points, mean_block)[0], rel=0.04)


@pytest.mark.parametrize("trial_count", [1, 7])
def test_the_largest_sum_of_a_run_is_over_all_trials_and_may_be_negative(
    trial_count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whole numbers, so that every sum is exact; in one piece and in pieces of a trial."""
    rng = np.random.default_rng(4)
    table = rng.integers(-9, 9, size=(trial_count, 12)).astype(float)
    weights = stationary_weights(12, 70, 3, seed=6).astype(float)
    scales = 1.0 + np.arange(trial_count)
    centres = np.stack([np.zeros(trial_count), np.full(trial_count, 1e6)])

    whole = largest_sums(table, weights, scales, centres)
    monkeypatch.setattr(trials, "CELLS", 12)
    in_pieces = largest_sums(table, weights, scales, centres)

    sums = weights @ table.T
    expected = [((sums - centre) * scales).max(axis=1).tolist() for centre in centres]
    assert whole.tolist() == in_pieces.tolist() == expected
    assert (whole[1] < 0).all()
    assert trial_sums(table).tolist() == table.sum(axis=1).tolist()
