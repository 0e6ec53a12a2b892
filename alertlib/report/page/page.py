"""A scorecard as a page of its own, or as a fragment for a notebook."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from alertlib.report import formats, sentences, tables
from alertlib.report.formats import Card
from alertlib.report.glossary import TERMS
from alertlib.report.page import charts
from alertlib.report.page.run_parts import RunParts

if TYPE_CHECKING:
    from alertlib.scorecard.card import Scorecard

# Colour of a cell of the sensitivity table saturates at this distance from chance.
STRONG_EDGE = 0.25
_LOOKS = {"pass": "good", "FAIL": "bad", "error": "bad", "warning": "warn"}


@cache
def environment() -> Environment:
    """Return the environment of all pages."""
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def scorecard_page(card: Card, parts: RunParts | None = None) -> str:
    """Return a self-contained HTML page: no script, no request to anywhere.

    Parameters
    ----------
    card : dict
        ``Scorecard.to_dict()`` or the parsed JSON file.
    parts : RunParts, optional
        What only the run knows; left out where the card alone is at hand.
    """
    return render("page.html.j2", card, parts=parts, **scorecard_parts(card))


def scorecard_parts(card: Card) -> dict[str, Any]:
    """Return what the page of a scorecard is filled with, and every page that has it in it."""
    return {
        "charts": charts,
        "criterion": tables.criterion_row,
        "rails": tables.rail_rows(card),
        "patterns": _patterns_with_bars(card),
        "nulls": tables.null_rows(card),
        "audits": tables.audit_rows(card),
        "findings": tables.finding_rows(card),
        "provenance": tables.provenance_rows(card),
        "settings": tables.setting_rows(card),
        "edge": _edge,
        "terms": [(key, formats.term_name(key), text) for key, text in TERMS.items()],
    }


def scorecard_fragment(card: Card | Scorecard) -> str:
    """Return a scorecard as a table for a notebook's cell, light or dark.

    Parameters
    ----------
    card : Scorecard or dict
        A dict is ``Scorecard.to_dict()`` or the parsed JSON file.
    """
    values = formats.as_card(card)
    return render(
        "fragment.html.j2",
        values,
        criteria=[tables.criterion_row(line) for line in formats.rates(values)],
        patterns=tables.pattern_rows(values),
    )


def render(template: str, card: Card, **parts: Any) -> str:
    """Return a page of a scorecard from its template."""
    found = environment().get_template(template)
    return found.render(card=card, f=formats, facts=sentences, looks=_LOOKS, **parts)


def _patterns_with_bars(card: Card) -> list[list[str]]:
    most = max((d["alerts"] for d in card["per_detector"]), default=0)
    made = []
    for row, d in zip(tables.pattern_rows(card), card["per_detector"], strict=True):
        parts = (("captured", d["tp"]), ("false", d["false_positives"]))
        bar = charts.shares((*parts, ("redundant", d["redundant"])), most)
        made.append([*row[:2], bar, *row[2:]])
    return made


def _edge(cell: sentences.Cell, rate: str) -> tuple[str, str]:
    """Return whether a rate is better or worse than chance, and how strongly to colour it."""
    if cell.value is None or cell.chance is None:
        return "", "0"
    ahead = cell.value - cell.chance
    if rate == "false_positive_share":
        ahead = -ahead
    return "better" if ahead >= 0 else "worse", f"{min(abs(ahead) / STRONG_EDGE, 1) * 0.55:.2f}"
