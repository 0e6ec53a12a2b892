"""The average true range over a whole file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from alertlib._typing import Floats, Ints, Narrow
from alertlib.bars.series import Series
from alertlib.kernels.atr import AtrState, atr_step
from alertlib.scoring.engine import COMPILED, INTERPRETED, Engine
from alertlib.scoring.scans.lanes import LANES, STEPS, run_in_lanes


def true_ranges(series: Series, window: int, engine: Engine = INTERPRETED) -> Floats:
    """Return the average true range at each bar in quanta, NaN where it is not defined yet."""
    columns = (series.high, series.low, series.close, series.place)
    if engine is COMPILED and len(series) > window:
        return _in_lanes(columns, window, engine)
    return _step_by_step(columns, window)


def _step_by_step(columns: tuple[Ints | Narrow, ...], window: int) -> Floats:
    out = []
    state = AtrState()
    for high, low, close, place in zip(*(column.tolist() for column in columns), strict=True):
        average, state = atr_step(state, high, low, close, place, window)
        out.append(average)
    return np.array(out, dtype=np.float64)


def _in_lanes(columns: tuple[Ints | Narrow, ...], window: int, engine: Engine) -> Floats:
    """Return the same to the last bit, in half the time of a compiled step."""
    size = len(columns[0])
    out = np.empty(size)
    # As far as the first average.
    young = tuple(column[:window] for column in columns)
    out[:window] = _step_by_step(young, window)
    states = np.empty((1, (STEPS + 1) * LANES))
    states[0, 0] = out[window - 1]
    given = tuple(engine.column(column) for column in columns)
    loop = engine.build(_make_lane_loop)

    def advance(first: int, apart: int, steps: int, silent: int, begun: Floats) -> None:
        loop(*given, window, first, apart, steps, silent, states[0], begun[0], out)

    run_in_lanes(advance, states, window - 1, size - 1, window)
    return out


def _make_lane_loop() -> Callable[..., None]:
    def loop(
        high: Any, low: Any, close: Any, place: Any, window: Any,
        first: Any, apart: Any, steps: Any, silent: Any,
        averages: Any, begun: Any, out: Any,
    ) -> None:  # fmt: skip
        kept = float(window - 1)
        many = float(window)
        done = 0
        while done < steps:
            goal = silent if done < silent else steps
            size = STEPS if goal - done > STEPS else goal - done
            if done == silent:
                for lane in range(LANES):
                    begun[lane] = averages[lane]
            for lane in range(LANES):
                before = first + lane * apart + done
                highs, lows, closes = high[before + 1 :], low[before + 1 :], close[before:]
                places = place[before + 1 :]
                for i in range(size):
                    own = highs[i] - lows[i]
                    up, down = highs[i] - closes[i], closes[i] - lows[i]
                    widest = up if up > own else own
                    widest = down if down > widest else widest
                    averages[(i + 1) * LANES + lane] = float(widest if places[i] > 0 else own)
            for i in range(size * LANES):
                averages[i + LANES] = (averages[i] * kept + averages[i + LANES]) / many
            for lane in range(LANES):
                if lane == 0 or done >= silent:
                    own_out = out[first + lane * apart + done + 1 :]
                    for i in range(size):
                        own_out[i] = averages[(i + 1) * LANES + lane]
            for lane in range(LANES):
                averages[lane] = averages[size * LANES + lane]
            done += size

    return loop
