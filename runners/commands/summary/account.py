"""The summary put together from what was read, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from alertlib._version import __version__
from alertlib.scorecard import plan
from runners.commands.summary.auditing import Audited, auditing
from runners.commands.summary.figures import Decision, Figure, Part, Reason, decide
from runners.commands.summary.inputs import SCHEMA, Previous
from runners.commands.summary.measures import Change, Measures, changes, of_card, of_operation
from runners.commands.summary.operation import Operated, operation
from runners.commands.summary.quality import NamedCard, deciding, quality


@dataclass(frozen=True)
class Account:
    """Everything the page tells.

    Attributes
    ----------
    at : str
        When it was made, UTC.
    database : str
    decision, reasons
        What to do and why; the gravest reason first.
    parts : tuple of Part
        Quality, operation, audit.
    deciding : NamedCard or None
        The worst scorecard of real bars.
    cards : tuple of NamedCard
    audited, operated
        Of the log; nothing is counted from one that fails verification.
    measures, changes, previous
        Figures to compare, those that differ from the summary before, and that summary.
    """

    at: str
    database: str
    decision: Decision
    reasons: tuple[Reason, ...]
    parts: tuple[Part, ...]
    deciding: NamedCard | None
    cards: tuple[NamedCard, ...]
    audited: Audited
    operated: Operated | None
    measures: Measures
    changes: tuple[Change, ...]
    previous: Previous | None


def make_account(
    at: str,
    database: str,
    cards: Sequence[NamedCard],
    log: tuple[Audited, Operated | None],
    benchmark: Mapping[str, float | None] | None,
    previous: Previous | None,
) -> Account:
    """Hold what was read against the plan and decide."""
    audited, operated = log
    card = deciding(cards)
    parts = quality(card), operation(operated, benchmark), auditing(audited)
    # A log that fails is named first: no other figure can be trusted beside it.
    decision, reasons = decide((parts[2], parts[0], parts[1]))
    shown = (*parts[1].figures, *parts[1].more)
    first = {figure.name: figure for figure in reversed(shown)}
    measures = of_operation(operated, tuple(first.values()))
    measures = (of_card(card.card) if card else {}) | measures
    differing = () if previous is None or previous.is_synthetic else previous.measures
    found = tuple(changes(dict(differing), measures))
    return Account(
        at, database, decision, reasons, parts, card, tuple(cards), audited, operated, measures,
        found, previous,
    )  # fmt: skip


def to_json(account: Account) -> str:
    """Return the summary's figures as JSON text, the same for the same inputs."""
    anchor = account.audited.anchor
    found: dict[str, Any] = {
        "schema": SCHEMA,
        "version": __version__,
        "generated_at": account.at,
        "decision": account.decision,
        "reasons": [_reason(reason) for reason in account.reasons],
        "parts": [_part(part) for part in account.parts],
        "scorecards": [_card(named, account.deciding) for named in account.cards],
        "delivery": _delivery(account.operated),
        "audit": {
            "intact": account.audited.report.intact,
            "findings": account.audited.report.findings,
            "events": account.audited.report.events,
            "anchor": anchor._asdict(),
        },
        "measures": account.measures,
        "changes": [change._asdict() for change in account.changes],
    }
    return json.dumps(_plain(found), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _part(part: Part) -> dict[str, Any]:
    figures = [figure._asdict() for figure in (*part.figures, *part.more)]
    return {"name": part.name, "light": part.light, "figures": figures}


def _reason(reason: Reason) -> dict[str, Any]:
    values = {
        key: value._asdict() if isinstance(value, Figure) else value
        for key, value in reason.values.items()
    }
    return {"light": reason.light, "key": reason.key, "values": values}


def _card(named: NamedCard, deciding_: NamedCard | None) -> dict[str, Any]:
    card = named.card
    return {
        "path": named.path,
        "verdict": card["verdict"],
        "standing": plan.standing(card),
        "synthetic": named.is_synthetic,
        "decides": named is deciding_,
        "sha256": card["data"]["sha256"],
    }


def _delivery(operated: Operated | None) -> dict[str, Any] | None:
    if operated is None:
        return None
    found = operated.shown
    return {
        "rehearsal": operated.is_rehearsal,
        "first": operated.tally.first,
        "last": operated.tally.last,
        "alerts": len(found.alerts),
        "confirmed": len(found.confirmed),
        "acknowledged": len(found.alerts & found.acknowledged),
        "mailed": len(found.alerts & found.mailed),
        "unconfirmed": len(found.unconfirmed),
        "lost": len(found.lost),
        "messages": len(found.messages),
        "copies": found.copies,
        "dead_letters": found.dead_letters,
        "pending": operated.pending,
    }


def _plain(value: Any) -> Any:
    """Return ``value`` as JSON has it: no infinities."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not isfinite(value) else value
