"""Figures of reading and examining bars: ``python benchmarks/bars.py [--json F]``.

Eight thousand and a million synthetic WIN bars, as Parquet and as text; best of several runs in
one process, and the doctor as a process of its own.
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
from datetime import date
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402 (the project's root has to be on the path first)
import polars as pl  # noqa: E402

from alertlib.bars.bars import Bars  # noqa: E402
from alertlib.bars.examination import examine  # noqa: E402
from alertlib.bars.opening import read_bars  # noqa: E402
from alertlib.market.calendar import trading_days  # noqa: E402
from alertlib.market.clock import EPOCH  # noqa: E402
from alertlib.market.sessions import B3FuturesHours  # noqa: E402

FEW, MANY = 8_000, 1_000_000

# Limits in seconds; None where a figure is only reported.
LIMITS: dict[str, float | None] = {
    "read 8k Parquet": 0.015,
    "examine 8k": 0.020,
    "hash 8k": None,
    "read 8k text": None,
    "read 1M Parquet": None,
    "examine 1M": 2.0,
    "hash 1M": None,
    "read 1M MetaTrader text": None,
    "read 1M ProfitChart text": None,
    "doctor 1M, whole process": None,
}


def main() -> int:
    """Measure, print and exit 1 if a limit is missed."""
    parser = argparse.ArgumentParser(description="Figures of reading and examining bars.")
    parser.add_argument("--json", metavar="F", help="write the figures")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        seconds = _measure(Path(folder))
    for name, limit in LIMITS.items():
        print(f"{seconds[name]:9.4f} s  {f'limit {limit:g} s' if limit else '':14}  {name}")
    if args.json:
        figures = {
            "machine": f"{platform.machine()}, {os.cpu_count()} CPUs, {platform.system()}",
            "versions": {
                "python": platform.python_version(),
                "polars": pl.__version__,
                "numpy": np.__version__,
            },
            "seconds": {name: round(value, 5) for name, value in seconds.items()},
            "limits": LIMITS,
        }
        Path(args.json).write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return int(any(limit and seconds[name] > limit for name, limit in LIMITS.items()))


def _measure(folder: Path) -> dict[str, float]:
    seconds: dict[str, float] = {}
    for name, count, runs in (("8k", FEW, 15), ("1M", MANY, 3)):
        bars = make_bars(count)
        parquet = folder / f"{name}.parquet"
        bars.write_parquet(parquet)
        seconds[f"read {name} Parquet"] = _best(runs, partial(_read, parquet))
        made = _read(parquet)
        seconds[f"examine {name}"] = _best(runs, partial(examine, made))
        seconds[f"hash {name}"] = _best(runs, partial(_hash, made))
    _write_metatrader(bars.head(FEW), folder / "8k.csv")
    _write_metatrader(bars, folder / "mt5.csv")
    _write_profitchart(bars, folder / "profit.csv")
    seconds["read 8k text"] = _best(15, lambda: _read(folder / "8k.csv"))
    seconds["read 1M MetaTrader text"] = _best(3, lambda: _read(folder / "mt5.csv"))
    seconds["read 1M ProfitChart text"] = _best(3, lambda: _read(folder / "profit.csv"))
    command = [sys.executable, "-m", "runners.doctor", str(folder / "1M.parquet")]
    seconds["doctor 1M, whole process"] = _best(
        3, lambda: subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    )
    return seconds


def _best(runs: int, work: Callable[[], object]) -> float:
    taken = []
    for _ in range(runs):
        begun = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begun)
    return min(taken)


def _read(path: Path) -> Bars:
    return read_bars(path, symbol="WIN$N")


def _hash(bars: Bars) -> str:
    vars(bars).pop("sha256", None)  # it is computed once
    return bars.sha256


def make_bars(count: int) -> pl.DataFrame:
    """Return full WIN sessions of five-minute bars on B3's trading days."""
    table = B3FuturesHours()
    minutes: list[np.ndarray] = []
    for day in trading_days(date(1992, 1, 2), date(2035, 12, 28)):
        number = (day - EPOCH).days
        hours = table.hours(number)
        minutes.append(number * 1_440 + np.arange(hours.open, hours.close, 5))
        count -= len(minutes[-1])
        if count <= 0:
            break
    random = np.random.default_rng(1)
    minute = np.concatenate(minutes)
    close = 120_000.0 + 5 * np.cumsum(random.integers(-9, 10, len(minute)))
    close = 60_000.0 + close % 60_000.0
    opening = close - 5 * random.integers(-9, 10, len(minute))
    spread = 5 * random.integers(1, 20, (2, len(minute)))
    trades = random.integers(1_000, 9_999, len(minute))
    return pl.DataFrame(
        {
            "time": pl.Series(minute * 60_000_000).cast(pl.Datetime("us")),
            "open": opening,
            "high": np.maximum(close, opening) + spread[0],
            "low": np.minimum(close, opening) - spread[1],
            "close": close,
            "tick_volume": trades,
            "real_volume": 3 * trades,
            "spread": np.full(len(minute), 5),
        }
    )


def _write_metatrader(bars: pl.DataFrame, path: Path) -> None:
    bars.select(
        pl.col("time").dt.strftime("%Y.%m.%d").alias("<DATE>"),
        pl.col("time").dt.strftime("%H:%M:%S").alias("<TIME>"),
        *(pl.col(name).cast(pl.Int64).alias(f"<{name.upper()}>")
          for name in ("open", "high", "low", "close")),
        pl.col("tick_volume").alias("<TICKVOL>"),
        pl.col("real_volume").alias("<VOL>"),
        pl.col("spread").alias("<SPREAD>"),
    ).write_csv(path, separator="\t")  # fmt: skip


def _write_profitchart(bars: pl.DataFrame, path: Path) -> None:
    bars.reverse().select(
        pl.col("time").dt.strftime("%d/%m/%Y %H:%M").alias("Data"),
        *((pl.col(name).cast(pl.Int64).cast(pl.String) + ",5").alias(title)
          for name, title in (("open", "Abertura"), ("high", "Máxima"),
                              ("low", "Mínima"), ("close", "Fechamento"))),
        pl.col("real_volume").alias("Quantidade"),
    ).write_csv(path, separator=";")  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
