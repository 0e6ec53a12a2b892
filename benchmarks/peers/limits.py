"""What no loop can be faster than here: bytes to be moved, and operations that wait for the last.

A detector's floor is the larger of the two: the time its columns take to be copied, and the time
of its recursion with nothing else in it. Both are measured.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from alertlib.scoring.engine import COMPILED
from benchmarks.peers.material import Material
from benchmarks.peers.timing import as_json, take_turns

ADDS, WILDER, DIVIDED = "two integer additions", "multiply, add", "multiply, add, divide"

# Of each detector: columns of eight bytes read, bytes written, the recursion.
NEEDS: dict[str, tuple[tuple[str, ...], int, str | None]] = {
    "volatility": (("close",), 1, ADDS),
    "engulfing": (("open", "close", "place"), 1, None),
    "breakout": (("high", "low", "close"), 1, None),
    "rsi_divergence": (("high", "low", "close", "place"), 1, WILDER),
    "atr": (("high", "low", "close", "place"), 8, DIVIDED),
}


def measure(material: Material, rounds: int) -> dict[str, Any]:
    """Return nanoseconds per byte of a copy, per step of each recursion, and the floors."""
    close = np.ascontiguousarray(material.ticks["close"])
    floats, spare = close.astype(np.float64), np.empty_like(close)
    chains = {ADDS: (_make_adds, close), WILDER: (_make_wilder, floats)}
    chains[DIVIDED] = (_make_divided, floats)
    calls: dict[str, Callable[[], object]] = {
        name: partial(COMPILED.build(make), values, 14) for name, (make, values) in chains.items()
    }
    steps = take_turns(calls, rounds, 1e9 / len(material))
    # Read and written: two bytes move for each one copied.
    copied = take_turns({"copy": partial(np.copyto, spare, close)}, rounds, 1e9 / close.nbytes / 2)
    per_byte = copied["copy"].median
    floors = {}
    for name, (columns, written, chain) in NEEDS.items():
        moved = 8 * len(columns) + written
        floors[name] = {
            "bytes_per_bar": moved,
            "bytes_ns": float(f"{moved * per_byte:.3g}"),
            "recursion": chain,
            "recursion_ns": None if chain is None else float(f"{steps[chain].median:.3g}"),
        }
    return {
        "ns_per_byte": float(f"{per_byte:.3g}"),
        "recursions_ns": as_json(steps),
        "floors": floors,
    }


def _make_adds() -> Callable[..., Any]:
    def scan(values: Any, n: Any) -> Any:
        total, seen = 0, 0
        for i in range(n, len(values)):
            total += values[i]
            # A comparison keeps the compiler from summing in wide registers.
            seen += total > 0
            total -= values[i - n]
        return seen

    return scan


def _make_wilder() -> Callable[..., Any]:
    def scan(values: Any, n: Any) -> Any:
        average, weight = 0.0, 1.0 / n
        for i in range(len(values)):
            average = average * (1.0 - weight) + values[i] * weight
        return average

    return scan


def _make_divided() -> Callable[..., Any]:
    def scan(values: Any, n: Any) -> Any:
        average = 0.0
        for i in range(len(values)):
            average = (average * (n - 1) + values[i]) / n
        return average

    return scan
