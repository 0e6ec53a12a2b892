"""How good the best of many combinations looks by luck alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np

from alertlib._arguments import expect_whole
from alertlib._typing import Bools, Floats, Ints, Progress
from alertlib.config.schema import Gate
from alertlib.scoring.counting import Ground
from alertlib.scoring.counting_loops import (
    CAPTURED,
    FALSE,
    LOST,
    REDUNDANT,
    TRUE,
    WON,
)  # fmt: skip
from alertlib.scoring.scored import SPEC
from alertlib.search.cube import COUNTS, Cube, Totals, distance
from alertlib.search.dispatch import typed_values
from alertlib.search.grid.geometry import target_is_nearer
from alertlib.search.grid.grid import Grid
from alertlib.search.stages import Stages
from alertlib.search.subject import Subject
from alertlib.stats.intervals import p_value
from alertlib.stats.nulls import exchanged_bars

# What the best is the best of, and whether larger is better.
STATISTICS = {
    "distance": False,
    "capture_rate": True,
    "false_positive_share": False,
    "win_rate": True,
    "expectancy_points": True,
}


@dataclass(frozen=True, eq=False)
class Luck:
    """The best of all combinations in each run of the session permutation.

    In a run every session gets the alerts of another one, at the same clock times and with the
    same directions, the same exchange for all combinations; then the best is chosen again. What
    the best of so many reaches there owes nothing to what the bars did.

    Attributes
    ----------
    combinations, runs : int
    best : mapping of str to float
        Of the sweep itself, by statistic; NaN where none is defined.
    drawn : mapping of str to float64, one per run
        Of the best in each.
    usual : mapping of str to float64, one per combination
        Each combination's own median over the runs: its chance level; NaN where undefined.
    """

    combinations: int
    runs: int
    best: dict[str, float]
    drawn: dict[str, Floats]
    usual: dict[str, Floats]

    def p(self, statistic: str) -> float:
        """Return how often luck does as well as the best: ``(1 + runs as good) / (runs + 1)``."""
        larger = STATISTICS[statistic]
        return p_value(self.drawn[statistic], self.best[statistic], larger_is_better=larger)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-able values: by statistic the best, its median by luck and its p."""
        return {
            "combinations": self.combinations,
            "runs": self.runs,
            **{
                name: {
                    "best": _number(self.best[name]),
                    "by_luck": _number(_median(self.drawn[name])),
                    "p_value": self.p(name),
                }
                for name in STATISTICS
                if not np.isnan(self.best[name]) and not np.isnan(self.drawn[name]).all()
            },
        }


def best_by_luck(
    subject: Subject, grid: Grid, combinations: Ints, cube: Cube, runs: int, progress: Progress
) -> Luck:
    """Choose the best combination again on permuted sessions.

    Parameters
    ----------
    subject : Subject
    grid : Grid
    combinations : int64
        Numbers in the grid of those that were counted.
    cube : Cube
        Their counts.
    runs : int
    progress : callable
    """
    expect_whole("runs", runs, 1)
    ground = subject.ground
    digest = sha256(f"{SPEC}:search:{subject.bars.sha256}".encode()).digest()
    moved = _permutations(ground, runs, np.random.default_rng(int.from_bytes(digest)))
    stages = Stages(ground, subject.settings)
    nearer = target_is_nearer(grid, combinations)
    drawn = {name: np.full(runs, np.nan) for name in STATISTICS}
    usual = {name: np.full(len(combinations), np.nan) for name in STATISTICS}
    for at, values in enumerate(typed_values(grid, combinations)):
        progress("chance", at, len(combinations))
        changed = dict(zip(grid.keys, values, strict=True))
        totals = _totals(ground, stages, changed, moved, runs, cube.fees)
        figures = {
            **totals.rates(),
            "distance": distance(totals, grid.base.gate, np.full(runs, nearer[at])),
        }
        for name, larger in STATISTICS.items():
            better = np.fmax if larger else np.fmin
            drawn[name] = better(drawn[name], figures[name])
            usual[name][at] = _median(figures[name])
    best = _best(cube.totals(), grid.base.gate, nearer)
    return Luck(len(combinations), runs, best, drawn, usual)


def _best(totals: Totals, gate: Gate, nearer: Bools) -> dict[str, float]:
    figures = {**totals.rates(), "distance": distance(totals, gate, nearer)}
    return {
        name: float((np.fmax if larger else np.fmin).reduce(figures[name]))
        for name, larger in STATISTICS.items()
    }


def _permutations(ground: Ground, runs: int, rng: np.random.Generator) -> Ints:
    """Return where each run moves the alerts of each bar: int64, shape (runs, bars), -1 nowhere."""
    series, scored = ground.series, ground.scope.sessions
    inside = np.flatnonzero(np.isin(series.session, scored))
    moved = np.full((runs, len(series)), -1, dtype=np.int64)
    moved[:, inside] = exchanged_bars(series, scored, inside, runs, rng)
    return moved


def _totals(
    ground: Ground,
    stages: Stages,
    changed: dict[str, Any],
    moved: Ints,
    runs: int,
    fees: Floats,
) -> Totals:
    delivered, outcomes = stages.alerts(changed)
    outcomes.know_all()
    counts = np.zeros((runs, len(COUNTS)), dtype=np.int64)
    money = np.zeros((runs, 2))
    paid = np.zeros(runs)
    taken = np.zeros(ground.validity.opportunities, dtype=np.int64)
    scan = ground.engine.build(_make_permuted_scan)
    scan(
        delivered.bar, delivered.side, outcomes.reach.session, moved, ground.validity.table,
        taken, outcomes.known, outcomes.result, fees, counts, money, paid,
    )  # fmt: skip
    prices = ground.series.instrument.grid
    assert prices is not None
    points: Floats = prices.price(money[:, 0]) - paid  # type: ignore[arg-type]  # of arrays as well
    return Totals(ground.validity.opportunities, counts, money, points)


def _make_permuted_scan() -> Callable[..., None]:
    def scan(
        bar: Any, side: Any, session: Any, moved: Any, table: Any, taken: Any, known: Any,
        result: Any, fees: Any, counts: Any, money: Any, paid: Any,
    ) -> None:  # fmt: skip
        opportunities = len(taken)
        for run in range(len(moved)):
            for a in range(len(bar)):
                if session[bar[a]] < 0:
                    continue
                i, way = moved[run, bar[a]], side[a]
                if i < 0 or session[i] < 0:
                    continue
                if table[way, i, 0] == opportunities:
                    counts[run, FALSE] += 1
                else:
                    fresh = 0
                    for m in range(table.shape[2]):
                        o = table[way, i, m]
                        if o == opportunities:
                            break
                        # The run's number marks what it has taken: nothing to clear in between.
                        if taken[o] != run + 1:
                            taken[o] = run + 1
                            fresh += 1
                    counts[run, CAPTURED] += fresh
                    counts[run, TRUE if fresh > 0 else REDUNDANT] += 1
                if known[way, i] == LOST or known[way, i] == WON:
                    counts[run, 4] += 1
                    counts[run, 5] += known[way, i] == WON
                    money[run, 0] += result[way, i]
                    money[run, 1] += result[way, i] * result[way, i]
                    paid[run] += fees[session[i]]

    return scan


def _median(values: Floats) -> float:
    """Return the median of what is defined, NaN of nothing."""
    defined = values[~np.isnan(values)]
    return float(np.median(defined)) if len(defined) else float("nan")


def _number(value: float) -> float | None:
    return None if np.isnan(value) else value
