"""The hash chain of the audit log: canonical JSON, time stamps, the digest of one event.

An event's hash covers the hash of the one before it, so a changed, removed, inserted or moved
event breaks every later link. The chain cannot see its own cut tail; an anchor kept elsewhere
(``SEQ:HASH``) can.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, NamedTuple

GENESIS = "0" * 64
"""``prev`` of the first event."""

KINDS = frozenset(
    {
        "alert",
        "bar_refused",
        "bar_revised",
        "client_ack",
        "client_closed",
        "client_connected",
        "client_rejected",
        "config",
        "dead_letter",
        "delivered",
        "delivery_attempt",
        "delivery_failed",
        "feed_gap",
        "migration",
        "model",
        "operator_action",
        "prune",
        "restore",
        "start",
        "stop",
        "suppressed",
    }
)
"""Every kind of event there is."""

OWN_ACTORS = frozenset(
    {"audit", "email", "feed", "live", "operator", "policy", "telegram", "webhook", "websocket"}
)
"""Parts of the daemon that events name, now or later; no client goes under such a name."""

MESSAGE_KINDS = {"alert": "alert", "correction": "bar_revised"}
"""Kind of audit event for each type of numbered message."""

_SCALARS = (str, int, float, type(None))
_encode = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
).encode


def alert_key(payload: Mapping[str, Any]) -> Any:
    """Return what an alert is known by: its id, so that it is numbered and sent but once.

    Of a replay's it is another: the live alert of the same bar is news all the same.
    """
    identifier = payload.get("id")
    return f"replay:{identifier}" if payload.get("replay") is True and identifier else identifier


def alert_keys(identifier: str) -> tuple[Any, Any]:
    """Return the keys an id may be known by: of the live alert, and of a replay's."""
    return alert_key({"id": identifier}), alert_key({"id": identifier, "replay": True})


class Record(NamedTuple):
    """One stored event, as the table holds it; ``data`` is canonical JSON text."""

    seq: int
    ts: str
    kind: str
    actor: str
    data: str
    prev: str
    hash: str


class SplitObject(NamedTuple):
    """Canonical JSON of an object, cut where a key ``seq`` belongs in it.

    A message is serialised by whoever submits it but numbered by the writer thread; this lets
    the number be put in without serialising twice.
    """

    before: str
    after: str

    def plain(self) -> str:
        """Return the object as it was given."""
        return "{" + ",".join(part for part in self if part) + "}"

    def numbered(self, seq: int) -> str:
        """Return the object with ``"seq": seq`` in its sorted place."""
        return (
            "{" + ",".join(part for part in (self.before, f'"seq":{seq}', self.after) if part) + "}"
        )


def canonical_json(value: Any) -> str:
    """Return the one JSON text of ``value``: sorted keys, no spaces, non-ASCII kept.

    Raises
    ------
    ValueError
        NaN or infinite number, a key that is not a string, or a type JSON does not have.

    Notes
    -----
    A lone surrogate (a client can send ``"\\ud800"``) has no UTF-8 form; it becomes ``?``.
    """
    try:
        _require_string_keys(value)
        text = _encode(value)
    except (TypeError, RecursionError) as error:
        raise ValueError(f"not JSON: {error}") from None
    try:
        text.encode()
    except UnicodeEncodeError:
        text = _encode(json.loads(text.encode("utf-8", "replace")))
    return text


def parse_canonical(text: str) -> dict[str, Any] | None:
    """Return the object ``text`` is the canonical JSON of; None if it is not that."""
    try:
        value = json.loads(text)
        canonical = isinstance(value, dict) and _encode(value) == text
    except (ValueError, RecursionError):  # text that is not UTF-8, or not JSON
        return None
    return value if canonical else None


def clean_text(text: str) -> str:
    """Return ``text`` with ``?`` for each lone surrogate, as :func:`canonical_json` has it."""
    return text.encode("utf-8", "replace").decode()


def split_object(payload: Mapping[str, Any]) -> SplitObject:
    """Serialise ``payload`` in two halves, keys before and after ``seq``.

    Raises
    ------
    ValueError
        It has a key ``seq`` already, or is not JSON.
    """
    if "seq" in payload:
        raise ValueError("a message is numbered by the store; its payload must not have `seq`")
    return SplitObject(
        canonical_json({key: value for key, value in payload.items() if str(key) < "seq"})[1:-1],
        canonical_json({key: value for key, value in payload.items() if str(key) > "seq"})[1:-1],
    )


def without_seq(data: str, seq: int) -> str:
    """Return the canonical object ``data`` without its own ``seq``; the inverse of numbering."""
    if data.count('"seq":') == 1:
        # The usual case, a flat alert: 1 us, where parsing and serialising take 14.
        member = f'"seq":{seq}'
        return (
            data.replace(f",{member}", "")
            if f",{member}" in data
            else data.replace(f"{member},", "")
        )
    value = json.loads(data)
    del value["seq"]
    return _encode(value)


def event_hash(prev: str, seq: int, ts: str, kind: str, actor: str, data: str) -> str:
    """Return the hex digest of one event; ``data`` is canonical JSON text already."""
    text = (
        f'{prev}{{"actor":{_encode(actor)},"data":{data},"kind":{_encode(kind)},'
        f'"seq":{seq},"ts":{_encode(ts)}}}'
    )
    return sha256(text.encode()).hexdigest()


def json_line(record: Record) -> str:
    """Return the exported form of ``record``: one line, keys in the documented order.

    Line separators of Unicode are escaped, so that no reader takes one event for two.
    """
    text = (
        f'{{"seq":{record.seq},"ts":{_encode(record.ts)},"kind":{_encode(record.kind)},'
        f'"actor":{_encode(record.actor)},"data":{record.data},'
        f'"prev":{_encode(record.prev)},"hash":{_encode(record.hash)}}}'
    )
    for separator in "\x85\u2028\u2029":
        text = text.replace(separator, f"\\u{ord(separator):04x}")
    return text


def _require_string_keys(value: Any) -> None:
    # json turns 10 into "10" after sorting, so the text would not be canonical when read back.
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise ValueError(f"not JSON: key {key!r} is not a string")
            if not isinstance(item, _SCALARS):
                _require_string_keys(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _require_string_keys(item)
