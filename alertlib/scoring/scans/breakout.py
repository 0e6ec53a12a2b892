"""Breakout: the channels of a block of bars, two bars of all of them at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from alertlib._typing import Signals
from alertlib.kernels.breakout import BreakoutParams, Levels
from alertlib.scoring.engine import Engine
from alertlib.scoring.scans.form import BLOCK
from alertlib.scoring.step_bars import StepBars

# Longer channels are cheaper in the step, which looks again only when its extreme leaves.
LONGEST_CHANNEL = 64


def covers(params: BreakoutParams, largest: int) -> bool:
    """Return whether the channel is short enough."""
    return params.window <= LONGEST_CHANNEL


def scan(engine: Engine, bars: StepBars, params: BreakoutParams) -> Signals:
    """Return the signals of :func:`alertlib.kernels.breakout.breakout_step`."""
    sign: Signals = engine.out(len(bars), "int8")
    high, low, close = (bars.narrow[name] for name in ("high", "low", "close"))
    if params.levels == Levels.closes:
        high = low = close
    channel = np.empty((2, BLOCK), dtype=close.dtype)
    # One more, so that each side finds the one before it.
    side = np.zeros(BLOCK + 1, dtype=np.int8)
    beyond = max(params.margin_ticks, 1)
    engine.build(_make_loop)(high, low, close, params.window, beyond, *channel, side, sign)
    return sign


def _make_loop() -> Callable[..., None]:
    def loop(
        high: Any, low: Any, close: Any, n: Any, beyond: Any,
        top: Any, bottom: Any, side: Any, sign: Any,
    ) -> None:  # fmt: skip
        for start in range(n, len(close), BLOCK):
            size = BLOCK if len(close) - start > BLOCK else len(close) - start
            upper, lower = high[start - 1 :], low[start - 1 :]
            for i in range(size):
                top[i] = upper[i]
                bottom[i] = lower[i]
            # Two bars a time; of an even number the newest is looked at twice.
            for k in range(0, n - 1, 2):
                upper, lower = high[start - n + k :], low[start - n + k :]
                for i in range(size):
                    level = upper[i] if upper[i] > upper[i + 1] else upper[i + 1]
                    top[i] = level if level > top[i] else top[i]
                for i in range(size):
                    level = lower[i] if lower[i] < lower[i + 1] else lower[i + 1]
                    bottom[i] = level if level < bottom[i] else bottom[i]
            now, after, out = close[start:], side[1:], sign[start:]
            for i in range(size):
                above = np.int8(now[i] >= top[i] + beyond)
                below = np.int8(now[i] <= bottom[i] - beyond)
                after[i] = above - below
            for i in range(size):
                out[i] = side[i + 1] * np.int8(side[i + 1] != side[i])
            side[0] = side[size]

    return loop
