"""What a channel asks of the store."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from concurrent.futures import Future
from typing import Any, Protocol

from runners.live.alert_store.records import OutboxRow


class Outbox(Protocol):
    """The copies a channel still owes. Every future is done when its change is on disk."""

    def due(self, now: float, limit: int, exclude: Collection[int] = ()) -> list[OutboxRow]:
        """Return up to ``limit`` copies whose time has come, oldest first."""

    def members(self, digest: str) -> list[OutboxRow]:
        """Return the copies of one digest, oldest first."""

    def pending(self) -> int:
        """Return how many copies are not settled yet."""

    def next_due(self) -> float | None:
        """Return when the earliest copy is due, Unix seconds."""

    def attempted(self, rows: Sequence[OutboxRow], **data: Any) -> Future[Any]:
        """Audit ``delivery_attempt`` and count it."""

    def delivered(self, rows: Sequence[OutboxRow], **data: Any) -> Future[Any]:
        """Audit ``delivered`` and settle."""

    def failed(
        self, rows: Sequence[OutboxRow], retry_at: float, reason: str, **data: Any
    ) -> Future[Any]:
        """Audit ``delivery_failed`` and put off until ``retry_at``."""

    def dead(self, rows: Sequence[OutboxRow], reason: str, **data: Any) -> Future[Any]:
        """Audit ``dead_letter`` and settle."""

    def put_into_digest(self, rows: Sequence[OutboxRow], message_id: str) -> Future[Any]:
        """Bind copies to a digest."""
