"""Volatility: integer sums, then the comparison in exact floating point, then the runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from alertlib._typing import Signals
from alertlib.kernels.volatility import VolatilityParams
from alertlib.scoring.engine import Engine
from alertlib.scoring.scans.form import BLOCK
from alertlib.scoring.step_bars import StepBars

# Window times price: the square is then below 2^53, so that products of sums are exact floats.
EXACT_BELOW = 94_906_265
# Longest run looked for; longer ones are cheaper to count, as the step does.
LONGEST_RUN = 32


def covers(params: VolatilityParams, largest: int) -> bool:
    """Return whether the sums are exact as floats and the run is short."""
    return params.window * largest < EXACT_BELOW and params.confirm_bars <= LONGEST_RUN


def scan(engine: Engine, bars: StepBars, params: VolatilityParams) -> Signals:
    """Return the signals of :func:`alertlib.kernels.volatility.volatility_step`."""
    sign: Signals = engine.out(len(bars), "int8")
    if len(bars) < params.window:
        return sign
    close = bars.narrow["close"]
    n, limit, confirm = params
    young = close[: n - 1].astype(np.int64)
    sums = np.empty((2, BLOCK), dtype=np.int64)
    side = np.zeros(LONGEST_RUN + BLOCK, dtype=np.int8)
    loop = engine.build(_make_loop)
    start = (young.sum(), (young * young).sum())
    loop(close, n, float(limit), confirm, *start, sums[0], sums[1], side, sign)
    return sign


def _make_loop() -> Callable[..., None]:
    def loop(
        close: Any, n: Any, limit: Any, confirm: Any, total: Any, square: Any,
        totals: Any, squares: Any, side: Any, sign: Any,
    ) -> None:  # fmt: skip
        squared_limit = limit * limit
        many = float(n)
        for start in range(n - 1, len(close), BLOCK):
            size = BLOCK if len(close) - start > BLOCK else len(close) - start
            newest, oldest = close[start:], close[start + 1 - n :]
            for i in range(size):
                entering, leaving = np.int64(newest[i]), np.int64(oldest[i])
                total += entering
                square += entering * entering
                totals[i] = total
                squares[i] = square
                total -= leaving
                square -= leaving * leaving
            # 1 above, 2 below: sides are then compared by their bits.
            now, out = side[LONGEST_RUN:], sign[start:]
            for i in range(size):
                summed = float(totals[i])
                distance = many * float(newest[i]) - summed
                spread = many * float(squares[i]) - summed * summed
                far = (spread > 0.0) & (distance * distance >= squared_limit * spread)
                now[i] = np.int8(far & (distance > 0.0)) + 2 * np.int8(far & (distance <= 0.0))
                out[i] = now[i]
            for back in range(1, confirm):
                earlier = side[LONGEST_RUN - back :]
                for i in range(size):
                    out[i] &= earlier[i]
            earlier = side[LONGEST_RUN - confirm :]
            for i in range(size):
                fresh = out[i] & ~earlier[i]
                out[i] = (fresh & 1) - (fresh >> 1)
            for i in range(LONGEST_RUN):
                side[i] = side[size + i]

    return loop
