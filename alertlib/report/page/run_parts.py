"""What a page shows of a run beyond its scorecard: bars, hours, and the way of the total."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, Protocol

import polars as pl

from alertlib.report import formats
from alertlib.report.formats import Card
from alertlib.report.page.drawdown import Falls, falls
from alertlib.report.page.hours import HourTables, hour_tables
from alertlib.report.page.minicharts import Minichart, alert_chart, move_chart
from alertlib.report.plots.writing import Writing, arrow
from alertlib.scorecard.card import Scorecard
from alertlib.scoring.scored import Scored
from alertlib.study.hours import By

Row = Mapping[str, Any]

# Of the worst false alarms and of the largest missed moves.
SHOWN = 10


class Explained(Protocol):
    """What ``run.explain`` and ``run.explain_move`` return."""

    @property
    def why(self) -> str: ...
    @property
    def bars(self) -> pl.DataFrame: ...


class PagedRun(Protocol):
    """What the parts are read from: :class:`alertlib.Run`."""

    @property
    def scorecard(self) -> Scorecard: ...
    @property
    def scored(self) -> Scored: ...
    @property
    def alerts(self) -> pl.DataFrame: ...
    @property
    def opportunities(self) -> pl.DataFrame: ...
    def equity(self) -> pl.DataFrame: ...
    def hours(self, by: By = "hour") -> pl.DataFrame: ...
    def explain(self, alert_id: str) -> Explained: ...
    def explain_move(self, opportunity_id: int) -> Explained: ...


class Case(NamedTuple):
    """A false alarm or a missed move with its chart.

    Attributes
    ----------
    when, side, points : str
        When, in which direction, and how much.
    gain : bool
        Whether the points were won.
    about, why : str
        What it was, and why it is here.
    chart : Minichart
    """

    when: str
    side: str
    points: str
    gain: bool
    about: str
    why: str
    chart: Minichart


class RunParts(NamedTuple):
    """The parts of a page that need the run.

    Attributes
    ----------
    false_alarms : list of Case
        Those whose trades lost most, the worst first.
    of_false_alarms : int
        How many had a trade.
    missed : list of Case
        The largest moves nobody caught, the largest first.
    of_missed : int
        How many were missed.
    falls : Falls or None
        None where there was no trade.
    hours : HourTables
    """

    false_alarms: list[Case]
    of_false_alarms: int
    missed: list[Case]
    of_missed: int
    falls: Falls | None
    hours: HourTables


def run_parts(run: PagedRun) -> RunParts:
    """Return what :func:`alertlib.report.page.page.scorecard_page` adds to a run's scorecard."""
    card: Card = run.scorecard.to_dict()
    grid = run.scored.detected.series.instrument.grid
    writing = Writing("en", None if grid is None else grid.quantum)
    lost = run.alerts.filter(pl.col("outcome") == "fp", pl.col("pnl_points").is_not_null())
    missed = run.opportunities.filter(~pl.col("captured"))
    return RunParts(
        false_alarms=[_false_alarm(run, row, writing) for row in _first(lost, "pnl_points")],
        of_false_alarms=lost.height,
        missed=[_missed(run, row, writing) for row in _first(missed, "points", descending=True)],
        of_missed=missed.height,
        falls=falls(card, run.equity()),
        hours=hour_tables(card, run.hours("hour"), run.hours("weekday")),
    )


def _first(frame: pl.DataFrame, by: str, *, descending: bool = False) -> Iterator[Row]:
    """Return the first rows by a column; those of equal values in order of time."""
    ordered = frame.sort(by, descending=descending, maintain_order=True)
    return ordered.head(SHOWN).iter_rows(named=True)


def _false_alarm(run: PagedRun, alert: Row, writing: Writing) -> Case:
    found = run.explain(alert["id"])
    return Case(
        when=f"{alert['time']:%Y-%m-%d %H:%M}",
        side=writing.side(alert["direction"]),
        points=formats.points(alert["pnl_points"]),
        gain=alert["pnl_points"] > 0,
        about=f"{formats.clean(alert['pattern'])}, "
        f"{writing.word('exit_' + alert['exit_reason'])} (bar of {alert['exit_time']:%H:%M})",
        why=formats.clean(found.why),
        chart=alert_chart(found.bars, alert, run.opportunities, writing),
    )


def _missed(run: PagedRun, move: Row, writing: Writing) -> Case:
    found = run.explain_move(move["opportunity_id"])
    size = "" if move["atr"] is None else f", {formats.plain(move['atr'], 1)} ATR"
    return Case(
        when=f"{move['time_start']:%Y-%m-%d %H:%M}",
        side=arrow(move["direction"]),
        points=writing.price(move["points"]),
        gain=True,
        about=f"until {move['time_end']:%H:%M}{size}",
        why=formats.clean(found.why),
        chart=move_chart(found.bars, move, run.alerts, writing),
    )
