"""The words of ``alertas.v1``: what clients may say, and the frames they are sent.

Nothing here keeps state. Reading never raises: what cannot be understood is :class:`Invalid`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from websockets.frames import Frame, Opcode

from alertlib.market.clock import utc_stamp
from runners.live.websocket.auth import SUBPROTOCOL
from runners.live.websocket.strict_json import load_object

ACTIONS = ("executed", "rejected", "ignored")
MAX_NOTE = 500
MAX_ID = 128
MAX_SEQ = 2**63 - 1

GOING_AWAY = 1001
POLICY = 1008
TOO_SLOW = 1013
UNAUTHORIZED = 4401

#: A message of the store: its number, ``alert`` or ``correction``, its JSON object in UTF-8.
Entry = tuple[int, str, bytes]

#: An operator's action as it is written down; see :class:`Acted`.
ActionRow = tuple[int, str, str, str, str, str, bool]

#: A closed bar: its open in ISO format with the offset, then open, high, low and close.
Row = tuple[str, float, float, float, float]

_DIGITS = re.compile(r"[0-9]{1,19}")
_ID = re.compile(r"[!-~]{1,128}")


class Auth(NamedTuple):
    """``{"type":"auth","token":"T"}``"""

    token: str


class Resume(NamedTuple):
    """``{"type":"resume","epoch":"E","since":N}``; ``since`` is None if it made no sense."""

    epoch: str
    since: int | None


class Ack(NamedTuple):
    """``{"type":"ack","seq":N}``: everything up to ``seq`` has arrived."""

    seq: int


class Action(NamedTuple):
    """``{"type":"action","id":"…","action":"executed","note":"…"}``: what a trader did."""

    id: str
    action: str
    note: str


class Acted(NamedTuple):
    """What an operator did, once it is written down.

    ``place`` is where in the log, ``at`` when (UTC, ISO with ``Z``); it ``stands`` unless
    something was done about the same alert later.
    """

    place: int
    actor: str
    at: str
    id: str
    action: str
    note: str
    stands: bool


class AskBars(NamedTuple):
    """``{"type":"bars","symbol":"S","timeframe":"T"}``: what the chart of a page is drawn from."""

    symbol: str
    timeframe: str


class Invalid(NamedTuple):
    """Anything else; ``reason`` is one of a few fixed words, for counting."""

    reason: str


#: Everything :class:`Invalid` may give as a reason, or a session.
IGNORED = (
    "already_authenticated",
    "bad_ack",
    "bad_action",
    "bad_auth",
    "bad_bars",
    "binary",
    "not_json",
    "unknown_alert",
    "unknown_type",
)

ClientMessage = Auth | Resume | Ack | Action | AskBars | Invalid


class Plan(NamedTuple):
    """Where a client's stream begins: everything after ``after``, live once that is sent."""

    recovered: bool
    after: int


def parse(message: str | bytes) -> ClientMessage:
    """Understand one message of a client; binary ones mean nothing in this protocol."""
    if isinstance(message, bytes):
        return Invalid("binary")
    fields = load_object(message)
    if fields is None:
        return Invalid("not_json")
    match fields.get("type"):
        case "auth":
            token = fields.get("token")
            return Auth(token) if isinstance(token, str) else Invalid("bad_auth")
        case "resume":
            epoch = fields.get("epoch")
            since = fields.get("since")
            return Resume(epoch if isinstance(epoch, str) else "", _seq(since))
        case "ack":
            seq = _seq(fields.get("seq"))
            return Ack(seq) if seq else Invalid("bad_ack")
        case "action":
            return _action(fields)
        case "bars":
            symbol, timeframe = fields.get("symbol"), fields.get("timeframe")
            if isinstance(symbol, str) and isinstance(timeframe, str):
                return AskBars(symbol, timeframe)
            return Invalid("bad_bars")
        case _:
            return Invalid("unknown_type")


def _seq(value: Any) -> int | None:
    is_seq = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_SEQ
    return value if is_seq else None


