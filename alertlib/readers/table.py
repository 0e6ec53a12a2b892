"""What every reader hands over: typed columns, the row each came from, and what it learnt."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from alertlib.quality.findings import Finding

PRICES = ("open", "high", "low", "close")
VOLUMES = ("tick_volume", "real_volume", "spread")

BAR_SCHEMA = pl.Schema(
    {"time": pl.Datetime("us")}
    | {name: pl.Float64() for name in PRICES}
    | {name: pl.Int64() for name in VOLUMES}
)
TABLE_SCHEMA = pl.Schema({"row": pl.Int64(), **BAR_SCHEMA, "reason": pl.String()})


@dataclass(frozen=True, eq=False, slots=True)
class Table:
    """Rows as the source holds them: typed, not yet judged.

    Attributes
    ----------
    frame : polars.DataFrame
        :data:`TABLE_SCHEMA`, in the source's order. ``row`` is the place in the source and
        ``reason`` says what in the row could not be read (null where all of it could).
    row_word : str
        ``"line"`` for text, counted from 1; ``"row"`` for tables, counted from 0.
    layout : str
        How the source was laid out, for people.
    symbol, timeframe : str or None
        As the source states them in a column or a partition.
    synthetic : bool
        Whether the source declares itself synthetic.
    findings : tuple of Finding
        What only the reader could see, such as a conversion between zones.
    """

    frame: pl.DataFrame
    row_word: str
    layout: str
    symbol: str | None = None
    timeframe: str | None = None
    synthetic: bool = False
    findings: tuple[Finding, ...] = ()
