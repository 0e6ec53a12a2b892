"""Measures, writes the figures, and the page that quotes them."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import warnings
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks.peers import digest, table
from benchmarks.peers.timing import ROOT

RESULTS = ROOT / "benchmarks" / "results" / "peers.json"
BARS, FEW = 144_528, 7_006
PACKAGES = (
    "alertlib-b3", "numpy", "numba", "polars", "pandas", "TA-Lib", "polars-talib", "vectorbt",
    "vectorbt-rust", "backtesting",
)  # fmt: skip


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("file", nargs="?", metavar="FILE", help="bars; a random walk without it")
    parser.add_argument("--symbol", default="WIN$N", help="of the bars in FILE")
    parser.add_argument("--bars", type=int, default=BARS, metavar="N", help="at most so many")
    parser.add_argument("--rounds", type=int, default=31, metavar="N", help="of each contest")
    parser.add_argument("--json", type=Path, default=RESULTS, metavar="F", help="figures go there")
    parser.add_argument("--table", action="store_true", help="only write the pages anew")
    args = parser.parse_args()
    if args.table:
        write_pages(json.loads(args.json.read_text(encoding="utf-8")))
        return
    missing = [name for name in PACKAGES if _version(name) is None]
    if missing:
        sys.exit(f"not installed: {', '.join(missing)}; see benchmarks/peers/__init__.py")
    figures = measure(args.file, args.symbol, args.bars, args.rounds)
    args.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    print(f"figures in {args.json}")
    if args.json == RESULTS:
        write_pages(figures)


def write_pages(figures: dict[str, Any]) -> None:
    """Put the figures into docs/speed.md and the README."""
    table.update(figures)
    digest.DIGEST.update(digest.render(figures))
    print(f"tables in {table.PART.page.relative_to(ROOT)} and {digest.DIGEST.page.name}")


def measure(path: str | None, symbol: str, bars: int, rounds: int) -> dict[str, Any]:
    """Run every contest, at ``bars`` and at the size of sixty sessions."""
    from benchmarks.peers import cold, detectors, limits, outcomes, sweep_sides, sweeps
    from benchmarks.peers.material import read_material

    load = [os.getloadavg()[0]]
    whole = read_material(path, symbol, bars)
    sizes = sorted({len(whole), min(FEW, len(whole))}, reverse=True)
    figures: dict[str, Any] = {
        "date": date.today().isoformat(),
        "machine": {
            "processor": processor(), "cores": os.cpu_count(), "system": platform.system(),
        },
        "versions": {"python": platform.python_version(), **{n: _version(n) for n in PACKAGES}},
        "bars": {"source": "seeded random walk" if path is None else Path(path).name,
                 "sizes": sizes},
        "rounds": rounds,
        "detectors": {}, "outcomes": {}, "limits": {},
    }  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for size in sizes:
            part = whole.head(size)
            print(f"{size} bars: detectors, outcomes, limits", file=sys.stderr)
            figures["detectors"][str(size)] = detectors.measure(part, rounds)
            figures["outcomes"][str(size)] = outcomes.measure(part, rounds)
            figures["limits"][str(size)] = limits.measure(part, rounds)
    print("sweeps", file=sys.stderr)
    file = None if path is None else str(Path(path).resolve())
    figures["sweeps"] = sweeps.measure(tuple(sizes), file, symbol)
    print("cold starts", file=sys.stderr)
    figures["cold_starts_s"] = cold.measure()
    figures["not_done"] = {
        "detectors": detectors.NOT_DONE,
        "outcomes": outcomes.NOT_DONE,
        "sweeps": sweep_sides.NOT_DONE,
    }
    figures["load_average"] = [round(x, 1) for x in (*load, os.getloadavg()[0])]
    return figures


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{names[0]} ({platform.machine()})" if names else platform.machine()


if __name__ == "__main__":
    main()
