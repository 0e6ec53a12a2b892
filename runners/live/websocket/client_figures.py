"""How many clients there are and how well they are reached, for ``/health`` and ``/metrics``."""

from __future__ import annotations

from collections.abc import Mapping

from runners.live.telemetry.metrics import Metrics
from runners.live.websocket.connection import Peer
from runners.live.websocket.protocol import IGNORED
from runners.live.websocket.session import Session

_GAUGES = {
    "clients": "Clients authenticated and connected.",
    "catching_up": "Clients being sent what they missed.",
    "slowest_round_trip_seconds": "Longest time a client last took to answer a ping.",
}


class ClientFigures:
    """Figures of the clients connected now.

    Parameters
    ----------
    metrics : Metrics
    clients : mapping of Peer to Session
        Looked at whenever a figure is asked for.
    """

    def __init__(self, metrics: Metrics, clients: Mapping[Peer, Session]) -> None:
        self._metrics = metrics
        self._clients = clients
        metrics.declare(
            "alertas_websocket_ignored_total",
            "counter",
            "Client messages that meant nothing, by reason.",
            reason=IGNORED,
        )
        for name, meaning in _GAUGES.items():
            metrics.declare(f"alertas_websocket_{name}", "gauge", meaning)

    def now(self, replaying: int) -> dict[str, float]:
        """Return each figure by its name; ``replaying`` is one the broadcaster knows."""
        return {
            "clients": sum(session.identity is not None for session in self._clients.values()),
            "catching_up": replaying,
            "slowest_round_trip_seconds": round(self.slowest_round_trip(), 3),
        }

    def show(self, replaying: int) -> None:
        """Set the gauges."""
        for name, value in self.now(replaying).items():
            self._metrics.set(f"alertas_websocket_{name}", value)

    def slowest_round_trip(self) -> float:
        """Return the longest time a client last took to answer a ping, in seconds."""
        return max((session.round_trip for session in self._clients.values()), default=0.0)
