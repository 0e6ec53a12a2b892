"""What goes into the store and what comes out of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

MessageType = Literal["alert", "correction"]


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a stream has come.

    Attributes
    ----------
    symbol, timeframe : str
        The stream.
    bar_time : str
        Open of the last bar processed, ISO, exchange wall clock.
    snapshot : bytes
        The stream's state after that bar, rate limits included. The store does not look inside.
    """

    symbol: str
    timeframe: str
    bar_time: str
    snapshot: bytes


@dataclass(frozen=True, slots=True)
class Mail:
    """One copy of a message to one recipient.

    Attributes
    ----------
    recipient : str
        Address.
    message_id : str
        ``Message-ID`` of every attempt at this copy.
    due, expires : float
        Unix seconds: first attempt, and when it is too late to be of use.
    """

    recipient: str
    message_id: str
    due: float
    expires: float


@dataclass(frozen=True, slots=True)
class Message:
    """An alert or a correction, to be numbered, audited and sent.

    Attributes
    ----------
    payload : mapping
        The JSON object of the message, without ``seq``. An alert has an ``id``, by which it is
        known when it is committed again.
    type : {"alert", "correction"}
        Both take numbers of the same gap-free sequence.
    key : str
        What a correction is known by, as its alert's id is taken: the id and the revision.
    actor : str
        Who the audit log names.
    mail : tuple of Mail
        One per recipient. Refused for a dry run, which is never mailed, now or later.
    """

    payload: Mapping[str, Any]
    type: MessageType = "alert"
    key: str = ""
    actor: str = "live"
    mail: tuple[Mail, ...] = ()


@dataclass(frozen=True, slots=True)
class Event:
    """A plain event of the audit log."""

    kind: str
    actor: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Batch:
    """What one transaction holds: all of it becomes durable, or none.

    Attributes
    ----------
    cursors : tuple of Cursor
        Where the streams stand after the bars these messages come from.
    messages : tuple of Message
        Numbered in this order.
    events : tuple of Event
        Audited before the messages: suppressed alerts, gaps, revised bars.
    state : mapping of str to bytes
        Small values kept by name, such as the day the last report was mailed.
    """

    cursors: tuple[Cursor, ...] = ()
    messages: tuple[Message, ...] = ()
    events: tuple[Event, ...] = ()
    state: Mapping[str, bytes] = field(default_factory=dict)


class Stored(NamedTuple):
    """A durable message; ``payload`` is its JSON object without ``seq``, UTF-8."""

    seq: int
    type: MessageType
    payload: bytes


class Numbered(NamedTuple):
    """The number a message has; ``new`` is false if it had been committed before."""

    seq: int
    new: bool


class OutboxRow(NamedTuple):
    """A copy waiting to be mailed.

    ``attempts`` counts those already made; ``digest`` is the ``Message-ID`` of the digest it
    has been put into, if any; ``message`` is the alert itself.
    """

    id: int
    recipient: str
    message_id: str
    due: float
    expires: float
    attempts: int
    digest: str | None
    message: Stored

    def alert(self) -> dict[str, Any]:
        """Return the message's JSON object."""
        value: dict[str, Any] = json.loads(self.message.payload)
        return value


@dataclass(slots=True)
class StoreStats:
    """Running figures for ``/metrics``; durations in seconds."""

    commits: int = 0
    events: int = 0
    commit_seconds: float = 0.0
    last_commit_seconds: float = 0.0
    checkpoints: int = 0
