"""The daemon measured from outside: a process of its own, fsync included, clients in another.

Wall times are upper bounds on a busy machine.
"""

from __future__ import annotations

import json
import multiprocessing
import queue
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from alertlib.bars import read_bars
from alertlib.bars.store.entries import Provenance
from alertlib.bars.store.writer import StoreWriter
from alertlib.errors import StorageError
from runners.live.alert_store.records import Batch, Message
from runners.live.alert_store.store import Store
from runners.live.audit_log.log import open_log
from runners.trial.clients import Seen, clients
from runners.trial.daemon import Daemon, daemon
from runners.trial.mail_sink import Letter, Sink
from runners.trial.processes import ended
from runners.trial.settings import SYMBOLS, every_bar

Trial = dict[str, Any]


def measure(
    bars: Path,
    settings: Mapping[str, Any],
    speed: float,
    count: int,
    seconds: float,
    sink: Sink | None = None,
) -> Trial:
    """Replay ``bars`` to ``count`` clients for ``seconds`` and return what they and others say.

    Parameters
    ----------
    bars : path
    settings : mapping
        The daemon's configuration.
    speed : float
        Multiple of bar time; 0 for as fast as possible.
    sink : Sink, optional
        The mail server that ``settings`` names.
    """
    context = multiprocessing.get_context("spawn")
    started, out = context.Event(), context.Queue()
    options = ("--feed", "replay", "--bars", str(bars), "--speed", str(speed))
    with (
        tempfile.TemporaryDirectory() as name,
        daemon(Path(name), json.dumps(settings), *options) as running,
        ended(context.Process(target=clients, args=(running.url, count, seconds, started, out))),
    ):
        started.wait(60)
        first, at = running.health()["seq"], time.monotonic()
        seen = _answer(out, seconds + 60)
        last, then = running.health()["seq"], time.monotonic()
        found = _of_the_clients(seen) | _of_the_daemon(running)
        found["alerts_per_second"] = round((last - first) / (then - at), 1)
        if sink is not None:
            found |= _of_the_mail(sink.letters(), _detected(running))
    return found


def _answer(out: Any, seconds: float) -> list[Seen]:
    try:
        seen: list[Seen] = out.get(timeout=seconds)
    except queue.Empty:
        raise StorageError(
            f"the clients said nothing for {seconds:.0f} s, expected what they received; end what "
            "keeps this machine busy, then measure again"
        ) from None
    return seen


def _of_the_clients(seen: Sequence[Seen]) -> Trial:
    delays = sorted(delay for one in seen for delay in one.delays)
    least = min(seen, key=lambda one: len(one.delays))
    span = least.last - least.first
    return {
        "clients": len(seen),
        "clients_whole": sum(one.is_whole for one in seen),
        "received_least": len(least.delays),
        "received_most": max(len(one.delays) for one in seen),
        "p50_ms": _milliseconds(delays, 0.5),
        "p99_ms": _milliseconds(delays, 0.99),
        "max_ms": _milliseconds(delays, 1.0),
        "alerts_per_minute_to_each": round(60 * (len(least.delays) - 1) / span) if span else 0,
    }


def _of_the_daemon(running: Daemon) -> Trial:
    peak = running.peak_megabytes()
    return {
        "peak_mb": None if peak is None else round(peak, 1),
        "commit_p95_ms": _upper_bound(running.metrics("alertas_detection_seconds_bucket"), 0.95),
    }


def _of_the_mail(letters: Sequence[Letter], detected: Mapping[str, float]) -> Trial:
    delays = sorted(
        one.accepted - detected[one.alert_id] for one in letters if one.alert_id in detected
    )
    return {"letters": len(delays), "mail_p99_ms": _milliseconds(delays, 0.99)}


def _detected(running: Daemon) -> dict[str, float]:
    """Return when the bar of each alert had come, Unix time, by the audit log."""
    with open_log(str(running.database)) as log:
        alerts = [json.loads(one.data) for one in log.records() if one.kind == "alert"]
    return {
        alert["id"]: datetime.fromisoformat(alert["detected_at"]).timestamp() for alert in alerts
    }


def _milliseconds(ordered: Sequence[float], share: float) -> float:
    """Return a quantile of ordered seconds, in ms; infinite where there is nothing."""
    if not ordered:
        return float("inf")
    return round(1e3 * ordered[min(int(share * len(ordered)), len(ordered) - 1)], 1)


def _upper_bound(buckets: Mapping[str, float], share: float) -> float:
    """Return the bound, in ms, of the histogram's bucket that ``share`` of the values lie below."""
    counts = [(label.removeprefix('le="').rstrip('"'), n) for label, n in buckets.items()]
    total = counts[-1][1]
    if not total:
        return float("inf")
    return next(1e3 * float(bound) for bound, n in counts if n >= share * total)


def store_of_many(folder: Path, source: Path, sessions: int) -> Path:
    """Write the last sessions of ``source`` as bars of twenty symbols, and return the store."""
    bars = read_bars(source, sessions=sessions)
    made = Provenance("trial", datetime.now(), synthetic=True)
    with StoreWriter(folder) as store:
        for symbol in SYMBOLS:
            store.add(symbol, bars.timeframe, bars.frame, made)
    return folder


def start_time(stored: int, bars: Path) -> Trial:
    """Return how long a start takes over so many stored alerts."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Store.open(str(folder / "alerts.db")) as store:
            for begin in range(0, stored, 1_000):
                store.commit(
                    Batch(messages=tuple(_message(n) for n in range(begin, begin + 1_000)))
                ).result()
        times = [_one_start(folder, bars) for _ in range(5)]
    ready, healthy = (sorted(column)[2] for column in zip(*times, strict=True))
    return {"stored": stored, "ready_ms": round(1e3 * ready), "health_ms": round(1e3 * healthy)}


def _one_start(folder: Path, bars: Path) -> tuple[float, float]:
    """Return the seconds to READY and to /health 200, which alone is answered without an error."""
    begun = time.perf_counter()
    settings = json.dumps(every_bar())
    with daemon(folder, settings, "--feed", "replay", "--bars", str(bars)) as running:
        ready = time.perf_counter() - begun
        running.health()
        return ready, time.perf_counter() - begun


def _message(number: int) -> Any:
    return Message({"id": f"{number:032x}", "symbol": "WIN$N", "timeframe": "M5",
                    "pattern": "engulfing_bullish", "direction": 1, "text": "x" * 240})  # fmt: skip
