"""Between a cube's rows and a ledger's lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from alertlib._typing import Ints
from alertlib.search.cube import COUNTS, MONEY, Cube
from alertlib.search.grid.grid import Grid
from alertlib.search.ledger.ledger import Ledger
from alertlib.search.ledger.lines import Counts, Trial
from alertlib.search.workers.tasks import Counted


def trials_of(ledger: Ledger, grid: Grid, cube: Cube, chosen: Ints, rows: Ints) -> Iterator[Trial]:
    """Yield the lines of some rows of a cube.

    Parameters
    ----------
    ledger : Ledger
    grid : Grid
    cube : Cube
    chosen : int64
        Combination of each row of the cube.
    rows : int64
    """
    opportunities = tuple(cube.opportunities.tolist())
    if not cube.per_session:
        opportunities = (sum(opportunities),)
    seed = grid.base.scoring.seed
    for row in rows.tolist():
        values = grid.combination(int(chosen[row]))
        columns: Any = {n: tuple(cube.counts[row, :, i].tolist()) for i, n in enumerate(COUNTS)}
        money: Any = {n: _numbers(cube.money[row, :, i].tolist()) for i, n in enumerate(MONEY)}
        counts = Counts(opportunities=opportunities, **columns, **money)
        yield Trial(
            config=ledger.identity.configuration_hash(values),
            values=values,
            seed=seed,
            counts=counts,
        )


def known_counts(ledger: Ledger, grid: Grid, cube: Cube, chosen: Ints) -> tuple[Ints, Counted]:
    """Return which rows a ledger holds already, and their counts.

    None where sessions were not kept apart and their fees differ: which of them a trade paid is
    not written down.
    """
    fees = set(cube.fees.tolist())
    if not cube.per_session and len(fees) > 1:
        chosen = chosen[:0]
    hashes = {
        ledger.identity.configuration_hash(grid.combination(at)): row
        for row, at in enumerate(chosen.tolist())
    }
    rows, counts, money = [], [], []
    for trial in ledger.own_trials():
        row = hashes.pop(trial.config, None)
        if row is not None:
            rows.append(row)
            counts.append([getattr(trial.counts, name) for name in COUNTS])
            money.append([getattr(trial.counts, name) for name in MONEY])
    # Not -1: where nothing is held, numpy has nothing to infer it from.
    sessions = cube.counts.shape[1]
    table = np.array(counts, dtype=np.int32).reshape(len(rows), len(COUNTS), sessions)
    sums = np.array(money, dtype=np.float64).reshape(len(rows), len(MONEY), sessions)
    paid = table[:, COUNTS.index("trades")].sum(axis=1) * max(fees)
    found = Counted(table.transpose(0, 2, 1), sums.transpose(0, 2, 1), paid)
    return np.array(rows, dtype=np.int64), found


def _numbers(values: list[float]) -> tuple[int | float, ...]:
    """Return whole numbers as integers."""
    return tuple(int(v) if v == int(v) else v for v in values)
