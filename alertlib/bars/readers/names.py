"""Which column is what, by its heading: one table of spellings for text, Parquet and frames."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

from alertlib.bars.schema import PRICES

# For each thing a source can hold, the spellings of MetaTrader 5, ProfitChart (Portuguese and
# English), pandas, yfinance, Dukascopy and plain files. Where a header has several of one line,
# the earlier is meant: ProfitChart's "Volume" beside "Quantidade" is money, not contracts.
_SPELLINGS: dict[str, tuple[str, ...]] = {
    "datetime": (
        "datetime", "date time", "timestamp", "data hora", "data e hora", "datahora",
        "local time", "open time", "time open", "opentime", "bar time",
    ),
    "date": ("date", "data", "dtyyyymmdd"),
    "time": ("time", "hora", "horario"),
    "open": ("open", "abertura", "abert", "abe"),
    "high": ("high", "maxima", "maximo", "max"),
    "low": ("low", "minima", "minimo", "min"),
    "close": ("close", "fechamento", "fech", "fec", "ultimo", "ult", "last"),
    "tick_volume": (
        "tick volume", "tickvolume", "tickvol", "tick vol", "volume tick", "volumetick",
        "vol tick", "volume ticks", "tick", "ticks", "negocios", "n negocios",
        "numero de negocios", "neg", "trades",
    ),
    "real_volume": (
        "real volume", "realvolume", "real vol", "realvol", "volume real", "volumereal",
        "vol real", "volume quantidade", "quantidade", "quantity", "qtde", "qtd", "qty",
        "contratos", "contracts", "shares", "vol", "volume",
    ),
    "spread": ("spread",),
    "symbol": ("symbol", "ativo", "ticker", "papel", "instrumento", "instrument", "asset"),
    "timeframe": ("timeframe", "tf", "per", "period", "periodo"),
}  # fmt: skip

_PORTUGUESE = frozenset((
    "abertura", "abert", "abe", "maxima", "maximo", "minima", "minimo",
    "fechamento", "fech", "fec", "ultimo", "ult", "quantidade", "negocios",
))  # fmt: skip

# Headings that leave open whether a number counts contracts or money.
_VAGUE = frozenset(("vol", "volume"))

# An index that nobody named: as pandas, R and Parquet write it. It is taken for the time only
# where nothing else is.
_UNNAMED = frozenset(("", "index", "unnamed 0", "index level 0"))

# A heading that says the exchange's own clock says nothing that is not assumed.
_HERE = re.compile(r" (brt|(de )?brasilia|america sao paulo)$")

_UNIVERSAL = re.compile(r"\b(gmt|utc)\b")


class Headings(NamedTuple):
    """What the headings of a source mean.

    Attributes
    ----------
    places : dict of str to int
        Position of each thing the source holds, by canonical name; ``datetime`` or ``date`` or
        ``time``, or both of the latter.
    ignored : tuple of str
        Headings that are not bars' columns.
    utc : bool
        Whether the heading of the times says that they are UTC.
    """

    places: dict[str, int]
    ignored: tuple[str, ...]
    utc: bool

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of the columns a bar needs that are not there."""
        has_time = not self.places.keys().isdisjoint(("datetime", "date", "time"))
        absent = tuple(name for name in PRICES if name not in self.places)
        return absent if has_time else ("time", *absent)


def read_headings(cells: Sequence[str]) -> Headings:
    """Find out which column is what by its heading."""
    names = [_HERE.sub("", plain(cell)) for cell in cells]
    places: dict[str, int] = {}
    for meaning, spellings in _SPELLINGS.items():
        for spelling in spellings:
            if spelling in names:
                places[meaning] = names.index(spelling)
                break
    utc = False
    if places.keys().isdisjoint(("datetime", "date", "time")):
        universal = next((i for i, name in enumerate(names) if _universal(name)), None)
        unnamed = next((i for i, name in enumerate(names) if name in _UNNAMED), None)
        utc = universal is not None
        if universal is not None:
            places["datetime"] = universal
        elif unnamed is not None and all(name in places for name in PRICES):
            places["datetime"] = unnamed
    used = set(places.values())
    return Headings(places, tuple(c for i, c in enumerate(cells) if i not in used and c), utc)


def plain(cell: str) -> str:
    """Bring a heading to lower case without accents, brackets and punctuation."""
    letters = unicodedata.normalize("NFKD", cell.strip().lower())
    bare = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return re.sub(r"[\s_./:<>()\[\]#-]+", " ", bare).strip()


def is_portuguese(cells: Sequence[str]) -> bool:
    """Whether a header is in Portuguese."""
    return not _PORTUGUESE.isdisjoint(plain(cell) for cell in cells)


def is_known(heading: str) -> bool:
    """Whether a column of this heading may be one that bars can use."""
    name = _HERE.sub("", plain(heading))
    return (
        name in _UNNAMED
        or _universal(name)
        or any(name in spellings for spellings in _SPELLINGS.values())
    )


def may_be_money(heading: str) -> bool:
    """Whether a heading of volumes leaves open that they are money."""
    return plain(heading) in _VAGUE


def _universal(name: str) -> bool:
    rest = " ".join(_UNIVERSAL.sub(" ", name).split())
    times = (*_SPELLINGS["datetime"], *_SPELLINGS["time"], *_SPELLINGS["date"], "")
    return _UNIVERSAL.search(name) is not None and rest in times
