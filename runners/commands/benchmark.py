"""What ``runners.benchmark`` does: the promised performance, measured on this machine."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

from alertlib.bars.sample import sample_path
from runners._extras import require_extra
from runners._main import FAILED, OK
from runners.cli.outputs import write_text
from runners.trial.mail_sink import mail_sink
from runners.trial.measure import measure
from runners.trial.settings import CONFIG, EVERY_BAR, MAIL

CLIENTS = 100


class Limit(NamedTuple):
    """One promise: ``value`` has to be ``op`` ``limit``; None if it cannot be measured here."""

    name: str
    unit: str
    op: str
    limit: float
    value: float | None

    def __str__(self) -> str:
        measured = "unknown" if self.value is None else f"{self.value:,.1f}"
        verdict = "?" if self.value is None else "ok" if self.is_met else "MISS"
        return f"{verdict:<5}{self.name:<42}{measured:>10} {self.unit:<5}({self.op} {self.limit:g})"

    @property
    def is_met(self) -> bool:
        """Whether the value keeps the promise, or nothing says that it does not."""
        if self.value is None:
            return True
        return self.value < self.limit if self.op == "<" else self.value > self.limit


def command(args: argparse.Namespace) -> int:
    """Measure, print against the limits, and return the exit status."""
    require_extra("live")
    found = measure_all(6.0 if args.quick else 20.0)
    out = sys.stderr if args.json == "-" else sys.stdout
    for one in found:
        print(one, file=out)
    if args.json:
        _write(args.json, found)
    return OK if all(one.is_met for one in found) else FAILED


def measure_all(seconds: float) -> list[Limit]:
    """Return every promise with what was measured."""
    bars = sample_path()
    every = CONFIG + EVERY_BAR
    with mail_sink() as port:
        mails = MAIL.replace("PORT", str(port)) + EVERY_BAR
        mail = measure(bars, mails, 5 * 300, CLIENTS, seconds, 1.0)
    steady = measure(bars, every, 20 * 300, CLIENTS, seconds, 1.0)
    burst = measure(bars, every, 600 * 300, 10, seconds, 0.0)
    return list(limits(mail, steady, burst))


def limits(
    mail: dict[str, Any], steady: dict[str, Any], burst: dict[str, Any]
) -> tuple[Limit, ...]:
    """Hold three trials against the limits: with mail, at 20 alerts/s, and at full speed."""
    return (
        Limit("bar to every one of 100 clients, p99", "ms", "<", 500.0, steady["p99_ms"]),
        Limit("bar to alert durable, p95", "ms", "<", 30_000.0, steady["commit_p95_ms"]),
        Limit("bar to mail accepted, p99", "ms", "<", 8_000.0, mail["mail_ms"]["0.99"]),
        Limit("memory with 100 clients and mail", "MB", "<", 50.0, mail["rss_mb"]),
        Limit("alerts per minute to each of 10 clients", "/min", ">", 100.0,
              burst["alerts_per_minute_to_each"]),
    )  # fmt: skip


def _write(path: str, found: Sequence[Limit]) -> None:
    rows = [{**one._asdict(), "met": one.is_met} for one in found]
    content = json.dumps(rows, indent=2) + "\n"
    if path == "-":
        sys.stdout.write(content)
    else:
        write_text(path, content)
