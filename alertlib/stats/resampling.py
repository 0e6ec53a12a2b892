"""The stationary bootstrap over sessions: runs of consecutive ones, of random length."""

from __future__ import annotations

import numpy as np

from alertlib._typing import Floats
from alertlib.stats.intervals import Counts
from alertlib.stats.trials import exact_rows, parts

# Times a quarter of ``CELLS``, sessions by trials, that makes 2 ** 18 multiplications: with more
# BLAS takes a second thread, and on a busy machine waits for it. A thousand trials in products of
# a quarter of a megabyte took 39 ms, and 236 on a busy machine; like this 10 and 22.
RUNS_AT_ONCE = 32


def stationary_weights(sessions: int, runs: int, mean_block: float, seed: int) -> Counts:
    """Return how often each session is drawn in each run of the stationary bootstrap.

    A run is made of blocks of consecutive sessions, the first following on the last. Each
    block starts anywhere, and ends after each of its sessions with probability
    ``1 / mean_block``.

    Parameters
    ----------
    sessions, runs : int
    mean_block : float
        Mean length of a block in sessions, at least 1; 1 draws each session on its own.
    seed : int
        At least 0.

    Returns
    -------
    ndarray of uint16, shape (runs, sessions)
        Each row sums to ``sessions``.

    References
    ----------
    Politis & Romano (1994), Journal of the American Statistical Association 89, 1303-1313.
    """
    # A generator for each kind of draw: chunks then take up where the last one ended.
    coins, places = np.random.default_rng(seed).spawn(2)
    counts = np.zeros((runs, sessions), dtype=np.uint16)
    step = np.arange(sessions)
    for part in parts(runs, sessions):
        shape = counts[part].shape
        starts = coins.random(shape) * mean_block < 1.0
        starts[:, 0] = True
        place = places.integers(0, sessions, size=shape, dtype=np.uint32)
        since = np.maximum.accumulate(np.where(starts, step, 0), axis=1)
        drawn = (np.take_along_axis(place, since, axis=1) + step - since) % sessions
        cell = drawn + sessions * np.arange(len(drawn))[:, None]
        counts[part] = np.bincount(cell.ravel(), minlength=cell.size).reshape(shape)
    return counts


def mean_variances(points: Floats, mean_block: float) -> Floats:
    """Return, for each trial, the variance of its bootstrapped mean times the sessions.

    That which infinitely many runs of the stationary bootstrap would have, without drawing any.

    Parameters
    ----------
    points : float64, shape (trials, sessions)
    mean_block : float
        See :func:`stationary_weights`.

    Returns
    -------
    float64, shape (trials,)
        The population variance where ``mean_block`` is 1.

    Notes
    -----
    Sessions ``i`` apart weigh ``(1 - i / n) q**i + i / n * q**(n - i)`` with ``q = 1 - 1 /
    mean_block``. That depends on their distance around a circle alone, so the sum over all pairs
    is a sum over frequencies.

    References
    ----------
    Politis & Romano (1994), lemma 1; Hansen (2005), section 3.
    """
    sessions = points.shape[1]
    apart = np.arange(sessions)
    q = 1.0 - 1.0 / mean_block
    share = apart / sessions
    weight = (1.0 - share) * q**apart + share * q ** (sessions - apart)
    spectrum = np.maximum(np.fft.rfft(weight).real, 0.0)
    # The frequencies rfft leaves out are the mirror of those it returns; 0 is the mean.
    spectrum[1 : (sessions + 1) // 2] *= 2.0
    spectrum[0] = 0.0
    variances = np.empty(len(points))
    for part in parts(*points.shape):
        waves = np.fft.rfft(points[part] - points[part].mean(axis=1, keepdims=True), axis=1)
        power = waves.real**2 + waves.imag**2
        variances[part] = (power * spectrum).sum(axis=1) / sessions**2
    return variances


def trial_sums(table: Floats) -> Floats:
    """Return each trial's sum, without rounding, as its resampled sums are."""
    sums = np.empty(len(table))
    for part in parts(*table.shape):
        sums[part] = exact_rows(table[part], table.shape[1]).sum(axis=1)
    return sums


def largest_sums(table: Floats, weights: Floats, scales: Floats, centres: Floats) -> Floats:
    """Return the largest of all trials' resampled sums in each run, less its centre and scaled.

    Parameters
    ----------
    table : float64, shape (trials, sessions)
    weights : float64, shape (runs, sessions)
        See :func:`stationary_weights`.
    scales : float64, shape (trials,)
    centres : float64, shape (ways, trials)
        What is taken off each trial's sum, in one or more ways.

    Returns
    -------
    float64, shape (ways, runs)
        The same to the last bit whatever the chunks: the sums have no rounding.
    """
    largest = np.full((len(centres), len(weights)), -np.inf)
    sessions = table.shape[1]
    for part in parts(len(table), max(1, RUNS_AT_ONCE * sessions // 8)):
        columns = np.ascontiguousarray(exact_rows(table[part], sessions).T)
        for start in range(0, len(weights), RUNS_AT_ONCE):
            runs = slice(start, start + RUNS_AT_ONCE)
            sums = weights[runs] @ columns
            for found, centre in zip(largest[:, runs], centres[:, part], strict=True):
                scaled = sums - centre
                scaled *= scales[part]
                np.maximum(found, scaled.max(axis=1), out=found)
    return largest
