"""The words and the page of ``runners.summary``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from runners.live.audit_log.deliveries import Deliveries, percentile
from runners.live.audit_log.verify import Report

Facts = dict[str, list[tuple[str, str]]]

_STYLE = (
    ":root{color-scheme:light dark}body{margin:2rem auto;padding:0 1rem;max-width:46rem;"
    "font:15px/1.5 system-ui,sans-serif}h1{font-size:1.4rem}h2{font-size:1.1rem;margin:1.6rem 0 "
    ".3rem}table{border-collapse:collapse;width:100%}th{font-weight:400;text-align:left;"
    "width:45%;opacity:.75}td,th{padding:.2rem 0;border-top:1px solid #8884;vertical-align:top}"
)


def text(
    cards: Sequence[tuple[str, Mapping[str, Any]]], found: Deliveries, report: Report, path: str
) -> Facts:
    """Return the sections of the page, each a list of names and values."""
    facts: Facts = {f"Gate: {name}": list(_gate(card)) for name, card in cards}
    facts["Delivery"] = list(_delivery(found))
    facts["Latency"] = [
        *_delays("seen to durable", found.commit_seconds),
        *_delays("seen to mail accepted", found.mail_seconds),
    ]
    facts["Audit log"] = [
        ("database", path),
        ("state", "intact" if report.intact else "FAILS VERIFICATION"),
        ("events", f"{report.events:,}"),
        ("anchor", f"{report.head}:{report.head_hash}"),
    ]
    return facts


def page(facts: Facts) -> str:
    """Return the page: one file, nothing loaded from elsewhere."""
    sections = "".join(
        f"<h2>{escape(title)}</h2><table>{''.join(map(_row, rows))}</table>"
        for title, rows in facts.items()
    )
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>Alerts: summary</title><style>{_STYLE}</style></head>"
        f"<body><h1>Alerts: summary</h1>{sections}</body></html>\n"
    )


def _row(row: tuple[str, str]) -> str:
    return f"<tr><th scope='row'>{escape(row[0])}</th><td>{escape(row[1])}</td></tr>"


def _gate(card: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    data = card["data"]
    synthetic = " SYNTHETIC" if data.get("synthetic") else ""
    proven = ", proven" if card.get("proven") else ", not proven" * (card["verdict"] == "PASS")
    yield "verdict", f"{card['verdict']}{proven}"
    yield (
        "bars",
        (
            f"{data['symbol']} {data['timeframe']}, {data['sessions']} sessions to {data['last']}"
            f"{synthetic}"
        ),
    )
    for criterion in card["criteria"][:3]:
        value, chance = criterion["value"], criterion.get("chance")
        shown = "undefined" if value is None else f"{value:.1%}"
        beside = "" if chance is None else f", by chance {chance:.1%}"
        limit = f"{criterion['op']} {criterion['threshold']:.0%}"
        verdict = "met" if criterion["passed"] else "MISSED"
        yield criterion["name"], f"{shown} ({limit}: {verdict}{beside})"


def _delivery(found: Deliveries) -> Iterator[tuple[str, str]]:
    kinds = found.kinds
    yield "from, to", f"{found.first or '-'}, {found.last or '-'}"
    yield "alerts", f"{kinds['alert']:,} ({found.late:,} late)"
    yield from ((f"  {name}", f"{n:,}") for name, n in found.patterns.most_common())
    yield "held back by the policy", _listed(found.suppressed)
    yield "mails accepted", f"{found.mails:,}"
    yield "mails given up", f"{kinds['dead_letter']:,}"
    yield "acknowledged by clients", _listed(found.acknowledged)
    yield "actions of traders", f"{kinds['operator_action']:,}"
    yield "gaps in the feed", f"{kinds['feed_gap']:,}"
    yield "bars revised", f"{kinds['bar_revised']:,}"
    yield "starts, stops", f"{kinds['start']:,}, {kinds['stop']:,}"


def _listed(counter: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {n:,}" for name, n in sorted(counter.items())) or "none"


def _delays(name: str, ordered: list[float]) -> Iterator[tuple[str, str]]:
    values = [percentile(ordered, share) for share in (0.5, 0.95, 0.99)]
    shown = " / ".join("-" if value is None else f"{1e3 * value:,.1f}" for value in values)
    yield f"{name}, p50/p95/p99", f"{shown} ms of {len(ordered):,}"
