"""What the figures of a search have in common: what was searched, and its figures as text."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import polars as pl

from alertlib.report.formats import series_name
from alertlib.report.plots.words import words_of
from alertlib.texts import formats
from alertlib.texts.words import Language

RATES = ("capture_rate", "false_positive_share", "win_rate")


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


def subject(data: Mapping[str, Any], language: Language) -> str:
    """Return symbol and timeframe, with the mark of synthetic bars."""
    mark = f" [{words_of(language)('synthetic')}]" if data["synthetic"] else ""
    return f"{series_name(data)}{mark}"
