"""The probability of backtest overfitting: a naive twin, hand-made splits, laws, and noise."""

from __future__ import annotations

from math import comb, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from alertlib._typing import Floats
from alertlib.errors import ConfigError, DataError
from alertlib.stats import trials
from alertlib.stats.overfitting import Halves, Metric, overfitting_probability
from tests import naive_selection
from tests.support.made_points import noise, planted

seeds = st.integers(0, 2**32 - 1)


def sparse(rng: np.random.Generator, rows: int, sessions: int) -> Floats:
    """Trials that often do not trade, one that never does, and a copy of another."""
    points: Floats = rng.normal(0.1, 10, size=(rows, sessions))
    points[rng.random((rows, sessions)) < 0.6] = 0.0
    points[0] = 0.0
    points[-1] = points[1]
    return points


@settings(deadline=None, max_examples=60)
@given(
    seeds,
    st.integers(3, 9),
    st.sampled_from((2, 4, 6)),
    st.integers(0, 7),
    st.booleans(),
    st.sampled_from((1, 50, 1_000)),
)
def test_it_is_the_naive_one(
    seed: int, rows: int, blocks: int, more: int, idle: bool, cells: int
) -> None:
    rng = np.random.default_rng(seed)
    sessions = 2 * blocks + more
    points = sparse(rng, rows, sessions) if idle else rng.normal(size=(rows, sessions))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trials, "CELLS", cells)
        found = overfitting_probability(points, blocks)
    logits, best, after = naive_selection.overfitting(points, blocks)

    assert found.logits == pytest.approx(logits, abs=1e-12)
    assert found.pbo == np.mean(np.array(logits) <= 0)
    assert found.probability_of_loss == np.mean(np.array(after) < 0)
    assert found.combinations == comb(blocks, blocks // 2) == len(logits)
    known = np.isfinite(best) & np.isfinite(after)
    assert found.unbounded == np.count_nonzero(~known)
    if blocks > 2 and np.ptp(np.array(best)[known]) > 1e-9:
        line = stats.linregress(np.array(best)[known], np.array(after)[known])
        assert found.slope == pytest.approx(line.slope, rel=1e-6, abs=1e-9)
        assert found.intercept == pytest.approx(line.intercept, rel=1e-6, abs=1e-9)


def test_by_the_mean_it_is_that_of_the_sums() -> None:
    points = np.random.default_rng(1).normal(size=(5, 24))

    found = overfitting_probability(points, 4, "mean")

    halves = points.reshape(5, 4, 6).sum(axis=2)
    for logit, (one, other) in zip(
        found.logits, [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)], strict=True
    ):
        inside = halves[:, one] + halves[:, other]
        rank = stats.rankdata(halves.sum(axis=1) - inside)[inside.argmax()]
        assert logit == pytest.approx(log(rank / (6 - rank)), abs=1e-12)


def test_two_trials_that_take_turns_are_all_overfitting() -> None:
    """One earns in the first half, the other in the second: the best is always wrong."""
    good, bad = [3.0, 1.0, 2.0, 2.0], [-3.0, -1.0, -2.0, -2.0]
    points = np.array([good + bad, bad + good])

    found = overfitting_probability(points, 2)

    assert found.pbo == found.probability_of_loss == 1.0
    assert found.logits.tolist() == pytest.approx([log(1 / 2), log(1 / 2)])
    assert (found.combinations, found.blocks, found.trials, found.sessions) == (2, 2, 2, 8)
    assert np.isnan([found.slope, found.intercept]).all()  # equally good in either half


def test_one_trial_better_than_all_is_none() -> None:
    points = np.random.default_rng(2).normal(size=(9, 48))
    points[4] += 5

    found = overfitting_probability(points)

    assert found.pbo == found.probability_of_loss == 0.0
    assert found.logits.tolist() == pytest.approx([log(9 / 1)] * 924)


def test_trials_all_alike_are_in_the_middle() -> None:
    points = np.tile(np.random.default_rng(3).normal(size=24), (4, 1))

    found = overfitting_probability(points, 4)

    assert found.logits.tolist() == [0.0] * 6
    assert found.pbo == 1.0  # not above the median


def test_nobody_trades() -> None:
    found = overfitting_probability(np.zeros((3, 24)), 4)

    assert found.logits.tolist() == [0.0] * 6
    assert found.probability_of_loss == 0.0
    assert np.isnan(found.slope)


def test_of_trials_that_tie_the_one_that_ends_worst_counts() -> None:
    """Neither of the first two trades in the first half; the third only loses there."""
    points = np.zeros((3, 8))
    points[0, 4:], points[1, 4:], points[2] = [2, 1, 3, 2], [-2, -1, -3, -2], [-1, -2] * 4

    found = overfitting_probability(points, 2)

    assert found.logits[0] == pytest.approx(log(2 / 2))  # the second trial: -1.8 against -3.0
    assert found.probability_of_loss == 0.5


def test_trials_with_a_single_trade_tie_whatever_it_earned() -> None:
    """Each has one trade in either half, so the Sharpe ratios are 3 ** -0.5, all of them."""
    earned = [0.1, 0.37, 12.37, 1e4]
    points = np.array([[gain, 0, 0, 0, 0, 0, gain * 3, 0] for gain in earned])

    found = overfitting_probability(points, 2)

    assert found.logits.tolist() == [0.0, 0.0]