def _action(fields: Mapping[str, Any]) -> Action | Invalid:
    identifier, action, note = fields.get("id"), fields.get("action"), fields.get("note", "")
    if note is None:
        note = ""
    is_valid = (
        isinstance(identifier, str)
        and _ID.fullmatch(identifier) is not None
        and action in ACTIONS
        and isinstance(note, str)
        and len(note) <= MAX_NOTE
    )
    return Action(str(identifier), str(action), note) if is_valid else Invalid("bad_action")


def resume_from_query(query: Mapping[str, Sequence[str]]) -> Resume | None:
    """Read ``?epoch=E&since=N``; None if the URL asks for neither."""
    epochs, sinces = query.get("epoch", ()), query.get("since", ())
    if not epochs and not sinces:
        return None
    if len(epochs) != 1 or len(sinces) != 1 or _DIGITS.fullmatch(sinces[0]) is None:
        return Resume("", None)
    return Resume(epochs[0], _seq(int(sinces[0])))


def plan(resume: Resume | None, epoch: str, oldest: int, head: int) -> Plan:
    """Decide what a client that asks for ``resume`` gets.

    Parameters
    ----------
    resume : Resume or None
        None for a client that wants live alerts only.
    epoch : str
        The database's.
    oldest, head : int
        Numbers of the oldest retained message and of the newest; ``oldest = head + 1`` when
        nothing is retained.
    """
    if resume is None:
        return Plan(recovered=False, after=head)
    before_oldest = min(max(oldest - 1, 0), head)
    since = resume.since
    if since is not None and resume.epoch == epoch and before_oldest <= since <= head:
        return Plan(recovered=True, after=since)
    return Plan(recovered=False, after=before_oldest)


def welcome(epoch: str, seq: int, *, recovered: bool) -> bytes:
    """Return the first thing an authenticated client is sent, as a WebSocket frame."""
    text = json.dumps(
        {
            "type": "welcome",
            "protocol": SUBPROTOCOL,
            "epoch": epoch,
            "seq": seq,
            "recovered": recovered,
        },
        separators=(",", ":"),
    )
    return _frame(text.encode())


def bars(asked: AskBars, rows: Sequence[Row], facts: Mapping[str, Any]) -> bytes:
    """Return the answer to :class:`AskBars`; it takes no number and is not repeated."""
    head = {"type": "bars", "symbol": asked.symbol, "timeframe": asked.timeframe}
    text = json.dumps({**head, **facts, "bars": rows}, separators=(",", ":"))
    return _frame(text.encode())


def acted(one: Acted) -> bytes:
    """Return what somebody did about an alert, for everybody; it takes no number."""
    fields = {"type": "action", "id": one.id, "action": one.action}
    fields |= {"actor": one.actor, "at": one.at}
    return _frame(json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode())


def status(feed: Sequence[Mapping[str, Any]], now: float) -> bytes:
    """Return what the feed is doing at Unix time ``now``; it takes no number either."""
    fields = {"type": "status", "feed": feed, "now": utc_stamp(now)}
    return _frame(json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode())


class Envelope:
    """Wraps stored messages for the wire without reading them.

    The frames are the same bytes for every client: a server does not mask, and compression is
    off. So each is built once however many clients there are.
    """

    def __init__(self, epoch: str) -> None:
        self._epoch = json.dumps(epoch)

    def frames(self, entries: Sequence[Entry], sent_at: float) -> bytes:
        """Return the frames of ``entries``, joined; ``sent_at`` in Unix seconds."""
        stamp = utc_stamp(sent_at)
        return b"".join(_frame(_envelope(self._epoch, entry, stamp)) for entry in entries)


def envelope(epoch: str, entry: Entry, sent_at: float) -> bytes:
    """Return a message of the store as clients get it; ``sent_at`` in Unix seconds."""
    return _envelope(json.dumps(epoch), entry, utc_stamp(sent_at))


def _envelope(epoch: str, entry: Entry, stamp: str) -> bytes:
    seq, kind, payload = entry
    head = f'{{"type":"{kind}","epoch":{epoch},"seq":{seq},"sent_at":"{stamp}","{kind}":'
    return head.encode() + payload + b"}"


def _frame(text: bytes) -> bytes:
    return Frame(Opcode.TEXT, text).serialize(mask=False)
