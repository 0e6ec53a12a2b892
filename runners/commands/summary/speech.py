"""Figures and sentences as a language writes them."""

from __future__ import annotations

from math import isinf
from string import Formatter
from typing import Any

from alertlib.report.formats import clean
from alertlib.texts import formats
from alertlib.texts.words import Language
from runners.commands.summary.figures import Figure
from runners.commands.summary.measures import unit
from runners.commands.summary.words import WORDS

_SIGNS = {">=": "≥ ", "<=": "≤ ", ">": "> ", "<": "< "}
# Decimals a figure is shown with before it would look equal to a limit it is not equal to.
_MORE_DECIMALS = 6


class Speech(Formatter):
    """Speaks one language.

    Sentences of the table are filled in with ``{figure:name|value|limit|bound}``,
    ``{n:count|decimal|money}`` and ``{names:names}``; whatever comes from a file is cleaned.
    """

    def __init__(self, language: Language) -> None:
        self.language = language
        self._words = WORDS[language]

    def word(self, key: str) -> str:
        """Return the word for a key; an unknown one stands for itself."""
        return self._words.get(key, clean(key).replace("_", " "))

    def has(self, key: str) -> bool:
        """Whether there is a word for a key."""
        return key in self._words

    def say(self, key: str, **values: Any) -> str:
        """Return the sentence of a key, in the singular where there is one and ``n`` is 1."""
        one = f"{key}_one"
        template = self._words[one if values.get("n") == 1 and one in self._words else key]
        return self.vformat(template, (), values)

    def format_field(self, value: Any, format_spec: str) -> str:
        """Fill in one value as its kind is written."""
        match format_spec:
            case "name":
                return self.word(value.name)
            case "value":
                return self.value(value)
            case "limit":
                return self.amount(value.name, value.limit, trim=True)
            case "bound":
                return self.bound(value)
            case "names":
                return ", ".join(self.word(name) for name in value)
            case "count":
                return formats.number(value, 0, self.language)
            case "decimal":
                return formats.number(value, 1, self.language)
            case "money":
                return formats.money(value, self.language, signed=True)
            case _:
                return clean(value)

    def value(self, figure: Figure) -> str:
        """Return a figure's value, with more decimals where it would round onto its limit."""
        if figure.value is None:
            return self.word("not_measured" if figure.met is None else "undefined")
        limit = self.amount(figure.name, figure.limit)
        for more in range(_MORE_DECIMALS):
            shown = self.amount(figure.name, figure.value, more)
            if figure.value == figure.limit or shown != limit:
                break
            limit = self.amount(figure.name, figure.limit, more + 1)
        return shown

    def bound(self, figure: Figure) -> str:
        """Return a figure's limit with its comparison: ``≥ 85%``."""
        return _SIGNS[figure.op] + self.amount(figure.name, figure.limit, trim=True)

    def amount(self, name: str, value: float | None, more: int = 0, *, trim: bool = False) -> str:
        """Return a value in the unit of the figure called ``name``.

        Parameters
        ----------
        more : int
            Decimals beyond the usual ones.
        trim : bool
            Whether as many decimals as the value needs are enough, as for a limit.
        """
        if value is None:
            return self.word("not_measured")
        if isinf(value):
            return "∞"
        match unit(name):
            case "share":
                return self._decimals(100 * value, 1 + more, trim) + "%"
            case "money":
                return formats.money(value, self.language, signed=True)
            case "ms" if abs(value) >= 1_000:
                return self._decimals(value / 1_000, 1 + more, trim) + " s"
            case "ms" | "MB" as name_of_unit:
                return f"{self._decimals(value, 1 + more, trim)} {name_of_unit}"
            case "p":
                return self._decimals(value, 3 + more, trim)
            case "decimal":
                return self._decimals(value, 1 + more, trim)
            case _:
                return formats.number(value, 0, self.language)

    def date(self, iso: str | None, *, time: bool = False) -> str:
        """Return an ISO time, or a bare date, as the language writes it; Brasilia time."""
        if not iso:
            return formats.UNDEFINED
        try:
            shown = formats.moment(formats.brasilia(iso), self.language)
        except ValueError:
            return clean(iso)
        return shown if time else shown[:10]

    def _decimals(self, value: float, decimals: int, trim: bool) -> str:
        rounded = round(value, decimals) if trim else value
        return formats.number(rounded, None if trim else decimals, self.language)
