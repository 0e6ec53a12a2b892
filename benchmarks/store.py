"""Figures of the durable store: ``python benchmarks/store.py [--json F] [--folder D] [--quick]``.

Everything is durable (WAL, synchronous=FULL) and audited, as in the daemon. Each part runs in a
process of its own on a database in ``--folder`` (default: the system's temporary folder); put it
on the disk whose fsync you care about. The raw fsync of the same disk is measured beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.made_alert import made_alert  # noqa: E402
from runners.live.alert_store.records import Batch, Cursor, Mail, Message  # noqa: E402
from runners.live.alert_store.store import Store  # noqa: E402
from runners.live.audit_log.log import open_log  # noqa: E402 (the project's root has to be first)
from runners.live.audit_log.verify import verify  # noqa: E402

STORED = 50_000
WARM_UP = 5_000
LIMITS = {"grouped_alerts_per_second": 8_000.0, "open_ms": 500.0, "open_after_kill_ms": 500.0}
"""At least the first; at most the others."""


def main() -> int:
    """Measure, print and exit 1 if a limit is missed."""
    parser = argparse.ArgumentParser(description="Figures of the durable store.")
    parser.add_argument("--json", metavar="F", help="write the figures")
    parser.add_argument("--folder", metavar="D", help="where the databases go")
    parser.add_argument("--quick", action="store_true", help="a tenth of the work")
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    args = parser.parse_args()
    scale = 10 if args.quick else 1
    if args.part:
        print(json.dumps(PARTS[args.part](args.folder, scale)))
        return 0
    figures: dict[str, Any] = {
        "machine": f"{platform.machine()}, {os.cpu_count()} CPUs, {platform.system()}",
        "versions": {"python": platform.python_version(), "sqlite": sqlite3.sqlite_version},
        "alert_bytes": len(json.dumps(made_alert(1), ensure_ascii=False).encode()),
    }
    for part in PARTS:
        with tempfile.TemporaryDirectory(dir=args.folder) as folder:
            figures.update(_in_its_own_process(part, folder, quick=args.quick))
    for name, value in figures.items():
        if isinstance(value, float):
            print(f"{value:12,.3f}  {name}{_limit(name, value)}")
    if args.json:
        Path(args.json).write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return int(any(_missed(name, figures[name]) for name in LIMITS))


def _in_its_own_process(part: str, folder: str, *, quick: bool) -> dict[str, Any]:
    command = [sys.executable, __file__, "--part", part, "--folder", folder]
    run = subprocess.run(
        [*command, *(["--quick"] if quick else [])], stdout=subprocess.PIPE, check=True
    )
    figures: dict[str, Any] = json.loads(run.stdout)
    return figures


def _limit(name: str, value: float) -> str:
    if name not in LIMITS:
        return ""
    word = "at least" if name.endswith("per_second") else "at most"
    return f"   ({word} {LIMITS[name]:,.0f}{': MISSED' if _missed(name, value) else ''})"


def _missed(name: str, value: float) -> bool:
    return value < LIMITS[name] if name.endswith("per_second") else value > LIMITS[name]


def _batch(number: int, *recipients: str) -> Batch:
    mail = tuple(Mail(to, f"<{number}@bench>", 0.0, 1e10) for to in recipients)
    cursor = Cursor("WIN$N", "M5", str(number), b"s" * 2_000)
    return Batch(cursors=(cursor,), messages=(Message(made_alert(number), mail=mail),))


def _fsync(folder: str, scale: int) -> dict[str, float]:
    """An append of one page and its fsync, without SQLite."""
    seconds = []
    with open(os.path.join(folder, "raw"), "wb", buffering=0) as file:
        for _ in range(1_000 // scale):
            started = time.perf_counter()
            file.write(b"p" * 4_096)
            os.fsync(file.fileno())
            seconds.append(time.perf_counter() - started)
    return _quantiles("raw_fsync", seconds)


def _single(folder: str, scale: int) -> dict[str, float]:
    """One alert after another, each waited for."""
    seconds = []
    with Store.open(os.path.join(folder, "alerts.db")) as store:
        for number in range(2_000 // scale):
            started = time.perf_counter()
            store.commit(_batch(number)).result()
            seconds.append(time.perf_counter() - started)
    return {
        "single_commits_per_second": len(seconds) / sum(seconds),
        **_quantiles("single_commit", seconds),
    }


def _paced(folder: str, scale: int) -> dict[str, float]:
    """Twenty alerts a second, each with one mail, from submission to durable."""
    seconds: list[float] = []

    def note(started: float, _: object) -> None:
        seconds.append(time.perf_counter() - started)

    with Store.open(os.path.join(folder, "alerts.db")) as store:
        begin = time.perf_counter()
        for number in range(400 // scale):
            time.sleep(max(0.0, begin + number / 20 - time.perf_counter()))
            started = time.perf_counter()
            done = store.commit(_batch(number, "mesa@example"))
            done.add_done_callback(partial(note, started))
    return _quantiles("paced_commit", seconds)


def _grouped(folder: str, scale: int) -> dict[str, float]:
    """As many as can be submitted, from serialising to the last fsync."""
    count = 40_000 // scale
    path = os.path.join(folder, "alerts.db")
    with Store.open(path) as store:
        started = time.perf_counter()
        waiting = [store.commit(_batch(number)) for number in range(count)]
        for done in waiting:
            done.result()
        seconds = time.perf_counter() - started
        commits = store.stats.commits
    return {
        "grouped_alerts_per_second": count / seconds,
        "grouped_alerts_per_commit": count / commits,
        "database_bytes_per_alert": os.path.getsize(path) / count,
    }


def _stored(folder: str, scale: int) -> dict[str, float]:
    """Opening, resuming from and verifying a database with 50,000 alerts."""
    path = os.path.join(folder, "alerts.db")
    count = STORED // scale
    with Store.open(path) as store:
        for start in range(0, count, 1_000):
            _commit_all(store, range(start, start + 1_000))
    opened = [_timed(partial(_open_and_close, path)) for _ in range(5)]
    with Store.open(path) as store:
        started = time.perf_counter()
        since = 0
        while messages := store.read(since, 1_000):
            since = messages[-1].seq
        read_seconds = time.perf_counter() - started
    with open_log(path) as log:
        started = time.perf_counter()
        if not verify(log).intact:
            raise RuntimeError("the benchmark's own log does not verify")
        verify_seconds = time.perf_counter() - started
    return {
        "open_ms": statistics.median(opened) * 1e3,
        "open_after_kill_ms": _open_after_kill(path, folder) * 1e3,
        "resume_messages_per_second": count / read_seconds,
        "verify_events_per_second": count / verify_seconds,
    }


def _open_and_close(path: str) -> None:
    Store.open(path).close()


def _open_after_kill(path: str, folder: str) -> float:
    code = (
        "import os, sys; sys.path[:0] = sys.argv[2:]\n"
        "from benchmarks.store import Store, _commit_all\n"
        "store = Store.open(sys.argv[1])\n"
        "_commit_all(store, range(10**6, 10**6 + 900))\n"
        "os.kill(os.getpid(), 9)"
    )
    seconds = []
    for number in range(3):
        copy = os.path.join(folder, f"killed-{number}.db")
        shutil.copy(path, copy)
        subprocess.run([sys.executable, "-c", code, copy, str(ROOT)], check=False)
        seconds.append(_timed(partial(_open_and_close, copy)))
    return statistics.median(seconds)


def _memory(folder: str, scale: int) -> dict[str, float]:
    """Growth of the resident set over alerts committed a hundred at a time."""
    if not os.path.exists("/proc/self/status"):
        return {}
    with Store.open(os.path.join(folder, "alerts.db")) as store:
        before = 0.0
        for start in range(0, WARM_UP + STORED // scale, 100):
            if start == WARM_UP:
                before = _resident_mb()
            _commit_all(store, range(start, start + 100))
            store.ack("ana", store.head)
            store.read(store.head - 10)
        grown = _resident_mb() - before
    return {"rss_mb": before, "rss_growth_mb_per_100000": grown * 100_000 / (STORED // scale)}


def _commit_all(store: Store, numbers: range) -> None:
    for done in [store.commit(_batch(number)) for number in numbers]:
        done.result()


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _quantiles(name: str, seconds: list[float]) -> dict[str, float]:
    ordered = sorted(seconds)
    return {
        f"{name}_p50_ms": ordered[len(ordered) // 2] * 1e3,
        f"{name}_p99_ms": ordered[int(len(ordered) * 0.99)] * 1e3,
    }


def _resident_mb() -> float:
    with open("/proc/self/status", encoding="ascii") as status:
        line = next(line for line in status if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1_024


PARTS: dict[str, Callable[[str, int], dict[str, float]]] = {
    "fsync": _fsync,
    "single": _single,
    "paced": _paced,
    "grouped": _grouped,
    "stored": _stored,
    "memory": _memory,
}

if __name__ == "__main__":
    sys.exit(main())
