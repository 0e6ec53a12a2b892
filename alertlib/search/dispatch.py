"""Counting the combinations of a grid, block by block, wherever an executor runs."""

from __future__ import annotations

import pickle
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError, Executor
from math import ceil
from threading import local
from typing import Any

import numpy as np

from alertlib._typing import Ints
from alertlib.search.cube import COUNTS, MONEY, Cube
from alertlib.search.grid.grid import Grid
from alertlib.search.subject import Subject
from alertlib.search.workers.executors import is_local, open_executor
from alertlib.search.workers.tasks import Call, Counted, Counter, Parcel, Values

# Combinations of a block: at most so many, so that progress moves and little is lost.
LONGEST_BLOCK = 500
# Blocks for each worker at least, so that none waits long for the last one.
BLOCKS_EACH = 8


def empty_cube(subject: Subject, grid: Grid, combinations: int) -> Cube:
    """Return a cube to be filled in."""
    sessions = subject.sessions
    width = len(sessions) if grid.per_session else 1
    prices = subject.ground.series.instrument.grid
    assert prices is not None
    return Cube(
        sessions,
        subject.ground.opportunities,
        subject.fees,
        prices,
        np.zeros((combinations, width, len(COUNTS)), dtype=np.int32),
        np.zeros((combinations, width, len(MONEY))),
        None if grid.per_session else np.zeros(combinations),
    )


def fill(cube: Cube, rows: Ints, counted: Counted) -> None:
    """Write what was counted into rows of a cube."""
    cube.counts[rows], cube.money[rows] = counted.counts, counted.money
    if cube.paid is not None:
        cube.paid[rows] = counted.paid


def count_grid(
    subject: Subject, grid: Grid, combinations: Ints, executor: str | Executor, workers: int | None
) -> Generator[tuple[Ints, Counted], None, None]:
    """Count combinations, and yield blocks of them as they are done.

    Parameters
    ----------
    subject : Subject
    grid : Grid
    combinations : int64
        Their numbers in the grid.
    executor : str or Executor
    workers : int, optional

    Yields
    ------
    rows : int64
        Places of the block's combinations in ``combinations``.
    counted : Counted
    """
    order = _by_stage(grid, combinations)
    here = _ThreadCounter(subject, grid) if is_local(executor) else None
    parcel = None if here else subject.parcel(grid)
    with open_executor(executor, workers) as pool:
        size = max(1, min(LONGEST_BLOCK, ceil(len(order) / (BLOCKS_EACH * pool.workers))))
        parts = [order[at : at + size] for at in range(0, len(order), size)]
        blocks = _Blocks(grid, [combinations[part] for part in parts], parcel)
        try:
            for at, counted in pool.map(here or pickle.loads, blocks):
                yield parts[at], counted
        finally:
            if here is not None:
                here.stopped = True


class _Blocks(Sequence[Any]):
    """The blocks as they are handed out, each made then: ten million would fill memory.

    Values for threads, a :class:`Call` for workers.
    """

    def __init__(self, grid: Grid, parts: Sequence[Ints], parcel: Parcel | None) -> None:
        self._grid, self._parts, self._parcel = grid, parts, parcel

    def __len__(self) -> int:
        return len(self._parts)

    def __getitem__(self, at: Any) -> Any:
        values = tuple(typed_values(self._grid, self._parts[at]))
        return values if self._parcel is None else pickle.dumps(Call(self._parcel, values))


def typed_values(grid: Grid, combinations: Ints) -> Iterable[Values]:
    """Return the values of combinations as the settings hold them."""
    for codes in grid.codes(combinations).tolist():
        yield tuple(axis.typed[code] for axis, code in zip(grid.axes, codes, strict=True))


def _by_stage(grid: Grid, combinations: Ints) -> Ints:
    """Return an order in which combinations that share alerts follow one another."""
    codes = grid.codes(combinations)
    stages = ("detection.", "policy.", "trade.")
    ranked = sorted(
        range(len(grid.keys)),
        key=lambda at: next(i for i, s in enumerate(stages) if grid.keys[at].startswith(s)),
    )
    # The last key given is the first one sorted by.
    order: Ints = np.lexsort([codes[:, at] for at in reversed(ranked)])
    return order


class _ThreadCounter:
    """Counts blocks in threads that share the ground, each with stages of its own."""

    def __init__(self, subject: Subject, grid: Grid) -> None:
        self._subject, self._grid, self._own = subject, grid, local()
        self.stopped = False

    def __call__(self, block: Iterable[Values]) -> Counted:
        if not hasattr(self._own, "counter"):
            subject, grid = self._subject, self._grid
            self._own.counter = Counter(
                subject.ground, subject.settings, grid.keys, grid.per_session
            )
        counter: Counter = self._own.counter
        return counter.count(self._until_stopped(block))

    def _until_stopped(self, block: Iterable[Values]) -> Iterator[Values]:
        for one in block:
            if self.stopped:  # a thread cannot be ended, and nobody asks for the rest
                raise CancelledError
            yield one
