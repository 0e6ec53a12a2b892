"""How far each trade went against itself and for itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from alertlib.errors import DataError
from alertlib.report.formats import Card
from alertlib.report.plots.look import MARKERS, Look, Theme, look_of, plotly
from alertlib.report.plots.panels import decimals_of, panels, subject
from alertlib.report.plots.words import words_of
from alertlib.scoring.frames import OUTCOMES
from alertlib.scoring.trades import EXIT_REASONS
from alertlib.study.equity import Unit
from alertlib.study.excursions import By
from alertlib.texts.formats import moment, number
from alertlib.texts.words import Language, word

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_GROUPS = {"exit_reason": EXIT_REASONS, "outcome": OUTCOMES}
_EXIT_MARKERS = ("circle", "x", "diamond-open", "square-open")


def excursions_figure(
    excursions: pl.DataFrame,
    card: Card,
    by: By,
    unit: Unit,
    *,
    theme: Theme,
    language: Language,
) -> Figure:
    """Return a marker per trade: how far it went against itself, and how far for itself.

    Parameters
    ----------
    excursions : DataFrame
        See :func:`alertlib.study.excursions.excursion_frame`.
    card : mapping
        The scorecard's values.
    by : {"exit_reason", "outcome"}
        What the markers tell apart.
    unit : {"r", "points"}
    theme, language

    Raises
    ------
    DataError
        If there was no trade.
    """
    if excursions.is_empty():
        raise DataError(
            "excursions: got no trade to draw; expected at least one of the scored sessions; "
            "score more sessions, or see run.alerts"
        )
    say, look = words_of(language), look_of(theme)
    figure = panels(
        theme, language, *_heading(excursions, card, unit, language), height=480, names=[""]
    )
    shown = ",.2f" if unit == "r" else f",.{decimals_of(card)}f"
    for place, group in enumerate(_GROUPS[by]):
        rows = excursions.filter(pl.col(by) == group)
        if len(rows):
            markers = _markers(rows, unit, shown, decimals_of(card), language)
            name = say(group if by == "outcome" else f"exit_{group}")
            markers.name = f"{name} ({number(len(rows), 0, language)})"
            colour, symbol = _look_of_group(by, place, group, look)
            markers.marker = {"size": 6, "color": colour, "symbol": symbol, "opacity": 0.65}
            figure.add_trace(markers)
    _levels(figure, excursions, unit, look, language)
    label = {"r": say("R"), "points": say("points")}[unit]
    figure.update_xaxes(title_text=say("against_axis").format(unit=label), zeroline=True)
    figure.update_yaxes(title_text=say("favour_axis").format(unit=label), zeroline=True)
    return figure


def _markers(rows: pl.DataFrame, unit: Unit, shown: str, decimals: int, language: Language) -> Any:
    """Return a marker a trade; the pointer tells when it began, its pattern and its result."""
    say = words_of(language)
    told = [
        [moment(entry, language), word(pattern, language), points, r]
        for entry, pattern, points, r in rows.select(
            "entry_time", "pattern", "pnl_points", "r"
        ).iter_rows()
    ]
    return plotly().Scatter(
        x=(-rows[f"mae_{unit}"]).to_list(), y=rows[f"mfe_{unit}"].to_list(), mode="markers",
        customdata=told,
        hovertemplate=(
            f"%{{customdata[0]}} %{{customdata[1]}}<br>−%{{x:{shown}}} / +%{{y:{shown}}}"
            f"<br>{say('net')} %{{customdata[2]:+,.{decimals}f}} {say('points')}, "
            "%{customdata[3]:+.2f} R<extra></extra>"
        ),
    )  # fmt: skip


def _look_of_group(by: By, place: int, group: str, look: Look) -> tuple[str, str]:
    if by == "outcome":
        return getattr(look, group), MARKERS[group]
    return (look.captured, look.fp, look.tp, look.redundant)[place], _EXIT_MARKERS[place]


def _levels(
    figure: Figure, excursions: pl.DataFrame, unit: Unit, look: Look, language: Language
) -> None:
    """Draw stop and target, of the middle trade."""
    say = words_of(language)
    stop = 1.0 if unit == "r" else excursions["risk_points"].median()
    target = excursions[f"target_{unit}"].median()
    line = {"color": look.ink, "width": 1, "dash": "dash"}
    note = {"font": {"size": 11, "color": look.ink}, "bgcolor": look.paper}
    figure.add_vline(
        x=stop, line=line, annotation={"text": say("stop_line"), **note},
        annotation_position="top right",
    )  # fmt: skip
    figure.add_hline(
        y=target, line=line, annotation={"text": say("target_line"), **note},
        annotation_position="top right",
    )  # fmt: skip


def _heading(
    excursions: pl.DataFrame, card: Card, unit: Unit, language: Language
) -> tuple[str, list[str]]:
    say = words_of(language)
    is_won = pl.col("pnl_points") > 0
    won, lost = excursions.filter(is_won), excursions.filter(~is_won)
    label = {"r": say("R"), "points": say("points")}[unit]
    decimals = 2 if unit == "r" else decimals_of(card)

    def written(distance: float | None) -> str:
        return f"{number(distance, decimals, language)} {label}"

    title = say("excursions_title").format(
        lost=number(len(lost), 0, language),
        won=number(len(won), 0, language),
        ahead=written(lost[f"mfe_{unit}"].median()),  # type: ignore[arg-type]  # of numbers
        behind=written((-won[f"mae_{unit}"]).median()),  # type: ignore[arg-type]
    )
    return title, [subject(card, language), say("excursions_note")]
