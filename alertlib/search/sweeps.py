"""A sweep: many parameter sets on the same bars, every one of them kept."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack, closing
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from alertlib._arguments import expect, expect_one_of, expect_whole
from alertlib._typing import Ints, Progress
from alertlib.bars.arguments import expect_bars
from alertlib.bars.bars import Bars
from alertlib.config import settings_of
from alertlib.config.schema import Settings
from alertlib.errors import ConfigError
from alertlib.search.beside import expect_none_beside, expect_same_settings
from alertlib.search.cube import Cube
from alertlib.search.dispatch import count_grid, empty_cube, fill
from alertlib.search.grid.grid import Grid
from alertlib.search.ledger.ledger import Ledger
from alertlib.search.ledger.stamping import utc_now
from alertlib.search.ledger.trials import known_counts, trials_of
from alertlib.search.result import Sweep
from alertlib.search.subject import Subject, make_subject
from alertlib.search.suggesting import suggest
from alertlib.search.volatility.headline import count_headline, covers
from alertlib.search.workers.executors import check_executor, is_local

if TYPE_CHECKING:
    import polars as pl

Search = Literal["grid", "random", "tpe"]
# Of a search that does not go through the whole grid, where no number is given.
TRIALS = 100


def sweep(
    bars: Bars,
    config: Settings | None,
    grid: Mapping[str, object] | Grid,
    *,
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
) -> Sweep:
    """Score many parameter sets on the same bars, by the backtest's own stages.

    Parameters
    ----------
    bars : Bars
    config : Settings or None
        What no combination changes; for None built-in defaults, or those that a Grid was made with.
    grid : mapping of str to sequence, or Grid
        Key -> values. A key is full (``detection.volatility.window``) or its last part where
        that is unambiguous. Keys of detectors, policy and trade can be searched; what a result
        is measured by cannot. A Grid has its own configuration and conditions: another
        ``config``, and any ``where``, are refused beside it.
    where : str or sequence of str
        Conditions on combinations, as SQL over the keys: ``target_atr >= stop_atr``.
    search : {"grid", "random", "tpe"}
        All combinations; ``trials`` of them drawn at random; ``trials`` of them suggested by
        optuna's sampler, each from the distances of those before.
    trials : int, optional
        100 when left out.
    seed : int, optional
        Of the drawing; ``scoring.seed`` when left out.
    labels, between
        As of :func:`alertlib.backtest`.
    executor : {"threads", "processes", "dask://HOST:PORT"} or Executor
        Counts are equal to the last bit wherever they are made.
    workers : int, optional
        One for each processor when left out.
    ledger : path, optional
        Every trial is appended to it, see :class:`alertlib.search.ledger.ledger.Ledger`.
    resume : bool
        Take from the ledger what it already holds of this sweep.
    progress : callable, optional
        Called with ``sweep``, combinations done and combinations ahead.
    clock : callable, optional
        Answers the time now, with its zone, for the ledger.

    Returns
    -------
    Sweep

    Raises
    ------
    ConfigError
        A key, value, condition or option that cannot be accepted.
    DataError
        Bars without a session to score, or a ledger of something else.
    BusyError
        Another process is writing the ledger.
    StorageError
        The ledger cannot be read or written.
    """
    expect_bars(bars)
    made = make_grid(grid, config, where)
    settings = made.base
    expect_one_of("search", search, get_args(Search))
    if trials is not None:
        expect_whole("trials", trials, 1)
    if seed is not None:
        expect_whole("seed", seed, 0)
    check_executor(executor, workers)
    if ledger is not None:
        expect("ledger", ledger, (str, os.PathLike), "the path of a file")
    if resume and ledger is None:
        raise ConfigError("resume: got no ledger, expected the one to go on from; name it")
    subject = make_subject(bars, settings, labels, between)
    run = _Run(subject, made, progress or (lambda stage, done, ahead: None))
    with ExitStack() as stack:
        if ledger is not None:
            identity = subject.identity(made)
            book = Ledger.open(ledger, identity, clock or utc_now)
            run.ledger = stack.enter_context(book)
        drawn = settings.scoring.seed if seed is None else seed
        if search == "tpe":
            chosen, cube = run.suggested(trials or TRIALS, drawn)
        else:
            every: Ints = np.arange(len(made))
            chosen = every if search == "grid" else np.sort(made.sample(trials or TRIALS, drawn))
            cube = run.counted(chosen, executor, workers, resume)
        counted = len(chosen) if run.ledger is None else run.ledger.count
    where_to = None if ledger is None else Path(ledger)
    return Sweep(made, chosen, cube, subject.facts(), subject, counted, where_to)


def make_grid(
    grid: Mapping[str, object] | Grid, config: Settings | None, where: str | Sequence[str]
) -> Grid:
    """Return the grid asked for; one that has been made has its configuration and conditions.

    Raises
    ------
    ConfigError
        A key, value or condition that cannot be accepted, or one that a made grid was made without.
    """
    settings = settings_of(config)
    expect(
        "grid", grid, (Mapping, Grid), "a mapping of keys to values, such as {'stop_atr': [1, 2]}"
    )
    if not isinstance(grid, Grid):
        return Grid(grid, settings, where)
    expect_same_settings("grid", grid.base, config)
    expect_none_beside("grid", {"where": where or None})
    return grid


class _Run:
    """One sweep under way."""

    def __init__(self, subject: Subject, grid: Grid, progress: Progress) -> None:
        self._subject, self._grid, self._progress = subject, grid, progress
        self.ledger: Ledger | None = None

    def counted(
        self, chosen: Ints, executor: str | Executor, workers: int | None, resume: bool
    ) -> Cube:
        """Count combinations, those that the ledger holds aside when it is resumed."""
        cube = empty_cube(self._subject, self._grid, len(chosen))
        left: Ints = np.arange(len(chosen))
        if resume and self.ledger is not None:
            rows, counts = known_counts(self.ledger, self._grid, cube, chosen)
            if len(rows):
                fill(cube, rows, counts)
                left = np.setdiff1d(left, rows)
        done = len(chosen) - len(left)
        if is_local(executor) and covers(self._subject, self._grid):
            fill(cube, left, count_headline(self._subject, self._grid, chosen[left]))
            self._append(cube, chosen, left)
            self._progress("sweep", len(chosen), len(chosen))
            return cube
        # Closed at once, not when a traceback is forgotten: workers must not go on for nobody.
        with closing(
            count_grid(self._subject, self._grid, chosen[left], executor, workers)
        ) as blocks:
            for part, found in blocks:
                rows = left[part]
                fill(cube, rows, found)
                self._append(cube, chosen, rows)
                done += len(rows)
                self._progress("sweep", done, len(chosen))
        return cube

    def suggested(self, trials: int, seed: int) -> tuple[Ints, Cube]:
        """Count the combinations that a sampler suggests, one after another."""
        cube = empty_cube(self._subject, self._grid, min(trials, len(self._grid)))
        chosen: list[int] = []
        for at, found in suggest(self._subject, self._grid, trials, seed):
            row: Ints = np.array([len(chosen)])
            chosen.append(at)
            fill(cube, row, found)
            self._append(cube, np.array(chosen), row)
            self._progress("sweep", len(chosen), trials)
        return np.array(chosen), cube.only(np.arange(len(chosen)))

    def _append(self, cube: Cube, chosen: Ints, rows: Ints) -> None:
        if self.ledger is not None:
            self.ledger.append(trials_of(self.ledger, self._grid, cube, chosen, rows))
