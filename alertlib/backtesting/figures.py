"""What a run's figures are drawn from, as frames, and the figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import polars as pl

from alertlib._arguments import expect_one_of
from alertlib.backtesting.chance import Chance
from alertlib.report.plots import calibration, chance, equity, events, excursions, hours
from alertlib.report.plots.look import Theme
from alertlib.scorecard.calibration import calibration_frame
from alertlib.scorecard.card import Scorecard
from alertlib.scoring.frames import trade_frame
from alertlib.scoring.scored import Scored
from alertlib.study.draws import draw_frame
from alertlib.study.equity import Unit, equity_frame
from alertlib.study.events import By as EventsBy
from alertlib.study.events import event_frame
from alertlib.study.excursions import By as ExcursionsBy
from alertlib.study.excursions import excursion_frame
from alertlib.study.hours import By as HoursBy
from alertlib.study.hours import hour_frame
from alertlib.texts.words import Language

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


class StudyFigures:
    """What happened around the alerts of a run.

    Every figure is plotly's own, to be changed at will: ``theme`` is ``"light"`` or ``"dark"``,
    ``language`` ``"en"`` or ``"pt-BR"``.
    """

    scorecard: Scorecard
    scored: Scored
    nulls: Chance

    def equity(self) -> pl.DataFrame:
        """Return the running total of the trades, in the order in which they ended.

        Returns
        -------
        DataFrame
            ``trade alert_id pattern direction entry_time exit_time exit_reason pnl_points r
            equity_points equity_r drawdown_points drawdown_r``: net points and R (points over the
            distance from the alert's price to its stop), one row a trade; drawdowns are 0 or
            negative. See :func:`alertlib.study.equity.equity_frame`.
        """
        return equity_frame(trade_frame(self.scored))

    def hours(self, by: HoursBy = "hour") -> pl.DataFrame:
        """Return counts, rates and points by hour of day or by weekday.

        Parameters
        ----------
        by : {"hour", "weekday"}

        Returns
        -------
        DataFrame
            ``hour`` (0 to 23, exchange wall clock) or ``weekday`` (0 for Monday); counts, which
            add up to the scorecard's; the three rates and net points per trade with their 95 %
            intervals. See :func:`alertlib.study.hours.hour_frame`.

        Raises
        ------
        ConfigError
            If there is no such ``by``.
        """
        expect_one_of("by", by, get_args(HoursBy))
        return hour_frame(self.scored, by)

    def events(self, by: EventsBy = "outcome") -> pl.DataFrame:
        """Return the mean path of prices from 12 bars before the alerts to 36 after.

        Parameters
        ----------
        by : {"outcome", "pattern", "hour"}

        Returns
        -------
        DataFrame
            ``group offset n sessions mean_atr low_atr high_atr mean_points``: bars from the
            alert, average true ranges and points in the alert's direction from its close. See
            :func:`alertlib.study.events.event_frame`.

        Raises
        ------
        ConfigError
            If there is no such ``by``.
        """
        expect_one_of("by", by, get_args(EventsBy))
        return event_frame(self.scored, by)

    def excursions(self) -> pl.DataFrame:
        """Return how far each trade went for and against itself.

        Returns
        -------
        DataFrame
            One row a trade, in points and in R: ``mfe_points mae_points mfe_r mae_r`` and what
            it is compared with. See :func:`alertlib.study.excursions.excursion_frame`.
        """
        return excursion_frame(self.scored)

    def chance(self) -> pl.DataFrame:
        """Return what every run of the nulls scored: the draws behind the p-values.

        Returns
        -------
        DataFrame
            ``null run capture_rate false_positive_share win_rate expectancy_points alerts``;
            empty where the nulls were not run. See :func:`alertlib.study.draws.draw_frame`.
        """
        return draw_frame(self.nulls.rates)

    def plot_equity(self, *, theme: Theme = "light", language: Language = "en") -> Figure:
        """Draw the running total of the trades in points and in R, with the drawdowns.

        Raises
        ------
        DataError
            If there was no trade.
        """
        return equity.equity_figure(
            self.equity(), self.scorecard.to_dict(), theme=theme, language=language
        )

    def plot_hours(self, *, theme: Theme = "light", language: Language = "en") -> Figure:
        """Draw captures, false positives, wins and points by hour of day and by weekday.

        Raises
        ------
        DataError
            If there was neither an alert nor a move.
        """
        return hours.hours_figure(
            self.hours("hour"), self.hours("weekday"), self.scorecard.to_dict(), theme=theme,
            language=language,
        )  # fmt: skip

    def plot_events(
        self, *, by: EventsBy = "outcome", theme: Theme = "light", language: Language = "en"
    ) -> Figure:
        """Draw the mean path of prices around the alerts, a panel a group.

        Raises
        ------
        DataError
            If there was no alert.
        """
        return events.events_figure(
            self.events(by), self.scorecard.to_dict(), by, theme=theme, language=language
        )

    def plot_excursions(
        self,
        *,
        by: ExcursionsBy = "exit_reason",
        unit: Unit = "r",
        theme: Theme = "light",
        language: Language = "en",
    ) -> Figure:
        """Draw how far each trade went against itself and for itself, in R or in points.

        Raises
        ------
        DataError
            If there was no trade.
        """
        expect_one_of("by", by, get_args(ExcursionsBy))
        expect_one_of("unit", unit, get_args(Unit))
        return excursions.excursions_figure(
            self.excursions(), self.scorecard.to_dict(), by, unit, theme=theme, language=language
        )

    def plot_calibration(self, *, theme: Theme = "light", language: Language = "en") -> Figure:
        """Draw how often alerts were valid against the probability their detector stated.

        Raises
        ------
        DataError
            If no detector states probabilities, or none of theirs led an alert.
        """
        return calibration.calibration_figure(
            calibration_frame(self.scored), self.scorecard.to_dict(), theme=theme,
            language=language,
        )  # fmt: skip

    def plot_chance(self, *, theme: Theme = "light", language: Language = "en") -> Figure:
        """Draw the three rates beside what each null scored.

        Raises
        ------
        DataError
            If the nulls were not run.
        """
        return chance.chance_figure(
            self.chance(), self.scorecard.to_dict(), theme=theme, language=language
        )
