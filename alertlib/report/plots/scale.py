"""From where to where a figure of a search is drawn, and what is marked on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from alertlib.report.plots.searched import Searched, figure_text
from alertlib.report.plots.words import words_of
from alertlib.texts.words import Language

# The limit is on the scale where that leaves what is drawn at least this share of it.
_SHARE_OF_VALUES = 0.5
# Marks nearer than this share of the scale would print over each other.
_NEAR = 0.06


class Mark(NamedTuple):
    """A place on the scale and what stands there, each text a line."""

    at: float
    texts: tuple[str, ...]


class Scale(NamedTuple):
    """From which figure to which, and the marks: limit, chance, both ends."""

    low: float
    high: float
    marks: tuple[Mark, ...]


def scale_of(found: Searched, metric: str, values: Sequence[float], language: Language) -> Scale:
    """Return a scale that holds the values and luck's best, and the limit where it is not far.

    A limit that is far stands at the end it lies beyond, with an arrow.
    """
    words = words_of(language)
    luck, limit = luck_of(found, metric), found.limits[metric]
    inside = [*values, *([] if luck is None else [luck["by_luck"]])]
    low, high = (min(inside), max(inside)) if inside else (limit, limit)
    near = high - low >= _SHARE_OF_VALUES * (max(high, limit) - min(low, limit))
    text = f"{words('limit')} {figure_text(metric, limit, language)}"
    if near:
        low, high = min(low, limit), max(high, limit)
    if low == high:
        low, high = low - 0.5, high + 0.5
    marks = [Mark(limit, (text,))] if near else []
    if luck is not None:
        shown = figure_text(metric, luck["by_luck"], language)
        marks.append(Mark(luck["by_luck"], (f"{words('chance')} {shown}",)))
    ends = [
        Mark(end, (f"{text} {arrow}",) if beyond else ())
        for end, beyond, arrow in ((low, limit < low, "↓"), (high, limit > high, "↑"))
    ]
    return Scale(low, high, _apart(marks, ends, metric, _NEAR * (high - low), language))


def luck_of(found: Searched, metric: str) -> Mapping[str, Any] | None:
    """Return the best and the best by luck; None where that is not measured or not defined."""
    luck = None if found.luck is None else found.luck.get(metric)
    return luck if luck is not None and luck["by_luck"] is not None else None


def _apart(
    marks: Sequence[Mark], ends: Sequence[Mark], metric: str, least: float, language: Language
) -> tuple[Mark, ...]:
    """Join marks that would print over each other; an end near one needs no figure of its own."""
    kept: list[Mark] = []
    for mark in (*marks, *ends):
        near = next((i for i, one in enumerate(kept) if abs(one.at - mark.at) < least), None)
        if near is not None:
            kept[near] = Mark(kept[near].at, (*kept[near].texts, *mark.texts))
        else:
            figure = () if mark in marks else (figure_text(metric, mark.at, language),)
            kept.append(Mark(mark.at, (*figure, *mark.texts)))
    return tuple(kept)
