"""Which column of a delimited text file is what: headers by name, headless files by position."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

from alertlib.bars.schema import PRICES

DELIMITERS = ("\t", ";", ",")

# For each thing a file can hold, the spellings of MetaTrader 5, ProfitChart (Portuguese and
# English) and plain files. Where a header has several of one line, the earlier is meant:
# ProfitChart's "Volume" beside "Quantidade" is money, not contracts.
_SPELLINGS: dict[str, tuple[str, ...]] = {
    "datetime": ("datetime", "date time", "timestamp", "data hora", "data e hora", "datahora"),
    "date": ("date", "data"),
    "time": ("time", "hora", "horario"),
    "open": ("open", "abertura", "abert", "abe"),
    "high": ("high", "maxima", "maximo", "max"),
    "low": ("low", "minima", "minimo", "min"),
    "close": ("close", "fechamento", "fech", "fec", "ultimo", "ult", "last"),
    "tick_volume": (
        "tick volume", "tickvolume", "tickvol", "tick", "ticks",
        "negocios", "n negocios", "numero de negocios", "neg", "trades",
    ),
    "real_volume": (
        "real volume", "realvolume", "volume quantidade", "quantidade", "qtde", "qtd",
        "contratos", "vol", "volume",
    ),
    "spread": ("spread",),
    "symbol": ("symbol", "ativo", "ticker", "papel", "instrumento", "instrument"),
    "timeframe": ("timeframe", "tf", "per", "period", "periodo"),
}  # fmt: skip

_PORTUGUESE = frozenset((
    "abertura", "abert", "abe", "maxima", "maximo", "minima", "minimo",
    "fechamento", "fech", "fec", "ultimo", "ult", "quantidade", "negocios",
))  # fmt: skip

_DATE = r"\d{4}[./-]?\d{1,2}[./-]?\d{1,2}|\d{1,2}[./-]\d{1,2}[./-]\d{4}"
_CLOCK = r"\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?"
_NUMBER = r"[+-]?\d[\d.,]*"
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
    """

    delimiter: str
    columns: dict[str, int]
    width: int
    has_header: bool
    portuguese: bool = False
    ignored: tuple[str, ...] = ()

    @property
    def date_and_time(self) -> bool:
        """Whether date and clock stand in columns of their own."""
        return "date" in self.columns and "time" in self.columns


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
        columns, ignored = _by_name(cells)
        missing = _missing(columns)
        if not missing:
            while cells[-1] == "":
                cells.pop()
            portuguese = not _PORTUGUESE.isdisjoint(_plain(cell) for cell in cells)
            return Layout(delimiter, columns, len(cells), True, portuguese, ignored)
        if len(columns) >= 3 and (best is None or len(missing) < len(best)):
            best = missing
        positions = _by_position(cells)
        if positions is not None:
            return Layout(delimiter, positions, max(positions.values()) + 1, False)
    return best


def _missing(columns: dict[str, int]) -> tuple[str, ...]:
    has_time = not columns.keys().isdisjoint(("datetime", "date", "time"))
    absent = tuple(name for name in PRICES if name not in columns)
    return absent if has_time else ("time", *absent)


def _by_name(cells: Sequence[str]) -> tuple[dict[str, int], tuple[str, ...]]:
    names = [_plain(cell) for cell in cells]
    columns: dict[str, int] = {}
    for meaning, spellings in _SPELLINGS.items():
        for spelling in spellings:
            if spelling in names:
                columns[meaning] = names.index(spelling)
                break
    used = set(columns.values())
    return columns, tuple(c for i, c in enumerate(cells) if i not in used and c)


def _plain(cell: str) -> str:
    """Bring a header's cell to lower case without accents, brackets and punctuation."""
    letters = unicodedata.normalize("NFKD", cell.strip().strip("<>").lower())
    bare = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return re.sub(r"[\s_./-]+", " ", bare).strip()


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
