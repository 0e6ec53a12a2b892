"""What traders read: labels, number formats and one-line texts, in pt-BR (default) or English.

Shared by the alert's ``text`` field, the e-mails and the dashboard, so that a price or a name
looks the same wherever it is seen. Standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

from alertlib.config.types import minutes
from alertlib.texts.formats import brasilia, moment, money, number, percent, points, price
from alertlib.texts.words import Language, side, word

Alert = Mapping[str, Any]

SUBJECT_LIMIT = 60


class Contract(NamedTuple):
    """What turns a price into text: both are None where they are not known.

    Attributes
    ----------
    tick : float or None
        Smallest price step in points; decides how many decimals a price shows.
    point_value : float or None
        R$ per point and contract; without it no R$ are stated.
    """

    tick: float | None = None
    point_value: float | None = None


UNKNOWN = Contract()


class Level(NamedTuple):
    """A price of the proposed trade, ready to print; ``distance`` is empty where unknown."""

    key: Literal["target", "entry", "stop"]
    label: str
    price: str
    distance: str


def bar_close(alert: Alert) -> datetime:
    """Return when the alert's bar closed, in Brasilia time: its open plus the timeframe."""
    return brasilia(alert["bar_time"]) + timedelta(minutes=minutes(alert["timeframe"]))


def bar_span(alert: Alert, language: Language = "pt-BR") -> str:
    """Return the alert's bar from open to close: ``01/03/2024 09:35–09:40``."""
    return f"{moment(brasilia(alert['bar_time']), language)}–{bar_close(alert):%H:%M}"


def levels(alert: Alert, contract: Contract = UNKNOWN, language: Language = "pt-BR") -> list[Level]:
    """Return target, entry and stop, highest profit first; those the alert lacks are left out.

    Distances are measured from the alert's price and carry the sign of the profit or loss:
    a stop is negative on either side of the market.
    """
    found = []
    if alert.get("target") is not None:
        found.append(_level("target", alert, contract, language))
    if alert.get("entry_min") is not None and alert.get("entry_max") is not None:
        low, high = (
            price(alert[end], contract.tick, language) for end in ("entry_min", "entry_max")
        )
        band = low if low == high else f"{low} – {high}"
        found.append(Level("entry", word("entry", language), band, ""))
    if alert.get("stop") is not None:
        found.append(_level("stop", alert, contract, language))
    return found


def risk_reward(alert: Alert, language: Language = "pt-BR") -> str:
    """Return the reward per unit of risk as ``1:1,5``; empty where the alert has none."""
    ratio = alert.get("risk_reward")
    return "" if ratio is None else f"1:{number(round(ratio, 2), None, language)}"


def marks(alert: Alert, language: Language = "pt-BR", *, correction: bool = False) -> list[str]:
    """Return what sets the alert apart from an ordinary one: correction, dry run, late."""
    wanted = (("correction", correction), *((key, alert.get(key)) for key in ("dry_run", "late")))
    return [word(key, language) for key, holds in wanted if holds]


def alert_text(alert: Alert, contract: Contract = UNKNOWN, language: Language = "pt-BR") -> str:
    """Return the alert as one line: what, where, levels, and how sure the detector is."""
    at = f"{side(alert['direction'], language)} {word('at', language)}"
    head = (
        f"{_brackets(marks(alert, language))}{alert['symbol']} {alert['timeframe']}: "
        f"{word(alert['pattern'], language)}, {at} {price(alert['price'], contract.tick, language)}"
    )
    parts = [
        f"{level.label.lower()} {level.price}" + (f" ({level.distance})" if level.distance else "")
        for level in levels(alert, contract, language)
    ]
    if ratio := risk_reward(alert, language):
        parts.append(f"{word('risk_reward', language).lower()} {ratio}")
    parts.append(
        f"{word('severity', language).lower()} {word(alert['severity'], language)}, "
        f"{word('confidence', language).lower()} {percent(alert.get('confidence'), 0, language)}"
    )
    return f"{head}; {'; '.join(parts)}; {moment(bar_close(alert), language)}"


def subject(
    alert: Alert,
    contract: Contract = UNKNOWN,
    language: Language = "pt-BR",
    *,
    correction: bool = False,
    limit: int = SUBJECT_LIMIT,
) -> str:
    """Return a subject line of at most ``limit`` characters: pattern, direction and price.

    Severity goes first where it fits, then the symbol; a pattern's long name is cut before
    the marks, the direction or the price would be.
    """
    mark = _brackets(marks(alert, language, correction=correction))
    tail = f"{side(alert['direction'], language)} {price(alert['price'], contract.tick, language)}"
    pattern, symbol = word(alert["pattern"], language), alert["symbol"]
    severity = word(alert["severity"], language)
    for lead in (f"{severity} {symbol} {pattern}", f"{symbol} {pattern}", pattern):
        if len(mark) + len(lead) + 2 + len(tail) <= limit:
            return f"{mark}{lead}: {tail}"
    room = limit - len(mark) - 2 - len(tail)
    return f"{mark}{_cut(pattern, max(room, 8))}: {tail}"[:limit]


def _level(
    key: Literal["target", "stop"], alert: Alert, contract: Contract, language: Language
) -> Level:
    shown = price(alert[key], contract.tick, language)
    profit = (alert[key] - alert["price"]) * alert["direction"]
    return Level(key, word(key, language), shown, _distance(profit, contract, language))


def _distance(value: float, contract: Contract, language: Language) -> str:
    text = points(value, contract.tick, language)
    if contract.point_value is None:
        return text
    return f"{text}, {money(value * contract.point_value, language, signed=True)}"


def _brackets(texts: Sequence[str]) -> str:
    return f"[{', '.join(texts)}] " if texts else ""


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
