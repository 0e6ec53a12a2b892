"""The deflated Sharpe ratio: is the best of many trials better than the best of as much luck?"""

from __future__ import annotations

from dataclasses import dataclass
from math import e, erfc, nan, sqrt
from statistics import NormalDist

import numpy as np

from alertlib._typing import Floats
from alertlib.errors import ConfigError
from alertlib.stats.trials import constant_rows, parts, trial_points


@dataclass(frozen=True)
class DeflatedSharpe:
    """A chosen trial's Sharpe ratio against what the best of all would have by luck.

    Per session throughout, nothing annualised. NaN where not defined.

    Attributes
    ----------
    probability : float
        That the true Sharpe ratio exceeds 0, given ``expected_max``.
    sharpe : float
        Mean over standard deviation (divisor ``sessions - 1``) of the chosen trial.
    expected_max : float
        Largest Sharpe ratio to expect of ``counted`` trials without any skill.
    sharpe_variance : float
        Variance of the Sharpe ratios of the trials whose points vary.
    skew, kurtosis : float
        Of the chosen trial; 3 is the kurtosis of a normal distribution.
    trials, sessions : int
    constant : int
        Trials whose points never vary, those that never traded among them.
    counted : float
        Number of trials in ``expected_max``.
    effective_trials : float
        For information: see :func:`effective_trials`.
    """

    probability: float
    sharpe: float
    expected_max: float
    sharpe_variance: float
    skew: float
    kurtosis: float
    trials: int
    sessions: int
    constant: int
    counted: float
    effective_trials: float


def deflated_sharpe(points: Floats, chosen: int, counted: float | None = None) -> DeflatedSharpe:
    """Deflate the Sharpe ratio of the trial that was chosen.

    Parameters
    ----------
    points : float64, shape (trials, sessions)
        Every trial that was looked at, in points per session.
    chosen : int
        Row of the one that was chosen.
    counted : float, optional
        Number of trials it was chosen from. All rows unless given, which is the cautious
        number: trials of neighbouring parameters are alike, and fewer independent ones would
        have a smaller maximum. Larger than the table where trials were thrown away unseen.

    Returns
    -------
    DeflatedSharpe
        Its probability is NaN where the chosen trial's points do not vary, and where of several
        trials fewer than two do.

    Raises
    ------
    DataError
        Fewer than two sessions, or what is no number.
    ConfigError
        A row that is not there, or a number below 1.

    Notes
    -----
    A trial that never traded has no Sharpe ratio. It counts as one looked at, and is left out
    of the variance, which its 0 would make smaller.

    References
    ----------
    Bailey & Lopez de Prado (2014), Journal of Portfolio Management 40(5), 94-107.
    """
    table = trial_points(points)
    trials, sessions = table.shape
    if not 0 <= chosen < trials:
        raise ConfigError(
            f"chosen: got {chosen}, expected a row of the {trials} trials, 0 to {trials - 1}"
        )
    if counted is not None and not 1 <= counted < float("inf"):
        raise ConfigError(
            f"counted: got {counted}, expected the number of trials, at least 1; "
            "leave it out to count all"
        )
    number = float(trials if counted is None else counted)
    sharpes = sharpe_ratios(table)
    known = sharpes[~np.isnan(sharpes)]
    variance = float(known.var(ddof=1)) if len(known) > 1 else nan
    luck = 0.0 if number == 1 else expected_max_sharpe(number, variance)
    skew, kurtosis = _shape(table[chosen])
    sharpe = float(sharpes[chosen])
    return DeflatedSharpe(
        probabilistic_sharpe(sharpe, luck, sessions, skew, kurtosis),
        sharpe,
        luck,
        variance,
        skew,
        kurtosis,
        trials=trials,
        sessions=sessions,
        constant=trials - len(known),
        counted=number,
        effective_trials=effective_trials(table),
    )


def sharpe_ratios(points: Floats) -> Floats:
    """Return each trial's mean over standard deviation per session; NaN if it never varies."""
    ratios = np.full(len(points), np.nan)
    for part in parts(*points.shape):
        rows = points[part]
        std = rows.std(axis=1, ddof=1)
        varies = ~constant_rows(rows)
        np.divide(rows.mean(axis=1), std, out=ratios[part], where=varies)
    return ratios


def expected_max_sharpe(trials: float, variance: float) -> float:
    """Return the largest Sharpe ratio to expect of independent trials without skill.

    Parameters
    ----------
    trials : float
        At least 1; one trial is not chosen, and its maximum is 0.
    variance : float
        Of the trials' Sharpe ratios.

    Notes
    -----
    The first-order approximation of the maximum of normal variables, equation 1 of Bailey &
    Lopez de Prado (2014). Between one and two trials it falls below 0, and is 0 here.
    """
    if trials <= 1:
        return 0.0
    quantile = NormalDist().inv_cdf
    gamma = float(np.euler_gamma)
    largest = (1 - gamma) * quantile(1 - 1 / trials) + gamma * quantile(1 - 1 / (trials * e))
    return sqrt(variance) * max(0.0, largest)


def probabilistic_sharpe(
    sharpe: float, threshold: float, sessions: int, skew: float, kurtosis: float
) -> float:
    """Return how probably the true Sharpe ratio exceeds a threshold.

    Parameters
    ----------
    sharpe, threshold : float
        Per session.
    sessions : int
    skew, kurtosis : float
        Of the points; 0 and 3 if normal.

    Returns
    -------
    float
        NaN where an input is, and where the estimate's variance is not positive: points of two
        values only can have that.

    References
    ----------
    Bailey & Lopez de Prado (2012), Journal of Risk 15(2), 3-44.
    """
    variance = 1 - skew * sharpe + (kurtosis - 1) / 4 * sharpe * sharpe
    if not variance > 0:
        return nan
    z = (sharpe - threshold) * sqrt((sessions - 1) / variance)
    return erfc(-z / sqrt(2)) / 2


def effective_trials(points: Floats) -> float:
    """Return how many independent trials would be worth those whose points vary.

    ``rho + (1 - rho) * trials`` with the mean correlation ``rho`` of their pairs: 1 if all are
    alike, their number if they have nothing to do with each other, and never more.

    References
    ----------
    Bailey & Lopez de Prado (2014), appendix 3.
    """
    table = trial_points(points)
    known, total = 0, np.zeros(table.shape[1])
    for part in parts(*table.shape):
        rows = table[part][~constant_rows(table[part])]
        rows = rows - rows.mean(axis=1, keepdims=True)
        known += len(rows)
        total += (rows / np.sqrt((rows * rows).sum(axis=1, keepdims=True))).sum(axis=0)
    if known < 2:
        return float(known)
    rho = max(0.0, (float((total * total).sum()) - known) / (known * (known - 1)))
    return rho + (1 - rho) * known


def _shape(row: Floats) -> tuple[float, float]:
    """Skew and kurtosis by population moments."""
    if row.max() == row.min():
        return nan, nan
    away = row - row.mean()
    second, third, fourth = (float((away**power).mean()) for power in (2, 3, 4))
    return third / second**1.5, fourth / second**2
