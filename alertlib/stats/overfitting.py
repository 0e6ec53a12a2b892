"""The probability of backtest overfitting: what is best on one half, on the other half."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np

from alertlib._typing import Bools, Floats, Ints
from alertlib.errors import ConfigError
from alertlib.stats.trials import exact_rows, parts, trial_points

Metric = Literal["sharpe", "mean"]
# C(16, 8) = 12,870 splits, as in the paper; 18 would make 48,620.
MOST_BLOCKS = 16
# A half whose variance is smaller, in squares of the trial's largest deviation, is constant: it
# lies within the rounding of the sums.
CONSTANT = 2.0**-44


@dataclass(frozen=True)
class Overfitting:
    """What became of the best trial in sample on the sessions it was not chosen on.

    Attributes
    ----------
    pbo : float
        Share of the splits in which it is not above the median of all trials.
    logits : float64, one per split
        ``log(rank / (trials + 1 - rank))`` of its rank out of sample, 1 the worst.
    slope, intercept : float
        Of its metric out of sample against that in sample, over the splits; NaN where that in
        sample does not vary.
    probability_of_loss : float
        Share of the splits in which it loses out of sample.
    combinations : int
        Number of splits.
    trials, sessions, blocks : int
    unbounded : int
        Splits left out of slope and intercept, as a gain or loss was without variance.
    """

    pbo: float
    logits: Floats
    slope: float
    intercept: float
    probability_of_loss: float
    combinations: int
    trials: int
    sessions: int
    blocks: int
    unbounded: int


def overfitting_probability(
    points: Floats, blocks: int = 12, metric: Metric = "sharpe"
) -> Overfitting:
    """Choose the best trial on every half of the sessions, and rank it on the other half.

    Combinatorially symmetric cross-validation: consecutive sessions make ``blocks`` blocks,
    and every choice of half of them is in sample once.

    Parameters
    ----------
    points : float64, shape (trials, sessions)
        Every trial that was looked at, at least two, sessions in their order.
    blocks : int
        Even, 2 to 16; 12 make 924 splits. Where they do not divide the sessions, the first
        blocks have one more.
    metric : {"sharpe", "mean"}
        Per session: mean over standard deviation, or the mean. Take what the trial was chosen
        by.

    Returns
    -------
    Overfitting

    Raises
    ------
    DataError
        Fewer trials than two, fewer sessions than blocks (or than four), or what is no number.
    ConfigError
        Blocks or a metric that cannot be had.

    Notes
    -----
    Without variance in a half the Sharpe ratio is its limit: 0 where the points add up to 0, as
    those of a trial that does not trade, and otherwise plus or minus infinity. Of trials that
    tie in sample the one that is worst out of sample counts; ties out of sample share the mean
    of their ranks. Sharpe ratios that agree in seven digits tie.

    Sums of a block are all that is needed, and the sums of a split are a product with a table
    of zeros and ones. They are exact (:func:`~alertlib.stats.trials.exact_rows`): neither the
    order of sessions in a block nor that of trials changes a bit of the logits. A chunk of
    trials is worked on at a time.

    References
    ----------
    Bailey, Borwein, Lopez de Prado & Zhu (2017), Journal of Computational Finance 20(4), 39-69.
    """
    if metric not in ("sharpe", "mean"):
        raise ConfigError(f"metric: got {metric!r}, expected 'sharpe' or 'mean'")
    if blocks % 2 or not 2 <= blocks <= MOST_BLOCKS:
        raise ConfigError(
            f"blocks: got {blocks}, expected an even number from 2 to {MOST_BLOCKS}; "
            "12 make 924 splits"
        )
    table = trial_points(points, trials=2, sessions=max(blocks, 4))
    trials, sessions = table.shape
    split = Halves.of(sessions, blocks)
    count = len(split.chosen)
    best, after = _best(table, split, metric)
    logits = _logits(_ranks(table, split, metric, after), trials)
    slope, intercept, used = _line(best, after)
    return Overfitting(
        float(np.count_nonzero(logits <= 0)) / count,
        logits,
        slope,
        intercept,
        float(np.count_nonzero(after < 0)) / count,
        combinations=count,
        trials=trials,
        sessions=sessions,
        blocks=blocks,
        unbounded=count - used,
    )


@dataclass(frozen=True)
class Halves:
    """Every choice of half of the blocks.

    Attributes
    ----------
    starts : int64, shape (blocks,)
        First session of each block.
    chosen : bool, shape (splits, blocks)
        The blocks in sample; read backwards, those out of sample.
    lengths : float64, shape (splits,)
        Sessions in sample.
    """

    starts: Ints
    chosen: Bools
    lengths: Floats

    @classmethod
    def of(cls, sessions: int, blocks: int) -> Halves:
        """Cut sessions into blocks, and choose."""
        sizes = np.full(blocks, sessions // blocks)
        sizes[: sessions % blocks] += 1
        # In this order the complement of the first choice is the last, and so on inwards.
        members = np.array(list(combinations(range(blocks), blocks // 2)))
        chosen = np.zeros((len(members), blocks), dtype=np.bool_)
        np.put_along_axis(chosen, members, True, axis=1)
        return cls(np.cumsum(sizes) - sizes, chosen, (chosen @ sizes).astype(np.float64))

    def sums(self, values: Floats) -> Floats:
        """Sum each row over the sessions in sample of each split."""
        in_blocks = np.add.reduceat(values, self.starts, axis=1)
        total: Floats = in_blocks @ self.chosen.T.astype(np.float64)
        return total


def _metrics(rows: Floats, split: Halves, metric: Metric) -> Floats:
    """Each trial's metric in sample of each split; out of sample it is that of the last first."""
    sessions = rows.shape[1]
    # Twice the sessions: distances from the middle are up to twice as large as the values.
    rows = exact_rows(rows, 2 * sessions)
    middle = np.partition(rows, sessions // 2, axis=1)[:, sessions // 2, None]
    away = rows - middle
    sums = split.sums(away)
    means: Floats = (sums + middle * split.lengths) / split.lengths
    if metric == "mean":
        return means
    square = exact_rows(away * away, sessions)
    variance = split.sums(square)
    sums *= sums
    sums /= split.lengths
    variance -= sums
    variance /= split.lengths
    alike = variance <= CONSTANT * square.max(axis=1, keepdims=True)
    np.sqrt(variance, out=variance, where=~alike)
    # A constant half: what the mean tends to over ever smaller deviations.
    ratios = np.where(means == 0, 0.0, np.copysign(np.inf, means))
    np.divide(means, variance, out=ratios, where=~alike)
    # Seven digits: the ratios of all trials with a single trade are equal, but for rounding.
    return ratios.astype(np.float32).astype(np.float64)


def _best(table: Floats, split: Halves, metric: Metric) -> tuple[Floats, Floats]:
    """The best metric in sample of each split, and that of the same trial out of sample."""
    best = np.full(len(split.chosen), -np.inf)
    after = np.full(len(split.chosen), np.inf)
    for part in parts(len(table), len(split.chosen)):
        found = _metrics(table[part], split, metric)
        top = found.max(axis=0)
        others = np.where(found == top, found[:, ::-1], np.inf).min(axis=0)
        others = np.where(top == best, np.minimum(after, others), others)
        after = np.where(top >= best, others, after)
        best = np.maximum(best, top)
    return best, after


def _ranks(table: Floats, split: Halves, metric: Metric, after: Floats) -> Floats:
    """Rank of the chosen trial out of sample among all, 1 the worst, ties in the middle."""
    below = np.zeros(len(after), dtype=np.int64)
    equal = np.zeros(len(after), dtype=np.int64)
    for part in parts(len(table), len(after)):
        out = _metrics(table[part], split, metric)[:, ::-1]
        below += np.count_nonzero(out < after, axis=0)
        equal += np.count_nonzero(out == after, axis=0)
    ranks: Floats = below + (equal + 1) / 2
    return ranks


def _logits(ranks: Floats, trials: int) -> Floats:
    logits: Floats = np.log(ranks / (trials + 1 - ranks))
    return logits


def _line(best: Floats, after: Floats) -> tuple[float, float, int]:
    """Slope and intercept of ``after`` on ``best``, and how many splits are in them."""
    known = np.isfinite(best) & np.isfinite(after)
    x, y = best[known], after[known]
    if len(x) == 0 or x.max() == x.min():
        return np.nan, np.nan, len(x)
    away = x - x.mean()
    slope = float((away * (y - y.mean())).sum() / (away * away).sum())
    return slope, float(y.mean() - slope * x.mean()), len(x)
