"""The kinds of text a setting can be."""

from __future__ import annotations

import re
from typing import Annotated, NamedTuple


class Pattern(NamedTuple):
    """A text that has to match ``regex`` as a whole; ``meaning`` says so to a person."""

    regex: str
    meaning: str

    def __contains__(self, value: object) -> bool:
        return isinstance(value, str) and re.fullmatch(self.regex, value) is not None

    def __str__(self) -> str:
        return self.meaning


ClockTime = Annotated[str, Pattern(r"([01]\d|2[0-3]):[0-5]\d", "a time of day such as 09:05")]
Timeframe = Annotated[
    str, Pattern(r"M([1-6]|10|12|15|20|30)|H([1-4]|6|8|12)|D1", "M1 … M30, H1 … H12 or D1")
]


def minutes(timeframe: str) -> int:
    """Length of a timeframe such as ``M5``, ``H1`` or ``D1`` in minutes."""
    return {"M": 1, "H": 60, "D": 1440}[timeframe[0]] * int(timeframe[1:])


def minute_of_day(clock: str) -> int:
    """``"09:05"`` as minutes since midnight."""
    hour, minute = clock.split(":")
    return 60 * int(hour) + int(minute)
