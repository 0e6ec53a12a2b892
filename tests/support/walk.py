"""A random walk of bars, for tests that need detectors to find something."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from alertlib.detection.bar import Bar

MONDAY = datetime(2024, 3, 4, 9, 0)


def walk(count: int, seed: int = 1) -> list[Bar]:
    """Return a walk over sessions of nine hours, from :data:`MONDAY` on."""
    chance = random.Random(seed)
    found, price, time = [], 100_000, MONDAY
    for _ in range(count):
        opened = price
        price = max(1_000, price + 5 * chance.randint(-40, 40))
        high, low = max(opened, price) + 5 * chance.randint(0, 9), min(opened, price) - 5
        found.append(Bar(time, opened, high, low, price, chance.randint(1, 500)))
        time += timedelta(minutes=5)
        if time.hour >= 18:
            time += timedelta(hours=15)
            while time.weekday() >= 5:
                time += timedelta(days=1)
    return found
