"""One transaction: its parts, serialised by whoever submits them, and its rows.

Serialising is the caller's part, so that a payload that is not JSON fails the caller, never the
transaction it would have shared with others.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, NamedTuple

from alertlib.market.clock import utc_stamp
from runners.live.alert_store.records import (
    Cursor,
    Event,
    Mail,
    Message,
    MessageType,
    Numbered,
    Stored,
)
from runners.live.database.chain import (
    KINDS,
    MESSAGE_KINDS,
    SplitObject,
    alert_key,
    canonical_json,
    clean_text,
    event_hash,
    split_object,
)

Done = Future[tuple[Numbered, ...]]
_LOOKUP = 500  # of SQLite's 999 or more parameters
# Those come with a message, and with what is done to the whole database.
_PLAIN_KINDS = KINDS - {"alert", "migration", "prune", "restore"}


class ReadyEvent(NamedTuple):
    """An event already serialised."""

    kind: str
    actor: str
    data: str


class ReadyMessage(NamedTuple):
    """A message already serialised, but for its number."""

    type: MessageType
    kind: str
    actor: str
    key: str
    body: SplitObject
    mail: tuple[Mail, ...]


def ready_event(event: Event) -> ReadyEvent:
    """Serialise ``event``; ValueError for an unknown kind or data that is not JSON."""
    if event.kind not in _PLAIN_KINDS:
        raise ValueError(
            f"no event can be appended as kind {event.kind!r}; kinds are {sorted(_PLAIN_KINDS)}"
        )
    return ReadyEvent(event.kind, clean_text(event.actor), canonical_json(dict(event.data)))


def ready_message(message: Message) -> ReadyMessage:
    """Serialise ``message``; ValueError for a payload that is not JSON or has no id."""
    key = alert_key(message.payload) if message.type == "alert" else message.key
    if not isinstance(key, str) or not key:
        raise ValueError(f"an alert needs an `id`, a correction a `key`; got {key!r}")
    if message.mail and message.payload.get("dry_run"):
        raise ValueError(f"alert {key}: a dry run is never mailed, but has recipients")
    return ReadyMessage(
        message.type,
        MESSAGE_KINDS[message.type],
        clean_text(message.actor),
        clean_text(key),
        split_object(message.payload),
        tuple(_ready_mail(mail) for mail in message.mail),
    )


def _ready_mail(mail: Mail) -> Mail:
    for name in ("due", "expires"):
        if not isfinite(getattr(mail, name)):
            raise ValueError(f"`{name}` of a mail must be finite; got {getattr(mail, name)}")
    return Mail(clean_text(mail.recipient), clean_text(mail.message_id), mail.due, mail.expires)


@dataclass(slots=True)
class Work:
    """One caller's share of a transaction; it cannot fail on its content."""

    events: tuple[ReadyEvent, ...] = ()
    messages: tuple[ReadyMessage, ...] = ()
    cursors: tuple[Cursor, ...] = ()
    state: Mapping[str, bytes] = field(default_factory=dict)
    statements: tuple[tuple[str, tuple[Any, ...]], ...] = ()
    done: Done = field(default_factory=Future)
    numbers: tuple[Numbered, ...] = ()


class Head(NamedTuple):
    """Where numbers and chain stand."""

    alert_seq: int
    audit_seq: int
    audit_hash: str


def read_head(connection: sqlite3.Connection) -> Head:
    """Read where the next commit continues."""
    row = connection.execute("SELECT alert_seq, audit_seq, audit_hash FROM meta").fetchone()
    return Head(*row)


def _numbers(connection: sqlite3.Connection, keys: list[str]) -> dict[str, int]:
    """Return the numbers of those messages that have one."""
    found: dict[str, int] = {}
    for start in range(0, len(keys), _LOOKUP):
        some = keys[start : start + _LOOKUP]
        marks = ", ".join("?" * len(some))
        found.update(
            connection.execute(f"SELECT id, seq FROM alert_ids WHERE id IN ({marks})", some)
        )
    return found


class Group:
    """The rows of one transaction, gathered before they are written table by table.

    The numbers given to the works are valid once what :meth:`write` writes is committed.
    """

    def __init__(self, connection: sqlite3.Connection, works: Sequence[Work], now: float) -> None:
        # Read anew each time: `runners.audit prune` appends to the log of a running daemon.
        self.head = read_head(connection)
        self.stored: list[Stored] = []
        self._connection = connection
        self._ts = utc_stamp(now)
        self._known = _numbers(
            connection, [message.key for work in works for message in work.messages]
        )
        self._ids: dict[str, int] = {}
        self._cursors: dict[tuple[str, str], Cursor] = {}
        self._state: dict[str, bytes] = {}
        self._audit: list[tuple[int, str, str, str, str, str, str]] = []
        self._alerts: list[tuple[int, int]] = []
        self._outbox: list[tuple[int, str, str, float, float]] = []
        for work in works:
            self._add(work)

    def _add(self, work: Work) -> None:
        # Of a stream's cursors only the last is ever read.
        self._cursors.update({(each.symbol, each.timeframe): each for each in work.cursors})
        self._state.update(work.state)
        for sql, values in work.statements:
            self._connection.execute(sql, values)
        for event in work.events:
            self._append(event.kind, event.actor, event.data)
        work.numbers = tuple(self._number(message) for message in work.messages)

    def write(self) -> int:
        """Insert the gathered rows and return how many events there were."""
        run = self._connection.executemany
        run("INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?)", self._audit)
        run("INSERT INTO alerts VALUES (?, ?)", self._alerts)
        run("INSERT INTO alert_ids VALUES (?, ?)", self._ids.items())
        run(
            "INSERT INTO outbox (seq, recipient, message_id, due, expires) VALUES (?, ?, ?, ?, ?)",
            self._outbox,
        )
        run(
            "INSERT OR REPLACE INTO cursors VALUES (?, ?, ?, ?)",
            [(*key, each.bar_time, each.snapshot) for key, each in self._cursors.items()],
        )
        run("INSERT OR REPLACE INTO state VALUES (?, ?)", self._state.items())
        self._connection.execute(
            "UPDATE meta SET alert_seq = ?, audit_seq = ?, audit_hash = ?", self.head
        )
        return len(self._audit)

    def _number(self, message: ReadyMessage) -> Numbered:
        known = self._ids.get(message.key) or self._known.get(message.key)
        if known:
            return Numbered(known, new=False)
        seq = self.head.alert_seq + 1
        self._append(message.kind, message.actor, message.body.numbered(seq))
        self.head = self.head._replace(alert_seq=seq)
        self._ids[message.key] = seq
        self._alerts.append((seq, self.head.audit_seq))
        self._outbox += [
            (seq, mail.recipient, mail.message_id, mail.due, mail.expires) for mail in message.mail
        ]
        self.stored.append(Stored(seq, message.type, message.body.plain().encode()))
        return Numbered(seq, new=True)

    def _append(self, kind: str, actor: str, data: str) -> None:
        alert_seq, last, prev = self.head
        digest = event_hash(prev, last + 1, self._ts, kind, actor, data)
        self._audit.append((last + 1, self._ts, kind, actor, data, prev, digest))
        self.head = Head(alert_seq, last + 1, digest)
