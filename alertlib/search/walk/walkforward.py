"""Walk-forward: choose on past sessions, score on the next, and judge the procedure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from alertlib._arguments import expect_whole
from alertlib._typing import Bools, Ints, Progress
from alertlib.audits.report import AuditReport
from alertlib.audits.suite import audit
from alertlib.backtesting.backtester import make_scorecard
from alertlib.backtesting.chance import measure_chance
from alertlib.bars.arguments import expect_bars
from alertlib.bars.bars import Bars
from alertlib.config.schema import Settings
from alertlib.errors import ConfigError, DataError
from alertlib.scorecard.card import Scorecard
from alertlib.scoring.engine import COMPILED
from alertlib.search.beside import expect_none_beside, expect_same_settings
from alertlib.search.cube import distance
from alertlib.search.grid.geometry import target_is_nearer
from alertlib.search.grid.grid import Grid
from alertlib.search.ledger.ledger import Ledger
from alertlib.search.ledger.stamping import utc_now
from alertlib.search.result import Sweep
from alertlib.search.subject import Subject, make_subject
from alertlib.search.sweeps import Search, make_grid, sweep
from alertlib.search.walk.holding_out import Look, look
from alertlib.search.walk.pooled import Pooled, Stretch
from alertlib.search.walk.proof import reasons_against
from alertlib.search.walk.result import Fold, Purged, Walk, rates_of, sum_of
from alertlib.search.walk.splits import (
    Split,
    check_lengths,
    hold_out,
    purged_splits,
    walk_forward_splits,
)

if TYPE_CHECKING:
    import polars as pl


def walk_forward(
    bars: Bars,
    config: Settings | None,
    grid: Mapping[str, object] | Grid | Sweep,
    *,
    train: int = 30,
    test: int = 10,
    held_out: int = 0,
    where: str | Sequence[str] = (),
    search: Search = "grid",
    trials: int | None = None,
    seed: int | None = None,
    labels: str | Path | pl.DataFrame | None = None,
    between: tuple[str | date, str | date] | None = None,
    executor: str | Executor = "threads",
    workers: int | None = None,
    ledger: str | Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
    clock: Callable[[], datetime] | None = None,
) -> Walk:
    """Choose the best combination on past sessions, score it on the next, and walk on.

    The pooled sessions out of sample are judged by the gate like any others, nulls and audits
    included; the choice by how many trials it was made from. See docs/search.md.

    Parameters
    ----------
    bars : Bars
    config : Settings or None
    grid : mapping, Grid or Sweep
        What to choose from; a sweep of these bars under this configuration is not counted again,
        and nothing that decided its counts can be asked for beside it.
    train, test : int
        Sessions chosen on, and judged on after an embargo of one.
    held_out : int
        The last so many sessions are never chosen on. The configuration that the procedure
        would run next is looked at there once, which is written into the ledger.
    where, search, trials, seed, labels, between, executor, workers, ledger, resume, progress, clock
        As of :func:`alertlib.sweep`. Without ``between`` and ``scoring.sessions`` all sessions
        are used.

    Returns
    -------
    Walk

    Raises
    ------
    ConfigError
        As :func:`alertlib.sweep`; or sessions are held out without a ledger, or of a sweep that
        has seen them.
    DataError
        As :func:`alertlib.sweep`; or the sessions are too few for one fold.
    """
    tell = progress or (lambda stage, done, ahead: None)
    expect_bars(bars)
    check_lengths(train, test)
    _check(grid, held_out, ledger)
    if isinstance(grid, Sweep):
        asked = {
            "where": where or None, "search": None if search == "grid" else search,
            "trials": trials, "seed": seed, "labels": labels, "between": between,
            "ledger": ledger, "resume": resume or None,
        }  # fmt: skip
        _expect_bars_of(grid, bars)
        expect_same_settings("sweep", grid.grid.base, config)
        expect_none_beside("sweep", asked)
        return _walk(grid, train, test, None, tell)
    made = make_grid(grid, config, where)
    settings = made.base
    if between is None and settings.scoring.sessions is None:
        between = (date.min, date.max)
    held = None
    if held_out and ledger is not None:
        whole = make_subject(bars, settings, labels, between)
        split = hold_out(len(whole.sessions), held_out)
        held = _HeldOut(whole, split, ledger, clock or utc_now)
        between = held.before()
    swept = sweep(
        bars, settings, made, search=search, trials=trials, seed=seed, labels=labels,
        between=between, executor=executor, workers=workers, ledger=ledger, resume=resume,
        progress=progress, clock=clock,
    )  # fmt: skip
    return _walk(swept, train, test, held, tell)


def _walk(swept: Sweep, train: int, test: int, held: _HeldOut | None, tell: Progress) -> Walk:
    """Choose and judge on the sessions of a sweep, and look at those held out."""
    if not swept.cube.per_session:
        raise ConfigError(
            f"grid: {len(swept):,} combinations are counted without their sessions; a walk-forward "
            "needs at most 100,000"
        )
    chooser = _Chooser(swept)
    splits = walk_forward_splits(len(swept.cube.sessions), train, test)
    rows = [chooser.best(part.train) for part in splits]
    folds = tuple(chooser.fold(part, row) for part, row in zip(splits, rows, strict=True))
    pooled = _judge(swept, splits, rows, tell)
    last = chooser.best(np.arange(len(swept.cube.sessions))[-train:])
    selection = swept.selection(last)
    seen = None if held is None else held.look(swept, last)
    reasons = reasons_against(pooled, selection)
    return Walk(
        sweep=swept,
        folds=folds,
        in_sample=sum_of([fold.in_sample for fold in folds]),
        pooled=pooled,
        purged=chooser.purged(),
        selection=selection,
        chosen=swept.grid.combination(int(swept.combinations[last])),
        settings=swept.settings(last),
        chosen_on=swept.cube.sessions,
        hold_out=None if seen is None else seen.rates,
        proven=not reasons,
        reasons=(*reasons, *_told(seen)),
    )


@dataclass(frozen=True)
class _HeldOut:
    """The sessions that nothing is chosen on, and the ledger that knows who looked."""

    whole: Subject
    split: Split
    ledger: str | Path
    clock: Callable[[], datetime]

    def before(self) -> tuple[date, date]:
        """Return the first and last date that may be chosen on."""
        sessions = self.whole.sessions
        last = sessions[int(self.split.train[-1])]
        return date.fromisoformat(sessions[0]), date.fromisoformat(last)

    def look(self, swept: Sweep, row: int) -> Look:
        """Score a row of a sweep there."""
        identity = swept.known_subject("grid").identity(swept.grid)
        config = identity.configuration_hash(swept.grid.combination(int(swept.combinations[row])))
        sessions = self.whole.ground.scope.sessions[self.split.test]
        with Ledger.open(self.ledger, identity, self.clock) as book:
            return look(self.whole, sessions, swept.settings(row), config, book)


class _Chooser:
    """Chooses among the combinations of a sweep, on some of its sessions."""

    def __init__(self, swept: Sweep) -> None:
        self._swept, self._gate = swept, swept.grid.base.gate
        self._nearer: Bools = target_is_nearer(swept.grid, swept.combinations)

    def best(self, sessions: Ints) -> int:
        """Return the row of the smallest distance; of equals, of the most points per trade."""
        totals = self._swept.cube.totals(sessions)
        far = distance(totals, self._gate, self._nearer)
        points = np.nan_to_num(totals.expectancy_points, nan=-np.inf)
        return int(np.lexsort((-points, far))[0])

    def fold(self, split: Split, row: int) -> Fold:
        """Return what became of a choice."""
        swept = self._swept
        one = swept.cube.only(np.array([row]))
        inside, outside = (
            rates_of(one.totals(part), 0, len(part)) for part in (split.train, split.test)
        )
        return Fold(
            tuple(swept.cube.sessions[at] for at in split.train),
            tuple(swept.cube.sessions[at] for at in split.test),
            swept.grid.combination(int(swept.combinations[row])),
            inside,
            outside,
        )

    def purged(self) -> Purged:
        """Return how the choices of the combinatorial purged splits fare."""
        swept, outside, inside, points = self._swept, [], [], []
        for split in purged_splits(len(swept.cube.sessions)):
            row = np.array([self.best(split.train)])
            one, nearer = swept.cube.only(row), self._nearer[row]
            there = one.totals(split.test)
            outside.append(float(distance(there, self._gate, nearer)[0]))
            inside.append(float(distance(one.totals(split.train), self._gate, nearer)[0]))
            points.append(float(there.expectancy_points[0]))
        return Purged(tuple(outside), tuple(inside), tuple(points))


def _judge(swept: Sweep, splits: Sequence[Split], rows: Sequence[int], tell: Progress) -> Scorecard:
    """Return the scorecard of all sessions out of sample, each with its fold's choice."""
    subject = swept.known_subject("grid")
    ground = subject.ground
    numbers = ground.scope.sessions
    stretches = [
        Stretch(swept.settings(row), numbers[split.test])
        for split, row in zip(splits, rows, strict=True)
    ]
    pooled = Pooled(ground.series, subject.settings, stretches, subject.moves, ground.scope)
    scored = pooled.score()
    report = _audit_all(subject, [swept.settings(row) for row in dict.fromkeys(rows)], tell)
    levels = measure_chance(scored, subject.bars.sha256, pooled, tell)
    if not subject.settings.gate.better_than_chance:
        levels = replace(levels, untested="gate.better_than_chance is false")
    return make_scorecard(subject.bars, scored, report, levels, None, None)


