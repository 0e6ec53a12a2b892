"""A scorecard as a page of its own, or as a fragment for a notebook."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from alertlib.report import charts, facts, figures, rows
from alertlib.report.figures import Card

if TYPE_CHECKING:
    from alertlib.scorecard import Scorecard

# Colour of a cell of the sensitivity table saturates at this distance from chance.
STRONG_EDGE = 0.25
_LOOKS = {"pass": "good", "FAIL": "bad", "error": "bad", "warning": "warn"}


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def scorecard_page(card: Card) -> str:
    """Return a self-contained HTML page: no script, no request to anywhere.

    Parameters
    ----------
    card : dict
        ``Scorecard.to_dict()`` or the parsed JSON file.
    """
    return _render(
        "page.html.j2",
        card,
        charts=charts,
        criterion=rows.criterion_row,
        rails=rows.rail_rows(card),
        patterns=_patterns_with_bars(card),
        nulls=rows.null_rows(card),
        audits=rows.audit_rows(card),
        findings=rows.finding_rows(card),
        provenance=rows.provenance_rows(card),
        edge=_edge,
    )


def scorecard_fragment(card: Card | Scorecard) -> str:
    """Return a scorecard as a table for a notebook's cell, light or dark.

    Parameters
    ----------
    card : Scorecard or dict
        A dict is ``Scorecard.to_dict()`` or the parsed JSON file.
    """
    values = figures.as_card(card)
    return _render(
        "fragment.html.j2",
        values,
        criteria=[rows.criterion_row(line) for line in figures.rates(values)],
        patterns=rows.pattern_rows(values),
    )


def _render(template: str, card: Card, **parts: Any) -> str:
    found = _environment().get_template(template)
    return found.render(card=card, f=figures, facts=facts, looks=_LOOKS, **parts)


def _patterns_with_bars(card: Card) -> list[list[str]]:
    most = max((d["alerts"] for d in card["per_detector"]), default=0)
    made = []
    for row, d in zip(rows.pattern_rows(card), card["per_detector"], strict=True):
        parts = (("captured", d["tp"]), ("false", d["false_positives"]))
        bar = charts.shares((*parts, ("redundant", d["redundant"])), most)
        made.append([*row[:2], bar, *row[2:]])
    return made


def _edge(cell: facts.Cell, rate: str) -> tuple[str, str]:
    """Return whether a rate is better or worse than chance, and how strongly to colour it."""
    if cell.value is None or cell.chance is None:
        return "", "0"
    ahead = cell.value - cell.chance
    if rate == "false_positive_share":
        ahead = -ahead
    return "better" if ahead >= 0 else "worse", f"{min(abs(ahead) / STRONG_EDGE, 1) * 0.55:.2f}"
