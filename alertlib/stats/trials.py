"""The table that selection statistics read: points of each trial in each session."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from alertlib._typing import Bools, Floats
from alertlib.errors import DataError

# Cells of a table worked on at once: a quarter of a megabyte. Larger ones are a tenth faster on an
# idle machine and eight times slower on a busy one, where BLAS waits for its second thread.
CELLS = 1 << 15


def trial_points(points: Floats, *, trials: int = 1, sessions: int = 2) -> Floats:
    """Return the table once it is known to be one.

    Parameters
    ----------
    points : float64, shape (trials, sessions)
        Net points of each trial in each session, sessions in their order; 0 where a trial did
        not trade.
    trials, sessions : int
        Fewest rows and columns the caller can work with.

    Raises
    ------
    DataError
        Where it is no table, too small, or holds what is no number.
    """
    table: Floats = np.asarray(points, dtype=np.float64)
    if table.ndim != 2:
        raise DataError(
            f"points: got shape {table.shape}, expected one row per trial and one column per "
            "session; reshape it to (trials, sessions)"
        )
    if len(table) < trials:
        raise DataError(
            f"points: got {len(table)} trials, expected at least {trials}; "
            "hand over every trial that was looked at"
        )
    if table.shape[1] < sessions:
        raise DataError(
            f"points: got {table.shape[1]} sessions, expected at least {sessions}; "
            "score more sessions"
        )
    for part in parts(*table.shape):
        wrong = np.argwhere(~np.isfinite(table[part]))
        if len(wrong):
            row, column = part.start + int(wrong[0, 0]), int(wrong[0, 1])
            raise DataError(
                f"points: got {table[row, column]} in trial {row}, session {column}, expected "
                "finite numbers; a session without a trade counts 0"
            )
    return table


def parts(rows: int, width: int) -> Iterator[slice]:
    """Cut rows into slices of about ``CELLS`` cells, ``width`` in each row."""
    step = max(1, CELLS // max(width, 1))
    for start in range(0, rows, step):
        yield slice(start, min(start + step, rows))


def constant_rows(points: Floats) -> Bools:
    """Say of which trials all sessions are alike, those without a trade among them."""
    alike: Bools = points.max(axis=1) == points.min(axis=1)
    return alike


def exact_rows(values: Floats, terms: int) -> Floats:
    """Round each row to multiples of a power of two, so that its sums have no rounding.

    Parameters
    ----------
    values : float64, shape (rows, columns)
    terms : int
        A sum, and a difference of two sums, may take as many values, each counted as often as
        it is taken.

    Returns
    -------
    float64, shape (rows, columns)
        Each value moved by at most ``terms * 2 ** -51`` of the largest of its row, or by
        ``2 ** -1001``.

    Notes
    -----
    A sum without rounding has the same bits in any order, in any chunk and on any number of
    threads, which BLAS alone does not promise. Each row has a grid of its own, so no trial
    depends on which others stand beside it.
    """
    _, exponent = np.frexp(np.abs(values).max(axis=1, initial=0.0))
    lowest = exponent + (max(terms, 1) - 1).bit_length() + 1 - 53
    step = np.ldexp(1.0, np.maximum(lowest, -1000))[:, None]
    rounded: Floats = np.rint(values / step) * step
    return rounded
