"""Block forms of built-in steps: the same signals over a whole file, several times faster.

The step stays the one definition; a law holds each form to it, bit for bit. A form reads shifted
slices instead of a ring and does without branches, so that the compiler can use wide registers. A
parameter set that a form does not cover runs through the step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from alertlib.kernels.breakout import Levels, breakout_step
from alertlib.kernels.volatility import volatility_step
from alertlib.scoring.engine import Engine

# Bars whose channel stays in the first-level cache while it is built.
BLOCK = 1_024
# Longer channels are cheaper in the step, which looks again only when its extreme leaves.
LONGEST_CHANNEL = 24
# As the compiled loop, which knows no enumeration, reads it.
CLOSES = int(Levels.closes)


@dataclass(frozen=True)
class BlockForm:
    """A loop over columns in the place of one over steps.

    Attributes
    ----------
    make : callable
        Makes the loop: ``(columns, params, sign) -> None``.
    columns : tuple of str
        Fields of a bar that it reads.
    covers : callable
        Of kernel parameters: whether the form is made for them.
    """

    make: Callable[[], Callable[..., None]]
    columns: tuple[str, ...]
    covers: Callable[[Any], bool] = lambda _: True

    def run(self, engine: Engine, columns: dict[str, Any], params: Any) -> Any:
        """Return the signs over a whole file, as int8."""
        sign = engine.out(len(columns["open"]), "int8")
        given = tuple(np.ascontiguousarray(columns[name]) for name in self.columns)
        engine.build(self.make)(given, tuple(params), sign)
        return sign


def _make_volatility() -> Callable[..., None]:
    def scan(columns: Any, params: Any, sign: Any) -> None:
        (close,) = columns
        n, limit, confirm = params
        if len(close) < n:
            return
        total = 0
        squares = 0
        for i in range(n - 1):
            total += close[i]
            squares += close[i] * close[i]
        squared_limit = limit * limit
        totals = np.empty(BLOCK, dtype=np.int64)
        sums = np.empty(BLOCK, dtype=np.int64)
        level = np.empty(BLOCK, dtype=np.int8)
        run: Any = 0
        for start in range(n - 1, len(close), BLOCK):
            size = min(BLOCK, len(close) - start)
            newest, oldest = close[start : start + size], close[start + 1 - n :]
            for i in range(size):
                x, leaving = newest[i], oldest[i]
                total += x
                squares += x * x
                totals[i] = total
                sums[i] = squares
                total -= leaving
                squares -= leaving * leaving
            for i in range(size):
                distance = n * newest[i] - totals[i]
                spread = n * sums[i] - totals[i] * totals[i]
                far = (spread > 0) & (float(distance * distance) >= squared_limit * float(spread))
                level[i] = np.int8(far & (distance > 0)) - np.int8(far & (distance <= 0))
            out = sign[start : start + size]
            for i in range(size):
                side = np.int64(level[i])
                run = run * np.int64(run * side > 0) + side
                out[i] = np.int8(run == confirm) - np.int8(run == -confirm)

    return scan


def _make_breakout() -> Callable[..., None]:
    def scan(columns: Any, params: Any, sign: Any) -> None:
        high, low, close = columns
        n, margin, levels = params
        beyond = margin if margin > 0 else 1
        if levels == CLOSES:
            high = close
            low = close
        top = np.empty(BLOCK, dtype=np.int64)
        bottom = np.empty(BLOCK, dtype=np.int64)
        # One more, so that each side finds the one before it.
        side = np.zeros(BLOCK + 1, dtype=np.int8)
        for start in range(n, len(close), BLOCK):
            size = min(BLOCK, len(close) - start)
            for i in range(size):
                top[i] = high[start - 1 + i]
                bottom[i] = low[start - 1 + i]
            for k in range(2, n + 1):
                upper = high[start - k : start - k + size]
                lower = low[start - k : start - k + size]
                for i in range(size):
                    top[i] = upper[i] if upper[i] > top[i] else top[i]
                    bottom[i] = lower[i] if lower[i] < bottom[i] else bottom[i]
            now, out = close[start : start + size], sign[start : start + size]
            for i in range(size):
                above = np.int8(now[i] >= top[i] + beyond)
                below = np.int8(now[i] <= bottom[i] - beyond)
                side[i + 1] = above - below
            for i in range(size):
                out[i] = side[i + 1] * np.int8(side[i + 1] != side[i])
            side[0] = side[size]

    return scan


BLOCK_FORMS = {
    volatility_step: BlockForm(_make_volatility, ("close",)),
    breakout_step: BlockForm(
        _make_breakout, ("high", "low", "close"), lambda p: int(p.window) <= LONGEST_CHANNEL
    ),
}
