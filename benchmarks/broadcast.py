"""How long an alert takes to every WebSocket client, and what the clients cost.

    python -m benchmarks.broadcast [--json F] [--seconds N] [--only NAME]

The server runs in a process of its own, the clients in this one, over real sockets on loopback.
A time runs from the moment the server is handed an alert (``publish``; in the ``durable`` rows
from the moment it is handed to the store, so that the fsync is inside) to the moment a client
has read the whole frame. Clients only cut frames and read the alert's time stamp: with real
client libraries this process, not the server, would be the slower one. All clients share one
event loop, so the times contain their queueing too: they are upper bounds.

- ``fan_out``: N clients, 20 alerts per second.
- ``rate``: 10 clients, 500 alerts per second (30,000 per minute).
- ``ceiling``: 10 clients, alerts as fast as they are taken, 50 per commit.
- ``replay``: one client resumes over 50,000 retained alerts.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import re
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from websockets.version import version as websockets_version

from benchmarks.broadcast_server import TOKEN
from runners.live.websocket.listening import raise_descriptor_limit

ROOT = Path(__file__).parent.parent
STAMP = re.compile(rb'"stamp":([0-9.]+)')
PONG = bytes((0x8A, 0x80, 0, 0, 0, 0))


class Case(NamedTuple):
    """One measurement; ``p99_ms`` and ``rss_mb`` are limits, None where there is none."""

    name: str
    clients: int
    per_second: float
    durable: bool = False
    batch: int = 1
    p50_ms: float | None = None
    p99_ms: float | None = None
    rss_mb: float | None = None


CASES = (
    Case("fan_out_100", 100, 20, p50_ms=15, p99_ms=50, rss_mb=30),
    Case("fan_out_100_durable", 100, 20, durable=True, p50_ms=15, p99_ms=50),
    Case("fan_out_1000", 1_000, 20, p99_ms=250),
    Case("rate_10", 10, 500),
    Case("rate_10_durable", 10, 500, durable=True),
    Case("ceiling_10", 10, 0, batch=50),
)
REPLAYED = 50_000


class Client(asyncio.Protocol):
    """Cuts frames and notes how old each alert is."""

    def __init__(self, ages: list[float], query: str = "") -> None:
        self.ages = ages
        self.received = 0
        self.welcomed = asyncio.get_running_loop().create_future()
        self._query = query
        self._buffer = b""
        self._in_head = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(
            f"GET /alertas{self._query} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
            f"Authorization: Bearer {TOKEN}\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        data = self._buffer + data
        if self._in_head:
            head, end, data = data.partition(b"\r\n\r\n")
            if not end:
                self._buffer = head
                return
            if not head.startswith(b"HTTP/1.1 101"):
                raise SystemExit(head.decode())
            self._in_head = False
        place = 0
        while len(data) - place >= 2:
            length, start = data[place + 1], place + 2
            if length == 126:
                length, start = int.from_bytes(data[place + 2 : place + 4]), place + 4
            if len(data) < start + length:
                break
            self._take(data[place], data[start : start + length], now)
            place = start + length
        self._buffer = data[place:]

    def _take(self, head: int, payload: bytes, now: float) -> None:
        if head == 0x89:
            self.transport.write(PONG)
        elif match := STAMP.search(payload):
            self.received += 1
            self.ages.append(now - float(match.group(1)))
        elif not self.welcomed.done():
            self.welcomed.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.welcomed.done():
            self.welcomed.set_exception(exc or ConnectionError("refused"))


class Server:
    """The server's process, as this one drives it."""

    def __init__(self, durable: bool = False, retained: int = 0) -> None:
        options = [sys.executable, "-m", "benchmarks.broadcast_server", str(retained)]
        if durable:
            options.append("--durable")
        self._process = subprocess.Popen(
            options, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        self.ready = self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def order(self, **fields: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(fields) + "\n")
        self._process.stdin.flush()

    async def result(self) -> dict[str, Any]:
        return await asyncio.to_thread(self._answer)

    def end(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(20)


async def measure(case: Case, seconds: float) -> dict[str, Any]:
    """Run one case."""
    server = Server(case.durable)
    try:
        ages: list[float] = []
        clients = await connect(server.ready["port"], case.clients, ages)
        await asyncio.sleep(1.0)
        count = int(case.per_second * seconds) or 50_000
        count -= count % case.batch
        started, cpu = time.monotonic(), time.process_time()
        server.order(count=count, per_second=case.per_second, batch=case.batch)
        result = await server.result()
        while any(client.received < count for client in clients):
            await asyncio.sleep(0.01)
            if time.monotonic() - started > 4 * seconds + 30:
                raise SystemExit(f"{case.name}: alerts are missing")
        elapsed = time.monotonic() - started
        client_cpu = time.process_time() - cpu
        for client in clients:
            client.transport.abort()
    finally:
        server.end()
    ages.sort()
    row = {
        "name": case.name,
        "clients": case.clients,
        "alerts": count,
        "seconds": round(elapsed, 2),
        "alerts_per_minute": round(60 * count / elapsed),
        "p50_ms": percentile(ages, 0.50),
        "p99_ms": percentile(ages, 0.99),
        "max_ms": percentile(ages, 1.0),
        "server_cpu_percent": round(100 * result["cpu"] / elapsed),
        "clients_cpu_percent": round(100 * client_cpu / elapsed),
        "rss_idle_mb": round(server.ready["rss_mb"], 1),
        "rss_mb": round(result["rss_mb"], 1),
        "rss_growth_mb": round(result["rss_mb"] - result["rss_before_mb"], 2),
    }
    limits = {"p50_ms": case.p50_ms, "p99_ms": case.p99_ms, "rss_mb": case.rss_mb}
    missed = [name for name, limit in limits.items() if limit and row[name] > limit]
    return row | {"limits": limits, "missed": missed}


async def measure_replay() -> dict[str, Any]:
    """Resume over everything retained."""
    server = Server(retained=REPLAYED)
    try:
        ages: list[float] = []
        started = time.monotonic()
        (client,) = await connect(server.ready["port"], 1, ages, "?epoch=bench&since=0")
        while client.received < REPLAYED:
            await asyncio.sleep(0.001)
        elapsed = time.monotonic() - started
        client.transport.abort()
    finally:
        server.end()
    rate = round(REPLAYED / elapsed)
    return {"name": "replay", "alerts": REPLAYED, "alerts_per_second": rate, "missed": []}


async def connect(port: int, count: int, ages: list[float], query: str = "") -> list[Client]:
    """Connect ``count`` clients, and wait until all are welcomed."""
    loop = asyncio.get_running_loop()
    clients = []
    for _ in range(count):
        _, client = await loop.create_connection(lambda: Client(ages, query), "127.0.0.1", port)
        clients.append(client)
    await asyncio.gather(*(client.welcomed for client in clients))
    return clients


def percentile(ordered: list[float], share: float) -> float:
    """Return the value that ``share`` of all do not exceed, in milliseconds."""
    return round(1_000 * ordered[max(0, int(share * len(ordered)) - 1)], 2)


def environment() -> dict[str, Any]:
    return {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": platform.platform(),
        "cpus": os.cpu_count(),
        "python": platform.python_version(),
        "websockets": websockets_version,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure the WebSocket broadcaster.")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    parser.add_argument("--seconds", type=float, default=15.0, help="length of each run")
    parser.add_argument("--only", help="run the cases whose name contains this")
    options = parser.parse_args()
    raise_descriptor_limit(8_192)
    wanted = [case for case in CASES if options.only is None or options.only in case.name]
    rows = []
    for case in wanted:
        rows.append(asyncio.run(measure(case, options.seconds)))
        print(json.dumps(rows[-1]), flush=True)
    if options.only is None or options.only in "replay":
        rows.append(asyncio.run(measure_replay()))
        print(json.dumps(rows[-1]), flush=True)
    if options.json is not None:
        report = {"environment": environment(), "rows": rows}
        options.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return 1 if any(row["missed"] for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
