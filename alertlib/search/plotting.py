"""The figures of a sweep, for a notebook: what it holds, handed to what draws."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import polars as pl

from alertlib._arguments import expect, expect_one_of, expect_whole
from alertlib._typing import Ints, Progress
from alertlib.config.schema import Gate
from alertlib.errors import ConfigError
from alertlib.report.plots.heatmap import Over, heatmap_figure
from alertlib.report.plots.look import Theme
from alertlib.report.plots.parallel import parallel_figure
from alertlib.report.plots.searched import Searched
from alertlib.search.grid.grid import Grid
from alertlib.search.grid.keys import find_key
from alertlib.search.luck import STATISTICS, Luck
from alertlib.search.subject import Subject
from alertlib.search.sweep_words import short_keys
from alertlib.texts.words import Language

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


class Plotted:
    """What draws itself from the combinations of a grid."""

    grid: Grid
    combinations: Ints
    data: Mapping[str, Any]
    subject: Subject | None
    trials: int

    @property
    def frame(self) -> pl.DataFrame:
        """One row a combination."""
        raise NotImplementedError

    def chance(self, runs: int = 99, progress: Progress | None = None) -> Luck:
        """Return how good the best of as many looks by luck."""
        raise NotImplementedError

    @cached_property
    def _luck(self) -> Luck | None:
        return None if self.subject is None else self.chance()

    def heatmap(
        self,
        x: str,
        y: str | None = None,
        metric: str = "distance",
        *,
        over: Over = "best",
        luck: Luck | None = None,
        theme: Theme = "light",
        language: Language = "en",
    ) -> Figure:
        """Return a heat map of two parameters, with what luck would show marked on its scale.

        Parameters
        ----------
        x, y : str
            Parameters that were searched; the last parts of a key serve where they are
            unambiguous. Without ``y``, one row.
        metric : str
            ``distance``, ``capture_rate``, ``false_positive_share``, ``win_rate`` or
            ``expectancy_points``.
        over : {"best", "median", "mean"}
            What a cell shows of the combinations that differ in other parameters.
        luck : Luck, optional
            What :meth:`chance` returned. Measured with 99 runs when left out, once a sweep; a
            sweep read from a file says that it is missing.
        theme : {"light", "dark"}
        language : {"en", "pt-BR"}

        Returns
        -------
        plotly.graph_objects.Figure

        Raises
        ------
        ConfigError
            A key that was not searched, twice the same, no such metric, or plotly is missing.
        """
        expect_one_of("metric", metric, tuple(STATISTICS))
        expect_one_of("over", over, ("best", "median", "mean"))
        across = find_key(x, self.grid.keys, "x")
        along = None if y is None else find_key(y, self.grid.keys, "y")
        if across == along:
            raise ConfigError(
                f"heatmap: got {across} for x and y, expected two parameters; leave y out for one"
            )
        return heatmap_figure(
            self._searched(luck), across, along, metric, over=over, theme=theme, language=language
        )

    def parallel(
        self,
        *,
        top: int = 2000,
        luck: Luck | None = None,
        theme: Theme = "light",
        language: Language = "en",
    ) -> Figure:
        """Return all parameters, rates and the expectancy as parallel axes.

        Parameters
        ----------
        top : int
            At most so many combinations, those nearest to the limits.
        luck : Luck, optional
            As of :meth:`heatmap`.
        theme : {"light", "dark"}
        language : {"en", "pt-BR"}

        Returns
        -------
        plotly.graph_objects.Figure
            A line a combination, coloured by its distance to the limits; axes can be filtered.
        """
        expect_whole("top", top, 1)
        return parallel_figure(self._searched(luck), top=top, theme=theme, language=language)

    def _searched(self, luck: Luck | None) -> Searched:
        if luck is not None:
            expect("luck", luck, Luck, "what sweep.chance() returns")
            if luck.combinations != len(self.combinations):
                raise ConfigError(
                    f"luck: got that of {luck.combinations:,} combinations, expected that of this "
                    f"sweep's {len(self.combinations):,}; take its own chance()"
                )
        known = self._luck if luck is None else luck
        return Searched(
            self.data,
            self.frame,
            values_of(self.grid, self.frame),
            dict(zip(self.grid.keys, short_keys(self.grid.keys), strict=True)),
            limits_of(self.grid.base.gate),
            STATISTICS,
            None if known is None else known.to_dict(),
            None if known is None else known.usual,
            self.trials,
        )


def values_of(grid: Grid, frame: pl.DataFrame) -> dict[str, list[Any]]:
    """Return by parameter the values that occur: numbers by size, others in the order given."""
    found = {}
    for axis in grid.axes:
        present = set(frame[axis.key].unique().to_list())
        ordered = sorted(zip(axis.ranks, axis.column.to_list(), strict=True))
        found[axis.key] = [value for _, value in ordered if value in present]
    return found


def limits_of(gate: Gate) -> dict[str, float]:
    """Return by figure what the gate asks for."""
    rates = ("capture_rate", "false_positive_share", "win_rate")
    return {
        **{name: float(getattr(gate, name)) for name in rates},
        "expectancy_points": 0.0,
        "distance": 0.0,
    }
