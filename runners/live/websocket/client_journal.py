"""What the audit is told about clients, bounded so that no client can fill its disk."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from runners.live.telemetry.metrics import Metrics
from runners.live.websocket.connection import Peer
from runners.live.websocket.limits import Rejections, VisitLog
from runners.live.websocket.protocol import ACTIONS, Action, Plan
from runners.live.websocket.session import Session

ACK_FLUSH_SECONDS = 1.0

Run = tuple[int, int]
"""First and last of messages in a row."""

#: Close codes that have a series of their own; a client may send any of four thousand.
_CODES = frozenset({1000, 1001, 1002, 1005, 1006, 1007, 1008, 1009, 1011, 1013, 4401})

_log = logging.getLogger("alertas.websocket")


class Audit(Protocol):
    """Where events go. Calls must not block; durability is the store's business."""

    def record(self, kind: str, actor: str, data: dict[str, object]) -> None:
        """Add an event."""

    def ack(self, client: str, seq: int, delivered: Sequence[Run]) -> None:
        """A client has everything up to ``seq``. At most once per client and second.

        ``delivered`` are the runs of messages it was sent of that, and confirms now.
        """

    def actor(self, client: str) -> str:
        """Return what a client is called where its actions are written down."""

    def action(self, client: str, done: Action, settled: Callable[[bool], None]) -> None:
        """A trader acted on an alert.

        ``settled`` is called on the loop's thread with whether that is on disk.
        """


class Journal:
    """Turns what happens to clients into audit events, log lines and counters."""

    def __init__(self, audit: Audit, metrics: Metrics) -> None:
        self._audit = audit
        self._metrics = metrics
        self._visits = VisitLog()
        self._visitors = 0
        self._acks: dict[str, tuple[int, list[Run]]] = {}
        self._acks_flushed = 0.0
        codes = [*map(str, sorted(_CODES)), "other"]
        declared: tuple[tuple[str, str, dict[str, Sequence[str]]], ...] = (
            ("connected", "Clients authenticated.", {}),
            ("closed", "Clients' connections closed, by code.", {"code": codes}),
            ("acks", "Acknowledgements that advanced.", {}),
            ("actions", "Traders' actions, by action.", {"action": ACTIONS}),
        )
        for name, meaning, labels in declared:
            metrics.declare(f"alertas_websocket_{name}_total", "counter", meaning, **labels)

    def connected(self, peer: Peer, name: str, plan: Plan, now: float) -> None:
        """A client authenticated and was welcomed."""
        self._visitors += 1
        peer.visit = self._visitors
        peer.joined_at = now
        left_out = self._visits.note(name, now)
        peer.is_recorded = left_out is not None
        self._metrics.add("alertas_websocket_connected_total")
        if peer.is_recorded:
            self._write(
                "client_connected",
                name,
                {
                    "visit": peer.visit,
                    "address": peer.address,
                    "after": plan.after,
                    "recovered": plan.recovered,
                    "unrecorded": left_out,
                },
            )

    def closed(self, peer: Peer, session: Session, now: float) -> None:
        """A connection was lost; only those of clients are told of."""
        if peer.joined_at is None or session.identity is None:
            return
        code, reason = peer.last_words()
        self._metrics.add(
            "alertas_websocket_closed_total", code=str(code) if code in _CODES else "other"
        )
        if peer.is_recorded:
            self._write(
                "client_closed",
                session.identity.name,
                {
                    "code": code,
                    "reason": reason,
                    "reset": peer.was_cut,
                    "visit": peer.visit,
                    "address": peer.address,
                    "seconds": round(now - peer.joined_at, 3),
                    "sent": session.top,
                    "acked": session.acked,
                },
            )

    def rejected(self, rejections: Rejections) -> None:
        """Handshakes were refused; already condensed."""
        data = rejections.data()
        self._audit.record("client_rejected", "websocket", data)
        _log.warning("client_rejected", extra=data)

    def acknowledged(self, name: str, seq: int, delivered: Sequence[Run]) -> None:
        """A client has everything up to ``seq``; audited with the next flush."""
        known, runs = self._acks.get(name, (0, []))
        for first, last in delivered:
            if runs and first == runs[-1][1] + 1:
                runs[-1] = (runs[-1][0], last)
            else:
                runs.append((first, last))
        self._acks[name] = (max(seq, known), runs)
        self._metrics.add("alertas_websocket_acks_total")

    def actor(self, name: str) -> str:
        """Return what a client is called where its actions are written down."""
        return self._audit.actor(name)

    def acted(self, name: str, done: Action, settled: Callable[[bool], None]) -> None:
        """A trader acted; ``settled`` is told whether that is on disk."""
        self._audit.action(name, done, settled)
        self._metrics.add("alertas_websocket_actions_total", action=done.action)

    def flush_if_due(self, now: float) -> bool:
        """Flush once per second; True if it did."""
        if now - self._acks_flushed < ACK_FLUSH_SECONDS:
            return False
        self.flush(now)
        return True

    def flush(self, now: float) -> None:
        """Audit the acknowledgements gathered, one event per client."""
        self._acks_flushed = now
        acks, self._acks = self._acks, {}
        for name, (seq, runs) in acks.items():
            self._audit.ack(name, seq, runs)

    def _write(self, kind: str, name: str, data: dict[str, object]) -> None:
        self._audit.record(kind, name, data)
        _log.info(kind, extra={"client": name, **data})
