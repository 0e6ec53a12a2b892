"""Counts and sums by slot and scored session, and what resampling the sessions says of them."""

from __future__ import annotations

import numpy as np

from alertlib._typing import Floats, Ints
from alertlib.scorecard.bootstrap import session_blocks
from alertlib.scoring.scored import Scored
from alertlib.stats.intervals import resampled_sums
from alertlib.stats.trials import exact_rows

# Ends of a two-sided 95 % percentile interval.
PERCENTILES = (0.025, 0.975)


def sums(
    scored: Scored, slot: Ints, bars: Ints, slots: int, values: Floats | None = None
) -> Floats:
    """Return sums of values by slot and session, or their number where none are given.

    Parameters
    ----------
    scored : Scored
    slot : int64, one per item
        0 to ``slots - 1``.
    bars : int64, one per item
        Of scored sessions.
    slots : int
    values : float64, one per item, optional

    Returns
    -------
    float64, shape (slots, sessions)
    """
    sessions = len(scored.scope.sessions)
    cell = slot * sessions + scored.session_rows(bars)
    counted = np.bincount(cell, weights=values, minlength=slots * sessions)
    return counted.reshape(slots, sessions).astype(np.float64)


def resampled(scored: Scored, table: Floats, most: int | None = None) -> Floats:
    """Return each row's sum in every run of the scorecard's bootstrap over sessions.

    Parameters
    ----------
    scored : Scored
    table : float64, shape (rows, sessions)
    most : int, optional
        Only the first so many runs.

    Returns
    -------
    float64, shape (rows, runs)
        To the last bit the same on any number of threads: counts are exact, and other values
        are rounded to a grid on which their sums are.
    """
    if len(table) == 0:
        return np.empty((0, 0))
    exact = exact_rows(table, table.shape[1])
    return np.array(resampled_sums(session_blocks(scored, most), *exact))


def percentile_bounds(sums: Floats, counts: Floats) -> tuple[Floats, Floats]:
    """Return the 95 % percentile interval of ``sums / counts`` over the runs.

    Parameters
    ----------
    sums, counts : float64, shape (rows, runs)

    Returns
    -------
    low, high : float64, one per row
        NaN where no run has a count.
    """
    means = np.full(sums.shape, np.nan)
    np.divide(sums, counts, out=means, where=counts > 0)
    means.sort(axis=1)  # NaN last
    known = np.count_nonzero(counts > 0, axis=1)
    low, high = (_between(means, share * (known - 1)) for share in PERCENTILES)
    return low, high


def _between(ordered: Floats, place: Floats) -> Floats:
    """Interpolate each row at its place, as ``numpy.quantile`` does."""
    rows = np.arange(len(ordered))
    below = np.maximum(np.floor(place), 0).astype(np.int64)
    above = np.minimum(below + 1, np.maximum(np.ceil(place), 0).astype(np.int64))
    start, end = ordered[rows, below], ordered[rows, above]
    found: Floats = start + (place - below) * (end - start)
    return found
