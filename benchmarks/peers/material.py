"""The bars all contestants are given, each in the form it likes best."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

import alertlib as al
from alertlib._typing import Floats, Ints
from alertlib.bars.schema import PRICES
from alertlib.bars.series import Series, make_series
from alertlib.config.schema import SymbolSpec
from alertlib.scoring.engine import COMPILED
from alertlib.scoring.true_ranges import true_ranges

# 113 bars of five minutes, so that sizes are whole sessions where they can be.
SESSION = 113
SPEC = SymbolSpec("MADE", tick=5.0, session_open="09:00", session_close="18:25")
SEED = 20_260_101
ATR_WINDOW = 14


@dataclass(frozen=True)
class Material:
    """Bars of one size.

    Attributes
    ----------
    series : Series
        As a backtest reads them.
    """

    series: Series

    def __len__(self) -> int:
        return len(self.series)

    @cached_property
    def atr(self) -> Floats:
        """Average true range in quanta."""
        return true_ranges(self.series, ATR_WINDOW, COMPILED)

    @cached_property
    def joined(self) -> dict[str, Floats]:
        """The gap-joined prices every detector reads, as float64."""
        return {
            name: np.ascontiguousarray(getattr(self.series, name) - self.series.gaps, np.float64)
            for name in PRICES
        }

    @cached_property
    def raw(self) -> dict[str, Floats]:
        """Prices as traded, in quanta, as float64: what trades are filled at."""
        return {
            name: np.ascontiguousarray(getattr(self.series, name), np.float64) for name in PRICES
        }

    @cached_property
    def frame(self) -> pl.DataFrame:
        """The gap-joined prices as a polars frame."""
        return pl.DataFrame(self.joined)

    @property
    def ticks(self) -> dict[str, Ints]:
        """The gap-joined prices as the integers they are."""
        return {name: getattr(self.series, name) - self.series.gaps for name in PRICES}

    def head(self, bars: int) -> Material:
        """Return the first ``bars`` of them."""
        return Material(self.series.head(bars))


def read_material(path: str | None, symbol: str, bars: int) -> Material:
    """Return the bars of a file, or of the seeded random walk, at most ``bars`` of them."""
    if path is not None:
        series = make_series(al.read_bars(path, symbol=symbol))
    else:
        with tempfile.TemporaryDirectory() as folder:
            made = Path(folder) / "bars.parquet"
            random_walk(bars).write_parquet(made)
            series = make_series(al.read_bars(made, symbol="MADE", symbols=(SPEC,)))
    return Material(series.head(min(bars, len(series))))


def random_walk(bars: int) -> pl.DataFrame:
    """Return a walk in ticks of 5 points: bars open near the close before, sessions with a gap."""
    random = np.random.default_rng(SEED)
    day, slot = np.divmod(np.arange(bars), SESSION)
    minute = (day * 1_440 + 540 + 5 * slot) * 60_000_000 + 631_152_000_000_000
    close = 5_000 + np.abs(25_000 + np.cumsum(random.integers(-20, 21, bars)))
    gap = np.where(slot == 0, random.integers(-80, 81, bars), random.integers(-3, 4, bars))
    opened = np.concatenate([close[:1], close[:-1]]) + gap
    columns: dict[str, Any] = {
        "open": opened,
        "high": np.maximum(opened, close) + random.integers(0, 15, bars),
        "low": np.minimum(opened, close) - random.integers(0, 15, bars),
        "close": close,
    }
    return pl.DataFrame(
        {
            "time": pl.Series(minute).cast(pl.Datetime("us")),
            **{name: values * 5.0 for name, values in columns.items()},
        }
    )
