"""Figures of the bar store: ``python benchmarks/store_bars.py [--json F]``.

Writes 3.15 M synthetic bars (28 symbols of M5, by year), reads one symbol and range out of
them, and fetches one new session with the stand-in terminal, each in the best of three runs.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402 (the project's root has to be on the path first)
import polars as pl  # noqa: E402

from alertlib.bars.store.store import open_series  # noqa: E402
from alertlib.bars.store.writer import Provenance, write_bars  # noqa: E402

SYMBOLS, BARS, PER_DAY = 28, 112_500, 113
RUNS = 3
LIMITS = {"write": 5.0, "read": 0.1, "fetch": 1.0}
FETCHED = Provenance("benchmark", datetime(2026, 1, 1, tzinfo=UTC), -10_800)


def main() -> int:
    """Measure, print and exit 1 if a limit is missed."""
    parser = argparse.ArgumentParser(description="Figures of the bar store.")
    parser.add_argument("--json", metavar="F", help="write the figures")
    args = parser.parse_args()
    seconds = {**_measure_store(), "fetch": _best(_fetch_one_session)}
    figures = {
        "machine": f"{platform.machine()}, {os.cpu_count()} CPUs, {platform.system()}",
        "versions": {
            "python": platform.python_version(),
            "polars": pl.__version__,
            "numpy": np.__version__,
        },
        "bars": SYMBOLS * BARS,
        "seconds": {name: round(value, 4) for name, value in seconds.items()},
        "limits": LIMITS,
    }
    for name, text in (
        ("write", f"{SYMBOLS * BARS:,} bars written, {SYMBOLS} symbols by year"),
        ("read", "60 sessions of one symbol read out of them"),
        ("fetch", "one new session fetched, the stand-in terminal and all processes included"),
    ):
        print(f"{seconds[name]:8.3f} s   limit {LIMITS[name]:.1f} s   {text}")
    if args.json:
        Path(args.json).write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return int(any(seconds[name] > limit for name, limit in LIMITS.items()))


def _best(work: Callable[[], float]) -> float:
    return min(work() for _ in range(RUNS))


def _measure_store() -> dict[str, float]:
    frames = [_make_bars(seed) for seed in range(SYMBOLS)]

    def write() -> float:
        with tempfile.TemporaryDirectory() as root:
            begun = time.perf_counter()
            _write_all(root, frames)
            return time.perf_counter() - begun

    written = _best(write)
    with tempfile.TemporaryDirectory() as root:
        _write_all(root, frames)

        def read() -> float:
            begun = time.perf_counter()
            bars = open_series(root, "TST07", "M5").last_sessions(60)
            taken = time.perf_counter() - begun
            assert bars["time"].dt.date().n_unique() == 60
            return taken

        return {"write": written, "read": _best(read)}


def _write_all(root: str, frames: list[pl.DataFrame]) -> None:
    for number, frame in enumerate(frames):
        write_bars(root, f"TST{number:02d}", "M5", frame, FETCHED)


def _make_bars(seed: int) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    index = np.arange(BARS)
    minutes = index // PER_DAY * 1_440 + 540 + index % PER_DAY * 5
    start = (date(2022, 1, 3) - date(1970, 1, 1)).days * 1_440
    close = 120_000.0 + 5 * np.cumsum(random.integers(-9, 10, BARS))
    spread = 5 * random.integers(0, 20, (2, BARS))
    return pl.DataFrame(
        {
            "time": pl.Series((start + minutes) * 60_000_000).cast(pl.Datetime("us")),
            "open": np.roll(close, 1),
            "high": np.maximum(close, np.roll(close, 1)) + spread[0],
            "low": np.minimum(close, np.roll(close, 1)) - spread[1],
            "close": close,
            "tick_volume": random.integers(1, 9_999, BARS),
            "real_volume": random.integers(1, 99_999, BARS),
            "spread": np.full(BARS, 5),
        }
    )


def _fetch_one_session() -> float:
    """Fetch 60 sessions, then time the fetch of the next day's."""
    with tempfile.TemporaryDirectory() as folder:
        _run_fetch(folder, datetime(2026, 3, 10, 19))
        begun = time.perf_counter()
        _run_fetch(folder, datetime(2026, 3, 10, 19) + timedelta(days=1))
        return time.perf_counter() - begun


def _run_fetch(folder: str, now: datetime) -> None:
    scenario = Path(folder, "scenario.json")
    scenario.write_text(json.dumps({"now": str(now)}))
    environ: dict[str, Any] = {
        **os.environ,
        "FAKE_MT5": str(scenario),
        "ALERTAS_MT5_MODULE": "tests.support.fake_mt5",
    }
    command = [sys.executable, "-m", "runners.fetch", "--symbol", "WIN$N", "--timeframe", "M5"]
    command += ["--out", str(Path(folder, "bars"))]
    subprocess.run(command, cwd=ROOT, env=environ, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.exit(main())
