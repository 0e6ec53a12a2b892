"""Bars as a worker is told of them: where they lie, and how it knows that they are the same."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from alertlib.bars.bars import Bars
from alertlib.bars.opening import read_bars
from alertlib.errors import ConfigError, DataError
from alertlib.market.instruments import Instrument


@dataclass(frozen=True)
class BarFile:
    """Where a worker finds the bars, and how it knows that they are the same.

    Attributes
    ----------
    path : str
        Bar file or store, as the worker sees it.
    instrument : Instrument
        As the bars of this program have it.
    first, last : datetime
        Opens of the first and the last bar that are used.
    sha256 : str
        Hash of those bars.
    """

    path: str
    instrument: Instrument
    first: Any
    last: Any
    sha256: str

    def read(self) -> Bars:
        """Return the bars.

        Raises
        ------
        DataError
            If the file cannot be read here, or holds other bars.
        """
        symbol, timeframe = self.instrument.symbol, self.instrument.timeframe
        bars = read_bars(self.path, symbol=symbol, timeframe=timeframe)
        inside = bars.frame.filter(pl.col("time").is_between(self.first, self.last))
        bars = replace(bars, frame=inside, instrument=self.instrument)
        if bars.sha256 != self.sha256:
            raise DataError(
                f"{self.path}: a worker reads other bars there (sha256 {bars.sha256[:12]}); "
                f"expected {self.sha256[:12]}; give all workers the same file"
            )
        return bars


def bar_file(bars: Bars) -> BarFile:
    """Return where workers find ``bars``.

    Raises
    ------
    ConfigError
        If they were made in memory.
    """
    if not Path(bars.source).exists():
        raise ConfigError(
            f"executor: bars of {bars.source!r} are in memory only; expected bars read from a "
            "file that workers can read; write them with bars.frame.write_parquet and read that"
        )
    times = bars.frame["time"]
    path = str(Path(bars.source).resolve())
    return BarFile(path, bars.instrument, times[0], times[-1], bars.sha256)
