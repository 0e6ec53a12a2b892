"""The store as the WebSocket server wants it."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Literal, cast

from alertlib.errors import StorageError
from runners.live.alert_store.acks import Range
from runners.live.alert_store.store import Store
from runners.live.database.chain import OWN_ACTORS
from runners.live.websocket.protocol import Action

# Clients remembered, and runs of each: what is forgotten may be audited as delivered once more.
_CLIENTS = 4_096
_RUNS = 64

_log = logging.getLogger("alertas.store")


class StoreAudit:
    """Writes what happens to clients into the audit log.

    A failed store has ended the daemon's work already and is on ``/health``; what clients still
    do then must not fail them one by one.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._told: OrderedDict[str, list[Range]] = OrderedDict()
        self._is_lost = False

    def record(self, kind: str, actor: str, data: dict[str, object]) -> None:
        """Add an event."""
        if kind != "client_rejected":  # said by the server itself, of nobody it knows
            actor = self.actor(actor)
        try:
            self._store.append(kind, actor, data)
        except StorageError as error:
            self._lost(error)

    def ack(self, client: str, seq: int, delivered: Sequence[Range]) -> None:
        """Note that a client has everything up to ``seq``, and what it was sent of that.

        A message two screens of one client acknowledge is delivered to it once.
        """
        told = self._told.pop(client, [])
        fresh = [part for run in _merged(delivered) for part in _without(run, told)]
        self._told[client] = _merged([*told, *fresh])[-_RUNS:]
        if len(self._told) > _CLIENTS:
            self._told.popitem(last=False)
        self._store.ack(self.actor(client), seq, fresh)

    def actor(self, client: str) -> str:
        """Return who the log names: no client passes for a part of the daemon by its name."""
        return f"client:{client}" if client in OWN_ACTORS else client

    def action(self, client: str, done: Action, settled: Callable[[bool], None]) -> None:
        """Add what a trader did; ``settled`` is told on this loop whether it is on disk."""
        kind = cast(Literal["executed", "rejected", "ignored"], done.action)
        try:
            written = self._store.action(self.actor(client), done.id, kind, done.note)
        except StorageError as error:
            self._lost(error)
            settled(False)
            return
        asyncio.wrap_future(written).add_done_callback(
            lambda future: settled(future.exception() is None)
        )

    def _lost(self, error: StorageError) -> None:
        if not self._is_lost:
            self._is_lost = True
            _log.error("events of clients are not audited any more", extra={"reason": str(error)})


def _without(run: Range, known: Sequence[Range]) -> list[Range]:
    """Return the parts of ``run`` that no known run has; ``known`` is in order and apart."""
    first, last = run
    parts: list[Range] = []
    for begin, end in known:
        if end < first or begin > last:
            continue
        if begin > first:
            parts.append((first, begin - 1))
        first = end + 1
    return [*parts, (first, last)] if first <= last else parts


def _merged(runs: Sequence[Range]) -> list[Range]:
    """Return runs in order, those that touch as one."""
    merged: list[Range] = []
    for first, last in sorted(runs):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged
