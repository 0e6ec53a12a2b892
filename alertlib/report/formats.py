"""What every rendering of a scorecard shares: names in words and figures as alerts.

A scorecard is rendered from ``Scorecard.to_dict()`` or from its parsed JSON file, so a card
written earlier looks the same today. Standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import floor, log10
from typing import TYPE_CHECKING, Any

from alertlib.scorecard.reasons import NULLS
from alertlib.texts import formats

if TYPE_CHECKING:
    from alertlib.scorecard.card import Scorecard

Card = Mapping[str, Any]
Line = Mapping[str, Any]

SYNTHETIC = "SYNTHETIC SAMPLE"
RATES = ("capture_rate", "false_positive_share", "win_rate")

_NAMES = {
    "capture_rate": "capture rate",
    "false_positive_share": "false positives",
    "win_rate": "win rate",
    "min_sessions": "sessions",
    "min_opportunities": "opportunities",
    "min_alerts": "alerts",
    "min_trades": "trades",
    "expectancy_points": "net per trade",
    "audit_failures": "audit faults",
    "data_errors": "data errors",
    "placement_capture": "placement, captured",
    "placement_false_positives": "placement, false",
    "more_than_geometry": "more than geometry",
    "win_rate_chance": "win rate by chance",
    "expectancy_chance": "net points by chance",
    "out_of_sample": "fitted sessions",
}
# Guard rails whose value is a p-value, by the names of this version; older ones end alike.
CHANCE_RAILS = (
    "placement_capture", "placement_false_positives", "more_than_geometry", "win_rate_chance",
    "expectancy_chance",
)  # fmt: skip
# A null in a word for tables, and what it compares with; the last two are of scorecard.v1.
_NULLS = {
    "session_permutation": ("days", NULLS["session_permutation"]),
    "direction_flip": ("flips", NULLS["direction_flip"]),
    "timing": ("later", NULLS["timing"]),
    "coin_flip": ("coins", NULLS["coin_flip"]),
    "random_entry": ("half hour", "the same alerts anywhere in their half hour"),
    "mirror_surrogate": ("coins", NULLS["coin_flip"]),
}
# Characters that XML forbids and terminals obey; a file's name may hold them.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
# Decimals a figure is shown with before it would look equal to a limit it is not equal to.
_MORE_DECIMALS = 6


def as_card(card: Card | Scorecard) -> Card:
    """Return the values of a scorecard, which may be given as such or as its dict."""
    return card if isinstance(card, Mapping) else card.to_dict()


def clean(value: object) -> str:
    """Return ``value`` as text without control characters; None as an empty alerts."""
    return "" if value is None else _CONTROL.sub("\N{REPLACEMENT CHARACTER}", str(value))


def words(identifier: object) -> str:
    """Return an identifier as words: ``rate_limit`` as ``rate limit``."""
    return clean(identifier).replace("_", " ")


def name(criterion: str) -> str:
    """Return a criterion's short name in words; an unknown one stands for itself."""
    known = _NAMES.get(criterion)
    if known is None and criterion.endswith("_chance"):
        return f"{name(criterion.removesuffix('_chance'))} by chance"
    return known or words(criterion)


def term_name(term: str) -> str:
    """Return a term of the glossary in words."""
    return _NAMES.get(term) or words(term)


def null_name(null: str) -> str:
    """Return a null in a word: ``days``, ``coins``."""
    return _NULLS[null][0] if null in _NULLS else words(null)


def null_words(null: str) -> str:
    """Return what a null compares with: ``the same alerts on other days``."""
    return _NULLS[null][1] if null in _NULLS else words(null)


def is_p_value(criterion: str) -> bool:
    """Whether a criterion's value is a probability under chance."""
    return criterion in CHANCE_RAILS or criterion.endswith("_chance")


def deciding_null(line: Line) -> str:
    """Return the null a criterion's p-value belongs to, in words; empty where it has none."""
    for null, drawn in line["nulls"].items():
        same = drawn["p_value"] == line["p_value"] and drawn["chance"] == line["chance"]
        if line["p_value"] is not None and same:
            return null_name(null)
    return ""


def percent(share: float | None, decimals: int = 1) -> str:
    """Return a share of one with one decimal: ``58.1%``."""
    return formats.percent(share, decimals, "en")


def bounds(low: float | None, high: float | None) -> str:
    """Return an interval of shares: ``54.2–61.9%``."""
    if low is None or high is None:
        return formats.UNDEFINED
    return f"{percent(low).removesuffix('%')}–{percent(high)}"


def count(value: float | None) -> str:
    """Return a count with thousands apart: ``1,054``."""
    return formats.number(value, 0, "en")


def counted(value: float, noun: str) -> str:
    """Return a count with its noun, which takes an s: ``1 session``, ``1,054 alerts``."""
    return f"{count(value)} {noun}{'' if value == 1 else 's'}"


