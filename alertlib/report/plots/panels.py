"""Figures of several panels under one heading that fits a telephone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from html import escape
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from alertlib.report.formats import Card, instrument, is_synthetic
from alertlib.report.plots.look import Look, Theme, empty_figure, look_of
from alertlib.report.plots.words import words_of
from alertlib.texts.formats import tick_decimals
from alertlib.texts.words import Language

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

# Characters of a line that 390 pixels hold, of the title and of what stands below it.
TITLE_WIDTH, NOTE_WIDTH = 44, 56
# Fewer observations than this are drawn hollow.
FEW = 30
_TITLE_LINE, _NOTE_LINE, _NAME_LINE = 19, 16, 14
# Above the heading, and between it and the names of the panels.
_PADDING = 14, 34
_FOOT = 84


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
    above, head = _heading(title, notes, look)
    above += _NAME_LINE * max(name.count("<br>") for name in names)
    figure = empty_figure(theme, head, height=height + above + _FOOT)
    figure.set_subplots(rows=rows, cols=columns, subplot_titles=list(names), **options)
    figure.update_annotations(font={"size": 12, "color": look.ink})
    axis: dict[str, Any] = {
        "gridcolor": look.line, "linecolor": look.line, "zerolinecolor": look.other,
        "zerolinewidth": 1,
    }  # fmt: skip
    figure.update_xaxes(**axis, automargin=True, tickfont_color=look.dim, title_standoff=8)
    figure.update_yaxes(**axis, automargin=True, tickfont_color=look.dim, title_standoff=6)
    figure.update_layout(
        title={"y": 1, "yref": "container", "yanchor": "top", "pad": {"t": _PADDING[0]}},
        margin={"t": above, "b": _FOOT, "l": 50, "r": 16},
        legend={"yref": "container", "y": 0, "yanchor": "bottom", "x": 0},
        separators=",." if language == "pt-BR" else ".,",
    )
    return figure


def spread(*values: float | None, share: float = 0.04) -> list[float]:
    """Return the range of an axis that holds some values, with a margin on either side."""
    known = [value for value in values if value is not None]
    low, high = min(known), max(known)
    margin = share * (high - low) or 1.0
    return [low - margin, high + margin]


def _heading(title: str, notes: Sequence[str], look: Look) -> tuple[int, str]:
    """Return the height of the heading and its text."""
    large = wrap(title, TITLE_WIDTH)
    small = [line for note in notes for line in wrap(note, NOTE_WIDTH)]
    style = f"font-size:12px;color:{look.dim}"
    lines = [escape(line, quote=False) for line in large]
    lines += [f'<span style="{style}">{escape(line, quote=False)}</span>' for line in small]
    height = sum(_PADDING) + _TITLE_LINE * len(large) + _NOTE_LINE * len(small)
    return height, "<br>".join(lines)
