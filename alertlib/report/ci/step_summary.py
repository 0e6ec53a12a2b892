"""A scorecard as Markdown, for the summary page of a workflow's run."""

from __future__ import annotations

import re

from alertlib.report import formats, sentences, tables
from alertlib.report.formats import Card

_HEADS = ("", "value", "limit", "chance", "95 % interval", "n / n eff", "p", "")
# What Markdown, or HTML in it, takes for more than text.
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+!|~&$-])")


def step_summary(card: Card) -> str:
    """Return a scorecard as a section of GitHub's Markdown.

    Parameters
    ----------
    card : dict
        ``Scorecard.to_dict()`` or the parsed JSON file.
    """
    lines = [f"### {card['verdict']}: {_text(formats.subject(card))}", ""]
    lines += [
        _text(formats.span(card) + (f"; {proof}" if (proof := sentences.proof(card)) else ""))
    ]
    lines += ["", *_table(_HEADS, [tables.criterion_row(line) for line in formats.rates(card)])]
    rails = [row for row in tables.rail_rows(card) if row[-1] != "pass"]
    if rails:
        lines += ["", *_table(("guard rail", "value", "limit", ""), rails)]
    alerts, trades = (formats.counted(card["counts"][n], n[:-1]) for n in ("alerts", "trades"))
    net = formats.points(card["trade"]["expectancy_points"])
    lines += ["", _text(f"{alerts}, {trades}, net {net} points each.")]
    for kind, texts in (
        ("", formats.reasons(card)),
        ("note: ", [*sentences.caveats(card), *formats.warnings(card)]),
    ):
        lines += ["", *(f"- {kind}{_text(text)}" for text in texts)] if texts else []
    return "\n".join(lines) + "\n\n"


def _table(heads: tuple[str, ...], rows: list[list[str]]) -> list[str]:
    made = [heads, ("---", *["---:"] * (len(heads) - 2), ":---:"), *(map(_text, r) for r in rows)]
    return [f"| {' | '.join(row)} |" for row in made]


def _text(value: str) -> str:
    """Return text that Markdown shows as it is, on one line."""
    return _SPECIAL.sub(r"\\\1", " ".join(formats.clean(value).split()))
