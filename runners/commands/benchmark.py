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
from runners.commands.promises import PROMISES, Promise
from runners.trial.mail_sink import mail_sink
from runners.trial.measure import measure
from runners.trial.settings import CONFIG, EVERY_BAR, MAIL

CLIENTS = 100


class Measured(NamedTuple):
    """A promise and what was measured; None if it cannot be measured here."""

    promise: Promise
    value: float | None

    def __str__(self) -> str:
        name, unit, op, limit = self.promise
        measured = "unknown" if self.value is None else f"{self.value:,.1f}"
        verdict = "?" if self.value is None else "ok" if self.is_met else "MISS"
        return f"{verdict:<5}{name:<42}{measured:>10} {unit:<5}({op} {limit:g})"

    @property
    def is_met(self) -> bool:
        """Whether the value keeps the promise, or nothing says that it does not."""
        return self.value is None or self.promise.is_kept_by(self.value)


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


def measure_all(seconds: float) -> list[Measured]:
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
) -> tuple[Measured, ...]:
    """Hold three trials against the limits: with mail, at 20 alerts/s, and at full speed."""
    measured = {
        "websocket": steady["p99_ms"],
        "detection": steady["commit_p95_ms"],
        "mail": mail["mail_ms"]["0.99"],
        "memory": mail["rss_mb"],
        "throughput": burst["alerts_per_minute_to_each"],
    }
    return tuple(Measured(promise, measured[key]) for key, promise in PROMISES.items())


def _write(path: str, found: Sequence[Measured]) -> None:
    rows = [{**one.promise._asdict(), "value": one.value, "met": one.is_met} for one in found]
    content = json.dumps(rows, indent=2) + "\n"
    if path == "-":
        sys.stdout.write(content)
    else:
        write_text(path, content)
