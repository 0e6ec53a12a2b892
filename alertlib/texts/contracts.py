"""Ticks and point values for texts, by symbol and timeframe."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

from alertlib.config.schema import SymbolSpec
from alertlib.market.instruments import find_instrument
from alertlib.texts.alerts import Contract

FindContract = Callable[[str, str], Contract]


def find_contracts(symbols: Sequence[SymbolSpec]) -> FindContract:
    """Return a look-up of ticks and point values: ``data.symbols``, then the families' table."""

    @lru_cache(maxsize=256)
    def find(symbol: str, timeframe: str) -> Contract:
        known = find_instrument(symbol, timeframe, symbols)
        return Contract(known.grid.tick if known.grid else None, known.point_value)

    return find
