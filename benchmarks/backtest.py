"""Time and memory of a backtest, each measured in a process of its own.

    python -m benchmarks.backtest [--json F]

- ``gate``: a cold ``python -m runners.backtest --gate`` on the bundled sample, wall and CPU.
- ``million``: a million made-up bars read from Parquet, all detectors, scoring without nulls;
  a second run in the same process, after numba has loaded its kernels, is ``million_warm``.
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
from typing import Any

ROOT = Path(__file__).parent.parent
BARS = 1_000_000


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
for name in ("cold_s", "warm_s"):
    start, cpu = time.perf_counter(), time.process_time()
    run = al.backtest(bars, config, audits="none", chance=False)
    out[name] = time.perf_counter() - start
    out[name.replace("_s", "_cpu_s")] = time.process_time() - cpu
    del run
out["peak_rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps(out))
"""

KERNELS = """
import json, time
import numpy as np
import alertlib as al
from alertlib.scoring.engine import COMPILED, INTERPRETED
from alertlib.scoring.signals import make_scan, scan_arguments
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
        scan = engine.build(make_scan(d), d.step, engine.bar_of)
        best = np.inf
        for _ in range(times + 1):
            given = scan_arguments(d, bars, engine)
            start = time.perf_counter()
            scan(*given)
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


def main() -> None:
    """Measure, print, and write the figures with the machine they are of."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", metavar="F")
    parser.add_argument("--times", type=int, default=7, help="repetitions of the gate")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "bars.parquet")
        child(MAKE, path, str(BARS))
        child(MILLION, path)  # once before, so that numba's cache exists
        figures = {
            "machine": {"processor": platform.machine(), "python": platform.python_version(),
                        "cores": os.cpu_count()},
            "gate": gate(args.times),
            "million": child(MILLION, path),
            "kernels": child(KERNELS),
            "import": min(child(IMPORT)["s"] for _ in range(args.times)),
        }  # fmt: skip
    text = json.dumps(figures, indent=2)
    print(text)
    if args.json:
        Path(args.json).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
