"""Our sweep and vectorbt's over one grid, and what each leaves out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from alertlib._typing import Bools, Floats
from benchmarks.peers.material import Material

HORIZON = 24

OURS, LABELLING, KERNEL = "ours", "ours, labels made within", "vectorbt-rust, bare kernel"
NUMBA, RUST = "vectorbt from_signals", "vectorbt-rust from_signals"
CONTESTANTS = (OURS, LABELLING, KERNEL, RUST, NUMBA)

NOT_DONE = {
    OURS: (
        "the moves that alerts are judged by are given; every alert has its own trade; captures, "
        "false positives, wins and squares of results are counted besides"
    ),
    LABELLING: "as `ours`, the moves found in every call",
    KERNEL: (
        "one position a combination: a signal during a trade is dropped, and its horizon still "
        "closes the trade that is open then; the answer is order records, of which here only the "
        "number and the points of each combination are summed up; signals are made within the "
        "time, moments by vectorbt-rust, the rest in NumPy; one setting of the detector a call "
        "with all its stops and targets, since all combinations at once do not fit into memory; "
        "arguments are neither broadcast nor checked; no captures, no false positives"
    ),
    RUST: "as the bare kernel, through `Portfolio.from_signals`",
    NUMBA: "as the bare kernel, through `Portfolio.from_signals`",
}


Answer = dict[str, int | float]


@dataclass(frozen=True)
class Grid:
    """What is combined with what.

    Attributes
    ----------
    windows, confirmations : tuple of int
        In bars.
    thresholds : tuple of float
        In standard deviations.
    stops, targets : tuple of float
        In average true ranges.
    """

    windows: tuple[int, ...]
    thresholds: tuple[float, ...]
    confirmations: tuple[int, ...]
    stops: tuple[float, ...] = (1.0, 1.5, 2.0, 2.5, 3.0)
    targets: tuple[float, ...] = (1.0, 1.5, 2.0, 2.5, 3.0)

    def __len__(self) -> int:
        return len(list(self.settings())) * len(self.stops) * len(self.targets)

    def settings(self) -> Iterator[tuple[int, float, int]]:
        """Return the detector's settings."""
        return product(self.windows, self.thresholds, self.confirmations)


Sweep = Callable[[Grid], Answer]

GRIDS = {
    1_000: Grid((10, 15, 20, 30, 40), (1.5, 1.75, 2.0, 2.25), (1, 2)),
    10_000: Grid(
        (10, 12, 15, 18, 20, 25, 30, 35, 40, 50),
        (1.5, 1.6, 1.7, 1.8, 1.9, 2.0, 2.1, 2.2, 2.3, 2.5),
        (1, 2, 3, 4),
    ),
}


def contestant(name: str, material: Material) -> Sweep:
    """Return a contestant's sweep over a grid."""
    _ = material.atr, material.raw, material.joined
    if name in (OURS, LABELLING):
        return ours(material, labelled=name == OURS)
    return theirs(material, name)


def ours(material: Material, labelled: bool) -> Sweep:
    """Return alertlib's own sweep, the labels given or made in every call.

    Its answer is the number of trades over the detector's settings, and the quanta over all
    combinations.
    """
    from alertlib.config import Config
    from alertlib.scoring.engine import COMPILED
    from alertlib.scoring.labels import directional_changes
    from alertlib.scoring.matching import find_validity
    from alertlib.scoring.scored_sessions import choose_scope
    from alertlib.search.volatility.one_pass import sweep_volatility
    from alertlib.search.volatility.parameters import VolatilityGrid

    series, atr = material.series, material.atr
    config = Config().set("scoring.sessions", 100_000)
    scoring = config.scoring

    def labels() -> tuple[Any, ...]:
        moves = directional_changes(series, atr, scoring.k, COMPILED)
        scope = choose_scope(series, scoring, moves, config.gate.min_opportunities)
        moves = moves.only(scope.scored[moves.start])
        validity = find_validity(series, moves, scoring.early_bars, scoring.min_move_left)
        return scope, moves, validity

    given = labels()

    def call(grid: Grid) -> Answer:
        axes = (grid.windows, grid.thresholds, grid.confirmations, grid.stops, grid.targets)
        scope, moves, validity = given if labelled else labels()
        counts = sweep_volatility(
            series, atr, scope, moves, validity, VolatilityGrid(*axes), config
        )
        return {"trades": int(counts.trades.sum()), "quanta": int(counts.points.sum())}

    return call


def theirs(material: Material, name: str) -> Sweep:
    """Return vectorbt over a grid, one setting of the detector after the other.

    Its answer is the number of orders and the quanta over all combinations.
    """
    from benchmarks.peers import vectorbt_side

    prices = {k: np.ascontiguousarray(v[:, None]) for k, v in material.raw.items()}
    share = (material.atr / material.raw["close"])[:, None]

    def records_of(entered: tuple[Bools, Bools, Bools], stop: Floats, target: Floats) -> Any:
        if name == KERNEL:
            starts = int(entered[0].sum() + entered[1].sum())
            most = 2 * stop.shape[1] * starts
            return vectorbt_side.simulation(*entered, stop, target, prices, most)()[0]
        inputs = vectorbt_side.broadcast(*entered, stop, target, prices)
        engine = "rust" if name == RUST else "numba"
        return vectorbt_side.from_signals(inputs, engine).order_records

    def call(grid: Grid) -> Answer:
        pairs = np.array(list(product(grid.stops, grid.targets)))
        stop, target = share * pairs[:, 0], share * pairs[:, 1]
        orders, quanta = 0, 0.0
        for entered in signals(material, grid):
            records = records_of(entered, stop, target)
            paid = records["size"] * records["price"] * np.where(records["side"] == 0, -1.0, 1.0)
            per_column = np.bincount(records["col"], weights=paid, minlength=len(pairs))
            orders += len(records)
            quanta += float(per_column.sum())
        return {"orders": orders, "quanta": round(quanta, 3)}

    return call


def signals(material: Material, grid: Grid) -> Iterator[tuple[Bools, Bools, Bools]]:
    """Return entries long and short and exits, each of shape (bars, 1), per setting."""
    from vectorbt_rust.indicators import ma_rs, mstd_rs

    series = material.series
    close = np.ascontiguousarray(material.joined["close"][:, None])
    ends = np.zeros(len(series), dtype=np.bool_)
    ends[series.last] = True
    able = ~ends & ~np.isnan(material.atr)
    for window in grid.windows:
        with np.errstate(invalid="ignore", divide="ignore"):
            z = ((close - ma_rs(close, window, False)) / mstd_rs(close, window, False))[:, 0]
        for threshold in grid.thresholds:
            beyond = (z >= threshold, z <= -threshold)
            for confirm in grid.confirmations:
                long, short = (held(side, confirm) & able for side in beyond)
                exits = ends.copy()
                exits[HORIZON:] |= (long | short)[:-HORIZON]
                yield long[:, None], short[:, None], exits[:, None]


def held(side: Bools, confirm: int) -> Bools:
    """Return where a side has held exactly ``confirm`` bars in a row."""
    padded = np.concatenate([np.zeros(confirm, dtype=np.bool_), side])
    size = len(side)
    fires = ~padded[:size]
    for k in range(1, confirm + 1):
        fires = fires & padded[k : k + size]
    return np.asarray(fires)
