"""A run as one page to look through: sessions, figures and trades; it opens offline."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

import polars as pl
from markupsafe import Markup

from alertlib.errors import DataError
from alertlib.report.page import embedding, explored
from alertlib.report.page.page import render, scorecard_parts
from alertlib.report.plots import proposal
from alertlib.report.plots.candles import LABELS, STEPS
from alertlib.report.plots.day import Day, PlottedRun, day_of, days_of
from alertlib.report.plots.day_figure import FAR, NEAR, OUTCOMES, SIGNS, marker_of
from alertlib.report.plots.look import LOOKS, Theme, empty_figure
from alertlib.report.plots.words import words_of
from alertlib.report.plots.writing import Writing
from alertlib.scorecard.card import Scorecard
from alertlib.texts.formats import tick_decimals

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

# Sessions a page holds: of more it would open slowly.
MOST_SESSIONS = 250
_CANDLES_HEIGHT = 520
_WORDS = (
    "open", "high", "low", "close", "captured", "missed", "entry", "exit", "stop", "target",
    "trade", "synthetic", "moves_captured", "of", "no_alerts", *OUTCOMES,
    *(f"{outcome}_many" for outcome in OUTCOMES),
)  # fmt: skip
_FIGURES = (
    ("equity", "Equity and drawdown"),
    ("hours", "By hour and weekday"),
    ("events", "Prices around the alerts"),
    ("excursions", "How far trades went"),
    ("calibration", "Stated probabilities"),
    ("chance", "Against chance"),
)


class ExplorableRun(PlottedRun, Protocol):
    """What the page is made of: :class:`alertlib.Run`."""

    @property
    def scorecard(self) -> Scorecard: ...
    def missed(self) -> pl.DataFrame: ...
    def excursions(self) -> pl.DataFrame: ...
    def hours(self, by: Literal["hour", "weekday"] = "hour") -> pl.DataFrame: ...
    def plot_equity(self) -> Figure: ...
    def plot_hours(self) -> Figure: ...
    def plot_events(self) -> Figure: ...
    def plot_excursions(self) -> Figure: ...
    def plot_calibration(self) -> Figure: ...
    def plot_chance(self) -> Figure: ...


class Study(NamedTuple):
    """A figure made with the page, or why there is none.

    Attributes
    ----------
    name, title : str
    figure : Markup or None
        JSON, in the light look.
    height : int
        Pixels.
    missing : str
    """

    name: str
    title: str
    figure: Markup | None
    height: int
    missing: str


def explore_page(run: ExplorableRun) -> str:
    """Return a page to look through a run: one file, no request to anywhere.

    Everything of :func:`alertlib.report.page.page.scorecard_page`; the scored sessions as candles
    with their moves and alerts, at most the last :data:`MOST_SESSIONS`; the worst false alarms and
    the largest missed moves, which lead there; the figures of the run; its trades and settings.

    Parameters
    ----------
    run : Run

    Raises
    ------
    ConfigError
        If plotly is not installed.
    """
    plotly, script = embedding.plotly_script(), embedding.page_script()
    card = run.scorecard.to_dict()
    grid = run.bars.instrument.grid
    writing = Writing("en", None if grid is None else grid.quantum)
    days = _scored_days(run, writing)
    addresses = explored.Addresses(days)
    trades = explored.trade_table(run.alerts, run.excursions(), addresses, writing)
    hours = [f"{hour}–{hour + 1}h" for hour in range(24)]
    weekdays = writing.word("weekdays").split()
    return render(
        "explore.html.j2",
        card,
        parts=None,
        **scorecard_parts(card),
        policy=embedding.policy(plotly, script),
        plotly=Markup(plotly),
        script=Markup(script),
        data=embedding.embedded(_data(days, trades, writing)),
        sides=writing.word("sides"),
        sessions=explored.session_names(days, card),
        earlier=max(card["data"]["sessions"] - len(days), 0),
        false_alarms=explored.false_alarms(run.alerts, addresses, writing),
        missed=explored.missed_moves(run.missed(), addresses, writing),
        hours=explored.slot_rows(run.hours("hour"), "hour", hours),
        weekdays=explored.slot_rows(run.hours("weekday"), "weekday", weekdays),
        studies=[_study(run, name, title) for name, title in _FIGURES],
        trade_count=len(trades["rows"]),
    )


def _scored_days(run: ExplorableRun, writing: Writing) -> list[Day]:
    first = run.scored.detected.series.first
    scored = run.scored.scope.scored[first]
    sessions = [session for session in range(len(days_of(run))) if scored[session]]
    return [day_of(run, session, writing) for session in sessions[-MOST_SESSIONS:]]


def _data(days: list[Day], trades: dict[str, Any], writing: Writing) -> dict[str, Any]:
    """Return what the script reads; figures stand beside it, each read when it is drawn."""
    say = words_of(writing.language)
    return {
        "days": [day.to_dict() for day in days],
        "trades": trades,
        "words": {key: say(key) for key in _WORDS},
        "outcomes": OUTCOMES,
        "signs": SIGNS,
        "decimals": None if writing.tick is None else tick_decimals(writing.tick),
        "axis_format": writing.axis_format,
        "geometry": {
            "near": NEAR, "far": FAR, "labels": LABELS, "steps": STEPS,
            "before": proposal.BEFORE, "after": proposal.AFTER,
            "shortest": proposal.SHORTEST, "writable": proposal.WRITABLE,
        },
        "styles": {theme: _style(theme) for theme in LOOKS},
        "recolour": recolouring(),
    }  # fmt: skip


def _style(theme: Theme) -> dict[str, Any]:
    look = LOOKS[theme]
    layout = empty_figure(theme, "", height=_CANDLES_HEIGHT).layout.to_plotly_json()
    title = {"x": 0.01, "xanchor": "left", "y": 1, "yanchor": "top", "pad": {"t": 12}}
    layout["title"] = {**title, "font": {"size": 13}}
    return {
        "look": look._asdict(),
        "layout": layout,
        "markers": {outcome: marker_of(outcome, look) for outcome in OUTCOMES},
    }


def recolouring() -> dict[str, str]:
    """Return the dark colour in the place of each light one."""
    light, dark = LOOKS["light"], LOOKS["dark"]
    single = zip(light[:-1], dark[:-1], strict=True)
    return dict([*single, *zip(light.series, dark.series, strict=True)])


def _study(run: ExplorableRun, name: str, title: str) -> Study:
    try:
        figure: Figure = getattr(run, f"plot_{name}")()
    except DataError as error:
        return Study(name, title, None, 0, f"{error}")
    drawn = embedding.embedded(json.loads(figure.to_json()))
    return Study(name, title, drawn, int(figure.layout.height), "")
