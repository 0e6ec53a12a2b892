"""WebSocket clients in a process of their own."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime
from typing import Any

from runners.trial.settings import TOKEN


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
                        at = frame.find('"detected_at":"') + 15
                        if at < 15:
                            continue  # the feed's status
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
    return datetime.fromisoformat(text).timestamp()
