"""What bars are of: as stated, as their source says, as its name says, or as assumed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from alertlib.bars.quality.findings import Finding, finding
from alertlib.bars.readers.symbols import (
    contradicts,
    exchange_symbol,
    is_same_symbol,
    quoted,
    read_file_name,
)
from alertlib.bars.readers.table import Table
from alertlib.errors import DataError


def find_symbol(
    table: Table, path: Path, symbol: str | None, default_symbol: str | None
) -> tuple[str | None, Table]:
    """Bring together all that says what a file's bars are of.

    Parameters
    ----------
    table : Table
    path : Path
        Of the file, or of the directory.
    symbol : str or None
        As the caller states it.
    default_symbol : str or None
        What is assumed where nothing is said.

    Returns
    -------
    symbol : str or None
        None where it can only be assumed.
    table : Table
        With the timeframe of the file's name where no column says one, and with a finding
        where the symbol is assumed.

    Raises
    ------
    DataError
        What is stated, what the source says and its name contradict each other.
    """
    stated = agreed_symbol(symbol, table.symbol, str(path))
    if not path.is_dir():
        stated, table = _with_file_name(table, path, stated, default_symbol)
    if stated is None and default_symbol is not None:
        table = replace(table, findings=(*table.findings, _assumed(default_symbol, path)))
    return stated, table


def agreed_symbol(stated: str | None, found: str | None, source: str) -> str | None:
    """Return the stated symbol or the source's own, or refuse two that differ."""
    if stated is not None and found is not None and not is_same_symbol(stated, found):
        raise DataError(
            f"{source}: holds symbol {found}; expected {stated}; state the symbol of the bars"
        )
    return stated or (exchange_symbol(found) if found else None)


def _with_file_name(
    table: Table, path: Path, stated: str | None, default_symbol: str | None
) -> tuple[str | None, Table]:
    """Take what MetaTrader's name of an export says, or refuse what contradicts it."""
    name = read_file_name(path)
    expected = stated or default_symbol
    if expected is not None and contradicts(name.symbol, expected):
        assert name.symbol is not None
        how = "stated" if stated else "assumed, as nothing else was stated"
        raise DataError(
            f"{path}: its name says {name.symbol}; got {expected} ({how}); state the symbol of "
            f"the bars ({quoted(name.symbol)}), or rename the file if its name is wrong"
        )
    if stated is None and (default_symbol is None or name.symbol == default_symbol):
        stated = name.symbol
    return stated, replace(table, timeframe=table.timeframe or name.timeframe)


def _assumed(symbol: str, path: Path) -> Finding:
    message = (
        f"{path.name} does not say what its bars are of: read as the configured {symbol}; state "
        f"the symbol (--symbol {quoted(symbol)} if it is that)"
    )
    return finding("assumed_symbol", "warning", None, 1, message)
