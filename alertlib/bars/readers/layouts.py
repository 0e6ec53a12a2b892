"""Which column of a delimited text file is what: headers by name, headless files by position."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from alertlib.bars.readers.names import is_portuguese, may_be_money, read_headings
from alertlib.bars.schema import PRICES

DELIMITERS = ("\t", ";", ",", "|")

_DATE = r"\d{4}[./-]?\d{1,2}[./-]?\d{1,2}|\d{1,2}[./-]\d{1,2}[./-]\d{4}"
_CLOCK = r"\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?"
_NUMBER = r"[+-]?\d[\d.,]*([eE][+-]?\d+)?"
_SYMBOL = r"[A-Za-z$@#][\w$@#.-]*"

# What follows the prices in files without a header, by how many columns there are.
_TAILS: dict[int, tuple[str | None, ...]] = {
    0: (),
    1: ("real_volume",),
    2: (None, "real_volume"),  # ProfitChart: money, then contracts
    3: ("tick_volume", "real_volume", "spread"),  # MetaTrader 5
}


class Layout(NamedTuple):
    """How the lines of a file are divided.

    Attributes
    ----------
    delimiter : str
    columns : dict of str to int
        Position of each thing the file holds, by canonical name; ``datetime`` or ``date`` or
        ``time``, or both of the latter.
    width : int
        Fields of a line.
    has_header : bool
    portuguese : bool
        Whether the header is in Portuguese.
    ignored : tuple of str
        Names in the header that are not bars' columns.
    utc : bool
        Whether the header says that the times are UTC.
    headings : dict of str to str
        How the header spells each of ``columns``; empty without a header.
    """

    delimiter: str
    columns: dict[str, int]
    width: int
    has_header: bool
    portuguese: bool = False
    ignored: tuple[str, ...] = ()
    utc: bool = False
    headings: dict[str, str] = {}  # noqa: RUF012  (a NamedTuple's default; never changed)

    @property
    def date_and_time(self) -> bool:
        """Whether date and clock stand in columns of their own."""
        return "date" in self.columns and "time" in self.columns

    @property
    def unnamed_time(self) -> bool:
        """Whether the times stand under no heading: an index, or a header of several lines."""
        return self.headings.get("datetime") == ""


def recognise(first_line: str) -> Layout | tuple[str, ...] | None:
    """Read the layout off a file's first line.

    Returns
    -------
    Layout
        Where the line is a header with a time and four prices, or a bar itself.
    tuple of str
        Names of the missing columns, where the line is a header without some of them.
    None
        Where it is neither.
    """
    best: tuple[str, ...] | None = None
    for delimiter in DELIMITERS:
        cells = [cell.strip().strip('"').strip() for cell in first_line.split(delimiter)]
        named = read_headings(cells)
        missing = named.missing
        if not missing:
            return _named(delimiter, cells)
        if len(named.places) >= 3 and (best is None or len(missing) < len(best)):
            best = missing
        positions = _by_position(cells)
        if positions is not None:
            return Layout(delimiter, positions, max(positions.values()) + 1, False)
    return best


def _named(delimiter: str, cells: list[str]) -> Layout:
    while cells[-1] == "":
        cells.pop()
    named = read_headings(cells)
    return Layout(
        delimiter, named.places, len(cells), True, is_portuguese(cells), named.ignored, named.utc,
        {name: cells[place] for name, place in named.places.items()},
    )  # fmt: skip


def _by_position(cells: Sequence[str]) -> dict[str, int] | None:
    """Recognise a bar without a header: [symbol] date [time] open high low close [volumes]."""
    fields = list(cells)
    if fields and fields[-1] == "":
        fields.pop()
    at = 0
    columns: dict[str, int] = {}
    if fields and re.fullmatch(_SYMBOL, fields[0]):
        columns["symbol"], at = 0, 1
    if at < len(fields) and re.fullmatch(rf"({_DATE})[ T]{_CLOCK}.*|\d{{9,}}", fields[at]):
        columns["datetime"], at = at, at + 1
    elif at + 1 < len(fields) and re.fullmatch(_DATE, fields[at]):
        columns["date"], at = at, at + 1
        if re.fullmatch(_CLOCK, fields[at]):
            columns["time"], at = at, at + 1
    else:
        return None
    rest = fields[at:]
    tail = _TAILS.get(len(rest) - len(PRICES))
    if tail is None or not all(re.fullmatch(_NUMBER, field) for field in rest):
        return None
    names = (*PRICES, *tail)
    columns |= {name: at + i for i, name in enumerate(names) if name is not None}
    return columns


def says_contracts(layout: Layout) -> bool:
    """Whether a layout says by itself that ``real_volume`` is not money."""
    if layout.headings:
        return not may_be_money(layout.headings["real_volume"])
    return layout.width - 1 > layout.columns["close"] + 1  # beside money, or MetaTrader's own
