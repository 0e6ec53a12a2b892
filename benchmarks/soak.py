"""The daemon for hours, memory, descriptors and audit log watched: ``python -m benchmarks.soak``.

Five symbols of made-up M1 bars with an alert on every bar, mail to a sink, clients that come and
go: half of them resume where they were and hold the numbers to be gap-free, the others never read
or leave without a word. Exit status 1 if memory grows by more than a megabyte per 100,000 alerts,
if descriptors do, if a client missed or saw twice, or if the log does not verify. Linux only.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from alertlib.bars.store.writer import Provenance, write_bars
from benchmarks.soak_clients import Seen, come_and_go
from runners.trial.daemon import Daemon, daemon
from runners.trial.mail_sink import mail_sink
from runners.trial.memory import MEGABYTE
from runners.trial.settings import every_bar

SYMBOLS = tuple(f"TST{number}" for number in range(5))
PER_DAY = 540
SLOPE_LIMIT_MB = 1.0
"""Per 100,000 alerts."""
DESCRIPTORS_LIMIT = 10.0
"""By how many they may differ between the first and the last quarter, on average: some clients
are always on their way in or out."""
SETTLED_SHARE = 0.2
"""Of the samples, the first, in which caches fill."""


class Sample(NamedTuple):
    """The daemon at one moment."""

    seconds: float
    alerts: int
    rss_mb: float
    descriptors: int
    wal_mb: float


def soak(minutes: float, rate: float, clients: int) -> dict[str, Any]:
    """Run the daemon at ``rate`` alerts a second and return what was seen."""
    sessions = math.ceil(60.0 * minutes * rate / (PER_DAY * len(SYMBOLS))) + 1
    context = multiprocessing.get_context("spawn")
    stop, out = context.Event(), context.Queue()
    with tempfile.TemporaryDirectory() as name, mail_sink() as sink:
        folder = Path(name)
        _write_bars(folder / "bars", sessions)
        speed = 60.0 * rate / len(SYMBOLS)
        options = ("--feed", "replay", "--bars", str(folder / "bars"), "--speed", f"{speed:g}")
        with daemon(folder, _settings(sink.port), *options) as running:
            visitors = context.Process(target=come_and_go, args=(running.url, clients, stop, out))
            visitors.start()
            samples = _watch(running, folder, 60.0 * minutes)
            stop.set()
            seen: Seen = out.get(timeout=60)
            visitors.join()
        verified = subprocess.run(
            [sys.executable, "-m", "runners.audit", "verify", "--db", str(folder / "alerts.db")],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        size = (folder / "alerts.db").stat().st_size / 1e6
    return _figures(samples) | {
        "clients": clients, **seen._asdict(), "database_mb": round(size, 1),
        "verify": verified.returncode, "said": verified.stdout.strip().splitlines()[-1:],
    }  # fmt: skip


def _watch(running: Daemon, folder: Path, seconds: float) -> list[Sample]:
    samples: list[Sample] = []
    begun = time.monotonic()
    while (now := time.monotonic() - begun) < seconds:
        wal = folder / "alerts.db-wal"
        samples.append(
            Sample(
                now,
                running.health()["seq"],
                _resident(running.process.pid),
                len(os.listdir(f"/proc/{running.process.pid}/fd")),
                wal.stat().st_size / 1e6 if wal.exists() else 0.0,
            )
        )
        running.metrics("alertas_alerts_total")
        if len(samples) % 60 == 0:
            print(json.dumps(samples[-1]._asdict()), file=sys.stderr, flush=True)
        time.sleep(1.0)
    return samples


def _settings(smtp_port: int) -> str:
    of_all = {"timeframes": ["M1"], "fees_points": 2.5, "session_open": "09:00"}
    settings = every_bar(smtp_port=smtp_port)
    settings["data"]["symbols"] = [
        {"symbol": name, "tick": 5.0, "point_value": 0.2, "session_close": "18:00", **of_all}
        for name in SYMBOLS
    ]
    return json.dumps(settings)


def _resident(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / MEGABYTE


def _figures(samples: Sequence[Sample]) -> dict[str, Any]:
    settled = samples[int(SETTLED_SHARE * len(samples)) :]
    alerts = np.array([one.alerts for one in settled], dtype=float)
    rss = np.array([one.rss_mb for one in settled])
    descriptors = np.array([one.descriptors for one in samples], dtype=float)
    quarter = max(1, len(samples) // 4)
    first, last = samples[0], samples[-1]
    return {
        "minutes": round((last.seconds - first.seconds) / 60, 1),
        "alerts": last.alerts,
        "alerts_per_second": round((last.alerts - first.alerts) / (last.seconds - first.seconds)),
        "rss_mb_first": round(float(rss[0]), 2),
        "rss_mb_last": round(float(rss[-1]), 2),
        "rss_mb_most": round(max(one.rss_mb for one in samples), 2),
        "rss_mb_per_100k_alerts": round(1e5 * float(np.polyfit(alerts, rss, 1)[0]), 3),
        "descriptors_first_quarter": round(float(descriptors[:quarter].mean()), 1),
        "descriptors_last_quarter": round(float(descriptors[-quarter:].mean()), 1),
        "descriptors_most": int(descriptors.max()),
        "wal_mb_most": round(max(one.wal_mb for one in samples), 2),
        "load": [round(one, 1) for one in os.getloadavg()],
    }


def missed(found: dict[str, Any]) -> list[str]:
    """Return what of the figures is over its limit."""
    grown = found["descriptors_last_quarter"] - found["descriptors_first_quarter"]
    kept = {
        "rss_mb_per_100k_alerts": found["rss_mb_per_100k_alerts"] <= SLOPE_LIMIT_MB,
        "descriptors": grown <= DESCRIPTORS_LIMIT,
        "missing": found["missing"] == 0,
        "repeated": found["repeated"] == 0,
        "verify": found["verify"] == 0,
    }
    return [name for name, is_kept in kept.items() if not is_kept]


def _write_bars(root: Path, sessions: int) -> None:
    days: list[date] = []
    day = date(2015, 1, 5)
    while len(days) < sessions:
        if day.weekday() < 5:
            days.append(day)
        day += timedelta(days=1)
    opens = [datetime(d.year, d.month, d.day, 9) for d in days]
    times = [at + timedelta(minutes=n) for at in opens for n in range(PER_DAY)]
    provenance = Provenance("synthetic", datetime(2026, 1, 1, tzinfo=UTC), -10_800)
    for seed, symbol in enumerate(SYMBOLS):
        write_bars(root, symbol, "M1", _walk(times, seed), provenance)


def _walk(times: list[datetime], seed: int) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    count = len(times)
    close = 100_000.0 + 5 * np.cumsum(random.choice([-2, -1, 1, 2], count))
    opened = np.concatenate([close[:1], close[:-1]])
    return pl.DataFrame(
        {
            "time": times,
            "open": opened,
            "high": np.maximum(opened, close) + 5 * random.integers(0, 3, count),
            "low": np.minimum(opened, close) - 5 * random.integers(0, 3, count),
            "close": close,
            "tick_volume": random.integers(1, 500, count),
            "real_volume": random.integers(1, 5_000, count),
            "spread": np.full(count, 5),
        }
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run, print, and return 1 if a limit was missed."""
    parser = argparse.ArgumentParser(description="Run the daemon for long and watch it.")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--rate", type=float, default=200.0, help="alerts per second")
    parser.add_argument("--clients", type=int, default=20, help="of each sort")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args(argv)
    found = soak(args.minutes, args.rate, args.clients)
    found["missed"] = missed(found)
    print(json.dumps(found, indent=2))
    if args.json:
        args.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return int(bool(found["missed"]))


if __name__ == "__main__":
    sys.exit(main())
