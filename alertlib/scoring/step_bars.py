"""The bars of a series in the forms in which detectors read them, each made when first asked for.

Memory that is touched for the first time costs more than a detector's whole loop: what nobody
reads is not made.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from alertlib._typing import Floats, Ints
from alertlib.bars.schema import PRICES
from alertlib.bars.series import Series
from alertlib.kernels.bar import TickBar, weekday_of
from alertlib.market.clock import MINUTES_PER_DAY
from alertlib.scoring.engine import Engine

if TYPE_CHECKING:
    import polars as pl

# Numbers of 32 bits.
NARROW_BELOW = 1 << 31


class StepBars:
    """The bars of a series as steps, block forms and frame functions are given them.

    Parameters
    ----------
    series : Series
        At least one bar.
    atr : float64, one per bar
        Average true range in quanta.
    """

    def __init__(self, series: Series, atr: Floats) -> None:
        grid = series.instrument.grid
        assert grid is not None
        self.quanta_per_tick = grid.per_tick
        self.place = series.place
        self._series = series
        self._atr = atr
        self._forms: dict[Engine, Any] = {}

    def __len__(self) -> int:
        return len(self._series)

    @cached_property
    def columns(self) -> dict[str, Any]:
        """Every field of a bar, by name."""
        series = self._series
        gap = np.zeros(len(series), dtype=np.int64)
        gap[series.first] = np.diff(series.nights, prepend=0)
        whole: dict[str, Any] = {
            **{name: series.joined(name) for name in PRICES},
            "volume": series.volume,
            "place": series.place,
            # Numpy divides by a constant four times faster than it takes a remainder.
            "minute": series.minute - series.minute // MINUTES_PER_DAY * MINUTES_PER_DAY,
            "gap": gap,
            "day": series.day,
            "weekday": weekday_of(series.days)[series.session],
            "real_volume": series.real_volume,
        }
        wide = {name: column.astype(np.int64, copy=False) for name, column in whole.items()}
        return {**wide, "atr": self._atr}

    @cached_property
    def largest(self) -> int:
        """What no price exceeds without its sign, in quanta."""
        series = self._series
        prices = max(_largest(series.high), _largest(series.low))
        return prices + _largest(series.nights)

    @property
    def is_narrow(self) -> bool:
        """Whether :attr:`narrow` can be made."""
        return self.largest < NARROW_BELOW

    @cached_property
    def narrow(self) -> dict[str, Any]:
        """The prices as int32: half the memory, twice the bars in a register."""
        series = self._series
        prices = np.empty((len(PRICES), len(series)), dtype=np.int32)
        gaps = series.nights.astype(np.int32)[series.session]
        for name, column in zip(PRICES, prices, strict=True):
            column[:] = getattr(series, name)
            column -= gaps
        return dict(zip(PRICES, prices, strict=True))

    def by(self, engine: Engine) -> Any:
        """Return the bars as an engine's loops read them."""
        if engine not in self._forms:
            self._forms[engine] = engine.bars(tuple(self.columns[name] for name in TickBar._fields))
        return self._forms[engine]

    def when(self, bar: int) -> str:
        """Return the time of a bar, to the minute."""
        return str(np.datetime64(int(self._series.minute[bar]), "m")).replace("T", " ")

    def frame(self) -> pl.DataFrame:
        """Return what :func:`alertlib.frame_detector` promises its functions."""
        import polars as pl

        series, columns = self._series, dict(self.columns)
        columns |= {name: series.price(columns[name]) for name in (*PRICES, "gap", "atr")}
        columns |= {f"raw_{name}": series.price(getattr(series, name)) for name in PRICES}
        return pl.DataFrame({"time": series.times(), **columns, "session": series.session})


def _largest(column: Ints) -> int:
    """Return the largest number of a column without its sign."""
    return max(int(column.max()), -int(column.min()))
