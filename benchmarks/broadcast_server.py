"""The server's side of :mod:`benchmarks.broadcast`, in a process of its own.

Its arguments are how many alerts to retain before it starts, and ``--durable`` for the real
store; it prints its port, then publishes what each line of its stdin orders.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alertlib.config.schema import WebSocket
from benchmarks.made_alert import made_alert
from runners.live.telemetry.metrics import Metrics
from runners.live.websocket.auth import Authenticator, parse_tokens
from runners.live.websocket.listening import open_server, raise_descriptor_limit
from runners.live.websocket.protocol import Action, ActionRow
from runners.live.websocket.responses import Health

if TYPE_CHECKING:
    from runners.live.alert_store.records import Stored

TOKEN = "benchmark-" + "x" * 43


async def serve(durable: bool, retained: int) -> None:
    """Serve until stdin ends; each line there is a run of alerts to publish."""
    raise_descriptor_limit(8_192)
    source = DurableSource() if durable else MemorySource()
    settings = WebSocket(max_connections=2_000, max_connections_per_token=2_000)
    server = await open_server(
        source.history,
        SilentAudit(),
        Authenticator(parse_tokens(f"bench:{TOKEN}")),
        settings,
        Metrics(),
        lambda: Health(is_serving=True),
        host="127.0.0.1",
        port=0,
    )
    source.start(server.publish)
    source.put(retained)
    say({"port": server.port, "rss_mb": rss_mb()})
    while line := await asyncio.to_thread(sys.stdin.readline):
        order = json.loads(line)
        rss, cpu = rss_mb(), time.process_time()
        await source.run(order["count"], order["per_second"], order["batch"])
        say({"rss_before_mb": rss, "rss_mb": rss_mb(), "cpu": time.process_time() - cpu})
    await server.stop(1.0)


class SilentAudit:
    """Keeps nothing."""

    def record(self, kind: str, actor: str, data: dict[str, object]) -> None: ...
    def ack(self, client: str, seq: int, delivered: Sequence[tuple[int, int]]) -> None: ...
    def action(self, client: str, done: Action, settled: Callable[[bool], None]) -> None: ...

    def actor(self, client: str) -> str:
        return client


class MemorySource:
    """Alerts that are committed by being appended to a list."""

    def __init__(self) -> None:
        self.history: Any = self
        self.epoch, self.oldest = "bench", 1
        self._entries: list[tuple[int, str, bytes]] = []
        self._publish: Any = None

    @property
    def head(self) -> int:
        return len(self._entries)

    def read(self, since: int, limit: int) -> Sequence[tuple[int, str, bytes]]:
        return self._entries[since : since + limit]

    # Nobody does anything about these.

    last_action = 0

    def has_alert(self, identifier: str) -> bool:
        return True

    def place(self, seq: int) -> int:
        return seq

    def actions(self, after: int, upto: int, limit: int) -> Sequence[ActionRow]:
        return ()

    def action_on(self, identifier: str) -> None: ...

    def start(self, publish: Any) -> None:
        self._publish = publish

    def put(self, count: int) -> None:
        first = len(self._entries) + 1
        added = [
            (
                seq,
                "alert",
                json.dumps(
                    made_alert(seq, stamp=round(time.monotonic(), 6)), separators=(",", ":")
                ).encode(),
            )
            for seq in range(first, first + count)
        ]
        self._entries += added
        self._publish(added)

    async def run(self, count: int, per_second: float, batch: int) -> None:
        started = time.monotonic()
        for done in range(0, count, batch):
            if per_second:
                await asyncio.sleep(max(0.0, started + done / per_second - time.monotonic()))
            else:
                await asyncio.sleep(0)
            self.put(batch)


class DurableSource(MemorySource):
    """Alerts that go through the real store: one SQLite file, WAL, FULL."""

    def __init__(self) -> None:
        super().__init__()
        from runners.live.alert_store.store import Store

        self._folder = tempfile.TemporaryDirectory()
        self.history = self._store = Store.open(os.path.join(self._folder.name, "alerts.db"))

    def start(self, publish: Any) -> None:
        loop = asyncio.get_running_loop()

        def hand_over(stored: list[Stored]) -> None:
            loop.call_soon_threadsafe(publish, stored)

        self._store.on_committed(hand_over)

    def put(self, count: int) -> None:
        from runners.live.alert_store.records import Batch, Message

        first = len(self._entries) + 1
        self._entries += [(0, "", b"")] * count
        messages = tuple(
            Message(made_alert(seq, stamp=round(time.monotonic(), 6)))
            for seq in range(first, first + count)
        )
        if messages:
            self._store.commit(Batch(messages=messages))


def rss_mb() -> float:
    """Resident memory of this process; Linux only."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return float("nan")


def say(fields: dict[str, Any]) -> None:
    print(json.dumps(fields), flush=True)


if __name__ == "__main__":
    asyncio.run(serve("--durable" in sys.argv, int(sys.argv[1])))
