"""The reality check and Hansen's test: arch on the same draws, naive twins, laws, and noise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alertlib.errors import ConfigError, DataError
from alertlib.stats import resampling, trials
from alertlib.stats.resampling import mean_variances, stationary_weights
from alertlib.stats.superiority import (
    MEAN_BLOCK,
    SuperiorAbility,
    reality_check,
    superior_predictive_ability,
)
from tests import naive_selection
from tests.support.made_points import noise, planted

seeds = st.integers(0, 2**32 - 1)
Test = Callable[..., Any]


def three(found: SuperiorAbility) -> list[float]:
    return [found.lower, found.consistent, found.upper]


def draws(sessions: int, runs: int, mean_block: float, seed: int) -> list[Any]:
    weights = stationary_weights(sessions, runs, mean_block, seed)
    return [np.repeat(np.arange(sessions), row) for row in weights]


# --- twins --------------------------------------------------------------------------------


@settings(deadline=None, max_examples=40)
@given(seeds, st.integers(1, 7), st.integers(3, 30), st.sampled_from((1.0, 2.0, 2.5)))
def test_they_are_the_naive_ones(seed: int, rows: int, sessions: int, mean_block: float) -> None:
    rng = np.random.default_rng(seed)
    points = rng.standard_t(4, size=(rows, sessions)) + rng.normal(0, 0.5, size=(rows, 1))
    drawn = draws(sessions, 60, mean_block, seed=3)

    white = reality_check(points, runs=60, mean_block=mean_block, seed=3)
    hansen = superior_predictive_ability(points, runs=60, mean_block=mean_block, seed=3)

    statistic, p = naive_selection.reality_check(points, drawn)
    assert white.statistic == pytest.approx(statistic, rel=1e-9)
    assert white.p == p
    statistic, ps = naive_selection.superior_ability(points, drawn, mean_block)
    assert hansen.statistic == pytest.approx(statistic, rel=1e-9)
    assert three(hansen) == ps


def with_our_draws(test: Any, drawn: list[Any]) -> Any:
    """Let a test of arch resample the sessions that we resampled."""
    ahead: Iterator[Any] = iter(drawn)
    test.bootstrap.update_indices = lambda: next(ahead)
    test.compute()
    return test.pvalues


@pytest.mark.parametrize("mean_block", [1, 2, 5])
@pytest.mark.parametrize("seed", range(3))
def test_on_the_same_draws_arch_counts_the_same_runs(mean_block: int, seed: int) -> None:
    """We count the observed one as a run, arch does not.

    arch standardises only to tell which trials look worse, and compares plain means; so it is
    given points that are standardised.
    """
    from arch.bootstrap import SPA, RealityCheck

    points = noise(np.random.default_rng(seed), trials=20) + np.linspace(-1, 0.3, 20)[:, None]
    drawn = draws(60, 400, mean_block, seed)
    options: Any = {"block_size": mean_block, "reps": 400}

    white = reality_check(points, runs=400, mean_block=mean_block, seed=seed)
    theirs = with_our_draws(RealityCheck(np.zeros(60), -points.T, **options), drawn)
    assert white.p * 401 - 1 == pytest.approx(theirs["upper"] * 400, abs=1e-9)

    hansen = superior_predictive_ability(points, runs=400, mean_block=mean_block, seed=seed)
    scaled = points / np.sqrt(mean_variances(points, mean_block))[:, None]
    theirs = with_our_draws(SPA(np.zeros(60), -scaled.T, **options), drawn)
    assert hansen.statistic > 0
    counts = [p * 401 - 1 for p in three(hansen)]
    assert counts == pytest.approx([p * 400 for p in theirs], abs=1e-9)
    assert hansen.lower < hansen.upper  # some do look worse


@pytest.mark.parametrize("mean_block", [2, 5])
def test_with_draws_of_its_own_arch_finds_much_the_same(mean_block: int) -> None:
    from arch.bootstrap import SPA, RealityCheck

    points = noise(np.random.default_rng(4), trials=20) + 0.1
    scaled = points / np.sqrt(mean_variances(points, mean_block))[:, None]
    options: Any = {"block_size": mean_block, "reps": 4_000, "seed": 1}
    white, hansen = RealityCheck(np.zeros(60), -points.T, **options), SPA(
        np.zeros(60), -scaled.T, **options
    )  # fmt: skip
    white.compute()
    hansen.compute()

    ours = reality_check(points, runs=4_000, mean_block=mean_block)
    found = superior_predictive_ability(points, runs=4_000, mean_block=mean_block)

    # Two p-values from 4,000 runs each are within four standard errors, 0.045 at the most.
    assert ours.p == pytest.approx(white.pvalues["upper"], abs=0.045)
    assert three(found) == pytest.approx(hansen.pvalues.tolist(), abs=0.045)
    assert 0.05 < found.consistent < 0.95


# --- what they say ------------------------------------------------------------------------


def test_what_is_tested_is_said() -> None:
    points = planted(np.random.default_rng(5), 11)

    white = reality_check(points, runs=500)
    hansen = superior_predictive_ability(points, runs=500)

    assert (white.trials, white.sessions, white.runs, white.mean_block) == (30, 60, 500, 2.0)
    assert (hansen.trials, hansen.sessions, hansen.runs, hansen.mean_block) == (30, 60, 500, 2.0)
    assert white.best == points.mean(axis=1).argmax()
    error = np.sqrt(mean_variances(points, MEAN_BLOCK) / 60)
    assert hansen.best == (points.mean(axis=1) / error).argmax() == 11
    assert hansen.statistic == pytest.approx(points[11].mean() / error[11], rel=1e-12)
    assert white.statistic == pytest.approx(points[white.best].mean() * np.sqrt(60), rel=1e-12)


def test_where_nobody_earns_nothing_is_better() -> None:
    points = -np.abs(noise(np.random.default_rng(6)))

    found = superior_predictive_ability(points, runs=99)

    assert found.statistic == 0.0
    assert three(found) == [1.0, 1.0, 1.0]
    assert reality_check(points, runs=99).p == 1.0


def test_a_trial_that_never_trades_changes_nothing() -> None:
    points = noise(np.random.default_rng(7)) + 0.3
    idle = np.vstack([np.zeros((2, 60)), points])

    found, again = (superior_predictive_ability(table, runs=200) for table in (points, idle))

    assert three(found) == three(again)
    assert found.best is not None
    assert again.best == found.best + 2
    assert (again.constant, again.trials) == (2, 32)
    assert reality_check(points, runs=200).p == reality_check(idle, runs=200).p


@pytest.mark.parametrize("test", [reality_check, superior_predictive_ability])
def test_a_tie_counts_as_it_should_by_hand(test: Test) -> None:
    """Three trials with a trade each, on 4 sessions: their t-statistics are equal.

    A run does as well where any of the three trades is drawn at least twice, or for White's
    test that of the largest.
    """
    points = np.diag([0.1, 0.7, 12.37])
    points = np.hstack([points, np.zeros((3, 1))])
    weights = stationary_weights(4, 999, 1, seed=0)
    columns = slice(2, 3) if test is reality_check else slice(0, 3)
    # The others fall short of the largest by far: 3 times 0.7 is less than 12.37.
    as_well = np.count_nonzero((weights[:, columns] >= 2).any(axis=1))

    found = test(points, runs=999, mean_block=1)

    p = found.p if test is reality_check else found.consistent
    assert p == (1 + as_well) / 1000


def test_nobody_trades() -> None:
    found = superior_predictive_ability(np.zeros((3, 20)), runs=99)

    assert (found.best, found.constant, found.statistic) == (None, 3, 0.0)
    assert three(found) == [1.0, 1.0, 1.0]
    assert reality_check(np.zeros((3, 20)), runs=99).p == 1.0


def test_a_benchmark_is_taken_off_every_session() -> None:
    rng = np.random.default_rng(8)
    points, benchmark = noise(rng), rng.normal(size=60)

    for test in (reality_check, superior_predictive_ability):
        against: Any = test
        assert against(points, benchmark, runs=99) == against(points - benchmark, runs=99)


# --- laws ---------------------------------------------------------------------------------


@settings(deadline=None, max_examples=40)
@given(seeds, st.sampled_from((reality_check, superior_predictive_ability)))
def test_the_order_of_trials_and_the_unit_of_points_do_not_matter(seed: int, test: Test) -> None:
    """Whole points tie now and then: not even a tie may fall the other way."""
    rng = np.random.default_rng(seed)
    points = rng.integers(-3, 5, size=(6, 7)).astype(np.float64)
    order = rng.permutation(6)
    found = test(points, runs=99)

    again = test(points[order] * 2.0 ** int(rng.integers(-30, 30)), runs=99)

    same = {"p", "lower", "consistent", "upper", "constant"}
    assert all(getattr(again, name, 0) == getattr(found, name, 0) for name in same)
    in_cents = test(points * 100, runs=99)
    if test is reality_check:
        assert in_cents.p == found.p


def test_points_in_another_currency_give_the_same_p() -> None:
    points = noise(np.random.default_rng(9)) + 0.2

    assert reality_check(points).p == reality_check(points * 5.4321).p
    found, again = (superior_predictive_ability(table) for table in (points, points * 5.4321))
    assert three(found) == three(again)


@settings(deadline=None, max_examples=60)
@given(seeds, st.floats(0, 3), st.floats(0, 1))
def test_a_worse_trial_never_makes_the_best_more_significant(
    seed: int, worse: float, of_another: float
) -> None:
    rng = np.random.default_rng(seed)
    points = rng.standard_t(4, size=(5, 20)) + 0.1
    white, hansen = reality_check(points, runs=99), superior_predictive_ability(points, runs=99)
    mixed = points[white.best] * (1 - of_another) + points[seed % 5] * of_another - worse
    more = np.vstack([points, mixed])

    again = reality_check(more, runs=99)
    if again.best != 5:
        assert again.p >= white.p
    found = superior_predictive_ability(more, runs=99)
    if found.best != 5:
        assert all(new >= old for new, old in zip(three(found), three(hansen), strict=True))


@given(seeds, st.floats(-1, 1))
@settings(deadline=None, max_examples=40)
def test_the_three_are_in_order(seed: int, drift: float) -> None:
    points = np.random.default_rng(seed).normal(drift, 1, size=(8, 15))

    found = superior_predictive_ability(points, runs=99)

    assert 1 / 100 <= found.lower <= found.consistent <= found.upper <= 1


@pytest.mark.parametrize(("cells", "at_once"), [(1, 7), (3_000, 1), (7_777, 64), (1 << 22, 999)])
@pytest.mark.parametrize("test", [reality_check, superior_predictive_ability])
def test_chunks_do_not_change_a_bit(
    cells: int, at_once: int, test: Test, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = noise(np.random.default_rng(10), trials=70) + 0.1
    whole = test(points, runs=300)

    monkeypatch.setattr(trials, "CELLS", cells)
    monkeypatch.setattr(resampling, "RUNS_AT_ONCE", at_once)

    assert test(points, runs=300) == whole


def test_a_block_may_be_as_long_as_all_sessions() -> None:
    points = np.random.default_rng(1).normal(size=(3, 20))

    white = reality_check(points, runs=50, mean_block=20)
    hansen = superior_predictive_ability(points, runs=50, mean_block=20)

    assert all(0.0 < p <= 1.0 for p in (white.p, hansen.consistent))


# --- errors -------------------------------------------------------------------------------


@pytest.mark.parametrize("test", [reality_check, superior_predictive_ability])
@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"runs": 0}, "runs: got 0, expected at least 1"),
        ({"mean_block": 0.5}, "mean_block: got 0.5, expected 1 to 20"),
        ({"mean_block": 21}, "mean_block: got 21, expected 1 to 20"),
        ({"mean_block": np.nan}, "mean_block: got nan, expected 1 to 20"),
        ({"seed": -1}, "seed: got -1, expected a whole number"),
    ],
)
def test_options_out_of_range_are_refused(test: Test, options: dict[str, float], line: str) -> None:
    with pytest.raises(ConfigError, match=line):
        test(np.zeros((2, 20)), **options)


@pytest.mark.parametrize("test", [reality_check, superior_predictive_ability])
def test_too_little_is_refused(test: Test) -> None:
    with pytest.raises(DataError, match="points: got 2 sessions, expected at least 3"):
        test(np.zeros((2, 2)))
    with pytest.raises(DataError, match="points: got 0 trials, expected at least 1"):
        test(np.zeros((0, 20)))
    with pytest.raises(DataError, match=r"benchmark: got shape \(19,\), 0 not finite"):
        test(np.zeros((2, 20)), np.zeros(19))
    with pytest.raises(DataError, match=r"benchmark: got shape \(20,\), 20 not finite"):
        test(np.zeros((2, 20)), np.full(20, np.nan))


# --- noise and skill ----------------------------------------------------------------------


def rejected(sweeps: int, seed: int, mean_block: float = MEAN_BLOCK) -> tuple[float, float]:
    """Share of sweeps of noise in which the best trial is significant, by either test."""
    rng = np.random.default_rng(seed)
    counts = np.zeros(2)
    for sweep in range(sweeps):
        points = noise(rng)
        options: Any = {"runs": 199, "seed": sweep, "mean_block": mean_block}
        counts += (
            superior_predictive_ability(points, **options).consistent <= 0.05,
            reality_check(points, **options).p <= 0.05,
        )
    hansen, white = counts / sweeps
    return float(hansen), float(white)


def test_noise_is_significant_as_often_as_it_should_be() -> None:
    hansen, white = rejected(200, seed=11)

    # 5 % and two standard errors over 200 sweeps.
    assert 0.02 <= hansen <= 0.08
    assert 0.02 <= white <= 0.08


@pytest.mark.slow
def test_over_many_sweeps_as_well() -> None:
    hansen, white = rejected(3_000, seed=12)

    # Three standard errors are 1.2 points; sixty sessions cost Hansen's test one more, and
    # White's, where trials vary unequally, is below its level.
    assert 0.038 <= hansen <= 0.072
    assert 0.02 <= white <= 0.062


def test_long_blocks_of_few_sessions_are_too_easily_impressed() -> None:
    """Why the blocks are short unless asked for: sixty sessions are eight blocks of eight."""
    hansen, _ = rejected(200, seed=13, mean_block=8)

    assert hansen > 0.1


def test_skill_is_found() -> None:
    rng = np.random.default_rng(14)
    hansen, white = [], []
    for sweep in range(60):
        points = planted(rng, 11)
        found = superior_predictive_ability(points, runs=199, seed=sweep)
        hansen.append(found.consistent <= 0.05 and found.best == 11)
        white.append(reality_check(points, runs=199, seed=sweep).p <= 0.05)

    assert np.mean(hansen) > 0.85
    assert np.mean(white) > 0.6
