"""The daemon measured from outside: a process of its own, fsync included, clients in another.

Wall times are upper bounds on a busy machine; memory is what the kernel says (Linux).
"""

from __future__ import annotations

import multiprocessing
import tempfile
import time
from pathlib import Path
from typing import Any

from runners.live.alert_store.records import Batch, Message
from runners.live.alert_store.store import Store
from runners.trial.clients import clients
from runners.trial.daemon import daemon
from runners.trial.settings import CONFIG


def measure(
    bars: Path, config: str, speed: float, count: int, seconds: float, ramp: float
) -> dict[str, Any]:
    """Replay ``bars`` to so many clients and return what they and the kernel say."""
    context = multiprocessing.get_context("spawn")
    started, out = context.Event(), context.Queue()
    with tempfile.TemporaryDirectory() as name:
        options = ("--feed", "replay", "--bars", str(bars), "--speed", str(speed))
        with daemon(Path(name), config, *options) as running:
            process = context.Process(
                target=clients, args=(running.url, count, seconds, started, out)
            )
            process.start()
            started.wait(60)
            time.sleep(max(0.0, ramp))
            first, at = running.health()["seq"], time.monotonic()
            delays, received, span = out.get(timeout=seconds + 60)
            last, then = running.health()["seq"], time.monotonic()
            rss = running.rss()
            mail = running.metrics("alertas_delivery_seconds")
            commit_p95 = _upper_bound(running.metrics("alertas_detection_seconds_bucket"), 0.95)
            process.join()
    delays.sort()
    return {
        "clients": count,
        "alerts_per_second": round((last - first) / (then - at), 1),
        "received_least": min(received),
        "received_most": max(received),
        "p50_ms": round(1e3 * delays[len(delays) // 2], 1),
        "p99_ms": round(1e3 * delays[int(0.99 * len(delays))], 1),
        "max_ms": round(1e3 * delays[-1], 1),
        "alerts_per_minute_to_each": round(60 * min(received) / span) if span else 0,
        "rss_mb": None if rss is None else round(rss, 1),
        "commit_p95_ms": commit_p95,
        "mail_ms": {k.split('"')[-2]: round(1e3 * v, 1) for k, v in mail.items()},
    }


def _upper_bound(buckets: dict[str, float], share: float) -> float:
    """Return the bound, in ms, of the histogram's bucket that ``share`` of the values lie below."""
    counts = [(label.removeprefix('le="').rstrip('"'), n) for label, n in buckets.items()]
    total = counts[-1][1]
    return next(1e3 * float(bound) for bound, n in counts if n >= share * total)


def start_time(stored: int, bars: Path) -> dict[str, Any]:
    """Return how long a start takes over so many stored alerts."""

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Store.open(str(folder / "alerts.db")) as store:
            for begin in range(0, stored, 1_000):
                store.commit(
                    Batch(messages=tuple(_message(n) for n in range(begin, begin + 1_000)))
                ).result()
        times = []
        for _ in range(5):
            begun = time.perf_counter()
            with daemon(folder, CONFIG, "--feed", "replay", "--bars", str(bars)) as running:
                ready = time.perf_counter() - begun
                status = running.health()["status"]
                healthy = time.perf_counter() - begun
            assert status == "ok", status
            times.append((ready, healthy))
    ready, healthy = (sorted(column)[2] for column in zip(*times, strict=True))
    return {"stored": stored, "ready_ms": round(1e3 * ready), "health_ms": round(1e3 * healthy)}


def _message(number: int) -> Any:
    return Message({"id": f"{number:032x}", "symbol": "WIN$N", "timeframe": "M5",
                    "pattern": "engulfing_bullish", "direction": 1, "text": "x" * 240})  # fmt: skip
