"""A run: its scorecard, and every alert, move and trade behind it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from alertlib.audits.report import AuditReport
from alertlib.backtesting.chance import NOT_RUN, Chance
from alertlib.backtesting.differing import ComparedRun, difference
from alertlib.backtesting.figures import StudyFigures
from alertlib.backtesting.rendering import Rendered, write_page
from alertlib.backtesting.saved import save_run
from alertlib.bars.bars import Bars
from alertlib.config.schema import Settings
from alertlib.detection.models import Model
from alertlib.report.plots.look import Theme
from alertlib.report.plots.session import plot_session
from alertlib.scorecard.calibration import calibration_frame
from alertlib.scorecard.card import Scorecard
from alertlib.scorecard.difference import Difference
from alertlib.scoring.fitting import Past
from alertlib.scoring.frames import (
    opportunity_frame,
    scored_alert_frame,
    suppressed_frame,
    trade_frame,
)
from alertlib.scoring.scored import Scored
from alertlib.study.explanation import Explanation, explain_alert
from alertlib.study.missed import missed_frame
from alertlib.study.moves import MoveExplanation, explain_move
from alertlib.study.record import Record
from alertlib.texts.words import Language

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


@dataclass(frozen=True, repr=False, eq=False)
class Run(Rendered, StudyFigures):
    """A backtest: its scorecard, and every alert, move and trade behind it.

    A run equals itself alone; :meth:`diff` says in what two differ.

    Attributes
    ----------
    bars : Bars
    config : Settings
    scorecard : Scorecard
    scored : Scored
        The arrays everything else is read from.
    audits : AuditReport or None
    past : Past or None
        What detectors learned from; None where none learns.
    nulls : Chance
        What each run of the nulls scored; :meth:`chance` has it as a frame.
    """

    bars: Bars
    config: Settings
    scorecard: Scorecard
    scored: Scored
    audits: AuditReport | None
    past: Past | None = None
    nulls: Chance = NOT_RUN

    @cached_property
    def alerts(self) -> pl.DataFrame:
        """Every delivered alert of the file with its trade and outcome, in order."""
        return scored_alert_frame(self.scored)

    @cached_property
    def opportunities(self) -> pl.DataFrame:
        """The moves of the scored sessions and which alert captured each."""
        return opportunity_frame(self.scored)

    @cached_property
    def trades(self) -> pl.DataFrame:
        """The trades of the scored alerts."""
        return trade_frame(self.scored)

    @cached_property
    def suppressed(self) -> pl.DataFrame:
        """The alerts the policy held back, each with its ``reason``."""
        return suppressed_frame(self.scored)

    @cached_property
    def _record(self) -> Record:
        return Record(self.scored)

    def missed(self) -> pl.DataFrame:
        """Return the opportunities no alert captured, each with the reason.

        ``why`` says it in words, ``signal_…`` name the signal that tells most, ``near_detector``
        and ``near`` the detector that came nearest to one;
        :func:`alertlib.study.missed.missed_frame` lists the columns.
        """
        return missed_frame(self._record, self.opportunities)

    def explain(self, alert_id: str) -> Explanation:
        """Return why one alert was made or held back, what came of it, and what detectors saw.

        Raises
        ------
        DataError
            If no alert has this id (its first digits suffice).
        """
        return explain_alert(
            self.alerts, self.opportunities, alert_id,
            suppressed=self.suppressed, early=self._record.early, record=self._record,
        )  # fmt: skip

    def explain_move(self, opportunity_id: int) -> MoveExplanation:
        """Return who captured a move or why nobody did, and how near each detector came.

        Raises
        ------
        DataError
            If there is no such move.
        """
        return explain_move(self.opportunities, opportunity_id, self._record)

    def plot(
        self, what: str | date, *, theme: Theme = "light", language: Language = "en"
    ) -> Figure:
        """Draw a session, or one alert with what it proposed and the trade that came of it.

        Parameters
        ----------
        what : str or date
            A date, ``"2021-03-01"``, or the first digits of an alert's id, delivered or not.
        theme : {"light", "dark"}
        language : {"en", "pt-BR"}

        Raises
        ------
        DataError
            If there is no such session or alert.
        ConfigError
            If plotly is not installed.
        """
        return plot_session(self, what, theme, language)

    def explore(self, path: str | Path) -> Path:
        """Write a page to look through the run: one file that opens offline.

        Parameters
        ----------
        path : path
            Of the page, replaced if it is there.

        Raises
        ------
        ConfigError
            If plotly is not installed.
        StorageError
            If the page cannot be written.
        """
        return write_page(self, path)

    def models(self) -> tuple[Model, ...]:
        """Fit every step that learns on the last sessions of the bars.

        Returns
        -------
        tuple of Model
            For use after these bars: ``model.write(folder)`` puts one where a daemon, with
            ``live.models`` set to the folder, looks for it.
        """
        return () if self.past is None else self.past.models(self.bars.sha256)

    def calibration(self) -> pl.DataFrame:
        """Return how often alerts were valid, by the probability their detector stated.

        Returns
        -------
        DataFrame
            ``detector low high alerts valid expected valid_share mean_probability z valid_low
            valid_high``, one row a detector and bin; the last two are the 95 % interval of
            ``valid_share``. Empty where no detector states probabilities.
        """
        return calibration_frame(self.scored)

    def save(self, path: str | Path) -> Path:
        """Write the scorecard, the settings, every frame and the bars' hash into a folder.

        :func:`alertlib.load_run` reads it again. A run that is there is replaced.

        Raises
        ------
        StorageError
            If it cannot be written, or holds something else than a run.
        """
        return save_run(self, path)

    def diff(self, other: ComparedRun) -> Difference:
        """Return how this run differs from ``other``, which may be a saved one."""
        return difference(other, self)
