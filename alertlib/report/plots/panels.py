"""Figures of several panels under one heading."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from alertlib.report.formats import Card, instrument, is_synthetic
from alertlib.report.plots.heading import headed_figure
from alertlib.report.plots.look import Theme, look_of
from alertlib.report.plots.words import words_of
from alertlib.texts.formats import tick_decimals
from alertlib.texts.words import Language

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

# Fewer observations than this are drawn hollow.
FEW = 30
_NAME_LINE, _FOOT = 14, 84


def subject(card: Card, language: Language) -> str:
    """Return what was scored: symbol, timeframe and dates, and whether it is real."""
    first, last = (day(card["data"][f"{end}_session"], language) for end in ("first", "last"))
    mark = f" [{words_of(language)('synthetic')}]" if is_synthetic(card) else ""
    return f"{instrument(card)}, {first} – {last}{mark}"


def day(iso: str | None, language: Language) -> str:
    """Return a date as the language writes it."""
    if iso is None:
        return "–"
    return date.fromisoformat(iso[:10]).strftime("%d/%m/%Y" if language == "pt-BR" else "%Y-%m-%d")


def decimals_of(card: Card) -> int:
    """Return how many decimals points have: those of the tick, 0 of WIN and 5 of a currency."""
    return tick_decimals(card["data"]["quality"]["tick"])


def panels(
    theme: Theme,
    language: Language,
    title: str,
    notes: Sequence[str],
    *,
    height: int,
    names: Sequence[str],
    rows: int = 1,
    columns: int = 1,
    **options: Any,
) -> Figure:
    """Return a figure of empty panels.

    Parameters
    ----------
    theme, language
    title : str
        The answer in a sentence.
    notes : sequence of str
        How it is to be read, one paragraph each.
    height : int
        Pixels of all panels together, without heading and legend.
    names : sequence of str
        Of the panels, row by row.
    rows, columns : int
    options
        Further ones of ``plotly.subplots.make_subplots``.
    """
    look = look_of(theme)
    named = _NAME_LINE * max(name.count("<br>") for name in names)
    figure = headed_figure(theme, language, title, notes, height=height + named + _FOOT)
    figure.set_subplots(rows=rows, cols=columns, subplot_titles=list(names), **options)
    figure.update_annotations(font={"size": 12, "color": look.ink})
    axis: dict[str, Any] = {
        "gridcolor": look.line, "linecolor": look.line, "zerolinecolor": look.other,
        "zerolinewidth": 1,
    }  # fmt: skip
    figure.update_xaxes(**axis, automargin=True, tickfont_color=look.dim, title_standoff=8)
    figure.update_yaxes(**axis, automargin=True, tickfont_color=look.dim, title_standoff=6)
    figure.update_layout(
        margin={"t": figure.layout.margin.t + named, "b": _FOOT, "l": 50, "r": 16},
        legend={"yref": "container", "y": 0, "yanchor": "bottom", "x": 0},
    )
    return figure


def spread(*values: float | None, share: float = 0.04) -> list[float]:
    """Return the range of an axis that holds some values, with a margin on either side."""
    known = [value for value in values if value is not None]
    low, high = min(known), max(known)
    margin = share * (high - low) or 1.0
    return [low - margin, high + margin]
