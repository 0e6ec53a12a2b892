"""The store's door: what a file has to be before any of it is stored."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from alertlib.bars.bars import Bars
from alertlib.bars.quality.findings import Kind
from alertlib.bars.store.entries import differing
from alertlib.config.schema import SymbolSpec
from alertlib.errors import DataError
from alertlib.market.futures import adjustment
from alertlib.market.instruments import find_instrument

# What is wrong with a series as a whole; single bad rows are listed and left out instead.
_WHOLE: tuple[Kind, ...] = ("timeframe", "closes_for_opens", "zone", "non_trading_day")

NOTHING = "nothing was imported"


def check_series(bars: Bars, symbols: Sequence[SymbolSpec] = ()) -> None:
    """Refuse bars that as a whole are not what a store of their symbol holds.

    Parameters
    ----------
    bars : Bars
    symbols : sequence of SymbolSpec
        The configuration's ``data.symbols``.

    Raises
    ------
    DataError
        Their times are not opens of bars of one timeframe by the exchange's clock on its trading
        days; or their prices are off the grid of their symbol, unless it promises an adjusted
        series.
    """
    kinds: tuple[Kind, ...] = (*_WHOLE, "off_grid") if _has_grid(bars, symbols) else _WHOLE
    for kind in kinds:
        errors = [found for found in bars.quality.of_kind(kind) if found.severity == "error"]
        if not errors:
            continue
        days = f" (and {len(errors) - 1} more such days)" if len(errors) > 1 else ""
        advice = "; state the symbol they are of" if kind == "off_grid" else ""
        raise DataError(f"{bars.source}: {errors[0].message}{days}{advice}; {NOTHING}")


def _has_grid(bars: Bars, symbols: Sequence[SymbolSpec]) -> bool:
    """Whether the prices of a series have to be on a grid and, but for a few, are not."""
    grid = bars.instrument.grid
    known = find_instrument(bars.symbol, bars.timeframe, symbols).grid is not None
    is_adjusted = adjustment(bars.symbol) in ("proportional", "difference")
    return known and not is_adjusted and grid is not None and not grid.on_tick


def check_overlap(source: str, shared: pl.DataFrame, known: str) -> None:
    """Refuse bars most of which are known already with other values.

    Parameters
    ----------
    source : str
        Name of the new bars, for the message.
    shared : polars.DataFrame
        Bars that are known already, as :meth:`StoreWriter.shared` gives them.
    known : str
        Where from, for the message.

    Raises
    ------
    DataError
        More than half differ.
    """
    other = differing(shared)
    if 2 * other.height <= shared.height:
        return
    time, close, stored = other.select("time", "close", "close_stored").row(0)
    raise DataError(
        f"{source}: {other.height:,} of {shared.height:,} bars that {known} already differ, the "
        f"first at {time:%Y-%m-%d %H:%M} (close {close:.10g}, there {stored:.10g}): another "
        "instrument, contract or adjustment; state its own --symbol, choose another --out, or "
        f"take the old bars out with --remove; {NOTHING}"
    )
