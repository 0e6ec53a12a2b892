"""Is the best of many trials better than a benchmark, given how many were tried?"""

from __future__ import annotations

from dataclasses import dataclass
from math import log, sqrt

import numpy as np

from alertlib._typing import Floats
from alertlib.errors import ConfigError, DataError
from alertlib.stats.intervals import p_value
from alertlib.stats.resampling import (
    largest_sums,
    mean_variances,
    stationary_weights,
    trial_sums,
)
from alertlib.stats.trials import constant_rows, trial_points

# Trades end with their session, so only what bars leave behind links one session to the next. At
# 60 sessions longer blocks leave too few of them, and noise is rejected too often: twice to three
# times as often as it should at a week or at the root of the sessions.
MEAN_BLOCK = 2.0
RUNS = 1_000
# t-statistics closer than this share are equal: those of all trials with a single trade are, but
# for their rounding.
TIE = 1e-9


@dataclass(frozen=True)
class RealityCheck:
    """White's test that no trial is better than the benchmark.

    Attributes
    ----------
    p : float
        How probably the best of trials that are all as good as the benchmark does as well.
    statistic : float
        Mean difference of the best trial times the root of the sessions.
    best : int
        Row of that trial, the first of several.
    trials, sessions, runs : int
    mean_block : float
        Of the bootstrap, in sessions.
    """

    p: float
    statistic: float
    best: int
    trials: int
    sessions: int
    runs: int
    mean_block: float


@dataclass(frozen=True)
class SuperiorAbility:
    """Hansen's test that no trial is better than the benchmark.

    Attributes
    ----------
    lower, consistent, upper : float
        p-values. ``upper`` takes every trial for as good as the benchmark, ``lower`` every one
        that looks worse for as bad as it looks; ``consistent``, in between, only those that
        look significantly worse, and is the one to read.
    statistic : float
        Largest mean difference over its standard error; 0 where none is positive, and then all
        three p-values are 1.
    best : int or None
        Row of that trial, the first of several; None if no trial's points vary.
    constant : int
        Trials left out: their difference never varies, so it has no standard error.
    trials, sessions, runs : int
    mean_block : float
        Of the bootstrap, in sessions.
    """

    lower: float
    consistent: float
    upper: float
    statistic: float
    best: int | None
    constant: int
    trials: int
    sessions: int
    runs: int
    mean_block: float


def reality_check(
    points: Floats,
    benchmark: Floats | None = None,
    *,
    runs: int = RUNS,
    mean_block: float = MEAN_BLOCK,
    seed: int = 0,
) -> RealityCheck:
    """Test whether the best mean of many trials can be luck.

    Not studentised: trials that vary much decide, and bad ones beside the best make it harder
    to find. :func:`superior_predictive_ability` has neither fault.

    Parameters
    ----------
    points : float64, shape (trials, sessions)
        Every trial that was looked at, at least three sessions, in their order.
    benchmark : float64, shape (sessions,), optional
        Points of what is to be beaten; 0, not trading, unless given.
    runs : int
        Runs of the bootstrap.
    mean_block : float
        Mean length of its blocks, in sessions; 1 takes sessions for independent.
    seed : int
        The same seed gives the same result to the last bit.

    Returns
    -------
    RealityCheck

    Raises
    ------
    DataError
        A table or benchmark that is too small, or holds what is no number.
    ConfigError
        An option out of range.

    References
    ----------
    White (2000), Econometrica 68(5), 1097-1126.
    """
    table = _differences(points, benchmark)
    weights = _weights(table, runs, mean_block, seed)
    sums = trial_sums(table)
    best = int(sums.argmax())
    drawn = largest_sums(table, weights, np.ones(len(table)), sums[None])[0]
    return RealityCheck(
        p_value(drawn, float(sums[best]), larger_is_better=True),
        float(sums[best]) / sqrt(table.shape[1]),
        best,
        trials=len(table),
        sessions=table.shape[1],
        runs=runs,
        mean_block=mean_block,
    )


def superior_predictive_ability(
    points: Floats,
    benchmark: Floats | None = None,
    *,
    runs: int = RUNS,
    mean_block: float = MEAN_BLOCK,
    seed: int = 0,
) -> SuperiorAbility:
    """Test whether the best t-statistic of many trials can be luck.

    Parameters
    ----------
    points, benchmark, runs, mean_block, seed
        As in :func:`reality_check`.

    Returns
    -------
    SuperiorAbility

    Raises
    ------
    DataError, ConfigError
        As in :func:`reality_check`.

    Notes
    -----
    Standard errors are those of the bootstrap itself, without its noise
    (:func:`~alertlib.stats.resampling.mean_variances`). A trial looks significantly worse where
    its t-statistic is below ``-sqrt(2 log log sessions)``.

    References
    ----------
    Hansen (2005), Journal of Business & Economic Statistics 23(4), 365-380.
    """
    table = _differences(points, benchmark)
    trials, sessions = table.shape
    weights = _weights(table, runs, mean_block, seed)
    varying = np.flatnonzero(~constant_rows(table))
    if len(varying) < trials:
        table = table[varying]
    sums = trial_sums(table)
    # Standard errors of sums, not of means: what is compared are sums.
    errors = np.sqrt(mean_variances(table, mean_block) * sessions)
    scales = 1.0 / errors
    ratios = sums * scales
    near = sums >= -sqrt(2 * log(log(sessions))) * errors
    centres = np.stack([np.maximum(sums, 0.0), np.where(near, sums, 0.0), sums])
    statistic = max(0.0, float(ratios.max(initial=0.0)))
    drawn = np.maximum(largest_sums(table, weights, scales, centres), 0.0)
    bar = statistic * (1.0 - TIE)
    lower, consistent, upper = (p_value(one, bar, larger_is_better=True) for one in drawn)
    return SuperiorAbility(
        lower,
        consistent,
        upper,
        statistic,
        best=int(varying[ratios.argmax()]) if len(varying) else None,
        constant=trials - len(varying),
        trials=trials,
        sessions=sessions,
        runs=runs,
        mean_block=mean_block,
    )


def _differences(points: Floats, benchmark: Floats | None) -> Floats:
    """Points above the benchmark's."""
    # The logarithm of the logarithm of the sessions has to be positive.
    table = trial_points(points, sessions=3)
    if benchmark is None:
        return table
    other = np.asarray(benchmark, dtype=np.float64)
    if other.shape != table.shape[1:] or not np.isfinite(other).all():
        raise DataError(
            f"benchmark: got shape {other.shape}, {np.count_nonzero(~np.isfinite(other))} not "
            f"finite, expected a number for each of the {table.shape[1]} sessions of points"
        )
    difference: Floats = table - other
    return difference


def _weights(table: Floats, runs: int, mean_block: float, seed: int) -> Floats:
    """How often each session is drawn in each run, once the options are known to be right."""
    sessions = table.shape[1]
    if runs < 1:
        raise ConfigError(f"runs: got {runs}, expected at least 1; {RUNS:,} unless given")
    if not 1 <= mean_block <= sessions:
        raise ConfigError(
            f"mean_block: got {mean_block}, expected 1 to {sessions}, the sessions of points; "
            "1 takes sessions for independent"
        )
    if seed < 0:
        raise ConfigError(f"seed: got {seed}, expected a whole number, at least 0")
    return stationary_weights(sessions, runs, mean_block, seed).astype(np.float64)
