"""What a sweep found: every combination with its counts, and figures summed from them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import polars as pl

from alertlib._arguments import expect, expect_whole
from alertlib._forking import expect_no_fork
from alertlib._typing import Floats, Ints, Progress
from alertlib.errors import ConfigError, DataError
from alertlib.report.formats import series_name
from alertlib.report.page.search import Account, search_fragment
from alertlib.scorecard.sections import spec_hash
from alertlib.search.cube import COUNTS, Cube, Totals, distance
from alertlib.search.grid.geometry import target_is_nearer
from alertlib.search.grid.grid import Grid
from alertlib.search.luck import Luck, best_by_luck
from alertlib.search.plotting import Plotted
from alertlib.search.selection import Selection, select
from alertlib.search.storing import SCHEMA, Stored, restore, store
from alertlib.search.subject import Subject
from alertlib.search.sweep_words import Found, sweep_account

By = Literal[
    "distance", "plateau", "capture_rate", "false_positive_share", "win_rate",
    "expectancy_points", "points",
]  # fmt: skip
# Of these less is better.
_FALLING = ("distance", "plateau", "false_positive_share")
_RATES = ("capture_rate", "false_positive_share", "win_rate", "expectancy_points")


@dataclass(frozen=True, repr=False, eq=False)
class Sweep(Plotted):
    """The combinations of a sweep and what each came to.

    Attributes
    ----------
    grid : Grid
    combinations : int64
        Numbers in the grid of those that were counted, in the order of :attr:`frame`.
    cube : Cube
        Their counts.
    data : mapping
        What they were counted on: source, symbol, timeframe, hash, sessions.
    subject : Subject or None
        The bars; None where the sweep was read from a file.
    trials : int
        Configurations tried on these bars, by the ledger's count where there is one.
    ledger : Path or None
    """

    grid: Grid
    combinations: Ints
    cube: Cube
    data: Mapping[str, Any]
    subject: Subject | None
    trials: int
    ledger: Path | None = None

    def __len__(self) -> int:
        return len(self.combinations)

    @cached_property
    def totals(self) -> Totals:
        """Sums over all sessions."""
        return self.cube.totals()

    @cached_property
    def distance(self) -> Floats:
        """How far each combination is from the three criteria, in percentage points."""
        nearer = target_is_nearer(self.grid, self.combinations)
        return distance(self.totals, self.grid.base.gate, nearer)

    @cached_property
    def frame(self) -> pl.DataFrame:
        """One row a combination: parameters, counts, rates, expectancy, ``distance``."""
        totals = self.totals
        columns: dict[str, Any] = {
            "opportunities": np.full(len(self), totals.opportunities),
            **{name: totals.count(name) for name in COUNTS},
            "points": totals.points,
            **totals.rates(),
            "distance": self.distance,
        }
        undefined = pl.col(*_RATES).fill_nan(None)
        figures = pl.DataFrame(columns).with_columns(undefined)
        return pl.concat([self._parameters, figures], how="horizontal")

    @cached_property
    def _parameters(self) -> pl.DataFrame:
        if len(self) == len(self.grid):
            return self.grid.frame
        return self.grid.frame[self.combinations]

    def best(self, n: int = 10, by: By = "distance") -> pl.DataFrame:
        """Return the best ``n`` combinations.

        Parameters
        ----------
        n : int
        by : str
            ``distance``, ``plateau`` (:meth:`plateau`), a rate or ``points``. Equals follow in
            the order of distance, expectancy and the grid.

        Raises
        ------
        ConfigError
            ``n`` is no number of combinations, or ``by`` no such figure.
        """
        expect_whole("n", n, 0)
        frame = self.plateau() if by == "plateau" else self.frame
        if by not in frame.columns:
            raise ConfigError(f"by: got {by!r}, expected one of {', '.join(get_args(By))}")
        keys = list(dict.fromkeys([by, "distance", "expectancy_points"]))
        falling = [name not in _FALLING for name in keys]
        return frame.sort(keys, descending=falling, nulls_last=True, maintain_order=True).head(n)

    def plateau(self) -> pl.DataFrame:
        """Return the frame with ``plateau``: the median distance of a combination's neighbours.

        Neighbours differ by one step on one axis. A good combination among bad ones is luck
        more often than one in the middle of a plain. Null where no neighbour was counted.
        """
        row_of = {int(at): row for row, at in enumerate(self.combinations)}
        medians: list[float | None] = []
        for at in self.combinations.tolist():
            rows = [row_of[near] for near in self.grid.neighbours(at) if near in row_of]
            medians.append(float(np.median(self.distance[rows])) if rows else None)
        return self.frame.with_columns(pl.Series("plateau", medians, dtype=pl.Float64))

    def chance(self, runs: int = 99, progress: Progress | None = None) -> Luck:
        """Return how good the best of as many combinations looks on permuted sessions.

        Parameters
        ----------
        runs : int
        progress : callable, optional
            Called with ``chance``, combinations done and combinations ahead.

        Raises
        ------
        ConfigError
            If the sweep was read from a file: the bars are needed; or ``runs`` cannot be.
        """
        return best_by_luck(
            self.known_subject("chance"), self.grid, self.combinations, self.cube, runs,
            progress or (lambda stage, done, ahead: None),
        )  # fmt: skip

    def selection(self, row: int | None = None) -> Selection:
        """Return what a row of :attr:`frame` is worth, given how many were tried.

        All trials of the ledger count, where there is one.

        Parameters
        ----------
        row : int, optional
            The best by distance when left out.

        Raises
        ------
        ConfigError
            There is no such row.
        DataError
            If sessions were not kept apart, or are too few.
        """
        chosen = self.row_of(self.best(1)) if row is None else row
        at, config = self._combination(chosen), ""
        if self.ledger is not None:
            values = self.grid.combination(at)
            identity = self.known_subject("selection").identity(self.grid)
            config = identity.configuration_hash(values)
        sha256 = str(self.data["sha256"])
        return select(self.cube, chosen, self.trials, sha256, self.ledger, config)

    def known_subject(self, what: str) -> Subject:
        """Return what was swept; ``what`` needs it.

        Raises
        ------
        ConfigError
            If the sweep was read from a file.
        """
        if self.subject is None:
            raise ConfigError(
                f"{what}: got a sweep read from a file, expected one with its bars; sweep them "
                "again"
            )
        return self.subject

    def settings(self, row: int) -> Any:
        """Return the settings of a row of :attr:`frame`.

        Raises
        ------
        ConfigError
            There is no such row.
        """
        return self.grid.settings(self._combination(row))

    def _combination(self, row: int) -> int:
        expect_whole("row", row, 0)
        if row >= len(self):
            raise ConfigError(f"row: got {row}, expected one of the {len(self):,}, from 0 on")
        return int(self.combinations[row])

    def row_of(self, frame: pl.DataFrame) -> int:
        """Return the row of :attr:`frame` that the first row of a sorted frame is."""
        values = frame.row(0, named=True)
        at = self.grid.find({key: values[key] for key in self.grid.keys})
        return int(np.flatnonzero(self.combinations == at)[0])

    def to_dict(self, luck: Luck | None = None) -> dict[str, Any]:
        """Return the sweep as JSON-able values, of schema ``sweep.v1``."""
        rows = self.frame.to_dicts()
        keys = self.grid.keys
        return {
            "schema": SCHEMA,
            "data": dict(self.data),
            "spec_hash": spec_hash(self.grid.base),
            "keys": list(keys),
            "combinations": [
                {
                    "parameters": {key: row[key] for key in keys},
                    "counts": {name: row[name] for name in ("opportunities", *COUNTS)},
                    "rates": {name: row[name] for name in _RATES[:3]},
                    "expectancy_points": row["expectancy_points"],
                    "distance": row["distance"],
                }
                for row in rows
            ],
            "chance": luck.to_dict() if luck is not None else {},
            "trials": self.trials,
        }

    def write_parquet(self, path: str | Path) -> None:
        """Write the sweep, counts by session included; :func:`alertlib.read_sweep` reads it."""
        expect("write_parquet", path, (str, os.PathLike), "the path of a file")
        kept = Stored(self.grid, self.combinations, self.cube, self.data, self.trials, self.ledger)
        store(kept, Path(path))

    def account(
        self, top: int = 10, luck: Luck | None = None, selection: Selection | None = None
    ) -> Account:
        """Return what the sweep says of itself, its best ``top`` combinations included."""
        expect_whole("top", top, 0)
        met = int(np.count_nonzero(self.distance == 0))
        found = Found(
            self.data, self.grid.keys, self.best(top), len(self), self.trials, met,
            self.totals.opportunities,
        )  # fmt: skip
        return sweep_account(found, luck, selection)

    def __repr__(self) -> str:
        met = int(np.count_nonzero(self.distance == 0))
        return (
            f"<Sweep of {series_name(self.data)}: {len(self):,} "
            f"combinations, {self.trials:,} tried on these bars, {met:,} meet all three criteria "
            "in sample>"
        )

    def _repr_html_(self) -> str:
        return search_fragment(self.account())


def read_sweep(path: str | Path) -> Sweep:
    """Read a sweep that :meth:`Sweep.write_parquet` wrote; it comes without its bars.

    Raises
    ------
    DataError
        If there is no such file, or it holds no sweep.
    ConfigError
        If it is of another version.
    """
    expect_no_fork()
    expect(
        "read_sweep", path, (str, os.PathLike),
        "the path of a file that Sweep.write_parquet wrote", DataError,
    )  # fmt: skip
    found = restore(Path(path))
    return Sweep(
        found.grid, found.combinations, found.cube, found.data, None, found.trials, found.ledger
    )
