"""What ``runners.benchmark`` does: the promised performance, measured on this machine."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Sequence
from math import isfinite
from pathlib import Path
from textwrap import fill
from typing import Any, NamedTuple

from alertlib import __version__
from alertlib.bars.sample import sample_path
from runners._extras import require_extra
from runners._main import FAILED, OK
from runners.cli.outputs import write_text
from runners.cli.provenance import generated_at
from runners.trial.mail_sink import mail_sink
from runners.trial.measure import Trial, measure, start_time, store_of_many
from runners.trial.processes import terminated_as_interrupted
from runners.trial.promises import OWN, PROMISES, Promise
from runners.trial.room import require_room
from runners.trial.settings import SYMBOLS, every_bar

SCHEMA = "benchmark.v1"
CLIENTS, FEW_CLIENTS = 100, 10
M5_SECONDS = 300
STORED = 50_000
ROOM_MEGABYTES = 400

Say = Callable[[str], None]


class Measured(NamedTuple):
    """A promise and what was measured; None if it cannot be measured here."""

    key: str
    promise: Promise
    value: float | None

    @property
    def is_met(self) -> bool:
        """Whether the value keeps the promise, or nothing says that it does not."""
        return self.value is None or self.promise.is_kept_by(self.value)

    @property
    def is_reached(self) -> bool | None:
        """Whether it is as good as ours; None if it cannot be measured here."""
        return None if self.value is None else self.promise.is_reached_by(self.value)

    def __str__(self) -> str:
        name, unit, op, limit, aim, _ = self.promise
        verdict = "?" if self.value is None else "ok" if self.is_met else "MISS"
        asked = f"{op} {limit:,g}" if isfinite(limit) else "-"
        ours = f"{op}= {aim:,g}" + ("  not reached" if self.is_reached is False else "")
        return f"{verdict:<5}{name:<45}{self._shown():>9} {unit:<5}{asked:<9}  {ours}"

    def _shown(self) -> str:
        if self.value is None:
            return "unknown"
        if not isfinite(self.value):
            return "never"
        is_count = not self.promise.unit or self.value >= 1_000
        return f"{self.value:,.0f}" if is_count else f"{self.value:,.1f}"

    def row(self) -> dict[str, Any]:
        """Return it with its verdicts."""
        return {"key": self.key, **self.promise._asdict(), "value": self.value,
                "met": self.is_met, "reached": self.is_reached}  # fmt: skip


def command(args: argparse.Namespace) -> int:
    """Measure, print against the limits, and return the exit status."""
    require_extra("live")
    require_room(ROOM_MEGABYTES)
    with terminated_as_interrupted():
        trials = run_trials(5.0 if args.quick else 20.0, _say)
    found = limits(trials)
    _print(found, sys.stderr if args.json == "-" else sys.stdout)
    if args.json:
        _write(args.json, found, trials, quick=args.quick)
    return OK if all(one.is_met for one in found) else FAILED


def run_trials(seconds: float, say: Say) -> dict[str, Trial]:
    """Return what was seen with mail, at 20 alerts/s, at full speed, and at the start."""
    bars = sample_path()
    with tempfile.TemporaryDirectory() as folder:
        say(f"1 of 4: {CLIENTS} clients and mail, 5 alerts/s")
        with mail_sink() as sink:
            settings = every_bar(smtp_port=sink.port)
            mail = measure(bars, settings, 5 * M5_SECONDS, CLIENTS, seconds, sink)
        say(f"2 of 4: {CLIENTS} clients, 20 alerts/s")
        steady = measure(bars, every_bar(), 20 * M5_SECONDS, CLIENTS, seconds)
        say(f"3 of 4: {FEW_CLIENTS} clients, {len(SYMBOLS)} symbols, full speed")
        many = store_of_many(Path(folder) / "bars", bars, 20 if seconds < 10 else 60)
        burst = measure(many, every_bar(symbols=SYMBOLS), 0, FEW_CLIENTS, seconds)
        say(f"4 of 4: five starts with {STORED:,} alerts stored")
        start = start_time(STORED, bars)
    return {"mail": mail, "steady": steady, "burst": burst, "start": start}


def limits(trials: dict[str, Trial]) -> tuple[Measured, ...]:
    """Hold the trials against the limits."""
    mail, steady, burst, start = (trials[key] for key in ("mail", "steady", "burst", "start"))
    whole = [one["clients"] - one["clients_whole"] for one in (mail, steady, burst)]
    measured = {
        "websocket": steady["p99_ms"],
        "detection": burst["commit_p95_ms"],
        "mail": mail["mail_p99_ms"],
        "memory": mail["peak_mb"],
        "throughput": burst["alerts_per_minute_to_each"],
        "lost": sum(whole),
        "memory_without_mail": steady["peak_mb"],
        "start": start["health_ms"],
    }
    return tuple(Measured(key, promise, measured[key]) for key, promise in (PROMISES | OWN).items())


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _print(found: Sequence[Measured], out: Any) -> None:
    print(f"{'':<50}{'measured':>9}      {'plan':<9}  ours", file=out)
    for one in found:
        print(one, file=out)
    print("\nHow it was measured", file=out)
    for one in found:
        text = f"{one.promise.name}: {one.promise.how}."
        print(fill(text, 98, initial_indent="  ", subsequent_indent="    "), file=out)
    print("Ours are for a machine with nothing else to do; missing one is no failure.", file=out)


def _write(path: str, found: Sequence[Measured], trials: dict[str, Trial], *, quick: bool) -> None:
    content = {
        "schema": SCHEMA,
        "generated_at": generated_at(),
        "machine": {
            "system": platform.platform(),
            "processor": platform.machine(),
            "cores": os.cpu_count(),
        },
        "versions": {"alertlib": __version__, "python": platform.python_version()},
        "quick": quick,
        "criteria": [one.row() for one in found],
        "trials": trials,
    }
    text = json.dumps(_finite(content), indent=2, ensure_ascii=False) + "\n"
    if path == "-":
        sys.stdout.write(text)
    else:
        write_text(path, text)


def _finite(value: Any) -> Any:
    """Return what JSON can hold: what never happened has no number there."""
    if isinstance(value, dict):
        return {name: _finite(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not isfinite(value) else value
