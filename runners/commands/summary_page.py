"""The words and the page of ``runners.summary``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from runners.commands.pages import render
from runners.live.audit_log.deliveries import Deliveries, percentile
from runners.live.audit_log.verify import Report

Facts = dict[str, list[tuple[str, str]]]


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
    return render("summary.html", sections=facts)


def _gate(card: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    data = card["data"]
    synthetic = " SYNTHETIC" if data.get("synthetic") else ""
    assumed = " (assumed)" if data.get("symbol_assumed") else ""
    proven = ", proven" if card.get("proven") else ", not proven" * (card["verdict"] == "PASS")
    yield "verdict", f"{card['verdict']}{proven}"
    yield (
        "bars",
        (
            f"{data['symbol']}{assumed} {data['timeframe']}, {data['sessions']} sessions to "
            f"{data['last']}{synthetic}"
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
