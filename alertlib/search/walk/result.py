"""What a walk-forward found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from alertlib.config.schema import Settings
from alertlib.report.formats import series_name
from alertlib.report.page.search import search_fragment
from alertlib.report.plots.look import Theme
from alertlib.report.plots.walk import walk_figure
from alertlib.scorecard.card import Scorecard
from alertlib.search.cube import COUNTS, Totals
from alertlib.search.plotting import values_of
from alertlib.search.result import Sweep
from alertlib.search.selection import Selection
from alertlib.search.sweep_words import short_keys
from alertlib.search.walk.words import walk_account
from alertlib.texts.words import Language

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

SCHEMA = "walkforward.v1"


@dataclass(frozen=True)
class Rates:
    """Counts of some sessions and their rates; None where undefined.

    Attributes
    ----------
    sessions, opportunities, captured, tp, fp, redundant, trades, wins : int
    points : float
        Net.
    """

    sessions: int
    opportunities: int
    captured: int
    tp: int
    fp: int
    redundant: int
    trades: int
    wins: int
    points: float

    @property
    def capture_rate(self) -> float | None:
        """Captured opportunities over all."""
        return _share(self.captured, self.opportunities)

    @property
    def false_positive_share(self) -> float | None:
        """FP / (TP + FP)."""
        return _share(self.fp, self.tp + self.fp)

    @property
    def win_rate(self) -> float | None:
        """Winning trades over all."""
        return _share(self.wins, self.trades)

    @property
    def expectancy_points(self) -> float | None:
        """Net points per trade."""
        return self.points / self.trades if self.trades else None

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-able values."""
        rates = ("capture_rate", "false_positive_share", "win_rate", "expectancy_points")
        return {**self.__dict__, **{name: getattr(self, name) for name in rates}}


def rates_of(totals: Totals, row: int, sessions: int) -> Rates:
    """Return the rates of one combination."""
    counts = {name: int(totals.count(name)[row]) for name in COUNTS}
    return Rates(sessions, totals.opportunities, **counts, points=float(totals.points[row]))


def sum_of(parts: Sequence[Rates]) -> Rates:
    """Return the rates of several sets of sessions together."""
    names = Rates.__dataclass_fields__
    return Rates(**{name: sum(getattr(part, name) for part in parts) for name in names})


@dataclass(frozen=True)
class Fold:
    """One choice and what became of it.

    Attributes
    ----------
    train, test : tuple of str
        Dates of the sessions chosen on and judged on.
    parameters : mapping
        The combination that was best on ``train``.
    in_sample, out_of_sample : Rates
    """

    train: tuple[str, ...]
    test: tuple[str, ...]
    parameters: Mapping[str, Any]
    in_sample: Rates
    out_of_sample: Rates

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-able values."""
        return {
            "train": [self.train[0], self.train[-1]],
            "test": [self.test[0], self.test[-1]],
            "parameters": dict(self.parameters),
            "in_sample": self.in_sample.to_dict(),
            "out_of_sample": self.out_of_sample.to_dict(),
        }


@dataclass(frozen=True)
class Purged:
    """The combinatorial purged splits: chosen on some groups of sessions, judged on the others.

    Attributes
    ----------
    distances : tuple of float
        Of each split's choice out of sample, in percentage points.
    in_sample : tuple of float
        Of the same choices on the sessions they were chosen on.
    points : tuple of float
        Net points per trade out of sample; NaN where there was none.
    """

    distances: tuple[float, ...]
    in_sample: tuple[float, ...]
    points: tuple[float, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the medians, and how many splits meet all criteria and gain points."""
        points = np.array(self.points)
        return {
            "splits": len(self.distances),
            "distance_median": float(np.median(self.distances)),
            "in_sample_distance_median": float(np.median(self.in_sample)),
            "met": sum(found == 0 for found in self.distances),
            "gaining": int(np.count_nonzero(points > 0)),
        }


