"""Reading the store while it is written: a connection of its own, which blocks nobody."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Collection, Mapping
from typing import Any

from alertlib.market.clock import utc_stamp
from runners.live.alert_store.records import Cursor, MessageType, OutboxRow, Stored
from runners.live.database.chain import MESSAGE_KINDS, without_seq
from runners.live.database.errors import READ_ERRORS, storage_error

ActionRow = tuple[int, str, str, str, str, str, bool]
"""An operator's action: its number in the audit log, its actor and time there, the alert's id,
action and note; whether none on the same alert came later."""

_TYPES: dict[str, MessageType] = {"alert": "alert", MESSAGE_KINDS["correction"]: "correction"}
_MESSAGE = "alerts.seq, audit.kind, audit.data FROM alerts JOIN audit ON audit.seq = audit_seq"

# Each look-up has its index, so that what else the log holds makes none of them slower.
_ACTION = """SELECT one.seq, one.actor, one.ts, json_extract(one.data, '$.id'),
    json_extract(one.data, '$.action'), json_extract(one.data, '$.note'),
    NOT EXISTS (SELECT 1 FROM audit AS later
      WHERE later.kind = 'operator_action' AND json_valid(later.data)
        AND json_extract(later.data, '$.id') = json_extract(one.data, '$.id')
        AND later.seq > one.seq)
  FROM audit AS one WHERE one.kind = 'operator_action' AND json_valid(one.data)"""
_ACTIONS_BETWEEN = f"{_ACTION} AND one.seq > ? AND one.seq <= ? ORDER BY one.seq LIMIT ?"
_ACTION_ON = f"{_ACTION} AND json_extract(one.data, '$.id') = ? ORDER BY one.seq DESC LIMIT 1"
_LAST_ACTION = "SELECT max(seq) FROM audit WHERE kind = 'operator_action'"

# As `outbox.channel_of` reads a recipient.
_OF_CHANNEL = """(:channel = '' OR recipient = :channel
  OR CASE WHEN instr(recipient, '@') THEN 'email'
     ELSE substr(recipient, 1, instr(recipient, ':') - 1) END = :channel)"""


class Reader:
    """Answers from the last durable state; safe to call from any thread."""

    def __init__(self, connection: sqlite3.Connection, path: str) -> None:
        self._connection = connection
        self._path = path
        self._lock = threading.Lock()

    def rows(self, sql: str, values: tuple[Any, ...] | Mapping[str, Any] = ()) -> list[Any]:
        """Run a query and return all its rows.

        Raises
        ------
        StorageError
            The database cannot be read, or the store is closed.
        """
        try:
            with self._lock:
                return self._connection.execute(sql, values).fetchall()
        except READ_ERRORS as error:
            raise storage_error(self._path, "reading", error) from error

    def epoch(self) -> str:
        """Return the database's own name."""
        return str(self.rows("SELECT epoch FROM meta")[0][0])

    def cursors(self) -> dict[tuple[str, str], Cursor]:
        """Return the cursor of each ``(symbol, timeframe)``."""
        rows = self.rows("SELECT symbol, timeframe, bar_time, snapshot FROM cursors")
        return {(row[0], row[1]): Cursor(*row) for row in rows}

    def state(self, key: str) -> bytes | None:
        """Return the value kept under ``key``, None if there is none."""
        rows = self.rows("SELECT value FROM state WHERE key = ?", (key,))
        return bytes(rows[0][0]) if rows else None

    def messages(self, since: int, limit: int) -> list[Stored]:
        """Return up to ``limit`` messages after number ``since``, in order."""
        rows = self.rows(
            f"SELECT {_MESSAGE} WHERE alerts.seq > ? ORDER BY alerts.seq LIMIT ?", (since, limit)
        )
        return [_stored(*row) for row in rows]

    def find(self, key: str) -> Stored | None:
        """Return the message committed under ``key`` (an alert's id), None if unknown or pruned."""
        rows = self.rows(
            f"SELECT {_MESSAGE} WHERE alerts.seq = (SELECT seq FROM alert_ids WHERE id = ?)", (key,)
        )
        return _stored(*rows[0]) if rows else None

    def place(self, seq: int) -> int:
        """Return the number in the audit log of message ``seq``, or of the newest before it."""
        sql = "SELECT audit_seq FROM alerts WHERE seq <= ? ORDER BY seq DESC LIMIT 1"
        rows = self.rows(sql, (seq,))
        return int(rows[0][0]) if rows else 0

    def last_action(self) -> int:
        """Return the number in the audit log of the newest operators' action; 0 if none."""
        return int(self.rows(_LAST_ACTION)[0][0] or 0)

    def actions(self, after: int, upto: int, limit: int) -> list[ActionRow]:
        """Return up to ``limit`` operators' actions of a part of the audit log, in order."""
        return [_action(*row) for row in self.rows(_ACTIONS_BETWEEN, (after, upto, limit))]

    def action_on(self, identifier: str) -> ActionRow | None:
        """Return the newest action on the alert of this id, None if there is none."""
        rows = self.rows(_ACTION_ON, (identifier,))
        return _action(*rows[0]) if rows else None

    def first_since(self, seconds: float, low: int, head: int) -> int:
        """Return the first number from ``low`` on recorded at or after Unix ``seconds``.

        ``head + 1`` if there is none. A bisection: a dozen look-ups, whatever the size.
        """
        limit = utc_stamp(seconds)
        high = head + 1
        while low < high:
            middle = (low + high) // 2
            rows = self.rows(
                "SELECT ts FROM audit WHERE seq = (SELECT audit_seq FROM alerts WHERE seq = ?)",
                (middle,),
            )
            if rows and rows[0][0] >= limit:
                high = middle
            else:
                low = middle + 1
        return low

    def outbox(
        self, now: float, limit: int, exclude: Collection[int], channel: str = ""
    ) -> list[OutboxRow]:
        """Return rows of one channel's outbox that are due, or of all, oldest first."""
        rows = self._outbox_rows(
            f"{_OF_CHANNEL} AND due <= :now ORDER BY due, o.id LIMIT :limit",
            channel=channel,
            now=now,
            limit=limit + len(exclude),
        )
        return [row for row in rows if row.id not in exclude][:limit]

    def outbox_members(self, digest: str) -> list[OutboxRow]:
        """Return the rows of one digest, in order of their messages."""
        return self._outbox_rows("digest = :digest ORDER BY o.seq, o.id", digest=digest)

    def outbox_count(self, channel: str = "") -> int:
        """Return how many rows the outbox of a channel has, or of all."""
        sql = f"SELECT count(*) FROM outbox WHERE {_OF_CHANNEL}"
        return int(self.rows(sql, {"channel": channel})[0][0])

    def outbox_next_due(self, channel: str = "") -> float | None:
        """Return the earliest due time in the outbox of a channel, or of all."""
        sql = f"SELECT min(due) FROM outbox WHERE {_OF_CHANNEL}"
        due = self.rows(sql, {"channel": channel})[0][0]
        return None if due is None else float(due)

    def close(self) -> None:
        """Close the connection, once nobody reads from it."""
        with self._lock:
            self._connection.close()

    def _outbox_rows(self, condition: str, **values: Any) -> list[OutboxRow]:
        rows = self.rows(
            "SELECT o.id, recipient, message_id, due, expires, attempts, digest, "
            "o.seq, audit.kind, audit.data FROM outbox o JOIN alerts ON alerts.seq = o.seq "
            f"JOIN audit ON audit.seq = alerts.audit_seq WHERE {condition}",
            values,
        )
        return [OutboxRow._make((*row[:7], _stored(*row[7:]))) for row in rows]


def _stored(seq: int, kind: str, data: str) -> Stored:
    return Stored(seq, _TYPES[kind], without_seq(data, seq).encode())


def _action(place: int, actor: str, at: str, *rest: Any) -> ActionRow:
    identifier, action, note, stands = rest
    return place, actor, at, identifier, action, note, bool(stands)
