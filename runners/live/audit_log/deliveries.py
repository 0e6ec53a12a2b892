"""What an audit log says was delivered, and how fast."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from runners.live.database.chain import Record

# Why a copy that was put off is not one that the server or the line refused.
EXPIRED = "expired"
_REHEARSED = ("replay", "synthetic", "dry_run")


@dataclass
class Deliveries:
    """What became of the alerts of one origin: of the market, or of a rehearsal.

    Attributes
    ----------
    patterns : Counter
        Alerts by pattern.
    days : set of str
        Dates of their bars.
    late : int
        Alerts whose bar came long after its close.
    alerts, acknowledged, mailed, passed_on, given_up : set of int
        Numbers of the alerts committed; of those a client has acknowledged, of those a mail
        server has answered with 250 for somebody, of those a webhook or Telegram has accepted,
        of those with a dead letter.
    messages : set of (str, str)
        Messages a server answered with 250, by recipient and ``Message-ID``: a digest is one.
    copies, dead_letters : int
        Copies of alerts and corrections in those messages, and copies given up.
    retried, expired : int
        Attempts that failed and were made again; copies too late for a mail of their own.
    commit_seconds, mail_seconds : list of float
        From an alert's detection to its commit, and to the server's 250. Sorted.
    """

    patterns: Counter[str] = field(default_factory=Counter)
    days: set[str] = field(default_factory=set)
    late: int = 0
    alerts: set[int] = field(default_factory=set)
    acknowledged: set[int] = field(default_factory=set)
    mailed: set[int] = field(default_factory=set)
    passed_on: set[int] = field(default_factory=set)
    given_up: set[int] = field(default_factory=set)
    messages: set[tuple[str, str]] = field(default_factory=set)
    copies: int = 0
    dead_letters: int = 0
    retried: int = 0
    expired: int = 0
    commit_seconds: list[float] = field(default_factory=list)
    mail_seconds: list[float] = field(default_factory=list)

    @property
    def confirmed(self) -> set[int]:
        """Alerts somebody has: acknowledged by a client, or accepted by a server."""
        return self.alerts & (self.acknowledged | self.mailed | self.passed_on)

    @property
    def lost(self) -> set[int]:
        """Alerts given up by a channel that nobody has confirmed."""
        return (self.alerts & self.given_up) - self.confirmed

    @property
    def unconfirmed(self) -> set[int]:
        """Alerts nobody has confirmed, and nobody has given up: they wait in the database."""
        return self.alerts - self.confirmed - self.given_up


@dataclass
class Tally:
    """Counts and delays of one log.

    Attributes
    ----------
    first, last : str
        Time of the first and the last event; empty for an empty log.
    kinds : Counter
        Events by kind.
    suppressed : Counter
        Alerts held back, by reason.
    clients : Counter
        Messages each client has acknowledged as delivered.
    crashes : int
        Starts after a run that has not written its ``stop``.
    market, rehearsed : Deliveries
        Of alerts of the market, and of those replayed, synthetic or of a dry run.
    """

    first: str = ""
    last: str = ""
    kinds: Counter[str] = field(default_factory=Counter)
    suppressed: Counter[str] = field(default_factory=Counter)
    clients: Counter[str] = field(default_factory=Counter)
    crashes: int = 0
    market: Deliveries = field(default_factory=Deliveries)
    rehearsed: Deliveries = field(default_factory=Deliveries)


def count(records: Iterable[Record]) -> Tally:
    """Read a log through once."""
    reading = _Reading()
    for record in records:
        reading.take(record, json.loads(record.data))
    for part in (reading.tally.market, reading.tally.rehearsed):
        part.commit_seconds.sort()
        part.mail_seconds.sort()
    return reading.tally


def percentile(ordered: list[float], share: float) -> float | None:
    """Return the value below which ``share`` of a sorted list lies; None if it is empty."""
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else None


class _Reading:
    """Follows a log: whose alert a delivery is of, and which feed it came from."""

    def __init__(self) -> None:
        self.tally = Tally()
        self._homes: dict[int, Deliveries] = {}
        self._detected: dict[int, float] = {}
        self._rehearses = False
        self._runs = False

    def take(self, record: Record, data: dict[str, Any]) -> None:
        """Count one event."""
        tally = self.tally
        tally.first = tally.first or record.ts
        tally.last = record.ts
        tally.kinds[record.kind] += 1
        match record.kind:
            case "start":
                tally.crashes += self._runs
                self._runs, self._rehearses = True, _is_rehearsal(data)
            case "stop":
                self._runs = False
            case "alert" | "bar_revised" if "seq" in data:
                self._message(record, data)
            case "suppressed":
                tally.suppressed[str(data.get("reason"))] += 1
            case "delivered" if data.get("channel") == "websocket":
                self._acknowledged(record.actor, range(data["first"], data["last"] + 1))
            case "delivered" | "delivery_failed" | "dead_letter" if "seq" in data:
                self._mail(record, data, self._homes.get(data["seq"], tally.market))

    def _message(self, record: Record, data: Mapping[str, Any]) -> None:
        rehearsed = self._rehearses or any(data.get(flag) for flag in _REHEARSED)
        home = self.tally.rehearsed if rehearsed else self.tally.market
        self._homes[data["seq"]] = home
        if record.kind != "alert":
            return
        home.alerts.add(data["seq"])
        home.patterns[str(data.get("pattern"))] += 1
        home.late += bool(data.get("late"))
        if isinstance(bar := data.get("bar_time"), str):
            home.days.add(bar[:10])
        if isinstance(at := data.get("detected_at"), str):
            self._detected[data["seq"]] = _seconds(at)
            home.commit_seconds.append(_seconds(record.ts) - _seconds(at))

    def _acknowledged(self, client: str, numbers: range) -> None:
        self.tally.clients[client] += len(numbers)
        for seq in numbers:
            if seq in self._homes:
                self._homes[seq].acknowledged.add(seq)

    def _mail(self, record: Record, data: Mapping[str, Any], home: Deliveries) -> None:
        seq = data["seq"]
        if record.kind == "dead_letter":
            home.dead_letters += 1
            home.given_up.add(seq)
        elif record.kind == "delivery_failed":
            home.expired += data.get("reason") == EXPIRED
            home.retried += data.get("reason") != EXPIRED
        elif data.get("channel") != "email":
            home.passed_on.add(seq)
        else:
            home.copies += 1
            home.mailed.add(seq)
            home.messages.add((str(data.get("recipient")), str(data.get("message_id"))))
            if seq in self._detected:
                home.mail_seconds.append(_seconds(record.ts) - self._detected[seq])


def _is_rehearsal(start: Mapping[str, Any]) -> bool:
    """Whether a run replays a file or delivers nothing."""
    replays = str(start.get("feed", "")).lower().startswith("replay")
    return replays or any(start.get(flag) for flag in _REHEARSED)


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
