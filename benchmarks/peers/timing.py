"""Contestants taking turns, and runs in a process of their own."""

from __future__ import annotations

import gc
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]

# One contestant's share of a contest: slow ones get fewer rounds, and their ``n`` says so.
BUDGET_S = 12.0
# A turn: as many calls as fit, so that none pays for the caches that the one before it has filled.
TURN_S = 0.02


@dataclass(frozen=True)
class Timing:
    """Of one contestant, per unit (a bar, an entry, a run).

    Attributes
    ----------
    median, min : float
        In the unit's own scale.
    n : int
        Rounds.
    """

    median: float
    min: float
    n: int

    def to_dict(self) -> dict[str, float]:
        """Return it as JSON has it, four digits of each figure."""
        return {k: v if k == "n" else float(f"{v:.4g}") for k, v in asdict(self).items()}


def take_turns(
    contestants: Mapping[str, Callable[[], object]], rounds: int, scale: float = 1.0
) -> dict[str, Timing]:
    """Time each contestant for a turn each round, starting with another one each round.

    A turn lasts 20 ms or one call; its figure is the median of its calls but the first.

    Parameters
    ----------
    contestants : mapping of str to callable
        Each is called once before, so that compilers and caches have run.
    rounds : int
    scale : float
        What seconds are multiplied by, 1e9 / bars for nanoseconds per bar.
    """
    taken: dict[str, list[float]] = {name: [] for name in contestants}
    order = list(contestants)
    for call in contestants.values():
        call()
    gc.collect()
    gc.disable()
    try:
        for turn in range(rounds):
            first = turn % len(order)
            for name in order[first:] + order[:first]:
                if sum(taken[name]) > BUDGET_S:
                    continue
                taken[name].append(_turn(contestants[name]))
    finally:
        gc.enable()
    return {
        name: Timing(statistics.median(t) * scale, min(t) * scale, len(t))
        for name, t in taken.items()
    }


def _turn(call: Callable[[], object]) -> float:
    """Return the median of a turn's calls, the first left out where there are more."""
    times: list[float] = []
    until = time.perf_counter() + TURN_S
    while not times or time.perf_counter() < until:
        begun = time.perf_counter()
        call()
        times.append(time.perf_counter() - begun)
    return statistics.median(times[1:] or times)


def child(*arguments: str) -> dict[str, Any]:
    """Run a module of this package in a process of its own and return the JSON it prints last."""
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def as_json(timings: Mapping[str, Timing]) -> dict[str, dict[str, float]]:
    """Return timings as JSON has them."""
    return {name: timing.to_dict() for name, timing in timings.items()}
