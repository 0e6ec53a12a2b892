"""The deflated Sharpe ratio: the paper's example, a naive twin, laws, and noise."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertlib.errors import ConfigError, DataError
from alertlib.stats import trials
from alertlib.stats.deflated import (
    deflated_sharpe,
    effective_trials,
    expected_max_sharpe,
    probabilistic_sharpe,
    sharpe_ratios,
)
from tests import naive_selection
from tests.support.made_points import noise, planted

rows = st.integers(0, 2**32 - 1)


def test_the_example_of_the_paper() -> None:
    """Bailey & Lopez de Prado (2014): annual Sharpe 2.5, five years of days, 100 trials."""
    luck = expected_max_sharpe(100, 0.5 / 250)
    sharpe = 2.5 / sqrt(250)

    assert luck == pytest.approx(0.1132, abs=5e-5)
    assert probabilistic_sharpe(sharpe, luck, 1250, -3, 10) == pytest.approx(0.9004, abs=5e-5)


def test_the_papers_other_number_of_trials() -> None:
    """There 46 independent trials, or 88 of normal points, are the most that leave 95 %."""
    sharpe = 2.5 / sqrt(250)

    def probability(trials: int, skew: float, kurtosis: float) -> float:
        luck = expected_max_sharpe(trials, 0.5 / 250)
        return probabilistic_sharpe(sharpe, luck, 1250, skew, kurtosis)

    assert probability(46, -3, 10) == pytest.approx(0.9505, abs=5e-5)
    assert probability(88, 0, 3) == pytest.approx(0.9505, abs=5e-5)


@given(rows, st.integers(2, 8), st.integers(3, 40))
def test_it_is_the_naive_one(seed: int, trials: int, sessions: int) -> None:
    points = np.random.default_rng(seed).standard_t(3, size=(trials, sessions)) + 0.1
    chosen = seed % trials

    found = deflated_sharpe(points, chosen)

    assert found.probability == pytest.approx(naive_selection.deflated(points, chosen), abs=1e-9)
    assert found.sharpe == pytest.approx(naive_selection.sharpe(points[chosen]), rel=1e-12)
    assert (found.trials, found.sessions, found.constant) == (trials, sessions, 0)
    assert found.counted == trials
    rho = max(0.0, naive_selection.mean_correlation(points))
    assert found.effective_trials == pytest.approx(rho + (1 - rho) * trials, rel=1e-9)


def test_a_single_trial_is_not_deflated() -> None:
    points = np.random.default_rng(2).normal(0.2, 1, size=(1, 50))

    found = deflated_sharpe(points, 0)

    assert found.expected_max == 0.0
    assert np.isnan(found.sharpe_variance)
    assert found.probability == probabilistic_sharpe(
        found.sharpe, 0.0, 50, found.skew, found.kurtosis
    )


def test_of_many_trials_that_count_as_one_the_best_is_not_deflated() -> None:
    points = np.random.default_rng(2).normal(0.2, 1, size=(5, 50))

    found = deflated_sharpe(points, 0, 1)

    assert (found.counted, found.expected_max) == (1, 0.0)


def test_trials_that_never_traded_count_but_do_not_narrow_the_others() -> None:
    points = np.random.default_rng(3).normal(size=(4, 50))
    idle = np.zeros((6, 50))

    few, many = deflated_sharpe(points, 1), deflated_sharpe(np.vstack([points, idle]), 1)

    assert (many.trials, many.constant, many.counted) == (10, 6, 10)
    assert many.sharpe_variance == few.sharpe_variance
    assert many.expected_max == expected_max_sharpe(10, few.sharpe_variance)
    assert many.probability < few.probability


def test_what_is_not_defined_is_nan() -> None:
    points = np.vstack([np.random.default_rng(4).normal(size=50), np.full(50, 0.1)])

    constant, alone = deflated_sharpe(points, 1), deflated_sharpe(points, 0)

    assert np.isnan([constant.sharpe, constant.skew, constant.kurtosis]).all()
    assert np.isnan(constant.probability)
    # One Sharpe ratio has no variance, so nobody knows what two trials' luck is.
    assert np.isnan([alone.expected_max, alone.probability]).all()
    assert np.isfinite(alone.sharpe)
    assert np.isnan(probabilistic_sharpe(1.0, 0.0, 50, 2.0, 5.0))  # two values, in ratio 1


def test_the_number_of_trials_can_be_said() -> None:
    points = noise(np.random.default_rng(5))

    all_of_them = deflated_sharpe(points, 7)
    fewer = deflated_sharpe(points, 7, effective_trials(points))
    more = deflated_sharpe(points, 7, 1_000)

    assert fewer.counted == all_of_them.effective_trials < 30
    assert fewer.probability > all_of_them.probability > more.probability


@pytest.mark.parametrize("chosen", [-1, 3])
def test_a_row_that_is_not_there_is_refused(chosen: int) -> None:
    with pytest.raises(ConfigError, match=f"chosen: got {chosen}, expected a row of the 3 trials"):
        deflated_sharpe(np.zeros((3, 4)), chosen)


@pytest.mark.parametrize("counted", [0.5, np.nan, np.inf])
def test_a_number_of_trials_that_cannot_be_is_refused(counted: float) -> None:
    with pytest.raises(ConfigError, match="counted: got"):
        deflated_sharpe(np.zeros((3, 4)), 0, counted)


def test_one_session_is_too_few() -> None:
    with pytest.raises(DataError, match="points: got 1 sessions, expected at least 2"):
        deflated_sharpe(np.zeros((3, 1)), 0)


@given(rows)
def test_points_may_be_scaled_and_trials_and_sessions_shuffled(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = rng.standard_t(4, size=(6, 20))
    order, days = rng.permutation(6), rng.permutation(20)

    found = deflated_sharpe(points, 2)
    again = deflated_sharpe(
        points[order][:, days] * rng.uniform(0.01, 100), int(np.flatnonzero(order == 2)[0])
    )

    # Sums in another order: a few roundings apart.
    assert list(vars(again).values()) == pytest.approx(list(vars(found).values()), rel=1e-9)


@given(st.floats(1, 1e6), st.floats(1, 1e6))
def test_more_trials_never_lower_the_bar(one: float, other: float) -> None:
    few, many = sorted((one, other))

    assert 0 <= expected_max_sharpe(few, 0.3) <= expected_max_sharpe(many, 0.3) + 1e-12


def test_between_one_trial_and_two_there_is_no_bar() -> None:
    assert naive_selection.expected_max(1.2, 0.3) < 0
    assert expected_max_sharpe(1.2, 0.3) == 0.0


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    points = noise(np.random.default_rng(6), trials=50)
    whole = sharpe_ratios(points)

    monkeypatch.setattr(trials, "CELLS", 60 * 7)

    assert (sharpe_ratios(points) == whole).all()


def test_copies_of_one_trial_are_worth_one() -> None:
    row = np.random.default_rng(7).normal(size=40)

    assert effective_trials(np.tile(row, (9, 1))) == pytest.approx(1.0)
    assert effective_trials(np.vstack([row, np.zeros(40)])) == 1.0
    assert effective_trials(np.zeros((3, 40))) == 0.0
    assert effective_trials(np.vstack([row, -row])) == 2.0


def test_luck_is_seldom_taken_for_skill_and_skill_is_seen() -> None:
    rng = np.random.default_rng(8)
    lucky, skilled = [], []
    for _ in range(200):
        points = noise(rng)
        lucky.append(deflated_sharpe(points, int(sharpe_ratios(points).argmax())).probability)
        skilled.append(deflated_sharpe(planted(rng, 11), 11).probability)

    # 5 % and three of its standard errors over 200 sweeps.
    assert np.mean(np.array(lucky) > 0.95) < 0.1
    assert np.mean(np.array(skilled) > 0.95) > 0.5
