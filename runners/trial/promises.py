"""What was promised of the daemon: the one table of its limits."""

from __future__ import annotations

from math import inf
from typing import NamedTuple


class Promise(NamedTuple):
    """One promise: what is measured has to be ``op`` ``limit``.

    Attributes
    ----------
    name, unit : str
        Of what is measured.
    op, limit : str, float
        What a benchmark fails by if it is missed; infinite where only ``aim`` is asked for.
    aim : float
        Ours, inclusive, for a machine with nothing else to do; missing it is told and is no
        failure.
    how : str
        How ``runners.benchmark`` measures it.
    """

    name: str
    unit: str
    op: str
    limit: float
    aim: float
    how: str

    def is_kept_by(self, value: float) -> bool:
        """Whether a measured value keeps the promise."""
        return value < self.limit if self.op == "<" else value > self.limit

    def is_reached_by(self, value: float) -> bool:
        """Whether a measured value is as good as ours."""
        return value <= self.aim if self.op == "<" else value >= self.aim


PROMISES = {
    "websocket": Promise(
        "bar to every one of 100 clients, p99", "ms", "<", 500.0, 50.0,
        "from a closed bar's arrival in the daemon to its frame in a client's hands, the commit "
        "included; every frame of 100 clients at 20 alerts/s",
    ),
    "detection": Promise(
        "bar to alert durable, p95", "ms", "<", 30_000.0, 250.0,
        "from closed bars' arrival in the daemon to their alerts on disk (fsync), 20 symbols as "
        "fast as they go; the daemon's own histogram, upper bound. Not in it: a terminal is asked "
        "for bars every live.poll_seconds only",
    ),
    "mail": Promise(
        "bar to mail accepted, p99", "ms", "<", 8_000.0, 500.0,
        "from a closed bar's arrival in the daemon to the mail server having taken the letter, by "
        "the server's record; a server on this machine, which adds no delay of its own",
    ),
    "memory": Promise(
        "memory with 100 clients and mail", "MB", "<", 50.0, 40.0,
        "the most resident memory the daemon ever had, by the operating system",
    ),
    "throughput": Promise(
        "alerts per minute to each of 10 clients", "/min", ">", 100.0, 30_000.0,
        "what the slowest of 10 clients received, all of it durable and audited; 20 symbols as "
        "fast as they go",
    ),
}  # fmt: skip
"""What the plan asks for, and `runners.summary` with it."""

OWN = {
    "lost": Promise(
        "clients cut off or missing an alert, of 210", "", "<", 1.0, 0.0,
        "clients of all trials that were disconnected, or whose numbers have a gap",
    ),
    "memory_without_mail": Promise(
        "memory with 100 clients, no mail", "MB", "<", inf, 36.0,
        "the same, of a daemon without a mail channel",
    ),
    "start": Promise(
        "start to /health 200, 50,000 alerts stored", "ms", "<", inf, 500.0,
        "from the command to the first good answer, median of 5",
    ),
}  # fmt: skip
"""What we ask for beside it."""
