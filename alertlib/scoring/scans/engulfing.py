"""Engulfing, all conditions of a bar at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from alertlib._typing import Signals
from alertlib.scoring.engine import Engine
from alertlib.scoring.step_bars import StepBars


def scan(engine: Engine, bars: StepBars, params: Any) -> Signals:
    """Return the signals of :func:`alertlib.kernels.engulfing.engulfing_step`."""
    sign: Signals = engine.out(len(bars), "int8")
    loop = engine.build(_make_loop)
    loop(bars.narrow["open"], bars.narrow["close"], bars.place, sign[1:])
    return sign


def _make_loop() -> Callable[..., None]:
    def loop(opened: Any, closed: Any, place: Any, sign: Any) -> None:
        # `sign` begins at the second bar.
        for i in range(len(sign)):
            before, after = opened[i], closed[i]
            start, end = opened[i + 1], closed[i + 1]
            up = (end > start) & (after < before) & (start <= after) & (end >= before)
            down = (end < start) & (after > before) & (start >= after) & (end <= before)
            inside = place[i + 1] > 0
            sign[i] = np.int8(up & inside) - np.int8(down & inside)

    return loop