def _audit_all(subject: Subject, chosen: Sequence[Settings], tell: Progress) -> AuditReport:
    """Return the first report that is not clean, of the detectors of every choice."""
    for settings in chosen:
        report = audit(
            subject.bars, subject.ground.series, settings, full=False,
            seed=settings.scoring.seed, engine=COMPILED, progress=tell,
        )  # fmt: skip
        if not report.clean:
            break
    return report


def _check(
    grid: Mapping[str, object] | Grid | Sweep, held_out: int, ledger: str | Path | None
) -> None:
    expect_whole("held_out", held_out, 0, "sessions")
    if held_out and ledger is None:
        raise ConfigError(
            "held_out: got no ledger, expected one: a look at sessions held out is written down; "
            "name it"
        )
    if held_out and isinstance(grid, Sweep):
        raise ConfigError(
            "held_out: got a sweep, which has seen all sessions; expected a grid: give the grid, "
            "or hold nothing out"
        )


def _expect_bars_of(swept: Sweep, bars: Bars) -> None:
    if bars.sha256 != swept.data["sha256"]:
        raise DataError(
            "bars: got others than those of the sweep, expected the same; sweep these bars first, "
            "or give the grid"
        )


def _told(seen: Look | None) -> tuple[str, ...]:
    if seen is None or not seen.before:
        return ()
    times = ", ".join(seen.before)
    return (
        f"the sessions held out were looked at before ({times}): what they say now is in sample",
    )
