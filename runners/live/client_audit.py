"""The store as the WebSocket server wants it."""

from __future__ import annotations

import logging
from typing import Any, Literal, cast

from alertlib.errors import StorageError
from runners.live.alert_store.store import Store

_log = logging.getLogger("alertas.store")


class StoreAudit:
    """Writes what happens to clients into the audit log.

    A failed store has ended the daemon's work already and is on ``/health``; what clients still
    do then must not fail them one by one.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._acked: dict[str, int] = {}
        self._is_lost = False

    def record(self, kind: str, actor: str, data: dict[str, object]) -> None:
        """Add an event."""
        if kind == "client_connected":
            self._acked.setdefault(actor, int(cast(Any, data["after"])))
        try:
            self._store.append(kind, actor, data)
        except StorageError as error:
            self._lost(error)

    def ack(self, client: str, seq: int) -> None:
        """Note that a client has everything up to ``seq``, and what was delivered by that."""
        before = self._acked.get(client)
        if before is not None and seq <= before:
            self._store.ack(client, seq)
            return
        self._store.ack(client, seq, first=None if before is None else before + 1)
        self._acked[client] = seq

    def action(self, client: str, id: str, action: str, note: str) -> None:  # noqa: A002
        """Add what a trader did."""
        kind = cast(Literal["executed", "rejected", "ignored"], action)
        try:
            self._store.action(client, id, kind, note)
        except StorageError as error:
            self._lost(error)

    def _lost(self, error: StorageError) -> None:
        if not self._is_lost:
            self._is_lost = True
            _log.error("events of clients are not audited any more", extra={"reason": str(error)})
