"""Headers of several lines, as pandas writes columns of two levels (yfinance's downloads)."""

from __future__ import annotations

import csv
import re
from typing import NamedTuple

from alertlib.bars.readers.layouts import DELIMITERS, Layout, recognise
from alertlib.bars.readers.names import read_headings
from alertlib.bars.readers.symbols import is_same_symbol
from alertlib.errors import DataError

_MOST_LINES = 4
_OF_TWO_LEVELS = r"\('([^']*)', '([^']*)'\)"
_BEGINS_A_BAR = r"\d{4}[./-]?\d{1,2}[./-]?\d{1,2}.*|\d{1,2}[./-]\d{1,2}[./-]\d{4}.*|\d{9,}"


class Stacked(NamedTuple):
    """A header of several lines as one.

    Attributes
    ----------
    layout : Layout
        Of the columns that belong to ``symbol``.
    lines : int
        Lines of the header.
    symbol : str or None
        What its line of tickers says.
    """

    layout: Layout
    lines: int
    symbol: str | None


def find_stacked(head: list[str], symbol: str | None, where: str) -> Stacked | None:
    """Read a header of several lines, one of them with a ticker over each column.

    Parameters
    ----------
    head : list of str
        The first lines of the file; five are enough.
    symbol : str or None
        Whose columns are wanted, where there are several symbols' side by side.
    where : str
        Name of the file, for messages.

    Returns
    -------
    Stacked or None
        None where the file begins otherwise.

    Raises
    ------
    DataError
        Several tickers stand side by side, and which is meant is not stated.
    """
    for delimiter in DELIMITERS:
        rows = [[cell.strip() for cell in row] for row in csv.reader(head, delimiter=delimiter)]
        starts = [bool(re.fullmatch(_BEGINS_A_BAR, row[0])) if row else False for row in rows]
        above = rows[: starts.index(True)] if any(starts) else []
        if 2 <= len(above) <= _MOST_LINES and len({len(row) for row in above}) == 1:
            found = _join(above, delimiter, symbol, where)
            if found is not None:
                return found
    return None


def _join(above: list[list[str]], delimiter: str, symbol: str | None, where: str) -> Stacked | None:
    named = next((row for row in above if _names_prices(row)), None)
    if named is None:
        return None
    others = [row for row in above if row is not named]
    tickers = next((row for row in others if all(row[1:])), None)
    first = next((row[0] for row in others if row[0] and not any(row[1:])), "")
    cells = [first, *named[1:]]
    if read_headings(cells).missing:
        cells[0] = "time"  # the header's own name for its rows: Price, Ticker
    chosen = None
    if tickers is not None:
        chosen = choose_ticker(tickers[1:], symbol, where)
        cells[1:] = [
            cell if ticker == chosen else ""
            for cell, ticker in zip(cells[1:], tickers[1:], strict=True)
        ]
    width = len(cells)
    found = recognise(delimiter.join(cells))
    if not isinstance(found, Layout):
        return None
    return Stacked(found._replace(width=width), len(above), chosen)


def _names_prices(row: list[str]) -> bool:
    missing = read_headings(row).missing
    return not missing or missing == ("time",)


class Level(NamedTuple):
    """The level of a frame's columns that names the prices.

    Attributes
    ----------
    names : list of (str or None)
        Of each column; None where it belongs to another symbol.
    symbol : str or None
        The ticker over those that are left.
    """

    names: list[str | None]
    symbol: str | None


def one_level(levels: list[list[str]], symbol: str | None, where: str) -> Level | None:
    """Bring columns of several levels to one; None where no level names prices.

    Parameters
    ----------
    levels : list of list of str
        Names of all columns in each level.
    symbol : str or None
        Whose columns are wanted, where there are several symbols' side by side.
    where : str
        Name of the frame, for messages.

    Raises
    ------
    DataError
        Several tickers stand side by side, and which is meant is not stated.
    """
    named = next((one for one in levels if _names_prices(one)), None)
    if named is None:
        return None
    others = next((one for one in levels if one is not named), [""] * len(named))
    # A column that belongs to none of the tickers has a name in one of the levels only.
    pairs = [
        (name, ticker) if name else (ticker, "") for name, ticker in zip(named, others, strict=True)
    ]
    tickers = [ticker for _, ticker in pairs if ticker]
    chosen = choose_ticker(tickers, symbol, where) if tickers else None
    kept = [name if ticker in (chosen, "") else None for name, ticker in pairs]
    return Level(kept, chosen)


def written_levels(names: list[str]) -> list[list[str]]:
    """Read columns of two levels as pandas writes them to Parquet: ``('Close', 'PETR4.SA')``.

    Other columns, such as the index, stand in the first level alone.
    """
    found = [re.fullmatch(_OF_TWO_LEVELS, name) for name in names]
    if not any(found):
        return []
    pairs = [
        (one[1], one[2]) if one else (name, "") for one, name in zip(found, names, strict=True)
    ]
    return [[first for first, _ in pairs], [second for _, second in pairs]]


def choose_ticker(tickers: list[str], symbol: str | None, where: str) -> str:
    """Return the one ticker there is over the columns, or the one that was stated."""
    found = list(dict.fromkeys(tickers))
    if len(found) == 1:
        return found[0]
    chosen = [one for one in found if symbol is not None and is_same_symbol(symbol, one)]
    if len(chosen) != 1:
        raise DataError(
            f"{where}: holds {len(found)} symbols side by side ({', '.join(found[:6])}); expected "
            f"one, got {symbol or 'none stated'}; state one of them as the symbol"
        )
    return chosen[0]