def test_a_gain_without_variance_is_without_bounds() -> None:
    points = np.array([[0.1] * 8, [1.0, 2, 1, 2, 1, 2, 1, 2], [-0.1] * 8])

    found = overfitting_probability(points, 2)

    assert found.logits.tolist() == pytest.approx([log(3 / 1)] * 2)
    assert found.unbounded == 2
    assert np.isnan(found.slope)


@pytest.mark.parametrize("points", [0.1, 12.37, -1e-7, 1e9])
def test_a_constant_trial_is_known_for_one_whatever_its_points(points: float) -> None:
    rng = np.random.default_rng(4)
    table = np.vstack([np.full(60, points), rng.normal(size=60)])

    found = overfitting_probability(table)

    # A constant gain is the best in both halves, a constant loss never is.
    assert found.unbounded == (924 if points > 0 else 0)


@pytest.mark.parametrize("seed", range(20))
def test_a_constant_half_is_known_for_one_beside_a_half_that_is_not(seed: int) -> None:
    rng = np.random.default_rng(seed)
    table = rng.normal(size=(2, 62))
    table[0, 31:] += 1e3  # the middle lies here, so the others are far from it
    table[0, :31] = rng.uniform(0.1, 10)

    assert overfitting_probability(table, 2).unbounded >= 1


def test_halves_read_backwards_are_the_other_halves() -> None:
    halves = Halves.of(65, 12)

    assert (halves.chosen ^ halves.chosen[::-1]).all()
    assert (halves.lengths + halves.lengths[::-1] == 65).all()
    assert np.diff([*halves.starts, 65]).tolist() == [6] * 5 + [5] * 7


@given(seeds)
@settings(deadline=None, max_examples=25)
@pytest.mark.parametrize("metric", ["sharpe", "mean"])
def test_neither_orders_nor_units_change_a_bit(metric: Metric, seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = sparse(rng, 7, 26)
    found = overfitting_probability(points, 4, metric)
    within = np.concatenate([rng.permutation(part) for part in np.array_split(np.arange(26), 4)])

    for other in (
        points[rng.permutation(7)],
        points[:, within],
        points * 2.0 ** int(rng.integers(-20, 20)),
    ):
        again = overfitting_probability(other, 4, metric)
        assert again.logits.tobytes() == found.logits.tobytes()
        assert np.array_equal(again.slope, found.slope, equal_nan=True)
        assert again.probability_of_loss == found.probability_of_loss


def test_points_in_another_currency_give_the_same_logits() -> None:
    points = noise(np.random.default_rng(5), trials=12)
    found = overfitting_probability(points)

    again = overfitting_probability(points * 5.4321)

    assert again.logits.tolist() == found.logits.tolist()
    assert again.slope == pytest.approx(found.slope, rel=1e-5)  # seven digits


@pytest.mark.parametrize("cells", [1, 924 * 3, 924 * 10, 1 << 22])
@pytest.mark.parametrize("metric", ["sharpe", "mean"])
def test_chunks_do_not_change_a_bit(
    cells: int, metric: Metric, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = np.vstack([noise(np.random.default_rng(6)), sparse(np.random.default_rng(7), 9, 60)])
    whole = overfitting_probability(points, metric=metric)

    monkeypatch.setattr(trials, "CELLS", cells)
    again = overfitting_probability(points, metric=metric)

    assert again.logits.tobytes() == whole.logits.tobytes()
    assert (again.slope, again.intercept) == (whole.slope, whole.intercept)


@pytest.mark.parametrize("blocks", [0, -2, 5, 18])
def test_blocks_that_cannot_be_are_refused(blocks: int) -> None:
    with pytest.raises(ConfigError, match=f"blocks: got {blocks}, expected an even number"):
        overfitting_probability(np.zeros((3, 60)), blocks)


def test_a_metric_that_is_not_there_is_refused() -> None:
    with pytest.raises(ConfigError, match="metric: got 'median', expected 'sharpe' or 'mean'"):
        overfitting_probability(np.zeros((3, 60)), metric="median")  # type: ignore[arg-type]


def test_too_little_is_refused() -> None:
    with pytest.raises(DataError, match="points: got 11 sessions, expected at least 12"):
        overfitting_probability(np.zeros((3, 11)))
    with pytest.raises(DataError, match="points: got 3 sessions, expected at least 4"):
        overfitting_probability(np.zeros((3, 3)), 2)
    with pytest.raises(DataError, match="points: got 1 trials, expected at least 2"):
        overfitting_probability(np.zeros((1, 60)))


def test_noise_is_overfitted_half_of_the_time_and_skill_is_not() -> None:
    rng = np.random.default_rng(8)
    luck = [overfitting_probability(noise(rng), 8).pbo for _ in range(200)]
    skill = [overfitting_probability(planted(rng, 11), 8).pbo for _ in range(50)]

    # One sweep's figure has a standard deviation of about 0.25, the mean of 200 one of 0.018.
    assert np.mean(luck) == pytest.approx(0.5, abs=0.054)
    assert np.mean(skill) < 0.15
