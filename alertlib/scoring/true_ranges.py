"""The average true range over a whole file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from alertlib._typing import Floats
from alertlib.bars.series import Series
from alertlib.kernels.atr import AtrState, atr_step
from alertlib.scoring.engine import INTERPRETED, Engine


def true_ranges(series: Series, window: int, engine: Engine = INTERPRETED) -> Floats:
    """Return the average true range at each bar in quanta, NaN where it is not defined yet."""
    columns = (series.high, series.low, series.close, series.place)
    out = engine.out(len(series), "float64")
    scan = engine.build(_make_scan, atr_step)
    scan(*(engine.column(column) for column in columns), window, AtrState(), out)
    found: Floats = engine.array(out, "float64")
    return found


def _make_scan(step: Any) -> Callable[..., None]:
    def scan(
        high: Any, low: Any, close: Any, place: Any, window: Any, state: Any, out: Any
    ) -> None:
        for i in range(len(high)):
            out[i], state = step(state, high[i], low[i], close[i], place[i], window)

    return scan
