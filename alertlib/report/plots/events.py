"""The mean path of prices around alerts, a panel a group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from alertlib.errors import DataError
from alertlib.report.formats import Card
from alertlib.report.plots.look import Look, Theme, look_of, plotly
from alertlib.report.plots.panels import panels, spread, subject
from alertlib.report.plots.words import words_of
from alertlib.study.events import AFTER, ALL, BEFORE, By
from alertlib.texts.formats import number
from alertlib.texts.words import Language, word

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_COLUMNS = 2
# Pixels of a row of panels.
_HEIGHT = 220


def events_figure(
    events: pl.DataFrame, card: Card, by: By, *, theme: Theme, language: Language
) -> Figure:
    """Return the mean path of each group with its band, that of all alerts behind it.

    Parameters
    ----------
    events : DataFrame
        See :func:`alertlib.study.events.event_frame`.
    card : mapping
        The scorecard's values.
    by : {"outcome", "pattern", "hour"}
    theme, language

    Raises
    ------
    DataError
        If there was no alert.
    """
    if events.is_empty():
        raise DataError(
            "events: got no alert to draw prices around; expected at least one scored one; "
            "enable more detectors or score more sessions"
        )
    say, look = words_of(language), look_of(theme)
    groups = events["group"].unique(maintain_order=True).to_list()
    rows = -(-len(groups) // _COLUMNS)
    paths = {group: events.filter(group=group) for group in groups}
    names = [
        f"{_named(group, by, language)}<br>n {number(_alerts(path), 0, language)}"
        for group, path in paths.items()
    ]
    figure = panels(
        theme, language, *_heading(paths[ALL], card, by, language), height=_HEIGHT * rows,
        names=names, rows=rows, columns=_COLUMNS, shared_xaxes="all", shared_yaxes="all",
        horizontal_spacing=0.06, vertical_spacing=0.28 / rows,
    )  # fmt: skip
    for place, (group, path) in enumerate(paths.items()):
        at = {"row": place // _COLUMNS + 1, "col": place % _COLUMNS + 1}
        colour = _colour(group, by, place, look)
        if group != ALL:
            figure.add_trace(_line(paths[ALL], look.other, 1.2), **at)
        for trace in (*_band(path, colour), *_lines(path, colour, say("points"))):
            figure.add_trace(trace, **at)
        figure.add_vline(x=0, line={"color": look.dim, "width": 1}, **at)
    figure.update_xaxes(
        range=[-BEFORE - 0.5, AFTER + 0.5], tickvals=list(range(-BEFORE, AFTER + 1, 12)),
        showticklabels=True,
    )  # fmt: skip
    figure.update_xaxes(title_text=say("events_axis"), row=rows)
    # Where few alerts are left a mean may lie anywhere: it would squeeze all others.
    seen = pl.concat([path.filter(_many(path)) for path in paths.values()])
    ends = [seen[name].drop_nulls() for name in ("mean_atr", "low_atr", "high_atr")]
    figure.update_yaxes(range=spread(*(value for end in ends for value in end)))
    figure.update_yaxes(title_text=say("atr_axis"), col=1)
    figure.update_annotations(font_size=11)
    figure.update_layout(showlegend=False, margin_b=50)
    return figure


def _alerts(path: pl.DataFrame) -> int:
    return int(path["n"].max())  # type: ignore[arg-type]  # of a column of integers


def _many(path: pl.DataFrame) -> pl.Expr:
    """Where at least half of the alerts have the bar."""
    return pl.col("n") * 2 >= _alerts(path)


def _named(group: str, by: By, language: Language) -> str:
    say = words_of(language)
    if group == ALL:
        return say("all")
    if by == "hour":
        return say("hour_of").format(hour=int(group))
    return say(group) if by == "outcome" else word(group, language)


def _colour(group: str, by: By, place: int, look: Look) -> str:
    if group == ALL:
        return look.ink
    if by == "outcome":
        return str(getattr(look, group))
    return look.series[(place - 1) % len(look.series)]


def _heading(whole: pl.DataFrame, card: Card, by: By, language: Language) -> tuple[str, list[str]]:
    """Return title and notes: where prices stood when the trades' horizon was over."""
    say = words_of(language)
    bars = min(card["settings"]["trade"]["horizon_bars"], AFTER)
    then = whole.filter(offset=bars)
    title = say("events_title_none").format(bars=bars)
    if len(then):
        values = (then[name][0] for name in ("mean_atr", "low_atr", "high_atr"))
        mean, low, high = (number(value, 2, language, signed=True) for value in values)
        title = say("events_title").format(bars=bars, mean=mean, low=low, high=high)
    notes = [subject(card, language), say("events_note")]
    return title, notes + ([say("events_selected")] if by == "outcome" else [])


def _band(path: pl.DataFrame, colour: str) -> list[Any]:
    known = path.drop_nulls("low_atr")
    x = known["offset"].to_list()
    return [
        plotly().Scatter(
            x=x + x[::-1], y=known["low_atr"].to_list() + known["high_atr"].to_list()[::-1],
            mode="lines", line={"width": 0}, fill="toself", fillcolor=_faint(colour),
            hoverinfo="skip",
        )
    ]  # fmt: skip


def _faint(colour: str) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.2)"


def _lines(path: pl.DataFrame, colour: str, points: str) -> list[Any]:
    """Return the path, dotted where fewer than half of its alerts are left."""
    many = path.filter(_many(path))
    drawn = [_line(many, colour, 2, points)]
    inner = many["offset"]
    for few in (pl.col("offset") <= inner.min(), pl.col("offset") >= inner.max()):
        if path.filter(few).height > 1:
            drawn.append(_line(path.filter(few), colour, 2, points, dash="dot"))
    return drawn


def _line(
    path: pl.DataFrame, colour: str, width: float, points: str = "", *, dash: str = "solid"
) -> Any:
    """Return a path as a line; without a word for points the pointer is told nothing."""
    told = path.select("n", "low_atr", "high_atr", "mean_points").rows()
    return plotly().Scatter(
        x=path["offset"].to_list(), y=path["mean_atr"].to_list(), mode="lines",
        line={"color": colour, "width": width, "dash": dash}, customdata=told,
        hoverinfo=None if points else "skip",
        hovertemplate=(
            "%{x}: %{y:+.2f} ATR [%{customdata[1]:+.2f} – %{customdata[2]:+.2f}]"
            f"<br>%{{customdata[3]:+,.4~r}} {points}<br>n %{{customdata[0]}}<extra></extra>"
        ) if points else None,
    )  # fmt: skip
