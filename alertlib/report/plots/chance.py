"""The three rates beside what each null scored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from alertlib.errors import DataError
from alertlib.report.formats import RATES, Card
from alertlib.report.plots.look import Look, Theme, look_of, plotly
from alertlib.report.plots.panels import panels, spread, subject
from alertlib.report.plots.words import words_of
from alertlib.texts.formats import number, percent
from alertlib.texts.words import Language

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_WORDS = dict(zip(RATES, ("capture_axis", "false_axis", "win_axis"), strict=True))


def chance_figure(draws: pl.DataFrame, card: Card, *, theme: Theme, language: Language) -> Figure:
    """Return, for each rate, the cloud of every null, what was observed and what is needed.

    Parameters
    ----------
    draws : DataFrame
        See :func:`alertlib.study.draws.draw_frame`.
    card : mapping
        The scorecard's values, for what was observed and its p-values.
    theme, language

    Raises
    ------
    DataError
        If the nulls were not run.
    """
    if draws.is_empty():
        raise DataError(
            "chance: got no run of a null to draw; expected a backtest with chance=True that "
            "made alerts and has moves; run it again with them"
        )
    say, look = words_of(language), look_of(theme)
    figure = panels(
        theme, language, *_heading(card, language), height=600, rows=len(RATES),
        names=[say(_WORDS[rate]) for rate in RATES], vertical_spacing=0.11,
    )  # fmt: skip
    nulls = draws["null"].unique(maintain_order=True).to_list()
    for row, criterion in enumerate(card["criteria"][: len(RATES)], start=1):
        labels = [_label(null, criterion, language) for null in nulls]
        for place, null in enumerate(nulls):
            drawn = draws.filter(null=null)[criterion["name"]].drop_nulls()
            colour = look.series[place % len(look.series)]
            figure.add_trace(_cloud(drawn, labels[place], colour), row=row, col=1)
        _lines(figure, criterion, row, look, language)
        reach = draws[criterion["name"]].drop_nulls()
        ends = reach.min(), reach.max(), criterion["value"], criterion["threshold"]
        figure.update_xaxes(range=spread(*ends), row=row)
    figure.update_xaxes(tickformat=".0%")
    figure.update_yaxes(autorange="reversed", showgrid=False, showline=False)
    figure.update_layout(violingap=0.05, violingroupgap=0, violinmode="overlay")
    return figure


def _label(null: str, criterion: Card, language: Language) -> str:
    p = criterion["nulls"].get(null, {}).get("p_value")
    return f"{words_of(language)(null)}<br>p {number(p, 3, language)}"


def _cloud(drawn: pl.Series, name: str, colour: str) -> Any:
    """Return one null's runs as a density with its mean, none of it beyond the runs."""
    return plotly().Violin(
        x=drawn.to_list(), y=[name] * len(drawn), name=name, orientation="h", side="negative",
        points=False, spanmode="hard", width=1.7, scalemode="width", showlegend=False,
        line={"color": colour, "width": 1}, meanline={"visible": True}, hoveron="violins",
        hoverinfo="x+name",
    )  # fmt: skip


def _lines(figure: Figure, criterion: Card, row: int, look: Look, language: Language) -> None:
    """Draw what was observed and what is needed as lines over all nulls of a panel."""
    say = words_of(language)
    for value, word, dash, width in (
        (criterion["threshold"], "needed", "dot", 1.5), (criterion["value"], "observed", "solid", 2)
    ):  # fmt: skip
        if value is not None:
            line = {"color": look.ink, "dash": dash, "width": width}
            figure.add_vline(x=value, line=line, row=row, col=1)
            if row == 1:
                figure.add_trace(
                    plotly().Scatter(x=[None], y=[None], mode="lines", line=line, name=say(word)),
                    row=1, col=1,
                )  # fmt: skip


def _heading(card: Card, language: Language) -> tuple[str, list[str]]:
    say = words_of(language)
    capture, false, wins = (
        percent(criterion["value"], 1, language) for criterion in card["criteria"][: len(RATES)]
    )
    title = say("chance_title").format(capture=capture, false=false, wins=wins)
    return title, [subject(card, language), say("chance_note")]
