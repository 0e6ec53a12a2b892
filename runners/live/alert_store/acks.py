"""Client acknowledgements, gathered to one event per client and second."""

from __future__ import annotations

import threading

from runners.live.alert_store.transaction import ReadyEvent
from runners.live.database.chain import canonical_json

_PERIOD_SECONDS = 1.0


class AckBuffer:
    """The highest number each client has acknowledged since the last flush."""

    def __init__(self) -> None:
        self._pending: dict[str, tuple[int, int | None]] = {}
        self._flushed_at = float("-inf")
        self._lock = threading.Lock()

    def add(self, client: str, seq: int, first: int | None) -> None:
        """Note that ``client`` has everything up to ``seq`` (``first`` and after were sent)."""
        with self._lock:
            known_seq, known_first = self._pending.get(client, (seq, first))
            if known_first is not None and first is not None:
                first = min(first, known_first)
            self._pending[client] = (max(seq, known_seq), known_first if first is None else first)

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
        for client, (seq, first) in pending.items():
            events.append(ReadyEvent("client_ack", client, canonical_json({"seq": seq})))
            if first is not None:
                data = {"channel": "websocket", "first": first, "last": seq}
                events.append(ReadyEvent("delivered", client, canonical_json(data)))
        return tuple(events), None
