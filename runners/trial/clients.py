"""WebSocket clients in a process of their own."""

from __future__ import annotations

import asyncio
import re
import time
from datetime import datetime
from typing import Any, NamedTuple

from runners.trial.processes import leave_interrupts_to_the_parent
from runners.trial.settings import TOKEN

# Only these are looked for: a hundred parsers would measure themselves.
_NUMBER = re.compile(r'"seq":(\d+)')
_CAME = re.compile(r'"detected_at":"([^"]+)"')


class Seen(NamedTuple):
    """What one client received.

    Attributes
    ----------
    delays : list of float
        Seconds from the bar to each frame.
    first, last : float
        Unix times of the first and the last frame.
    numbers : (int, int)
        Of the first and the last alert; in between nothing may be missing.
    error : str or None
        Why it was disconnected before its time.
    """

    delays: list[float]
    first: float
    last: float
    numbers: tuple[int, int]
    error: str | None

    @property
    def is_whole(self) -> bool:
        """Whether it received every alert from its first to its last."""
        return self.error is None and len(self.delays) == self.numbers[1] - self.numbers[0] + 1


def clients(url: str, count: int, seconds: float, start: Any, out: Any) -> None:
    """Run clients in a process of their own; put what each saw into ``out``."""
    leave_interrupts_to_the_parent()

    async def every_one() -> list[Seen]:
        ready = asyncio.Semaphore(0)
        tasks = [asyncio.create_task(_one(url, seconds, ready)) for _ in range(count)]
        for _ in tasks:
            await ready.acquire()
        start.set()
        return await asyncio.gather(*tasks)

    out.put(asyncio.run(every_one()))


async def _one(url: str, seconds: float, ready: asyncio.Semaphore) -> Seen:
    from websockets.asyncio.client import connect
    from websockets.exceptions import WebSocketException

    delays: list[float] = []
    times: list[float] = []
    numbers = [0, 0]
    error: str | None = "it ended"
    try:
        async with connect(
            url, additional_headers={"Authorization": f"Bearer {TOKEN}"}, compression=None,
            ping_interval=None, proxy=None,
        ) as socket:  # fmt: skip
            await socket.recv()
            ready.release()
            async with asyncio.timeout(seconds):
                async for text in socket:
                    now, frame = time.time(), str(text)
                    came, number = _CAME.search(frame), _NUMBER.search(frame)
                    if came is None or number is None:
                        continue  # the feed's status
                    delays.append(now - datetime.fromisoformat(came[1]).timestamp())
                    times = [times[0] if times else now, now]
                    numbers = [numbers[0] or int(number[1]), int(number[1])]
    except TimeoutError:
        error = None
    except (OSError, WebSocketException) as closed:
        error = str(closed) or type(closed).__name__
        ready.release()
    first, last = times or (0.0, 0.0)
    return Seen(delays, first, last, (numbers[0], numbers[1]), error)