@dataclass(frozen=True, repr=False, eq=False)
class Walk:
    """A walk-forward: every choice, what it was worth, and whether that proves anything.

    Attributes
    ----------
    sweep : Sweep
        The combinations on the sessions that were not held out.
    folds : tuple of Fold
    in_sample : Rates
        Of all folds' choices on the sessions they were chosen on.
    pooled : Scorecard
        The sessions out of sample as one: criteria with intervals and chance, guard rails.
    purged : Purged
    selection : Selection
    chosen : mapping
        Settings of the last ``train`` sessions' best combination: what the procedure would run
        next.
    settings : Settings
        The whole configuration with them put in.
    chosen_on : tuple of str
        Dates of the sessions that were searched.
    hold_out : Rates or None
        Of the chosen configuration on the sessions held out.
    proven : bool
    reasons : tuple of str
        Why it is not proven, and what else has to be known.
    """

    sweep: Sweep
    folds: tuple[Fold, ...]
    in_sample: Rates
    pooled: Scorecard
    purged: Purged
    selection: Selection
    chosen: Mapping[str, Any]
    settings: Settings
    chosen_on: tuple[str, ...]
    hold_out: Rates | None
    proven: bool
    reasons: tuple[str, ...]

    @property
    def out_of_sample(self) -> Rates:
        """Of all folds' choices on the sessions they were judged on."""
        return sum_of([fold.out_of_sample for fold in self.folds])

    @property
    def frame(self) -> pl.DataFrame:
        """One row a fold: its dates, the parameters chosen, rates in and out of sample."""
        rows = []
        for fold in self.folds:
            row: dict[str, Any] = {"test_first": fold.test[0], "test_last": fold.test[-1]}
            row |= fold.parameters
            for name, part in (("in", fold.in_sample), ("out", fold.out_of_sample)):
                found = part.to_dict()
                row |= {f"{name}_{key}": found[key] for key in found if "_" in key}
            rows.append(row)
        return pl.DataFrame(rows, infer_schema_length=None)

    def plot(self, *, theme: Theme = "light", language: Language = "en") -> Figure:
        """Return each fold's rates and expectancy in and out of sample, and what it chose.

        Parameters
        ----------
        theme : {"light", "dark"}
        language : {"en", "pt-BR"}

        Returns
        -------
        plotly.graph_objects.Figure
            The last column is all folds together, with their intervals; the title says PROVEN or
            UNPROVEN and the first reason.
        """
        grid = self.sweep.grid
        names = dict(zip(grid.keys, short_keys(grid.keys), strict=True))
        values = values_of(grid, self.sweep.frame)
        return walk_figure(self.to_dict(), values, names, theme=theme, language=language)

    def drift(self) -> dict[str, int]:
        """Return how often each parameter changed from one fold to the next."""
        return {
            key: sum(
                a.parameters[key] != b.parameters[key]
                for a, b in zip(self.folds, self.folds[1:], strict=False)
            )
            for key in self.sweep.grid.keys
        }

    def to_dict(self) -> dict[str, Any]:
        """Return the walk as JSON-able values, of schema ``walkforward.v1``."""
        card = self.pooled.to_dict()
        return {
            "schema": SCHEMA,
            "data": dict(self.sweep.data),
            "folds": [fold.to_dict() for fold in self.folds],
            "pooled": {
                **self.out_of_sample.to_dict(),
                "verdict": card["verdict"],
                "criteria": card["criteria"],
                "reasons": card["reasons"],
            },
            "in_sample": self.in_sample.to_dict(),
            "purged": self.purged.to_dict(),
            "selection": self.selection.to_dict(),
            "chosen": dict(self.chosen),
            "drift": self.drift(),
            "hold_out": None if self.hold_out is None else self.hold_out.to_dict(),
            "proven": self.proven,
            "reasons": list(self.reasons),
        }

    def __repr__(self) -> str:
        word = "PROVEN" if self.proven else "UNPROVEN"
        data = self.sweep.data
        return (
            f"<Walk of {series_name(data)}: {word}, {len(self.folds)} folds, "
            f"{len(self.sweep):,} combinations>"
        )

    def _repr_html_(self) -> str:
        return search_fragment(walk_account(self.to_dict(), self.sweep.grid.keys))


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
