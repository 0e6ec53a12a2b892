"""Intervals for shares whose observations cluster by session."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from alertlib._typing import Floats, Ints

Counts = npt.NDArray[np.integer[Any]]
# Cells of a table worked on at once: they stay in the cache.
CELLS = 1 << 15
# Multiplications in one product of matrices: few enough for BLAS to keep to one thread. With more
# it waits for its second one, on a busy machine 200 ms for what takes 1.
_PRODUCT = 1 << 18

# Standard normal quantiles: two-sided and one-sided 95 %.
Z_TWO_SIDED = 1.959963984540054
Z_ONE_SIDED = 1.6448536269514722


def wilson(share: float, n: float, z: float = Z_TWO_SIDED) -> tuple[float, float]:
    """Return Wilson's score interval of a share.

    Parameters
    ----------
    share : float
        Observed share, 0 to 1.
    n : float
        Number of observations, > 0; may be an effective, fractional one.
    z : float
        Normal quantile.

    References
    ----------
    Brown, Cai & DasGupta (2001), Statistical Science 16(2), 101-133.
    """
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)


@dataclass(frozen=True)
class Interval:
    """A share with its uncertainty.

    Attributes
    ----------
    n, n_eff : float
        Observations, and how many independent ones they are worth.
    low, high : float
        Two-sided 95 % Wilson bounds at ``n_eff``.
    proven_low, proven_high : float
        One-sided 95 % bounds.
    boot_low, boot_high : float
        2.5 % and 97.5 % points of the bootstrap over sessions.
    """

    n: int
    n_eff: float
    low: float
    high: float
    proven_low: float
    proven_high: float
    boot_low: float
    boot_high: float


def weight_blocks(sessions: int, runs: int, rng: np.random.Generator) -> Iterator[Counts]:
    """Return how often each session is drawn in each bootstrap run, some runs at a time.

    The whole table is never held: at a million bars (8,850 sessions) and 5,000 runs it has 44
    million cells. How it is cut changes no draw.

    Yields
    ------
    ndarray of int64, shape (some runs, sessions)
        Each row sums to ``sessions``.
    """
    step = max(1, CELLS // max(sessions, 1))
    for start in range(0, runs, step):
        size = min(step, runs - start)
        cell = rng.integers(0, sessions, size=(size, sessions))
        cell += sessions * np.arange(size)[:, None]
        yield np.bincount(cell.ravel(), minlength=cell.size).reshape(cell.shape)


def session_weights(sessions: int, runs: int, rng: np.random.Generator) -> Counts:
    """Return the table that :func:`weight_blocks` cuts, shape (runs, sessions)."""
    return np.concatenate(list(weight_blocks(sessions, runs, rng)))


def resampled_sums(blocks: Iterable[Counts], *columns: Ints | Floats) -> list[Floats]:
    """Return each column's sum in every bootstrap run.

    Parameters
    ----------
    blocks : iterable of ndarray, shape (some runs, sessions)
        See :func:`weight_blocks`; used up.
    columns : int64 or float64, one per session
        Sums of whole numbers are exact up to 2 ** 53, so that no order of adding changes a bit;
        others are where :func:`alertlib.stats.trials.exact_rows` has rounded them.
    """
    table = np.column_stack(columns).astype(np.float64)
    step = max(1, _PRODUCT // max(table.size, 1))
    parts = [
        block[start : start + step].astype(np.float64) @ table
        for block in blocks
        for start in range(0, len(block), step)
    ]
    return list(np.concatenate(parts).T)


def clustered_interval(hits: Ints, total: Ints, weights: Counts) -> Interval | None:
    """Return the interval of ``sum(hits) / sum(total)``, sessions being the sampling unit.

    Parameters
    ----------
    hits, total : int64, one per session
    weights : ndarray, shape (runs, sessions)
        See :func:`session_weights`.

    Returns
    -------
    Interval or None
        None where there is no observation.
    """
    return resampled_interval(hits, total, *resampled_sums([weights], hits, total))


def resampled_interval(
    hits: Ints, total: Ints, drawn_hits: Floats, drawn_total: Floats
) -> Interval | None:
    """Return the interval of ``sum(hits) / sum(total)`` from its bootstrap over sessions.

    The share's variance over resampled sessions gives the design effect ``deff``, at least 1,
    and Wilson's interval is taken at ``n / deff``. At shares of 0 and 1 the bootstrap has no
    variance; there ``n`` counts for at most as many as there are sessions.

    Parameters
    ----------
    hits, total : int64, one per session
    drawn_hits, drawn_total : float64, one per run
        Their sums in each run, see :func:`resampled_sums`.

    Returns
    -------
    Interval or None
        None where there is no observation.

    References
    ----------
    Korn & Graubard (1998), Survey Methodology 24(2), 193-201.
    """
    n = int(total.sum())
    if n == 0:
        return None
    share = float(hits.sum()) / n
    some = drawn_total > 0
    shares = drawn_hits[some] / drawn_total[some]
    if 0.0 < share < 1.0:
        n_eff = n / max(1.0, float(shares.var()) / (share * (1.0 - share) / n))
    else:
        n_eff = float(min(n, len(total)))
    low, high = wilson(share, n_eff)
    proven_low, proven_high = wilson(share, n_eff, Z_ONE_SIDED)
    boot_low, boot_high = (float(q) for q in np.quantile(shares, (0.025, 0.975)))
    return Interval(n, n_eff, low, high, proven_low, proven_high, boot_low, boot_high)


def p_value(drawn: Floats, observed: float, *, larger_is_better: bool) -> float:
    """Return the one-sided p-value of an observed statistic under a null.

    ``(1 + #{drawn at least as good}) / (runs + 1)``; a run in which the statistic is undefined
    counts as worse.

    References
    ----------
    Phipson & Smyth (2010), Statistical Applications in Genetics and Molecular Biology 9(1).
    """
    good = drawn >= observed if larger_is_better else drawn <= observed
    return float(1 + np.count_nonzero(good)) / (len(drawn) + 1)
