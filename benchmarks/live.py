"""The daemon measured from outside, as its users meet it: ``python -m benchmarks.live``.

Each figure comes from a daemon in a process of its own, fsync included, and clients in another.
Wall times are upper bounds on a busy machine; memory is what the kernel says.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import alertlib as al

TOKEN = "b" * 43
ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "data" / "sample" / "win_m5.parquet"
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
detection: {enabled: ["benchmarks.live:every"]}
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

    def rss(self) -> float:
        """Return its resident memory in MB (Linux)."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1_000


@contextmanager
def daemon(folder: Path, config: str, *options: str) -> Iterator[Daemon]:
    """Start a daemon for the length of a block."""
    path = folder / "alertas.yaml"
    path.write_text(config)
    process = subprocess.Popen(
        [sys.executable, "-m", "runners.live", "--config", str(path), "--port", "0",
         "--db", str(folder / "alerts.db"), *options],
        cwd=ROOT, env={**os.environ, "WEBSOCKET_TOKEN": f"bench:{TOKEN}"},
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
        "rss_mb": round(rss, 1),
        **({"mail_ms": {k: round(1e3 * v, 1) for k, v in mail.items()}} if mail else {}),
    }


@contextmanager
def mail_sink() -> Iterator[int]:
    """Run a mail server that takes everything; yield its port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    process = subprocess.Popen(
        [sys.executable, "-m", "aiosmtpd", "-n", "-l", f"127.0.0.1:{port}",
         "-c", "aiosmtpd.handlers.Sink"]
    )  # fmt: skip
    try:
        time.sleep(1.0)
        yield port
    finally:
        process.terminate()
        process.wait()


def start_time(stored: int) -> dict[str, Any]:
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
            with daemon(folder, CONFIG, "--feed", "replay", "--bars", str(SAMPLE)) as running:
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


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bars", type=Path, default=SAMPLE, help="M5 bars to replay")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args(argv)
    with mail_sink() as port:
        with_mail = measure(
            args.bars, MAIL.replace("PORT", str(port)) + EVERY_BAR, 5 * 300, 100, args.seconds, 1.0
        )
    found = {
        "mail_and_100_clients_5_per_second": with_mail,
        "latency_100_clients_20_per_second": measure(
            args.bars, CONFIG + EVERY_BAR, 20 * 300, 100, args.seconds, 1.0
        ),
        "throughput_10_clients": measure(
            args.bars, CONFIG + EVERY_BAR, 600 * 300, 10, args.seconds, 0.0
        ),
        "start": start_time(50_000),
    }
    print(json.dumps(found, indent=2))
    if args.json:
        args.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
