"""Prices, times and words as one language writes them in a figure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from html import escape

from alertlib.report.plots.words import words_of
from alertlib.texts import formats
from alertlib.texts.words import Language, side, word


@dataclass(frozen=True, slots=True)
class Writing:
    """How a figure of one instrument writes.

    Attributes
    ----------
    language : {"pt-BR", "en"}
    tick : float or None
        Smallest price step of the series in points; decides how many decimals a price shows.
    """

    language: Language
    tick: float | None = None

    def __post_init__(self) -> None:
        words_of(self.language)  # an unknown language is refused before anything is drawn

    def word(self, key: str) -> str:
        """Return a word of figures."""
        return words_of(self.language)(key)

    def label(self, key: str) -> str:
        """Return a pattern or a severity as traders read it; one's own stands for itself."""
        return escape(word(key, self.language))

    def side(self, direction: int) -> str:
        """Return an arrow and the side of a direction: ``▲ buy``."""
        return f"{arrow(direction)} {side(direction, self.language)}"

    def price(self, value: float) -> str:
        """Return a price with the decimals of the tick."""
        return formats.price(value, self.tick, self.language)

    def points(self, value: float) -> str:
        """Return a result in points, signed; fees make it finer than the tick."""
        return f"{formats.number(value, 2, self.language, signed=True)} {self.word('points')}"

    def number(self, value: float, decimals: int, *, signed: bool = False) -> str:
        """Return a number with so many decimals."""
        return formats.number(value, decimals, self.language, signed=signed)

    def percent(self, share: float) -> str:
        """Return a share of one as a percentage."""
        return formats.percent(share, 0, self.language)

    def date(self, day: date) -> str:
        """Return a date."""
        return f"{day:%d/%m/%Y}" if self.language == "pt-BR" else f"{day:%Y-%m-%d}"

    def span(self, first: datetime, last: datetime) -> str:
        """Return two moments, or the one where they are the same."""
        shown = formats.moment(first, self.language)
        if first == last:
            return shown
        same_day = first.date() == last.date()
        return f"{shown} – {f'{last:%H:%M}' if same_day else formats.moment(last, self.language)}"

    @property
    def axis_format(self) -> str:
        """The format of an axis of prices, as d3 reads it."""
        return ",~f" if self.tick is None else f",.{formats.tick_decimals(self.tick)}f"

    @property
    def separators(self) -> str:
        """Decimal sign and separator of thousands, as plotly reads them."""
        return ",." if self.language == "pt-BR" else ".,"


def arrow(direction: int) -> str:
    """Return the arrow of a direction."""
    return "▲" if direction > 0 else "▼"
