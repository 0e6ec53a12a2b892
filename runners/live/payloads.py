"""Alerts, corrections and events as the store keeps them and clients get them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import count
from typing import Any, NamedTuple

from alertlib.detection.alert import Alert
from alertlib.detection.intake import Gap, Outcome, Refusal
from alertlib.detection.memory import Revision
from alertlib.detection.stream import Suppressed
from alertlib.market.clock import utc_stamp, with_offset
from alertlib.texts.alerts import AlertView, Contract
from alertlib.texts.words import Language
from runners.live.alert_store.records import Event, Mail, Message, Stored
from runners.live.database.chain import alert_key
from runners.live.delivery.routes import Route
from runners.live.feed.base import Origin

_FIELDS = (
    "id", "symbol", "timeframe", "pattern", "direction", "severity", "confidence", "price",
    "entry_min", "entry_max", "stop", "target", "risk_reward",
)  # fmt: skip


class Made(NamedTuple):
    """What one bar adds to a transaction."""

    messages: list[Message]
    events: list[Event]


class Writer:
    """Turns outcomes into messages and events.

    Parameters
    ----------
    language : str
        Of the alert's text.
    routes : sequence of Route
        Who gets alerts, by channel.
    find_contract : callable
        Tick and point value of a symbol and timeframe.
    find_message : callable
        Returns the stored message of a key.
    dry_run : bool
        Mark alerts, and send them to nobody.
    """

    def __init__(
        self,
        language: Language,
        routes: Sequence[Route],
        find_contract: Callable[[str, str], Contract],
        find_message: Callable[[str], Stored | None],
        *,
        dry_run: bool = False,
    ) -> None:
        self._language = language
        self._routes = () if dry_run else routes
        self._find_contract = find_contract
        self._find_message = find_message
        self._dry_run = dry_run

    def write(self, origin: Origin, outcome: Outcome, seen: float) -> Made:
        """Return what ``outcome`` adds; ``seen`` is when its bar came, Unix seconds."""
        key = origin.key
        made = Made([], [])
        if outcome.gap is not None:
            made.events.append(gap_event(key, outcome.gap))
        if outcome.refused is not None:
            made.events.append(refused_event(key, outcome.refused))
        for held in outcome.suppressed:
            made.events.append(suppressed_event(held, outcome.late, origin.marks))
        for alert in outcome.alerts:
            payload = self.alert(origin, alert, seen, late=outcome.late)
            mails = self._mails(alert_key(payload), payload, seen)
            made.messages.append(Message(payload, mail=mails))
        if outcome.revision is not None:
            self._revised(origin, outcome.revision, seen, made)
        return made

    def alert(
        self, origin: Origin, alert: Alert, seen: float, *, late: bool = False
    ) -> dict[str, Any]:
        """Return the alert's JSON object."""
        payload: dict[str, Any] = {name: getattr(alert, name) for name in _FIELDS}
        payload["bar_time"] = with_offset(alert.bar_time)
        payload["detected_at"] = utc_stamp(seen)
        if self._dry_run:
            payload["dry_run"] = True
        if late:
            payload["late"] = True
        payload |= dict.fromkeys(origin.marks, True)
        contract = self._find_contract(alert.symbol, alert.timeframe)
        payload["text"] = AlertView(payload, contract, self._language).text
        return payload

    def _revised(self, origin: Origin, revision: Revision, seen: float, made: Made) -> None:
        key = origin.key
        if not revision.alerts:
            made.events.append(revised_event(key, revision))
        for identifier in revision.alerts:
            known_as = alert_key({"id": identifier, **dict.fromkeys(origin.marks, True)})
            stored = self._find_message(known_as)
            if stored is None:
                made.events.append(revised_event(key, revision))
                continue
            # A number that is taken would have the store keep the earlier correction.
            number = next(
                number
                for number in count(revision.number)
                if self._find_message(f"{known_as}:revision:{number}") is None
            )
            payload = {
                **json.loads(stored.payload),
                "detected_at": utc_stamp(seen),
                "revision": number,
                "changes": revision.changes(),
            }
            name = f"{known_as}:revision:{number}"
            mails = () if payload.get("dry_run") else self._mails(name, payload, seen)
            made.messages.append(Message(payload, "correction", key=name, mail=mails))

    def _mails(self, key: str, payload: Mapping[str, Any], seen: float) -> tuple[Mail, ...]:
        return tuple(copy for one in self._routes for copy in one.copies(key, payload, seen))


def suppressed_event(held: Suppressed, late: bool, marks: Sequence[str] = ()) -> Event:
    """Return the audit event of an alert that the policy held back."""
    alert = held.alert
    data = {name: getattr(alert, name) for name in _FIELDS}
    data |= {"bar_time": with_offset(alert.bar_time), "reason": held.reason}
    data |= dict.fromkeys((*marks, *(("late",) if late else ())), True)
    return Event("suppressed", "live", data)


def gap_event(key: tuple[str, str], gap: Gap) -> Event:
    """Return the audit event of bars that are missing."""
    data = {
        "after": with_offset(gap.after),
        "until": with_offset(gap.until),
        "missing": gap.missing,
    }
    return Event("feed_gap", "feed", _name(key) | data)


def refused_event(key: tuple[str, str], refused: Refusal) -> Event:
    """Return the audit event of a bar that was not taken."""
    data = {"bar_time": with_offset(refused.time), "reason": refused.reason}
    return Event("bar_refused", "feed", _name(key) | data)


def revised_event(key: tuple[str, str], revision: Revision) -> Event:
    """Return the audit event of a revised bar that had given no alert."""
    data = {
        "bar_time": with_offset(revision.after.time),
        "changes": revision.changes(),
        "revision": revision.number,
    }
    return Event("bar_revised", "feed", _name(key) | data)


def _name(key: tuple[str, str]) -> dict[str, Any]:
    return {"symbol": key[0], "timeframe": key[1]}


def late_event(key: tuple[str, str], times: Sequence[datetime]) -> Event:
    """Return the audit event of bars that came long after their close."""
    data = {"first": with_offset(times[0]), "last": with_offset(times[-1]), "late": len(times)}
    return Event("feed_gap", "feed", _name(key) | data)
