"""Intervals and p-values against scipy, arch, hand counts and simulation."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from alertlib.stats import intervals
from alertlib.stats.intervals import (
    Z_ONE_SIDED,
    Z_TWO_SIDED,
    clustered_interval,
    p_value,
    resampled_interval,
    resampled_sums,
    session_weights,
    weight_blocks,
    wilson,
)


def test_normal_quantiles_are_scipys() -> None:
    assert scipy_stats.norm.ppf(0.975) == pytest.approx(Z_TWO_SIDED, rel=1e-15)
    assert scipy_stats.norm.ppf(0.95) == pytest.approx(Z_ONE_SIDED, rel=1e-15)


@given(st.integers(1, 5_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_is_scipys(counts: tuple[int, int]) -> None:
    hits, n = counts

    theirs = scipy_stats.binomtest(hits, n).proportion_ci(0.95, method="wilson")

    # Written in another order, so a few roundings apart.
    assert wilson(hits / n, n) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_one_sided_wilson_is_scipys() -> None:
    theirs = scipy_stats.binomtest(170, 200, alternative="greater").proportion_ci(0.95, "wilson")

    assert wilson(0.85, 200, Z_ONE_SIDED)[0] == pytest.approx(theirs.low, abs=1e-12)


@given(st.floats(0, 1), st.floats(0.1, 1e6))
def test_wilson_contains_the_share_and_stays_between_zero_and_one(share: float, n: float) -> None:
    low, high = wilson(share, n)

    # At 0 and 1 the bound is the share itself, up to rounding.
    assert 0.0 <= low <= share + 1e-12
    assert share - 1e-12 <= high <= 1.0


def test_weights_count_how_often_a_session_is_drawn() -> None:
    weights = session_weights(7, 500, np.random.default_rng(1))

    assert weights.shape == (500, 7)
    assert (weights.sum(axis=1) == 7).all()
    assert (weights >= 0).all()
    # Multinomial: each count has mean 1 and variance 6/7; five standard errors of 3,500 draws.
    assert weights.mean() == 1.0
    assert weights.var() == pytest.approx(6 / 7, abs=0.1)


@given(
    st.integers(1, 60), st.integers(1, 60), st.integers(1, 400), st.integers(0, 2**32), st.data()
)
def test_resampling_in_blocks_is_the_table_bit_for_bit(
    sessions: int, runs: int, cells: int, seed: int, data: st.DataObject
) -> None:
    """However the table is cut, the draws and the sums are those of the whole."""
    numbers = st.lists(st.integers(0, 500), min_size=sessions, max_size=sessions)
    missed, hits = (np.array(data.draw(numbers)) for _ in range(2))
    total = missed + hits + 1
    # One draw a cell, in the order of the table.
    drawn = np.random.default_rng(seed).integers(
        0, sessions, size=(runs, sessions), dtype=np.uint32
    )
    table = np.array([np.bincount(run, minlength=sessions) for run in drawn])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(intervals, "CELLS", cells)
        patch.setattr(intervals, "_PRODUCT", cells)
        blocks = list(weight_blocks(sessions, runs, np.random.default_rng(seed)))
        sums = resampled_sums(blocks, hits, total)

    assert all(block.size <= max(cells, sessions) for block in blocks)
    assert np.array_equal(np.concatenate(blocks), table)
    assert np.array_equal(session_weights(sessions, runs, np.random.default_rng(seed)), table)
    assert [column.tolist() for column in sums] == [
        (table @ hits).tolist(),
        (table @ total).tolist(),
    ]
    assert resampled_interval(hits, total, *sums) == clustered_interval(hits, total, table)


def test_no_session_leaves_nothing_to_resample() -> None:
    (block,) = weight_blocks(0, 100, np.random.default_rng(1))

    assert block.shape == (100, 0)
    nothing = np.zeros(0, dtype=np.int64)
    assert resampled_sums([block], nothing)[0].tolist() == [0.0] * 100


def test_an_interval_without_clusters_is_wilsons() -> None:
    """One observation per session: nothing clusters, and the design effect is about 1."""
    rng = np.random.default_rng(2)
    hits = (rng.random(400) < 0.7).astype(np.int64)
    total = np.ones(400, dtype=np.int64)

    found = clustered_interval(hits, total, session_weights(400, 4_000, rng))

    assert found is not None
    assert found.n == 400
    assert found.n_eff == pytest.approx(400, rel=0.06)  # the bootstrap's own noise
    low, high = wilson(hits.mean(), found.n_eff)
    assert (found.low, found.high) == (low, high)


def test_whole_sessions_of_hits_are_worth_one_observation_each() -> None:
    """Ten observations a session, all alike: 40 sessions are worth 40, not 400."""
    hits = np.where(np.arange(40) % 4 == 0, 0, 10)
    total = np.full(40, 10)

    found = clustered_interval(hits, total, session_weights(40, 5_000, np.random.default_rng(3)))

    assert found is not None
    assert found.n == 400
    assert found.n_eff == pytest.approx(40, rel=0.08)
    assert found.boot_low < 0.75 < found.boot_high


@pytest.mark.parametrize("share", [0, 1])
@pytest.mark.parametrize(("each", "worth"), [(5, 30), (1, 30)])
def test_at_shares_of_nought_and_one_a_session_counts_once(
    share: int, each: int, worth: int
) -> None:
    """There the bootstrap has no variance, and would call 150 clustered alerts independent."""
    total = np.full(30, each)

    found = clustered_interval(
        share * total, total, session_weights(30, 500, np.random.default_rng(4))
    )

    assert found is not None
    assert (found.n, found.n_eff) == (30 * each, worth)
    assert (found.boot_low, found.boot_high) == (share, share)
    theirs = scipy_stats.binomtest(worth * share, worth).proportion_ci(0.95, method="wilson")
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_at_shares_of_nought_and_one_fewer_observations_than_sessions_count_as_they_are() -> None:
    total = np.where(np.arange(30) < 7, 1, 0)

    found = clustered_interval(total, total, session_weights(30, 500, np.random.default_rng(4)))

    assert found is not None
    assert found.n_eff == found.n == 7


def test_the_design_effect_never_makes_more_of_the_data_than_there_is() -> None:
    """Every session with exactly half hits has no variance between sessions at all."""
    total = np.full(30, 4)

    found = clustered_interval(
        total // 2, total, session_weights(30, 500, np.random.default_rng(5))
    )

    assert found is not None
    assert found.n_eff == found.n


def test_nothing_observed_has_no_interval() -> None:
    empty = np.zeros(3, dtype=np.int64)

    assert (
        clustered_interval(empty, empty, session_weights(3, 100, np.random.default_rng(6))) is None
    )


def test_draws_without_an_observation_are_left_out() -> None:
    """One session holds everything; a resample without it says nothing."""
    hits, total = np.array([3, 0]), np.array([4, 0])

    found = clustered_interval(hits, total, session_weights(2, 500, np.random.default_rng(7)))

    assert found is not None
    assert (found.boot_low, found.boot_high) == (0.75, 0.75)


def test_the_percentile_bootstrap_is_archs() -> None:
    """arch resamples the same sessions with numbers of its own: equal but for its noise."""
    from arch.bootstrap import IIDBootstrap

    rng = np.random.default_rng(8)
    total = rng.integers(1, 8, size=60)
    hits = rng.binomial(total, rng.beta(4, 2, size=60))

    ours = clustered_interval(hits, total, session_weights(60, 5_000, rng))
    assert ours is not None
    bootstrap = IIDBootstrap(hits, total, seed=np.random.default_rng(9))
    theirs = bootstrap.conf_int(
        lambda h, t: h.sum() / t.sum(), reps=5_000, method="percentile"
    ).ravel()

    # Standard error of a 2.5 % quantile from 5,000 draws is about 0.01 * spread / density.
    assert (ours.boot_low, ours.boot_high) == pytest.approx(tuple(theirs), abs=0.006)
    variance = bootstrap.cov(lambda h, t: h.sum() / t.sum(), reps=5_000).item()
    share = hits.sum() / total.sum()
    deff = variance / (share * (1 - share) / total.sum())
    assert ours.n / ours.n_eff == pytest.approx(max(1.0, deff), rel=0.06)


# --- p-values -----------------------------------------------------------------------------


def test_a_p_value_counts_itself() -> None:
    drawn = np.array([0.1, 0.5, 0.5, 0.9])

    assert p_value(drawn, 0.5, larger_is_better=True) == 4 / 5
    assert p_value(drawn, 0.5, larger_is_better=False) == 4 / 5
    assert p_value(drawn, 0.95, larger_is_better=True) == 1 / 5
    assert p_value(drawn, 0.05, larger_is_better=False) == 1 / 5
    assert p_value(drawn[:0], 0.5, larger_is_better=True) == 1.0


def test_a_run_without_a_rate_counts_as_worse() -> None:
    drawn = np.array([0.1, np.nan, np.nan])

    assert p_value(drawn, 0.5, larger_is_better=True) == 1 / 4
    assert p_value(drawn, 0.5, larger_is_better=False) == 2 / 4


@given(
    st.lists(st.none() | st.sampled_from((0.0, 0.25, 0.5, 1.0)), max_size=30),
    st.sampled_from((0.0, 0.25, 0.5, 1.0)),
    st.booleans(),
)
def test_a_p_value_is_counted_run_by_run(
    runs: list[float | None], observed: float, larger: bool
) -> None:
    as_good = 1
    for value in runs:
        if value is not None:
            as_good += value >= observed if larger else value <= observed
    drawn = np.array([np.nan if v is None else v for v in runs], dtype=float)

    assert p_value(drawn, observed, larger_is_better=larger) == as_good / (len(runs) + 1)


def test_a_permutation_p_value_is_scipys_when_every_permutation_is_drawn() -> None:
    """scipy enumerates all 70 splits of eight numbers; given the same 70 values, so do we.

    With every permutation drawn the observed one is among them, and scipy leaves out the +1.
    """
    x, y = np.array([3.1, 4.0, 5.5, 2.2]), np.array([1.0, 2.0, 0.5, 3.9])
    theirs = scipy_stats.permutation_test(
        (x, y), lambda a, b: np.mean(a) - np.mean(b), alternative="greater", n_resamples=np.inf
    )
    pooled = np.concatenate([x, y])
    drawn = []
    for chosen in itertools.combinations(range(8), 4):
        a = pooled[list(chosen)]
        b = np.delete(pooled, chosen)
        drawn.append(np.mean(a) - np.mean(b))

    ours = p_value(np.array(drawn), theirs.statistic, larger_is_better=True)

    assert ours == pytest.approx((1 + 70 * theirs.pvalue) / 71)


def test_a_random_permutation_p_value_is_scipys() -> None:
    """scipy uses (1 + b) / (1 + n) as well; the same draws are not shared, so noise remains."""
    rng = np.random.default_rng(10)
    x, y = rng.normal(0.4, 1, 30), rng.normal(0, 1, 30)
    theirs = scipy_stats.permutation_test(
        (x, y), lambda a, b: np.mean(a) - np.mean(b), alternative="greater", n_resamples=4_999,
        rng=np.random.default_rng(11),
    )  # fmt: skip
    pooled = np.concatenate([x, y])
    drawn = np.array(
        [p[:30].mean() - p[30:].mean() for p in (rng.permutation(pooled) for _ in range(4_999))]
    )

    ours = p_value(drawn, float(theirs.statistic), larger_is_better=True)

    assert ours == pytest.approx(theirs.pvalue, abs=0.02)
    own = p_value(theirs.null_distribution, float(theirs.statistic), larger_is_better=True)
    assert own == pytest.approx(theirs.pvalue, abs=1e-12)


# --- by simulation ------------------------------------------------------------------------


@pytest.mark.slow
def test_intervals_cover_the_truth_although_alerts_cluster_by_session() -> None:
    """Sessions differ in their own share (beta), as alerts of one day do.

    Wilson at the nominal n covers far less than 95 %; at n/deff it has to come near. 600 data
    sets have a standard error of 0.9 points; the bounds leave three.
    """
    rng = np.random.default_rng(12)
    truth, covered, naive_covered = 0.6, 0, 0
    repeats = 600
    for _ in range(repeats):
        total = rng.integers(8, 20, size=60)
        hits = rng.binomial(total, rng.beta(0.6 * 4, 0.4 * 4, size=60))
        found = clustered_interval(hits, total, session_weights(60, 1_000, rng))
        assert found is not None
        covered += found.low <= truth <= found.high
        low, high = wilson(hits.sum() / total.sum(), total.sum())
        naive_covered += low <= truth <= high

    assert naive_covered / repeats < 0.85
    assert 0.92 <= covered / repeats <= 0.98


@pytest.mark.slow
def test_p_values_are_uniform_when_there_is_nothing_to_find() -> None:
    rng = np.random.default_rng(13)
    values = []
    for _ in range(2_000):
        draws = rng.normal(size=100)
        values.append(p_value(draws[1:], draws[0], larger_is_better=True))

    assert set(np.round(np.array(values) * 100).astype(int)) <= set(range(1, 101))
    assert scipy_stats.kstest(np.array(values) - 0.005, "uniform").pvalue > 0.001
    assert np.mean(np.array(values) <= 0.05) == pytest.approx(0.05, abs=0.015)
