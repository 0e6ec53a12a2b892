"""The figure of a session: its moves, and what the alerts made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from alertlib.report.plots.candles import add_candles
from alertlib.report.plots.day import Day, Mark, Move
from alertlib.report.plots.heading import headed_figure
from alertlib.report.plots.look import MARKERS, Look, Theme, look_of, plotly
from alertlib.report.plots.proposal import View, add_proposal, focus
from alertlib.report.plots.writing import Writing, arrow

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_HEIGHT = 530
# Of the height: the strip of moves below, the candles above it.
_STRIP, _CANDLES = (0.0, 0.12), (0.14, 1.0)
# Signs of outcomes within a text, as MARKERS draws them.
SIGNS = {"tp": "●", "redundant": "◇", "fp": "✕"}
OUTCOMES = ("tp", "redundant", "fp", "censored", "unscored", "suppressed")
# How far from its candle a marker stands, of the height of all candles; what was delivered stands
# outside of what was held back.
NEAR, FAR = 0.018, 0.045


def day_figure(day: Day, writing: Writing, theme: Theme, chosen: Mark | None = None) -> Figure:
    """Draw a session.

    Parameters
    ----------
    day : Day
    writing : Writing
    theme : {"light", "dark"}
    chosen : Mark, optional
        An alert of it whose proposal and trade are drawn, the view on the bars around it.
    """
    look = look_of(theme)
    name = f"{day.symbol} {day.timeframe}"
    mark = [writing.word("synthetic")] if day.synthetic else []
    lines = [*mark, *_counts(day, writing), *([] if chosen is None else chosen.headline)]
    figure = headed_figure(theme, writing.language, name, lines, height=_HEIGHT)
    view = View.whole(day.candles) if chosen is None else focus(chosen, day.candles)
    _add_bands(figure, day, look)
    # Grey: colours are for moves and outcomes.
    grey = (look.dim, look.dim)
    add_candles(figure, day.candles, look, writing, colours=grey, view=view.places)
    _add_legs(figure, day, look, writing)
    _add_strip(figure, day, look, writing, view)
    if chosen is not None:
        add_proposal(figure, chosen, day.candles, look, writing)
    _add_alerts(figure, day, look, writing)
    figure.update_layout(
        hovermode="closest",
        bargap=0,
        yaxis={"range": view.prices},
        xaxis={"title": {"text": writing.word("sides"), "font": {"size": 11, "color": look.dim}}},
        legend={"y": -0.16, "itemsizing": "constant"},
    )
    return figure


def _counts(day: Day, writing: Writing) -> list[str]:
    word, counts = writing.word, day.counts
    captured = sum(move.captured for move in day.moves)
    moves = f"{word('moves_captured')}: {captured} {word('of')} {len(day.moves)}"
    alerts = " · ".join(
        f"{word(outcome + '_many')} {counts[outcome]}" for outcome in OUTCOMES if counts[outcome]
    )
    judged = moves if day.scored else word("not_scored")
    return [f"{writing.date(day.day)} · {judged}", alerts or word("no_alerts")]


def _colour(outcome: str, look: Look) -> str:
    known = {"tp": look.tp, "fp": look.fp, "redundant": look.redundant}
    return known.get(outcome, look.other)


def _add_bands(figure: Figure, day: Day, look: Look) -> None:
    """Tint the time of each move behind the candles."""
    for move in day.moves:
        figure.add_shape(
            type="rect", layer="below", xref="x", yref="y domain",
            x0=move.start, x1=move.end, y0=0, y1=1,
            fillcolor=look.captured if move.captured else look.missed,
            opacity=0.09, line={"width": 0},
        )  # fmt: skip


def _add_legs(figure: Figure, day: Day, look: Look, writing: Writing) -> None:
    for captured in (True, False):
        moves = [move for move in day.moves if move.captured == captured]
        if not moves:
            continue
        name = "captured" if captured else "missed"
        figure.add_trace(
            plotly().Scatter(
                x=[at for move in moves for at in (move.start, move.end, None)],
                y=[y for move in moves for y in (move.start_price, move.end_price, None)],
                mode="lines",
                line={
                    "color": getattr(look, name),
                    "width": 3,
                    "dash": "solid" if captured else "dash",
                },
                opacity=0.75,
                name=f"{writing.word(name)} ({len(moves)})",
                hoverinfo="skip",
            )
        )


def _add_strip(figure: Figure, day: Day, look: Look, writing: Writing, view: View) -> None:
    """Draw a bar below each move that says its size and counts its alerts."""
    if not day.moves:
        return
    figure.update_layout(
        xaxis={"anchor": "y2"},
        yaxis={"domain": _CANDLES},
        yaxis2={"domain": _STRIP, "visible": False, "range": [0, 1], "fixedrange": True},
    )
    for captured in (True, False):
        moves = [move for move in day.moves if move.captured == captured]
        if not moves:
            continue
        colour = look.captured if captured else look.missed
        figure.add_trace(
            plotly().Bar(
                x=[(move.start + move.end) / 2 for move in moves],
                width=[move.end - move.start for move in moves],
                y=[1] * len(moves),
                yaxis="y2",
                marker={
                    "color": _faded(colour),
                    "line": {"color": colour, "width": 1},
                    "pattern": {"shape": "" if captured else "/", "fgcolor": _faded(colour)},
                },
                text=[_summary(move, writing, view) for move in moves],
                textposition="inside",
                insidetextanchor="middle",
                textangle=0,
                textfont={"color": look.ink, "size": 12},
                hovertext=[move.text for move in moves],
                hoverinfo="text",
                showlegend=False,
                name="",
            )
        )


def _summary(move: Move, writing: Writing, view: View) -> str:
    if not view.shows(move.start, move.end):
        return ""
    size = writing.price(abs(move.end_price - move.start_price))
    counts = " ".join(
        f"{sign}{move.alerts[outcome]}" for outcome, sign in SIGNS.items() if move.alerts[outcome]
    )
    return f"{arrow(move.direction)} {size}<br>{counts or '–'}"


def _faded(colour: str) -> str:
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, 0.2)"


def _add_alerts(figure: Figure, day: Day, look: Look, writing: Writing) -> None:
    height = float(np.max(day.candles.high) - np.min(day.candles.low)) or 1.0
    for outcome in reversed(OUTCOMES):
        marks = [mark for mark in day.alerts if mark.outcome == outcome]
        if not marks:
            continue
        held = outcome == "suppressed"
        away = height * (NEAR if held else FAR)
        figure.add_trace(
            plotly().Scatter(
                x=[mark.place for mark in marks],
                y=[_beside(mark, day, away) for mark in marks],
                mode="markers",
                marker=marker_of(outcome, look),
                name=f"{writing.word(outcome)} ({len(marks)})",
                hovertext=[mark.text for mark in marks],
                hoverinfo="text",
                customdata=[mark.id for mark in marks],
                legendrank=1100 + OUTCOMES.index(outcome),
            )
        )


def marker_of(outcome: str, look: Look) -> dict[str, Any]:
    """Return the marker of alerts of an outcome."""
    colour = _colour(outcome, look)
    small = outcome in ("suppressed", "censored", "unscored")
    return {
        "symbol": MARKERS[outcome],
        "size": 7 if small else 11,
        "color": colour,
        "line": {"width": 1.5 if small else 2, "color": colour},
    }


def _beside(mark: Mark, day: Day, away: float) -> float:
    """Return where a marker stands: below the candle for up, above it for down."""
    if mark.direction > 0:
        return float(day.candles.low[mark.place]) - away
    return float(day.candles.high[mark.place]) + away
