"""What every rendering of a scorecard shares: names in words and figures as text.

A scorecard is rendered from ``Scorecard.to_dict()`` or from its parsed JSON file, so a card
written yesterday looks the same today. Standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from alertlib import text

Card = Mapping[str, Any]
Line = Mapping[str, Any]

SYNTHETIC = "SYNTHETIC SAMPLE"
RATES = ("capture_rate", "false_positive_share", "win_rate")
# Criteria whose failure leaves the question open.
TOO_FEW = ("min_sessions", "min_opportunities")

_NAMES = {
    "capture_rate": "capture rate",
    "false_positive_share": "false positives",
    "win_rate": "win rate",
    "min_sessions": "sessions",
    "min_opportunities": "opportunities",
    "min_alerts": "alerts",
    "min_trades": "trades",
    "expectancy_points": "net points/trade",
    "audit_failures": "audits not clean",
    "data_errors": "data errors",
}
# Characters that XML forbids and terminals obey: file names may hold them.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def clean(value: object) -> str:
    """Return ``value`` as text without control characters; None as an empty text."""
    return "" if value is None else _CONTROL.sub("\N{REPLACEMENT CHARACTER}", str(value))


def name(criterion: str) -> str:
    """Return a criterion's short name in words; an unknown one stands for itself."""
    if criterion.endswith("_chance"):
        return f"{name(criterion.removesuffix('_chance'))} p"
    return _NAMES.get(criterion) or words(criterion)


def words(identifier: str) -> str:
    """Return an identifier as words: ``rate_limit`` as ``rate limit``."""
    return clean(identifier).replace("_", " ")


def percent(share: float | None) -> str:
    """Return a share of one with one decimal: ``58.1%``."""
    return text.percent(share, 1, "en")


def bounds(low: float | None, high: float | None) -> str:
    """Return an interval of shares: ``54.2–61.9%``."""
    if low is None or high is None:
        return text.UNDEFINED
    return f"{percent(low).removesuffix('%')}–{percent(high)}"


def count(value: float | None) -> str:
    """Return a count with thousands apart: ``1,054``."""
    return text.number(value, 0, "en")


def points(value: float | None) -> str:
    """Return signed points: ``-7.29``."""
    return text.number(value, 2, "en", signed=True)


def plain(value: float | None, decimals: int) -> str:
    """Return an unsigned figure with this many decimals."""
    return text.number(value, decimals, "en")


def value_text(criterion: str, value: float | None) -> str:
    """Return a criterion's value or threshold in its own unit."""
    if criterion in RATES:
        return percent(value)
    if criterion.endswith("_chance"):
        return plain(value, 3)
    if criterion == "expectancy_points":
        return points(value) if value else plain(value, 0)
    return text.number(value, None, "en")


def shown(line: Line) -> str:
    """Return a criterion's value, with more decimals where it would round onto a missed limit."""
    value, limit = line["value"], line["threshold"]
    if line["name"] in RATES and value is not None and value != limit:
        for decimals in range(1, 6):
            if text.percent(value, decimals, "en") != text.percent(limit, decimals, "en"):
                return text.percent(value, decimals, "en")
    return value_text(line["name"], value)


def limit_text(line: Line) -> str:
    """Return a criterion's limit with its comparison: ``>= 85.0%``."""
    return f"{line['op']} {value_text(line['name'], line['threshold'])}"


def rates(card: Card) -> list[Line]:
    """Return the customer's criteria."""
    return [line for line in card["criteria"] if line["name"] in RATES]


def guard_rails(card: Card) -> list[Line]:
    """Return the criteria that are not the customer's."""
    return [line for line in card["criteria"] if line["name"] not in RATES]


def is_synthetic(card: Card) -> bool:
    """Whether the bars were made by the generator of samples."""
    return bool(card["data"].get("synthetic"))


def subject(card: Card) -> str:
    """Return symbol and timeframe, with the mark of a synthetic sample."""
    data = card["data"]
    mark = f" [{SYNTHETIC}]" if is_synthetic(card) else ""
    return f"{clean(data.get('symbol'))} {clean(data.get('timeframe'))}{mark}"


def span(card: Card) -> str:
    """Return the scored sessions: ``60 sessions, 2021-01-04 to 2021-03-31``."""
    data = card["data"]
    first, last = data.get("first_session"), data.get("last_session")
    dates = f", {first} to {last}" if first and last else ""
    sessions = data.get("sessions") or 0
    return f"{count(sessions)} session{'' if sessions == 1 else 's'}{dates}"


def file_name(card: Card) -> str:
    """Return the last part of the bars' source, which may be a path of either kind."""
    source = clean(card["data"].get("source"))
    return re.split(r"[/\\]", source.rstrip("/\\"))[-1] or source


