"""The daemon measured from outside: a process of its own, fsync included, clients in another.

Wall times are upper bounds on a busy machine; memory is what the kernel says (Linux).
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import alertlib as al

TOKEN = "b" * 43
CONFIG = """
policy: {cooldown_bars: 0, rate_limit_per_minute: 0, window_start: 00:00, window_end: 23:59}
delivery: {websocket: {max_connections: 2000, max_connections_per_token: 2000}}
"""
MAIL = """
delivery:
  websocket: {max_connections: 2000, max_connections_per_token: 2000}
  email:
    enabled: true
    smtp_host: 127.0.0.1
    smtp_port: PORT
    security: none
    recipients: [a@localhost]
policy: {cooldown_bars: 0, rate_limit_per_minute: 0, window_start: 00:00, window_end: 23:59}
"""
EVERY_BAR = """
detection: {enabled: ["runners._daemon_trial:every"]}
"""


class P(NamedTuple):
    """No parameters."""


class S(NamedTuple):
    """Bars seen."""

    seen: int = 0


@al.detector("every", patterns=("every_up", "every_down"), params=P(), state=S())
def every(state: Any, ring: Any, bar: Any, p: Any) -> tuple[int, Any]:
    """Signal on every bar, one way and the other in turn."""
    return (1 if state.seen % 2 else -1), S(state.seen + 1)


class Daemon:
    """A running daemon."""

    def __init__(self, process: subprocess.Popen[str], ready: dict[str, Any]) -> None:
        self.process, self.ready = process, ready

    @property
    def url(self) -> str:
        """Address of its WebSocket."""
        return f"ws://127.0.0.1:{self.ready['port']}/alertas"

    def health(self) -> dict[str, Any]:
        """Return what /health says."""
        url = f"http://127.0.0.1:{self.ready['port']}/health"
        with urllib.request.urlopen(url, timeout=10) as answer:
            found: dict[str, Any] = json.load(answer)
        return found

    def metrics(self, name: str) -> dict[str, float]:
        """Return the samples of one metric by their labels."""
        url = f"http://127.0.0.1:{self.ready['port']}/metrics"
        with urllib.request.urlopen(url, timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        found = (line.rsplit(" ", 1) for line in lines if line.startswith(name + "{"))
        return {labels.partition("{")[2].rstrip("}"): float(value) for labels, value in found}

    def rss(self) -> float | None:
        """Return its resident memory in MB; None where there is no /proc."""
        status = Path(f"/proc/{self.process.pid}/status")
        if not status.exists():
            return None
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1_000


@contextmanager
def daemon(folder: Path, config: str, *options: str) -> Iterator[Daemon]:
    """Start a daemon for the length of a block."""
    path = folder / "alertas.yaml"
    path.write_text(config)
    process = subprocess.Popen(
        [sys.executable, "-m", "runners.live", "--config", str(path), "--port", "0",
         "--db", str(folder / "alerts.db"), *options],
        env={**os.environ, "WEBSOCKET_TOKEN": f"bench:{TOKEN}"},
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    line = process.stdout.readline()
    try:
        yield Daemon(process, json.loads(line.removeprefix("READY ")))
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        process.stdout.close()


def clients(url: str, count: int, seconds: float, start: Any, out: Any) -> None:
    """Run clients in a process of their own; put what they saw into ``out``."""

    async def one(delays: list[float], seen: list[tuple[int, float]], ready: Any) -> None:
        from websockets.asyncio.client import connect

        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with connect(
            url, additional_headers=headers, compression=None, ping_interval=None, proxy=None
        ) as socket:
            await socket.recv()
            ready.release()
            try:
                async with asyncio.timeout(seconds):
                    async for text in socket:
                        now = time.time()
                        # Only the time is looked for: a hundred parsers would measure themselves.
                        frame = str(text)
                        at = frame.index('"detected_at":"') + 15
                        delays.append(now - _utc(frame[at : at + 27]))
                        seen.append((len(seen), now))
            except TimeoutError:
                return

    async def every_one() -> tuple[list[float], list[int], float]:
        delays: list[float] = []
        seen: list[list[tuple[int, float]]] = [[] for _ in range(count)]
        ready = asyncio.Semaphore(0)
        tasks = [asyncio.create_task(one(delays, each, ready)) for each in seen]
        for _ in tasks:
            await ready.acquire()
        start.set()
        await asyncio.gather(*tasks)
        ends = [each[-1][1] - each[0][1] for each in seen if each]
        return delays, [len(each) for each in seen], max(ends, default=0.0)

    out.put(asyncio.run(every_one()))


def _utc(text: str) -> float:
    from datetime import datetime

    return datetime.fromisoformat(text).timestamp()


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
            mail = running.metrics("alertas_mail_seconds")
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
        "mail_ms": {k.strip('quantile="'): round(1e3 * v, 1) for k, v in mail.items()},
    }


def _upper_bound(buckets: dict[str, float], share: float) -> float:
    """Return the bound, in ms, of the histogram's bucket that ``share`` of the values lie below."""
    counts = [(label.removeprefix('le="').rstrip('"'), n) for label, n in buckets.items()]
    total = counts[-1][1]
    return next(1e3 * float(bound) for bound, n in counts if n >= share * total)


@contextmanager
def mail_sink() -> Iterator[int]:
    """Run a mail server that takes everything, in a process of its own; yield its port."""
    context = multiprocessing.get_context("spawn")
    ports = context.Queue()
    process = context.Process(target=_take_mails, args=(ports,), daemon=True)
    process.start()
    try:
        yield int(ports.get(timeout=30))
    finally:
        process.terminate()
        process.join()


def _take_mails(ports: Any) -> None:
    async def serve() -> None:
        server = await asyncio.start_server(_converse, "127.0.0.1", 0)
        ports.put(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(serve())


async def _converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 sink\r\n")
    is_data = False
    async for line in _lines(reader):
        if is_data:
            is_data = line != b".\r\n"
            if is_data:
                continue
        is_data = line[:4].upper() == b"DATA"
        writer.write(b"354 go on\r\n" if is_data else b"250 ok\r\n")
        await writer.drain()
    writer.close()


async def _lines(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while line := await reader.readline():
        yield line


def start_time(stored: int, bars: Path) -> dict[str, Any]:
    """Return how long a start takes over so many stored alerts."""
    from runners.live.store import Store
    from runners.live.store_types import Batch

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
    from runners.live.store_types import Message

    return Message({"id": f"{number:032x}", "symbol": "WIN$N", "timeframe": "M5",
                    "pattern": "engulfing_bullish", "direction": 1, "text": "x" * 240})  # fmt: skip
