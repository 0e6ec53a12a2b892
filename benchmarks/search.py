"""What a search costs: combinations, luck, the ledger, and what each executor adds.

    python -m benchmarks.search [--json F | --table]

Bars are the made-up ones of :mod:`benchmarks.peers`. Rates per core are of the processor's time,
which other work on the machine hardly touches; what is waited for, disk and other processes, is of
the clock. Medians.
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

import alertlib as al
from alertlib.config import Config
from alertlib.search.dispatch import empty_cube, fill, typed_values
from alertlib.search.grid.grid import Grid
from alertlib.search.ledger.ledger import Ledger
from alertlib.search.ledger.reader import read_ledger
from alertlib.search.ledger.trials import trials_of
from alertlib.search.luck import best_by_luck
from alertlib.search.subject import Subject, make_subject
from alertlib.search.volatility.headline import count_headline, covers
from alertlib.search.workers.executors import open_executor
from alertlib.search.workers.tasks import Call, Counted, Counter
from benchmarks.in_a_worker import memory, timed
from benchmarks.peers.__main__ import processor
from benchmarks.peers.material import SPEC, random_walk
from benchmarks.search_page import RESULTS, update

ROUNDS = 31
# Sixty scored sessions of 113 bars and the bars before them; and the largest recorded file's size.
FEW, MANY = 62 * 113, 1_279 * 113
ALL = Config().update(
    {"data.symbols": (SPEC,), "scoring.sessions": 100_000, "scoring.warmup_bars": 200}
)
ALONE = ALL.update(
    {
        "detection.enabled": ["volatility"],
        "policy.cooldown_bars": 0,
        "policy.window_start": "00:00",
        "policy.window_end": "23:59",
    }
)
GENERAL: dict[str, Any] = {
    "volatility.window": list(range(10, 50, 2)),
    "policy.cooldown_bars": [0, 3, 6, 9, 12],
    "stop_atr": [1.0, 1.5],
    "target_atr": [1.5, 2.0, 2.5, 3.0, 3.5],
}
HEADLINE: dict[str, Any] = {
    "volatility.window": [10, 12, 15, 18, 20, 25, 30, 35, 40, 50],
    "threshold_sigma": [1.5, 1.6, 1.7, 1.8, 1.9, 2.0, 2.1, 2.2, 2.3, 2.5],
    "confirm_bars": [1, 2, 3, 4],
    "stop_atr": [1.0, 1.5, 2.0, 2.5, 3.0],
    "target_atr": [1.0, 1.5, 2.0, 2.5, 3.0],
}
Row = dict[str, Any]


def main() -> None:
    """Measure and print, and write the figures with the machine they are of."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, default=RESULTS, metavar="F", help="figures go there")
    parser.add_argument("--table", action="store_true", help="only write docs/scaling.md anew")
    args = parser.parse_args()
    if args.table:
        print(update(json.loads(args.json.read_text(encoding="utf-8"))))
        return
    load = os.getloadavg()[0]
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        for bars in (FEW, MANY):
            path = Path(folder) / f"{bars}.parquet"
            random_walk(bars).write_parquet(path)
            read = al.read_bars(path, symbol="MADE", symbols=(SPEC,))
            for row in measure(read, Path(folder)):
                print(f"{row['what']:58} {row['bars']:>8,} {row['value']:>14,.4g} {row['unit']}")
                rows.append(row)
    machine = {
        "processor": processor(),
        "cores": os.cpu_count(),
        "load_average": [round(load, 1), round(os.getloadavg()[0], 1)],
        "date": datetime.now(UTC).date().isoformat(),
    }
    figures = {"machine": machine, "rows": rows}
    args.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    if args.json == RESULTS:
        update(figures)


def measure(bars: al.Bars, folder: Path) -> Iterator[Row]:
    """Yield the figures of one file."""

    def row(what: str, value: float, unit: str) -> Row:
        return {"what": what, "bars": len(bars), "value": float(f"{value:.4g}"), "unit": unit}

    subject = make_subject(bars, ALL)
    for what, seconds in one_more(subject).items():
        yield row(f"one set more, {what}", seconds * 1e3, "ms")
    seconds, grid, found = general(subject)
    yield row("general path", len(grid) / seconds, "combinations/s and core")
    yield row("general path", len(grid) * len(bars) / seconds, "bar-combinations/s and core")
    for kind, name in ((Grid, "by session"), (Summed, "totals")):
        seconds, combinations = headline(make_subject(bars, ALONE), kind)
        yield row(f"one pass, 10,000 combinations, {name}", seconds, "s")
        rate = combinations * len(bars) / seconds
        yield row(f"one pass, {name}", rate, "bar-combinations/s and core")
    yield row("chance, a combination in 99 runs", chance(subject) * 1e3, "ms")
    for what, (value, unit) in ledger(subject, grid, found, folder).items():
        yield row(f"ledger, {what}", value, unit)
    for what, (value, unit) in elsewhere(subject, grid).items():
        yield row(what, value, unit)


