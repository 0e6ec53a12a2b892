"""Client acknowledgements, gathered to one event per client and second."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from runners.live.alert_store.transaction import ReadyEvent
from runners.live.database.chain import canonical_json

_PERIOD_SECONDS = 1.0

Range = tuple[int, int]
"""First and last of a run of message numbers."""


class AckBuffer:
    """What each client has acknowledged since the last flush."""

    def __init__(self) -> None:
        self._pending: dict[str, tuple[int, list[Range]]] = {}
        self._flushed_at = float("-inf")
        self._lock = threading.Lock()

    def add(self, client: str, seq: int, delivered: Sequence[Range]) -> None:
        """Note that ``client`` has everything up to ``seq``, and which runs it was sent."""
        with self._lock:
            known, ranges = self._pending.get(client, (seq, []))
            for first, last in delivered:
                if ranges and first == ranges[-1][1] + 1:
                    ranges[-1] = (ranges[-1][0], last)
                else:
                    ranges.append((first, last))
            self._pending[client] = (max(seq, known), ranges)

    def take(self, now: float, force: bool) -> tuple[tuple[ReadyEvent, ...], float | None]:
        """Return the events to write now, and seconds until the next flush if some wait."""
        with self._lock:
            if not self._pending:
                return (), None
            pause = self._flushed_at + _PERIOD_SECONDS - now
            if pause > 0 and not force:
                return (), pause
            pending, self._pending = self._pending, {}
            self._flushed_at = now
        events: list[ReadyEvent] = []
        for client, (seq, ranges) in pending.items():
            events.append(ReadyEvent("client_ack", client, canonical_json({"seq": seq})))
            for first, last in ranges:
                data = {"channel": "websocket", "first": first, "last": last}
                events.append(ReadyEvent("delivered", client, canonical_json(data)))
        return tuple(events), None
