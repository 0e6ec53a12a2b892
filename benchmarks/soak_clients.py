"""Clients that come and go, in a process of their own, for :mod:`benchmarks.soak`."""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import suppress
from typing import Any, NamedTuple

from runners.client import AlertClient
from runners.trial.settings import TOKEN

CALM_SECONDS = (2.0, 20.0)
AWAY_SECONDS = (0.0, 3.0)
_UPGRADE = (
    "GET /alertas HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    "Authorization: Bearer {token}\r\n\r\n"
)


class Seen(NamedTuple):
    """What all clients together saw."""

    messages: int
    visits: int
    missing: int
    repeated: int
    refused: int
    deserted: int


class _Count:
    def __init__(self) -> None:
        self.seen = Seen(0, 0, 0, 0, 0, 0)

    def add(self, **more: int) -> None:
        self.seen = self.seen._replace(**{k: getattr(self.seen, k) + n for k, n in more.items()})


def come_and_go(url: str, count: int, stop: Any, out: Any) -> None:
    """Run ``count`` resuming clients, and as many that misbehave, until ``stop`` is set."""
    out.put(asyncio.run(_all(url, count, stop)))


async def _all(url: str, count: int, stop: Any) -> Seen:
    counted = _Count()
    dice = [random.Random(seed) for seed in range(count)]
    visits = [asyncio.create_task(_return_often(url, one, stop, counted)) for one in dice]
    visits += [asyncio.create_task(_desert(url, one, stop, counted)) for one in dice]
    await asyncio.gather(*visits)
    return counted.seen


async def _return_often(url: str, dice: random.Random, stop: Any, counted: _Count) -> None:
    """Read on where the last visit ended, and hold the numbers to be gap-free."""
    client, last = AlertClient(url, TOKEN), 0
    while not stop.is_set():
        counted.add(visits=1)
        until = time.monotonic() + dice.uniform(*CALM_SECONDS)
        with suppress(TimeoutError):
            async with asyncio.timeout(CALM_SECONDS[1]):
                async for message in client:
                    counted.add(
                        messages=1,
                        repeated=int(message.seq <= last),
                        missing=max(0, message.seq - last - 1) if last else 0,
                    )
                    last = max(last, message.seq)
                    if time.monotonic() > until:
                        break
        await client.close()
        await asyncio.sleep(dice.uniform(*AWAY_SECONDS))


async def _desert(url: str, dice: random.Random, stop: Any, counted: _Count) -> None:
    """Connect and never read, or leave without a word, now and then with a wrong token."""
    host, port = url.removeprefix("ws://").split("/")[0].split(":")
    while not stop.is_set():
        is_known = dice.random() < 0.9
        with suppress(OSError):
            reader, writer = await asyncio.open_connection(host, int(port), limit=1_024)
            token = TOKEN if is_known else "x" * 43
            writer.write(_UPGRADE.format(token=token).encode())
            await reader.readline()
            counted.add(deserted=int(is_known), refused=int(not is_known))
            await asyncio.sleep(dice.uniform(*CALM_SECONDS))
            writer.transport.abort()
        await asyncio.sleep(dice.uniform(*AWAY_SECONDS))
