"""Detectors whose parameters are learned: fitted on sessions before those they answer for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from alertlib._typing import Bools, Floats, Ints, Progress
from alertlib.bars.series import Series
from alertlib.config.schema import Settings
from alertlib.detection.detectors import Detector
from alertlib.detection.fitting import Fit
from alertlib.detection.models import Model, plain_params
from alertlib.detection.ruleset import Rules
from alertlib.errors import ConfigError
from alertlib.market.clock import date_of
from alertlib.scoring.batch import levels_at
from alertlib.scoring.engine import Engine
from alertlib.scoring.labels import Opportunities, directional_changes, move_frame
from alertlib.scoring.refits import Refit, Refits
from alertlib.scoring.scored_sessions import Scope, is_complete
from alertlib.scoring.step_bars import StepBars
from alertlib.scoring.trades import simulate
from alertlib.scoring.true_ranges import true_ranges

if TYPE_CHECKING:
    import polars as pl

# Complete sessions left out between those learned from and those answered for.
EMBARGO = 1
# Bars that detectors run before they answer, at least, where they are run on part of a file.
HISTORY = 600


def sessions_with_past(series: Series, settings: Settings, rules: Rules) -> Bools:
    """Return which sessions every fitted detector has learned enough before."""
    fits = [d.fit for d in rules.detectors if d.fit is not None]
    complete = is_complete(series, settings.scoring)
    before: Ints = np.cumsum(complete) - complete
    needed = max((fit.train + EMBARGO for fit in fits), default=0)
    return np.asarray(before >= needed)


def past_of(
    series: Series,
    settings: Settings,
    rules: Rules,
    engine: Engine,
    moves: Opportunities | None = None,
) -> Past:
    """Return what detectors learn from; directional-change legs where no moves are given."""
    atr = true_ranges(series, rules.atr_window, engine)
    if moves is None:
        moves = directional_changes(series, atr, settings.scoring.k, engine)
    return Past(series, atr, moves, settings, rules, engine)


@dataclass(frozen=True)
class Past:
    """What fits learn from: a file's bars, moves, and trades on every one of its bars."""

    series: Series
    atr: Floats
    moves: Opportunities
    settings: Settings
    rules: Rules
    engine: Engine

    def refits(self, scope: Scope, progress: Progress) -> Refits:
        """Fit every detector that learns, anew after every so many scored sessions."""
        found = {}
        for detector in self.rules.detectors:
            if detector.fit is not None:
                found[detector.name] = self._refits(detector, detector.fit, scope, progress)
        return found

    def models(self, data_sha256: str) -> tuple[Model, ...]:
        """Fit every step that learns on the last sessions of the file, for live use after it."""
        return tuple(
            Model(d.name, *self._last(d, d.fit), data_sha256)
            for d in self.rules.detectors
            if d.fit is not None and d.columns is None
        )

    def last_params(self, detector: Detector) -> Any:
        """Return what a detector that learns makes of the last sessions of the file."""
        assert detector.fit is not None
        return self._last(detector, detector.fit)[0]

    def _last(self, detector: Detector, fit: Fit) -> tuple[Any, date, date]:
        complete = np.flatnonzero(is_complete(self.series, self.settings.scoring))
        return self._learn(detector, fit, complete[-fit.train :])

    def _refits(
        self, detector: Detector, fit: Fit, scope: Scope, progress: Progress
    ) -> tuple[Refit, ...]:
        series = self.series
        complete = np.flatnonzero(is_complete(series, self.settings.scoring))
        made = []
        for done in range(0, len(scope.sessions), fit.every):
            progress("fit", done, len(scope.sessions))
            block = scope.sessions[done : done + fit.every]
            past = complete[complete < block[0]][:-EMBARGO][-fit.train :]
            params, first, last = self._learn(detector, fit, past)
            start, stop = int(series.first[block[0]]), int(series.last[block[-1]]) + 1
            warmup = 0 if detector.columns else detector.warmup + 1
            begin = max(0, start - max(HISTORY, warmup))
            made.append(Refit(start, stop, begin, params, first, last))
        return tuple(made)

    def _learn(self, detector: Detector, fit: Fit, sessions: Ints) -> tuple[Any, date, date]:
        if len(sessions) < fit.train:
            raise ConfigError(
                f"detector {detector.name!r}: fit needs {fit.train} complete sessions, got "
                f"{len(sessions)}; give more bars or a smaller Fit(train=)"
            )
        first, last = (date_of(int(self.series.days[s])) for s in (sessions[0], sessions[-1]))
        try:
            params = fit.learn(*self._training(sessions))
        except Exception as error:  # a user's function may raise anything
            raise ConfigError(
                f"detector {detector.name!r}: its fit on {first} to {last} raised "
                f"{type(error).__name__}: {error}; correct it"
            ) from error
        if detector.columns is None:
            params = plain_params(detector, params)
        return params, first, last

    def _training(self, sessions: Ints) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
        """Return bars, moves and outcomes of some sessions; nothing of any other is in them."""
        series = self.series
        inside = np.isin(series.session, sessions)
        bars = self._frame.filter(inside)
        moves = self.moves.only(inside[self.moves.start])
        return bars, move_frame(series, moves, self.atr), self._outcomes(inside)

    @cached_property
    def _frame(self) -> pl.DataFrame:
        return StepBars(self.series, self.atr).frame()

    def _outcomes(self, inside: Bools) -> pl.DataFrame:
        import polars as pl

        bars = np.repeat(np.flatnonzero(inside & ~np.isnan(self.atr)), 2)
        ways = np.tile([1, -1], len(bars) // 2)
        _, _, stop, target = levels_at(self.series, self.atr, bars, ways, self.rules, self.engine)
        trades = simulate(self.series, bars, ways, stop, target, self.settings.trade, self.engine)
        table = {"time": self.series.times(bars), "direction": ways, "points": trades.points}
        return (
            pl.DataFrame(table)
            .with_columns(win=pl.col("points") > 0)
            .filter(pl.Series(trades.filled))
        )
