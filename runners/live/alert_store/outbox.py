"""Copies still owed: one row per recipient and message, gone once settled.

A recipient says which channel it belongs to: what has an @ is a mail address, everything else
begins with its channel, as ``webhook:desk`` does.

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
MAIL = "email"


class Outbox:
    """The queue of one channel, or of all; every change is durable when its future is done."""

    def __init__(self, submit: Submit, reader: Reader, channel: str = "") -> None:
        self._submit = submit
        self._reader = reader
        self._channel = channel

    def of(self, channel: str) -> Outbox:
        """Return the part that is one channel's: ``email``, ``telegram`` or ``webhook:NAME``."""
        return Outbox(self._submit, self._reader, channel)

    def due(self, now: float, limit: int, exclude: Collection[int] = ()) -> list[OutboxRow]:
        """Return up to ``limit`` rows whose time has come, oldest first, without ``exclude``."""
        return self._reader.outbox(now, limit, exclude, self._channel)

    def members(self, digest: str) -> list[OutboxRow]:
        """Return every row bound to the digest with this ``Message-ID``, due or not."""
        return self._reader.outbox_members(digest)

    def pending(self) -> int:
        """Return how many rows are not settled yet."""
        return self._reader.outbox_count(self._channel)

    def next_due(self) -> float | None:
        """Return when the earliest row is due, Unix seconds; None if the outbox is empty."""
        return self._reader.outbox_next_due(self._channel)

    def attempted(self, rows: Sequence[OutboxRow], **data: Any) -> Done:
        """Audit that an attempt begins, and count it."""
        return self._change(
            "delivery_attempt", "UPDATE outbox SET attempts = attempts + 1 WHERE id = ?", rows, data
        )

    def delivered(self, rows: Sequence[OutboxRow], **data: Any) -> Done:
        """Settle rows the server has accepted."""
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
                    ReadyEvent(
                        kind,
                        channel_of(row.recipient)[0],
                        canonical_json({**_identity(row), **data}),
                    )
                    for row in rows
                ),
                statements=tuple((sql, (*values, row.id)) for row in rows),
            )
        )


def channel_of(recipient: str) -> tuple[str, str]:
    """Return the channel of a recipient, and what it is called there."""
    if "@" in recipient:
        return MAIL, recipient
    channel, _, name = recipient.partition(":")
    return channel, name


def _identity(row: OutboxRow) -> dict[str, Any]:
    alert = row.alert()
    channel, recipient = channel_of(row.recipient)
    return {
        "attempt": row.attempts + 1,
        "channel": channel,
        "id": alert.get("id"),
        "message_id": row.digest or row.message_id,
        "pattern": alert.get("pattern"),
        "recipient": recipient,
        "seq": row.message.seq,
    }
