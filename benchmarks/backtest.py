"""Time and memory of a backtest, each measured in a process of its own.

    python -m benchmarks.backtest [--json F] [--million]

- ``gate``: a cold ``python -m runners.backtest --gate`` on the bundled sample, wall and CPU.
- ``million``: a million made-up bars without volumes in a process of their own, the compiler's
  cache full: modules imported, bars read from Parquet, and one backtest, which is all four
  detectors, scoring and the bootstrap of every session, without nulls and audits. The backtest
  includes importing numba and loading compiled code; ``again_s`` is a second one in another
  process, which does not. ``peak_rss_mb`` is that of the process with one.
- ``growth``: the same with one, two and four million bars, and the memory each further million
  takes. ``--million`` measures these two alone.
- ``kernels``: nanoseconds per bar of each compiled step, microseconds per bar of plain Python.
- ``import``: ``import alertlib``.
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
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).parent.parent
MILLIONS = (1, 2, 4)


def child(code: str, *arguments: str) -> dict[str, Any]:
    """Run ``code`` in a fresh interpreter and return the JSON it prints last."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def gate(times: int) -> dict[str, float]:
    """Return the best of ``times`` cold gates."""
    wall, cpu = [], []
    for _ in range(times):
        before, start = os.times(), time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "runners.backtest", "--gate"],
            cwd=ROOT,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        wall.append(time.perf_counter() - start)
        after = os.times()
        cpu.append(
            after.children_user - before.children_user
            + after.children_system - before.children_system
        )  # fmt: skip
    return {"wall_s": min(wall), "cpu_s": min(cpu)}


MAKE = """
import sys, numpy as np, polars as pl
n = int(sys.argv[2]); rng = np.random.default_rng(0)
day, slot = np.divmod(np.arange(n), 113)
minute = (day * 1440 + 540 + 5 * slot) * 60_000_000 + 631_152_000_000_000
close = 5_000 + np.abs(25_000 + np.cumsum(rng.integers(-20, 21, n)))
open_ = np.r_[close[0], close[:-1]]
high = np.maximum(open_, close) + rng.integers(0, 15, n)
low = np.minimum(open_, close) - rng.integers(0, 15, n)
prices = {"open": open_, "high": high, "low": low, "close": close}
pl.DataFrame({"time": pl.Series(minute).cast(pl.Datetime("us")),
              **{k: v * 5.0 for k, v in prices.items()}}).write_parquet(sys.argv[1])
print("{}")
"""

MILLION = """
import json, resource, sys, time
start = time.perf_counter()
import alertlib as al
from alertlib.config import Config
from alertlib.config.schema import SymbolSpec
spec = SymbolSpec("MADE", tick=5.0, session_open="09:00", session_close="18:25")
config = Config().set("scoring.sessions", 100_000)
al.backtest
out = {"import_s": time.perf_counter() - start}
start = time.perf_counter()
bars = al.read_bars(sys.argv[1], symbol="MADE", symbols=(spec,))
out["read_s"] = time.perf_counter() - start
for name in ("backtest", "again")[: int(sys.argv[2])]:
    start, cpu = time.perf_counter(), time.process_time()
    run = al.backtest(bars, config, audits="none", chance=False)
    out[name + "_s"] = time.perf_counter() - start
    out[name + "_cpu_s"] = time.process_time() - cpu
    del run
out["peak_rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps(out))
"""

KERNELS = """
import json, time
import numpy as np
import alertlib as al
from alertlib.scoring.engine import COMPILED, INTERPRETED
from alertlib.scoring.signals import signals_of
from alertlib.scoring.step_bars import StepBars
from alertlib.scoring.true_ranges import true_ranges
from alertlib.detection.registry import find_detector
from alertlib.bars.series import make_series
series = make_series(al.read_bars(al.sample_path(), symbol="WIN$N"))
bars = StepBars(series, true_ranges(series, 14))
out = {}
for name in ("volatility", "engulfing", "breakout", "rsi_divergence", "directional_change"):
    d = find_detector(name)
    for engine, times in ((COMPILED, 200), (INTERPRETED, 10)):
        best = np.inf
        for _ in range(times + 1):
            start = time.perf_counter()
            signals_of(d, bars, engine)
            best = min(best, time.perf_counter() - start)
        out[f"{name}_{engine.name}_ns"] = best / len(series) * 1e9
print(json.dumps(out))
"""

IMPORT = """
import json, time
start = time.perf_counter()
import alertlib
print(json.dumps({"s": time.perf_counter() - start}))
"""


def million(times: int) -> dict[str, Any]:
    """Return the medians of ``times`` processes, and how their memory grows with the bars."""
    with tempfile.TemporaryDirectory() as folder:
        paths = {n: str(Path(folder) / f"{n}.parquet") for n in MILLIONS}
        for n, path in paths.items():
            child(MAKE, path, str(n * 1_000_000))
        child(MILLION, paths[1], "1")  # once before, so that numba's cache exists
        one, two = ([child(MILLION, paths[1], runs) for _ in range(times)] for runs in "12")
        peak = {n: child(MILLION, path, "1")["peak_rss_mb"] for n, path in paths.items()}
    found = {name: median(each[name] for each in one) for name in one[0]}
    found |= {name: median(each[name] for each in two) for name in ("again_s", "again_cpu_s")}
    first, last = min(MILLIONS), max(MILLIONS)
    further = (peak[last] - peak[first]) / (last - first)
    return {
        "million": found,
        "growth": {"peak_rss_mb": peak, "mb_per_further_million": further},
    }


def main() -> None:
    """Measure, print, and write the figures with the machine they are of."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", metavar="F")
    parser.add_argument("--times", type=int, default=7, help="repetitions of each")
    parser.add_argument("--million", action="store_true", help="the million bars alone")
    args = parser.parse_args()
    figures = {
        "machine": {"processor": platform.machine(), "python": platform.python_version(),
                    "cores": os.cpu_count()},
        **million(args.times),
    }  # fmt: skip
    if not args.million:
        figures |= {
            "gate": gate(args.times),
            "kernels": child(KERNELS),
            "import": min(child(IMPORT)["s"] for _ in range(args.times)),
        }
    text = json.dumps(figures, indent=2)
    print(text)
    if args.json:
        Path(args.json).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