def one_more(subject: Subject) -> dict[str, float]:
    """Return seconds of a combination that differs from the last one in one stage."""
    changes: dict[str, Callable[[int], dict[str, Any]]] = {
        "detector changed": lambda i: {"detection.volatility.window": 10 + i},
        "policy changed": lambda i: {"policy.cooldown_bars": i},
        "trade changed": lambda i: {"trade.stop_atr": 1.0 + i / 64},
    }
    out = {}
    for what, change in changes.items():
        (key,) = change(0)
        counter = Counter(subject.ground, subject.settings, (key,), apart=True)
        times = [_cpu(counter.count, [(change(i)[key],)]) for i in range(ROUNDS + 1)]
        out[what] = median(times[1:])
    return out


def general(subject: Subject) -> tuple[float, Grid, Counted]:
    """Return the seconds of a grid of detector, policy and trade on one core."""
    grid = Grid(GENERAL, subject.settings)
    values = tuple(typed_values(grid, np.arange(len(grid))))
    rounds = []
    for _ in range(3):
        counter = Counter(subject.ground, subject.settings, grid.keys, apart=True)
        begun = time.thread_time()
        found = counter.count(values)
        rounds.append(time.thread_time() - begun)
    return median(rounds), grid, found


class Summed(Grid):
    """A grid whose counts are kept as totals, as those of more than 100,000 combinations."""

    @property
    def per_session(self) -> bool:
        """Whether counts are kept by session."""
        return False


def headline(subject: Subject, kind: type[Grid]) -> tuple[float, int]:
    """Return the seconds of ten thousand combinations in one pass, on one core."""
    grid = kind(HEADLINE, subject.settings)
    every = np.arange(len(grid))
    assert covers(subject, grid)
    times = [_cpu(count_headline, subject, grid, every) for _ in range(4)]
    return median(times[1:]), len(grid)


def chance(subject: Subject) -> float:
    """Return the seconds that the luck of one combination more takes."""
    grid = Grid({"stop_atr": [1 + i / 32 for i in range(16)]}, subject.settings)
    cube, every = empty_cube(subject, grid, len(grid)), np.arange(len(grid))
    counter = Counter(subject.ground, subject.settings, grid.keys, grid.per_session)
    fill(cube, every, counter.count(typed_values(grid, every)))
    times = [_cpu(best_by_luck, subject, grid, every, cube, 99, lambda *_: None) for _ in range(4)]
    return median(times[1:]) / len(grid)


def ledger(
    subject: Subject, grid: Grid, found: Counted, folder: Path
) -> dict[str, tuple[float, str]]:
    """Return what a trial takes in the ledger: bytes, time to append, to read again."""
    cube, every = empty_cube(subject, grid, len(grid)), np.arange(len(grid))
    fill(cube, every, found)
    appended, read = [], []
    for number in range(3):
        path = folder / f"trials-{len(subject.bars)}-{number}.jsonl"
        with Ledger.open(path, subject.identity(grid), lambda: datetime.now(UTC)) as book:
            opened = path.stat().st_size
            begun = time.perf_counter()
            book.append(trials_of(book, grid, cube, every, every))
            book.commit()
            appended.append(time.perf_counter() - begun)
        size = path.stat().st_size - opened
        begun = time.perf_counter()
        assert sum(1 for _ in read_ledger(path).trials()) == len(grid)
        read.append(time.perf_counter() - begun)
    return {
        "a trial": (size / len(grid), "bytes"),
        "appended and on the disk": (len(grid) / median(appended), "trials/s"),
        "read again": (len(grid) / median(read), "trials/s"),
    }


def elsewhere(subject: Subject, grid: Grid) -> dict[str, tuple[float, str]]:
    """Return what other processes add to a block's own time."""
    out: dict[str, tuple[float, str]] = {}
    parcel = subject.parcel(grid)
    values = tuple(typed_values(grid, np.arange(len(grid))))
    block = pickle.dumps(Call(parcel, values[:500]))
    with _cluster() as address:
        for name, executor in (("processes", "processes"), ("dask", address)):
            with open_executor(executor, 1) as pool:
                first = _wall(
                    list, pool.map(pickle.loads, [pickle.dumps(Call(parcel, values[:1]))])
                )
                peak = next(pool.map(memory, [None]))[1]
                beyond = []
                for _ in range(ROUNDS):
                    begun = time.perf_counter()
                    ((_, (own, _counted)),) = pool.map(timed, [block])
                    beyond.append(time.perf_counter() - begun - own)
            # The cluster's worker runs already.
            started = "start of a worker and" if executor == "processes" else "a job's"
            out[f"{name}, {started} first count"] = (first, "s")
            out[f"{name}, a block of 500 beyond its own time"] = (median(beyond) * 1e3, "ms")
            out[f"{name}, memory of a worker at its peak"] = (peak, "MiB")
    return out


@contextmanager
def _cluster() -> Iterator[str]:
    import distributed

    dask: Any = distributed
    with dask.LocalCluster(
        n_workers=1, threads_per_worker=1, dashboard_address=":0", silence_logs=60
    ) as cluster:
        yield cluster.scheduler_address.replace("tcp://", "dask://")


def _cpu(call: Callable[..., object], *arguments: Any) -> float:
    begun = time.thread_time()
    call(*arguments)
    return time.thread_time() - begun


def _wall(call: Callable[..., object], *arguments: Any) -> float:
    begun = time.perf_counter()
    call(*arguments)
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
