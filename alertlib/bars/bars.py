"""Market bars: a frame that was checked, what it is of, and what was found wrong with it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl

from alertlib.bars import parts
from alertlib.bars.quality.findings import Quality
from alertlib.bars.schema import BAR_SCHEMA
from alertlib.market.instruments import Instrument
from alertlib.texts.words import Language

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

SYNTHETIC_HASHES = frozenset(
    {
        "91734a1d1c5329b26a2c6fc18b5c17649519c3ff83160338758cd46f78009f44",  # data/sample
        # The same before its sessions kept the exchange's holidays.
        "fd936fb51e9f310f3f9637d802f2e14c11096e1888e14588de2cce263e9774b7",
    }
)
"""Hashes of bars known to be synthetic, whatever file they come in."""

_HASH_VERSION = b"alertlib.bars.v1"
_NULL = np.iinfo(np.int64).min
# Rows hashed at once.
_BLOCK = 65_536


@dataclass(frozen=True, eq=False, repr=False)
class Bars:
    """A series of checked bars of one instrument.

    Attributes
    ----------
    frame : polars.DataFrame
        ``time`` (open of the bar, naive wall clock of the exchange, sorted and unique), ``open
        high low close`` (points), ``tick_volume real_volume spread`` (null where not known).
    source : str
        Where the bars came from.
    quality : Quality
        What reading found. :func:`alertlib.examine` looks closer.
    instrument : Instrument
        Specification of the symbol, its grid read off the prices.
    declared_synthetic : bool
        Whether the source says that its bars are made up.
    assumed_symbol : bool
        Whether neither the caller nor the source said what they are of.
    """

    frame: pl.DataFrame
    source: str
    quality: Quality
    instrument: Instrument
    declared_synthetic: bool = False
    assumed_symbol: bool = False

    @property
    def symbol(self) -> str:
        """Symbol of the instrument."""
        return self.instrument.symbol

    @property
    def marked_symbol(self) -> str:
        """The symbol for people: marked where it is assumed."""
        return self.symbol + (" (assumed)" if self.assumed_symbol else "")

    @property
    def timeframe(self) -> str:
        """Timeframe of the bars as they are, such as ``M5``."""
        return self.instrument.timeframe

    @property
    def minutes(self) -> int:
        """Length of a bar in minutes."""
        return self.instrument.minutes

    @cached_property
    def sha256(self) -> str:
        """Hash of the bars themselves: the same for CSV, Parquet and store.

        SHA-256 over ``alertlib.bars.v1``, then each column of ``frame`` in its order as eight
        little-endian bytes a row: time in microseconds since 1970-01-01, prices as IEEE 754
        doubles, volumes as integers with the least of them for null.
        """
        digest = hashlib.sha256(_HASH_VERSION)
        for name, kind in BAR_SCHEMA.items():
            column = self.frame[name].to_physical()
            for start in range(0, column.len(), _BLOCK):
                part = column[start : start + _BLOCK]
                values = (part.fill_null(_NULL) if kind == pl.Int64 else part).to_numpy()
                digest.update(np.ascontiguousarray(values, values.dtype.newbyteorder("<")).data)
        return digest.hexdigest()

    @cached_property
    def synthetic(self) -> bool:
        """Whether these bars were made up: by their own declaration or by their hash."""
        return self.declared_synthetic or self.sha256 in SYNTHETIC_HASHES

    def __len__(self) -> int:
        return self.frame.height

    def __getitem__(self, places: slice) -> Bars:
        """Return the bars of a slice: ``bars[:1000]``."""
        return self._part(parts.at(self.frame, places))

    def between(self, first: str | date, last: str | date) -> Bars:
        """Return the bars of the dates from ``first`` to ``last``, both included.

        Dates or ISO texts. As of a slice, prices stay on the same grid, findings that may
        concern the part stay with it, and what is synthetic stays so.

        Raises
        ------
        ConfigError
            If they are not two dates in order.
        DataError
            If no bar lies between them.
        """
        return self._part(parts.between(self.frame, self.source, first, last))

    def plot(
        self,
        first: str | date | None = None,
        last: str | date | None = None,
        *,
        candles: int = 1_200,
        theme: Literal["light", "dark"] = "light",
        language: Language = "en",
    ) -> Figure:
        """Draw the bars as candles, side by side whatever nights lie between them.

        Parameters
        ----------
        first, last : str or date, optional
            Dates, both included; all bars when left out.
        candles : int
            How many are drawn at most. Of more bars several are merged into one candle, with
            their extremes, and the title says how many.
        theme : {"light", "dark"}
        language : {"en", "pt-BR"}

        Raises
        ------
        ConfigError
            If an argument cannot be meant, or plotly is not installed.
        DataError
            If no bar lies between the dates.
        """
        from alertlib.report.plots.bars import bars_figure

        part = self
        if first is not None or last is not None:
            times = self.frame["time"]
            part = self.between(first or f"{times[0]:%Y-%m-%d}", last or f"{times[-1]:%Y-%m-%d}")
        return bars_figure(
            part.frame, self.instrument, symbol=self.marked_symbol, synthetic=self.synthetic,
            most=candles, theme=theme, language=language,
        )  # fmt: skip

    def _part(self, frame: pl.DataFrame) -> Bars:
        quality = parts.quality_of(frame, self.quality)
        # What is made up stays so: a part has another hash.
        return replace(self, frame=frame, quality=quality, declared_synthetic=self.synthetic)

    def __repr__(self) -> str:
        facts = self._facts()
        title = f"{facts.pop('symbol')} {facts.pop('timeframe')}"
        return f"<Bars {title}: {', '.join(facts.values())}>"

    def _repr_html_(self) -> str:
        cells = "".join(
            f"<tr><th style='text-align:left'>{escape(name)}</th><td>{escape(value)}</td></tr>"
            for name, value in (self._facts() | {"source": self.source}).items()
        )
        return f"<table>{cells}</table>{self.frame.head(3)._repr_html_()}"

    def _facts(self) -> dict[str, str]:
        times = self.frame["time"]
        facts = {
            "symbol": self.marked_symbol,
            "timeframe": self.timeframe,
            "bars": f"{len(self):,} bars",
            "sessions": f"{times.dt.date().n_unique()} sessions",
            "span": f"{times[0]:%Y-%m-%d %H:%M} to {times[-1]:%Y-%m-%d %H:%M}",
        }
        if self.synthetic:
            facts["origin"] = "SYNTHETIC"
        if not self.quality.clean:
            facts["quality"] = "UNSAFE for scoring"
        return facts
