"""The statistics of selection once more, straight from the papers, slow and obvious.

Trials are rows. Nothing here is taken from the package.
"""

from __future__ import annotations

from itertools import combinations
from math import comb, inf, log, nan, sqrt

import numpy as np
import numpy.typing as npt
from scipy import stats

Table = npt.NDArray[np.float64]


def sharpe(row: Table) -> float:
    return float(np.mean(row) / np.std(row, ddof=1)) if len(set(row.tolist())) > 1 else nan


def expected_max(trials: float, variance: float) -> float:
    """Bailey & Lopez de Prado (2014), equation 1."""
    gamma = 0.5772156649015329
    z = stats.norm.ppf
    return float(
        sqrt(variance) * ((1 - gamma) * z(1 - 1 / trials) + gamma * z(1 - 1 / (trials * np.exp(1))))
    )


def deflated(points: Table, chosen: int) -> float:
    """Bailey & Lopez de Prado (2014), equation 2."""
    row = points[chosen]
    known = [value for value in map(sharpe, points) if value == value]
    sr = sharpe(row)
    sr0 = expected_max(len(points), float(np.var(known, ddof=1)))
    skew, kurtosis = stats.skew(row), stats.kurtosis(row, fisher=False)
    spread = sqrt(1 - skew * sr + (kurtosis - 1) / 4 * sr**2)
    return float(stats.norm.cdf((sr - sr0) * sqrt(len(row) - 1) / spread))


def mean_correlation(points: Table) -> float:
    table = np.corrcoef(points)
    return float(np.mean([table[i, j] for i, j in combinations(range(len(points)), 2)]))


def half_metric(part: Table) -> float:
    """Mean over population deviation; its limit where nothing deviates."""
    if len(set(part.tolist())) == 1:
        return 0.0 if part[0] == 0 else inf * np.sign(part[0])
    if sum(part) == 0:
        return 0.0
    return float(np.float32(np.mean(part) / np.std(part)))  # seven digits


def overfitting(points: Table, blocks: int) -> tuple[list[float], list[float], list[float]]:
    """Logits, and the chosen trial's metric in and out of sample, of every split."""
    cut = np.array_split(np.arange(points.shape[1]), blocks)
    logits, best, after = [], [], []
    for chosen in combinations(range(blocks), blocks // 2):
        inside = np.concatenate([cut[block] for block in chosen])
        outside = np.concatenate([cut[block] for block in range(blocks) if block not in chosen])
        before = [half_metric(row[inside]) for row in points]
        then = [half_metric(row[outside]) for row in points]
        top = max(before)
        worst = min(out for out, found in zip(then, before, strict=True) if found == top)
        rank = sum(out < worst for out in then) + (sum(out == worst for out in then) + 1) / 2
        share = rank / (len(points) + 1)
        logits.append(log(share / (1 - share)))
        best.append(top)
        after.append(worst)
    assert len(logits) == comb(blocks, blocks // 2)
    return logits, best, after


def long_run_variance(row: Table, mean_block: float) -> float:
    """Politis & Romano (1994), lemma 1, pair by pair."""
    n, away = len(row), row - np.mean(row)
    q = 1 - 1 / mean_block
    total = float(np.sum(away**2)) / n
    for i in range(1, n):
        weight = (1 - i / n) * q**i + i / n * q ** (n - i)
        total += 2 * weight * float(np.sum(away[: n - i] * away[i:])) / n
    return total


def reality_check(points: Table, drawn: list[npt.NDArray[np.intp]]) -> tuple[float, float]:
    """White (2000): statistic and p-value, given the sessions of every run."""
    n = points.shape[1]
    means = [float(np.mean(row)) for row in points]
    statistic = max(sqrt(n) * mean for mean in means)
    beaten = 0
    for sessions in drawn:
        again = max(
            sqrt(n) * (float(np.mean(row[sessions])) - mean)
            for row, mean in zip(points, means, strict=True)
        )
        beaten += again >= statistic - 1e-9 * abs(statistic)
    return statistic, (1 + beaten) / (1 + len(drawn))


def superior_ability(
    points: Table, drawn: list[npt.NDArray[np.intp]], mean_block: float
) -> tuple[float, list[float]]:
    """Hansen (2005): statistic and the lower, consistent and upper p-values."""
    n = points.shape[1]
    trials = [
        (row, float(np.mean(row)), sqrt(long_run_variance(row, mean_block)))
        for row in points
        if len(set(row.tolist())) > 1
    ]
    statistic = max(0.0, *(sqrt(n) * mean / omega for _, mean, omega in trials))
    beaten = [0, 0, 0]
    for sessions in drawn:
        again = [0.0, 0.0, 0.0]
        for row, mean, omega in trials:
            near = mean >= -sqrt(omega**2 / n * 2 * log(log(n)))
            for way, centre in enumerate((max(mean, 0.0), mean if near else 0.0, mean)):
                z = sqrt(n) * (float(np.mean(row[sessions])) - centre) / omega
                again[way] = max(again[way], z)
        beaten = [
            count + (found >= statistic * (1 - 1e-9))
            for count, found in zip(beaten, again, strict=True)
        ]
    return statistic, [(1 + count) / (1 + len(drawn)) for count in beaten]
