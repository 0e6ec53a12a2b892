"""Mails still owed: one row per recipient and message, gone once settled.

What became of a row is in the audit log, written in the same transaction that updates or
removes it, so neither can be without the other.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from math import isfinite
from typing import Any

from runners.live.alert_store.reader import Reader
from runners.live.alert_store.records import OutboxRow
from runners.live.alert_store.transaction import Done, ReadyEvent, Work
from runners.live.database.chain import canonical_json

Submit = Callable[[Work], Done]
_ACTOR = "email"


class Outbox:
    """The mail channel's queue; every change is durable when its future is done."""

    def __init__(self, submit: Submit, reader: Reader) -> None:
        self._submit = submit
        self._reader = reader

    def due(self, now: float, limit: int, exclude: Collection[int] = ()) -> list[OutboxRow]:
        """Return up to ``limit`` rows whose time has come, oldest first, without ``exclude``."""
        return self._reader.outbox(now, limit, exclude)

    def members(self, digest: str) -> list[OutboxRow]:
        """Return every row bound to the digest with this ``Message-ID``, due or not."""
        return self._reader.outbox_members(digest)

    def pending(self) -> int:
        """Return how many rows are not settled yet."""
        return self._reader.outbox_count()

    def next_due(self) -> float | None:
        """Return when the earliest row is due, Unix seconds; None if the outbox is empty."""
        return self._reader.outbox_next_due()

    def attempted(self, rows: Sequence[OutboxRow], **data: Any) -> Done:
        """Audit that an attempt begins, and count it."""
        return self._change(
            "delivery_attempt", "UPDATE outbox SET attempts = attempts + 1 WHERE id = ?", rows, data
        )

    def delivered(self, rows: Sequence[OutboxRow], **data: Any) -> Done:
        """Settle rows the server has answered with 250."""
        return self._change("delivered", "DELETE FROM outbox WHERE id = ?", rows, data)

    def failed(self, rows: Sequence[OutboxRow], retry_at: float, reason: str, **data: Any) -> Done:
        """Audit an attempt that failed for now and put the rows off until ``retry_at``."""
        if not isfinite(retry_at):
            raise ValueError(f"`retry_at` must be finite Unix seconds; got {retry_at}")
        return self._change(
            "delivery_failed",
            "UPDATE outbox SET due = ? WHERE id = ?",
            rows,
            {**data, "reason": reason},
            retry_at,
        )

    def dead(self, rows: Sequence[OutboxRow], reason: str, **data: Any) -> Done:
        """Settle rows that will never be delivered: refused for good, or expired."""
        return self._change(
            "dead_letter", "DELETE FROM outbox WHERE id = ?", rows, {**data, "reason": reason}
        )

    def put_into_digest(self, rows: Sequence[OutboxRow], message_id: str) -> Done:
        """Bind rows to one digest, whose ``Message-ID`` then survives a restart."""
        sql = "UPDATE outbox SET digest = ? WHERE id = ?"
        return self._submit(Work(statements=tuple((sql, (message_id, row.id)) for row in rows)))

    def _change(
        self,
        kind: str,
        sql: str,
        rows: Sequence[OutboxRow],
        data: dict[str, Any],
        *values: float,
    ) -> Done:
        return self._submit(
            Work(
                events=tuple(
                    ReadyEvent(kind, _ACTOR, canonical_json({**_identity(row), **data}))
                    for row in rows
                ),
                statements=tuple((sql, (*values, row.id)) for row in rows),
            )
        )


def _identity(row: OutboxRow) -> dict[str, Any]:
    alert = row.alert()
    return {
        "attempt": row.attempts + 1,
        "channel": "email",
        "id": alert.get("id"),
        "message_id": row.digest or row.message_id,
        "pattern": alert.get("pattern"),
        "recipient": row.recipient,
        "seq": row.message.seq,
    }
