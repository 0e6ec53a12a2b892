"""A run in a few lines of plain text, for ``repr`` and logs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alertlib.report import formats, sentences
from alertlib.report.formats import Card, Line

if TYPE_CHECKING:
    from alertlib.scorecard.card import Scorecard

MAX_REASONS = 4


def run_text(card: Card | Scorecard) -> str:
    """Return a scorecard as a few lines of plain text.

    Parameters
    ----------
    card : Scorecard or dict
        A dict is ``Scorecard.to_dict()`` or the parsed JSON file.
    """
    values = formats.as_card(card)
    lines = [f"{values['verdict']}  {formats.subject(values)}, {formats.span(values)}"]
    lines += [_rate(line) for line in formats.rates(values)]
    lines += [_counts(values), _money(values)]
    reasons = formats.reasons(values)
    lines += [f"  - {reason}" for reason in reasons[:MAX_REASONS]]
    if len(reasons) > MAX_REASONS:
        lines.append(f"  - and {len(reasons) - MAX_REASONS} more")
    elif proof := sentences.proof(values):
        lines.append(f"  {proof}")
    lines += [f"  * {caveat}" for caveat in sentences.caveats(values)]
    return "\n".join(lines)


def _rate(line: Line) -> str:
    chance = "" if line["chance"] is None else f"  chance {formats.percent(line['chance']):>6}"
    return (
        f"  {formats.name(line['name']):<16}{formats.shown(line):>7}  "
        f"{formats.limit_text(line):<9}{chance}  "
        f"[{formats.bounds(line['ci_low'], line['ci_high'])}]  "
        f"{'pass' if line['passed'] else 'FAIL'}"
    )


def _counts(card: Card) -> str:
    counts = card["counts"]
    parts = ("tp", "tp"), ("false_positives", "fp"), ("redundant", "redundant")
    outcome = ", ".join(f"{formats.count(counts[key])} {word}" for key, word in parts)
    return (
        f"  {formats.count(counts['opportunities'])} moves, {formats.count(counts['alerts'])} "
        f"alerts: {outcome}"
    )


def _money(card: Card) -> str:
    trade = card["trade"]
    return (
        f"  {formats.count(card['counts']['trades'])} trades: net "
        f"{formats.points(trade['expectancy_points'])} points each, break-even win rate "
        f"{formats.percent(trade['break_even_win_rate'])}"
    )
