"""What an audit log says was delivered, and how fast."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from runners.live.database.chain import Record


@dataclass
class Deliveries:
    """Counts and delays of one log.

    Attributes
    ----------
    first, last : str
        Time of the first and the last event; empty for an empty log.
    kinds : Counter
        Events by kind.
    patterns, suppressed : Counter
        Alerts by pattern, and those held back by reason.
    late : int
        Alerts whose bar came long after its close.
    mails : int
        Copies a server answered with 250.
    acknowledged : Counter
        Messages each client has acknowledged as delivered.
    commit_seconds, mail_seconds : list of float
        From an alert's detection to its commit, and to the server's 250. Sorted.
    """

    first: str = ""
    last: str = ""
    kinds: Counter[str] = field(default_factory=Counter)
    patterns: Counter[str] = field(default_factory=Counter)
    suppressed: Counter[str] = field(default_factory=Counter)
    late: int = 0
    mails: int = 0
    acknowledged: Counter[str] = field(default_factory=Counter)
    commit_seconds: list[float] = field(default_factory=list)
    mail_seconds: list[float] = field(default_factory=list)


def count(records: Iterable[Record]) -> Deliveries:
    """Read a log through once."""
    found = Deliveries()
    detected: dict[int, float] = {}
    for record in records:
        found.first = found.first or record.ts
        found.last = record.ts
        found.kinds[record.kind] += 1
        data: dict[str, Any] = json.loads(record.data)
        match record.kind:
            case "alert":
                _alert(found, record, data, detected)
            case "suppressed":
                found.suppressed[str(data.get("reason"))] += 1
            case "delivered" if data.get("channel") == "websocket":
                found.acknowledged[record.actor] += data["last"] - data["first"] + 1
            case "delivered":
                found.mails += 1
                if data.get("seq") in detected and "alerts" not in data:
                    found.mail_seconds.append(_seconds(record.ts) - detected[data["seq"]])
    found.commit_seconds.sort()
    found.mail_seconds.sort()
    return found


def percentile(ordered: list[float], share: float) -> float | None:
    """Return the value below which ``share`` of a sorted list lies; None if it is empty."""
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else None


def _alert(
    found: Deliveries, record: Record, data: dict[str, Any], detected: dict[int, float]
) -> None:
    found.patterns[str(data.get("pattern"))] += 1
    found.late += bool(data.get("late"))
    if isinstance(at := data.get("detected_at"), str):
        detected[data["seq"]] = _seconds(at)
        found.commit_seconds.append(_seconds(record.ts) - detected[data["seq"]])


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