def points(value: float | None, more: int = 0) -> str:
    """Return signed points, the smaller the more decimals: ``-7.29``, ``+0.00012``."""
    decimals = 2
    if value and abs(value) < 0.1:
        decimals = 1 - floor(log10(abs(value)))
    return formats.number(value, decimals + more, "en", signed=True)


def short_points(value: float | None) -> str:
    """Return signed points for a narrow column: without decimals from a hundred on."""
    if value is None or abs(value) < 100:
        return points(value)
    return formats.number(value, 0, "en", signed=True)


def plain(value: float | None, decimals: int | None = None) -> str:
    """Return an unsigned figure; as many decimals as it needs when left out."""
    return formats.number(value, decimals, "en")


def probability(value: float | None, more: int = 0) -> str:
    """Return a p-value with three decimals, or two digits where those would be zeros."""
    decimals = 3
    if value and value < 0.0005:
        decimals = 1 - floor(log10(value))
    return plain(value, decimals + more)


def value_text(criterion: str, value: float | None, more: int = 0) -> str:
    """Return a criterion's value or limit in its own unit, with ``more`` decimals than usual."""
    if criterion in RATES:
        return percent(value, 1 + more)
    if is_p_value(criterion):
        return probability(value, more)
    if criterion == "expectancy_points" and value:
        return points(value, more)
    return plain(value)


def shown(line: Line) -> str:
    """Return a criterion's value, with more decimals where it would round onto its limit."""
    value, limit = line["value"], line["threshold"]
    for more in range(_MORE_DECIMALS):
        figure = value_text(line["name"], value, more)
        if value == limit or figure != value_text(line["name"], limit, more):
            break
    return figure


def limit_text(line: Line) -> str:
    """Return a criterion's limit with its comparison: ``>= 85.0%``."""
    if is_p_value(line["name"]):
        return f"{line['op']} {plain(line['threshold'])}"
    return f"{line['op']} {value_text(line['name'], line['threshold'])}"


def chance_text(line: Line) -> str:
    """Return what chance scores: points where points are tested, else a share."""
    if line["name"] == "expectancy_chance":
        return f"{points(line['chance'])} points"
    return percent(line["chance"])


def sizes(line: Line) -> str:
    """Return the observations and how many independent ones they are worth: ``289/268``."""
    if line["n"] is None or line["n_eff"] is None:
        return plain(line["n"], 0).replace(",", "")
    return f"{line['n']:.0f}/{line['n_eff']:.0f}"


def rates(card: Card) -> list[Line]:
    """Return the customer's criteria."""
    return [line for line in card["criteria"] if line["name"] in RATES]


def guard_rails(card: Card) -> list[Line]:
    """Return the criteria that are not the customer's."""
    return [line for line in card["criteria"] if line["name"] not in RATES]


def reasons(card: Card) -> list[str]:
    """Return why the verdict is not PASS."""
    return [clean(reason) for reason in card["reasons"]]


def warnings(card: Card) -> list[str]:
    """Return what a reader should know although it does not decide the verdict."""
    return [clean(warning) for warning in card.get("warnings") or ()]


def changed_settings(card: Card) -> list[str]:
    """Return the settings that differ from their defaults: ``detection.breakout.window 20 (5)``."""
    return [
        f"{clean(path)} {setting_text(value)} ({setting_text(default)})"
        for path, (value, default) in (card.get("changed_settings") or {}).items()
    ]


def setting_text(value: object) -> str:
    """Return the value of a setting as text: ``not set`` where there is none."""
    if isinstance(value, list | tuple):
        return ", ".join(map(setting_text, value))
    if value is None:
        return "not set"
    return clean(str(value).lower() if isinstance(value, bool) else value)


def is_synthetic(card: Card) -> bool:
    """Whether the bars were made by a generator."""
    return bool(card["data"].get("synthetic"))


def instrument(card: Card) -> str:
    """Return symbol and timeframe, and whether the symbol is an assumption."""
    return series_name(card["data"])


def series_name(data: Mapping[str, Any]) -> str:
    """Return the same of the ``data`` of a scorecard, a sweep or a walk."""
    assumed = " (assumed)" if data.get("symbol_assumed") else ""
    return f"{clean(data['symbol'])}{assumed} {clean(data['timeframe'])}"


def subject(card: Card) -> str:
    """Return symbol and timeframe, with the mark of a synthetic sample."""
    return instrument(card) + (f" [{SYNTHETIC}]" if is_synthetic(card) else "")


def span(card: Card) -> str:
    """Return the scored sessions: ``60 sessions, 2021-01-04 to 2021-03-31``."""
    data = card["data"]
    first, last = data.get("first_session"), data.get("last_session")
    dates = f", {clean(first)} to {clean(last)}" if first and last else ""
    return f"{counted(data['sessions'] or 0, 'session')}{dates}"
