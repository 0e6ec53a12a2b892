"""What was promised of the daemon: the one table of its limits."""

from __future__ import annotations

from typing import NamedTuple


class Promise(NamedTuple):
    """One promise: what is measured has to be ``op`` ``limit``."""

    name: str
    unit: str
    op: str
    limit: float

    def is_kept_by(self, value: float) -> bool:
        """Whether a measured value keeps the promise."""
        return value < self.limit if self.op == "<" else value > self.limit


PROMISES = {
    "websocket": Promise("bar to every one of 100 clients, p99", "ms", "<", 500.0),
    "detection": Promise("bar to alert durable, p95", "ms", "<", 30_000.0),
    "mail": Promise("bar to mail accepted, p99", "ms", "<", 8_000.0),
    "memory": Promise("memory with 100 clients and mail", "MB", "<", 50.0),
    "throughput": Promise("alerts per minute to each of 10 clients", "/min", ">", 100.0),
}
