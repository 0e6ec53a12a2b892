"""Contest of the sweeps: the volatility detector's settings times stops and targets.

    python -m benchmarks.peers.sweeps CONTESTANT BARS COMBINATIONS [FILE SYMBOL]

runs one contestant in this process and prints its time, its memory and its answer. Each runs in a
process of its own, since memory is part of the contest; so the times are not interleaved.
"""

from __future__ import annotations

import ctypes
import json
import sys
import time
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.peers.material import read_material
from benchmarks.peers.sweep_sides import CONTESTANTS, GRIDS, Grid, contestant
from benchmarks.peers.timing import child

# A size whose time is predicted to be above this is not run.
LONGEST_S = 60.0
ROUNDS = 3


def run_here(name: str, bars: int, combinations: int, path: str | None, symbol: str) -> Any:
    """Run one contestant in this process: seconds, memory beyond what it started with, answer."""
    material = read_material(path, symbol, bars)
    # Compilers and caches first, on bars too few to count.
    contestant(name, material.head(2_000))(Grid((20,), (2.0,), (2,)))
    call, grid = contestant(name, material), GRIDS[combinations]
    before = _forget_peak_mb()
    begun = time.perf_counter()
    answer = call(grid)
    seconds = time.perf_counter() - begun
    return {"seconds": seconds, "extra_mb": _status("VmHWM") - before, "answer": answer}


def _forget_peak_mb() -> float:
    """Return memory in use; the peak starts anew from here (Linux with glibc)."""
    # What preparing freed must not be there to be used again unseen.
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return _status("VmRSS")


def _status(field: str) -> float:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(float(line.split()[1]) / 1_024 for line in lines if line.startswith(field + ":"))


def measure(sizes: tuple[int, ...], path: str | None, symbol: str) -> list[dict[str, Any]]:
    """Return the contest at each number of bars and combinations, smaller ones first."""
    rates: dict[str, float] = {}
    out: list[dict[str, Any]] = []
    for bars, combinations in product(sorted(sizes), sorted(GRIDS)):
        row: dict[str, Any] = {"bars": bars, "combinations": combinations, "contestants": {}}
        out.append(row)
        steps = bars * combinations
        for name in CONTESTANTS:
            predicted = rates.get(name, 0.0) * steps
            if predicted > LONGEST_S:
                row["contestants"][name] = {
                    "not_run": f"predicted {predicted:.0f} s, above {LONGEST_S:.0f} s"
                }
                continue
            given = [name, str(bars), str(combinations), *([path, symbol] if path else [])]
            found = [child("benchmarks.peers.sweeps", *given)]
            while len(found) < ROUNDS and found[0]["seconds"] < LONGEST_S / 12:
                found.append(child("benchmarks.peers.sweeps", *given))
            seconds = [run["seconds"] for run in found]
            rates[name] = median(seconds) / steps
            row["contestants"][name] = {
                "median_s": float(f"{median(seconds):.4g}"),
                "min_s": float(f"{min(seconds):.4g}"),
                "n": len(found),
                "extra_mb": round(median(run["extra_mb"] for run in found), 1),
                "answer": found[0]["answer"],
            }
    return out


def main() -> None:
    """Run the contestant of the command line."""
    name, bars, combinations, *file = sys.argv[1:]
    path, symbol = file if file else (None, "")
    print(json.dumps(run_here(name, int(bars), int(combinations), path, symbol)))


if __name__ == "__main__":
    main()