def proof(card: Card) -> str:
    """Return what the intervals say about the verdict; empty unless it is PASS."""
    if card["verdict"] != "PASS":
        return ""
    if card["proven"]:
        return "proven: the one-sided 95 % bounds clear the limits too"
    return "not proven: a one-sided 95 % bound does not clear its limit"


def why_no_reais(card: Card) -> str:
    """Return why R$ are not stated although points are; empty where they are."""
    trade = card["trade"]
    if trade.get("expectancy_brl") is not None or trade.get("expectancy_points") is None:
        return ""
    if card["data"].get("quality", {}).get("on_grid") is False:
        return "R$ not stated: the prices are off the grid"
    if not trade.get("fees_points"):
        return "R$ not stated: the fees are not known"
    return "R$ not stated: the value of a point is not known"


def trader_facts(card: Card) -> list[tuple[str, str]]:
    """Return what the alerts earned, how early they came and how they were spread, in words."""
    trade, rates_, counts = card["trade"], card["rates"], card["counts"]
    reais = trade.get("expectancy_brl")
    money = why_no_reais(card) if reais is None else text.money(reais, "en", signed=True)
    net = ", ".join(
        part
        for part in (
            f"{points(trade['expectancy_points'])} points",
            money,
            f"{text.number(trade['expectancy_r'], 3, 'en', signed=True)} R",
        )
        if part
    )
    left = card["timeliness"]["move_left"]
    onset = card["timeliness"]["bars_from_onset"]
    return [
        (
            "alerts",
            f"{count(counts['alerts'])}: {count(counts['tp'])} true, "
            f"{count(counts['false_positives'])} false, {count(counts['redundant'])} redundant"
            + (f"; {count(counts['censored'])} censored" if counts["censored"] else ""),
        ),
        ("net per trade", f"{net}; profit factor {plain(trade['profit_factor'], 2)}"),
        (
            "win rate",
            f"{percent(rates_['win_rate'])} against a break-even of "
            f"{percent(trade['break_even_win_rate'])}; at most "
            f"{percent(rates_['optimistic_win_rate'])} if all ambiguous bars "
            f"({percent(rates_['ambiguous_share'])}) were wins",
        ),
        (
            "false positives",
            f"{percent(rates_['fp_share_all'])} of all alerts, "
            f"{percent(rates_['fp_share_strict'])} with redundant ones as false",
        ),
        (
            "timeliness",
            f"{text.number(onset, 1, 'en')} bars after the onset (median); "
            f"{percent(left['median'])} of the move left (quartiles "
            f"{bounds(left['q25'], left['q75'])})",
        ),
        ("best possible", f"an oracle would capture {percent(rates_['oracle_ceiling'])}"),
        ("held back", held_back(card)),
    ]


def held_back(card: Card) -> str:
    """Return how many alerts the policy suppressed, and why."""
    reasons = {k: v for k, v in card["counts"]["suppressed"].items() if v}
    if not reasons:
        return "no alert"
    ordered = sorted(reasons.items(), key=lambda item: -item[1])
    parts = ", ".join(f"{words(reason)} {count(n)}" for reason, n in ordered)
    return f"{count(sum(reasons.values()))}: {parts}"


def background_facts(card: Card) -> list[tuple[str, str]]:
    """Return data, quality, audits and provenance in words."""
    data = card["data"]
    rows = [
        (
            "data",
            f"{file_name(card)}, {count(data['bars'])} bars, sha256 {clean(data['sha256'])[:12]}",
        ),
        ("quality", "; ".join(quality_notes(card))),
    ]
    rows.append(("audits", "; ".join(audit_notes(card))))
    rows.append(
        (
            "scored by",
            f"{clean(card['spec'])} {clean(card['spec_hash'])[:12]}, config "
            f"{clean(card['config_hash'])[:12]}, seed {clean(card['seed'])}",
        )
    )
    return rows


def quality_notes(card: Card) -> list[str]:
    """Return what is known of the data's quality, the verdict first."""
    quality = card["data"].get("quality", {})
    notes = ["clean" if quality.get("clean") else "NOT CLEAN"]
    if quality.get("quarantined"):
        notes.append(f"{count(quality['quarantined'])} bad rows set aside")
    if quality.get("out_of_session"):
        notes.append(f"{count(quality['out_of_session'])} bars outside the session removed")
    if quality.get("short_sessions"):
        notes.append(f"{len(quality['short_sessions'])} short sessions not scored")
    for finding in quality.get("findings", []):
        notes.append(f"{words(finding['kind'])} ({clean(finding['severity'])})")
    return notes


def audit_notes(card: Card) -> list[str]:
    """Return each audit in words, those that failed first."""
    items = card["audits"].get("items", [])
    if not items:
        return ["not run"]
    failed = [f"{words(i['name'])} FAILED: {clean(i['detail'])}" for i in items if not i["clean"]]
    passed = [f"{words(i['name'])} ({count(i['cases'])} cases)" for i in items if i["clean"]]
    return failed + ([f"clean: {', '.join(passed)}"] if passed else [])
