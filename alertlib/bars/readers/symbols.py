"""Which symbol a source says its bars are of, and how others spell it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from alertlib.config.schema import SymbolSpec
from alertlib.market.instruments import find_instrument

# Yahoo marks the exchange behind a dot; the exchange's own ticker has none.
_OF_YAHOO = ".SA"

# What MetaTrader 5 calls an export: symbol, timeframe, first and last bar.
_EXPORT = re.compile(
    r"(?P<symbol>[\w$@#.&!-]+?)_(?P<timeframe>M\d{1,2}|H\d{1,2}|D1|W1|MN1|Daily|Weekly|Monthly)"
    r"_\d{4,14}(_\d{4,14})?([ _(-].*)?"
)
_ENDINGS = re.compile(r"(\.(csv|txt|tsv|parquet|pq|gz|zip))+$", re.IGNORECASE)
_SPELT = {"Daily": "D1", "Weekly": "W1", "Monthly": "MN1"}


class FileName(NamedTuple):
    """What MetaTrader's name of an export says; None where it is another name."""

    symbol: str | None
    timeframe: str | None


def read_file_name(path: Path) -> FileName:
    """Read ``SYMBOL_TF_FIRST_LAST.csv``."""
    found = _EXPORT.fullmatch(_ENDINGS.sub("", path.name))
    if found is None:
        return FileName(None, None)
    timeframe = found["timeframe"]
    return FileName(found["symbol"], _SPELT.get(timeframe, timeframe))


def contradicts(name: str | None, symbol: str) -> bool:
    """Whether a file's name says another symbol; one without its mark (WIN of WIN$N) does not."""
    return not (
        name is None
        or is_same_symbol(name, symbol)
        or re.fullmatch(re.escape(name) + r"[$@].*", symbol) is not None
    )


def is_same_symbol(one: str, other: str) -> bool:
    """Whether two spellings mean one symbol: ``PETR4`` is Yahoo's ``PETR4.SA``."""
    return exchange_symbol(one) == exchange_symbol(other)


def exchange_symbol(symbol: str) -> str:
    """Return the exchange's own spelling of a symbol."""
    return symbol.removesuffix(_OF_YAHOO)


def quoted(symbol: str) -> str:
    """Return a symbol as a shell has to be given it: unquoted, it cuts WIN$N at the dollar."""
    return f"'{symbol}'" if "$" in symbol else symbol


def known_tick(symbol: str | None, symbols: Sequence[SymbolSpec]) -> float | None:
    """Return the tick of a symbol in points; None where symbol or tick are not known."""
    if symbol is None:
        return None
    grid = find_instrument(exchange_symbol(symbol), "M1", symbols).grid
    return grid.tick if grid else None
