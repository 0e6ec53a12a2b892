"""What the figures of a search have in common: what was searched, and its figures as text."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import polars as pl

from alertlib.report.plots.look import Theme, empty_figure
from alertlib.report.plots.words import words_of
from alertlib.texts import formats
from alertlib.texts.words import Language

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

RATES = ("capture_rate", "false_positive_share", "win_rate")
# A title's letters and lines that fit a telephone held upright.
_HEAD_LETTERS, _NOTE_LETTERS, _LINE_PIXELS = 44, 56, 15.6


@dataclass(frozen=True)
class Searched:
    """What of a sweep its figures show.

    Attributes
    ----------
    data : mapping
        ``symbol timeframe synthetic`` of the bars.
    frame : DataFrame
        One row a combination: parameters by full key, counts, rates, ``expectancy_points``,
        ``distance``.
    values : mapping of str to sequence
        By parameter the values that were searched, in their order.
    names : mapping of str to str
        By parameter as much of its key as tells it from the others.
    limits : mapping of str to float
        Of the gate, by figure.
    larger : mapping of str to bool
        By figure whether more is better.
    luck : mapping or None
        By figure ``best``, ``by_luck`` and ``p_value`` on permuted sessions; ``runs``. None where
        it was not measured.
    usual : mapping of str to float64 or None
        By figure each combination's chance level, in the order of ``frame``.
    trials : int
        Configurations tried on these bars.
    """

    data: Mapping[str, Any]
    frame: pl.DataFrame
    values: Mapping[str, Sequence[Any]]
    names: Mapping[str, str]
    limits: Mapping[str, float]
    larger: Mapping[str, bool]
    luck: Mapping[str, Any] | None
    usual: Mapping[str, Any] | None
    trials: int


def figure_text(metric: str, value: float | None, language: Language) -> str:
    """Return a figure in its unit: ``58.1%``, ``-12.4``, ``8.3 pp``."""
    if metric in RATES:
        return formats.percent(value, 1, language)
    if metric == "distance":
        unit = {"pt-BR": "p.p.", "en": "pp"}[language]
        return f"{formats.number(value, 1, language)} {unit}"
    return formats.number(value, 1, language, signed=True)


def count_text(value: float | None, language: Language) -> str:
    """Return a count with thousands apart."""
    return formats.number(value, 0, language)


def value_text(value: Any, language: Language) -> str:
    """Return a parameter's value; a text is no markup."""
    if value is None or isinstance(value, (bool, str)):
        return escape(value) if isinstance(value, str) else json.dumps(value)
    return formats.number(value, None, language)


def titled_figure(
    head: str, notes: Sequence[str], theme: Theme, language: Language, *, height: int
) -> Figure:
    """Return an empty figure under a title and smaller lines that say how to read it.

    Plotly does not break lines: they are broken here, to fit a telephone.
    """
    heads = wrap(head, _HEAD_LETTERS)
    small = [line for note in notes for line in wrap(note, _NOTE_LETTERS)]
    sized = [(15, line) for line in heads] + [(11, line) for line in small]
    text = "<br>".join(
        f'<span style="font-size:{size}px">{escape(line)}</span>' for size, line in sized
    )
    top = round(48 + _LINE_PIXELS * len(sized))
    figure = empty_figure(theme, text, height=height + top)
    figure.update_layout(
        # Below the buttons that a telephone always shows; the title's own letters set the
        # distance of its lines.
        title={
            "font": {"size": 12}, "yref": "container", "y": 1, "yanchor": "top", "pad": {"t": 34},
        },
        margin={"t": top},
        separators=",." if language == "pt-BR" else ".,",
    )  # fmt: skip
    return figure


def subject(data: Mapping[str, Any], language: Language) -> str:
    """Return symbol and timeframe, with the mark of synthetic bars."""
    mark = f" [{words_of(language)('synthetic')}]" if data["synthetic"] else ""
    return f"{data['symbol']} {data['timeframe']}{mark}"
