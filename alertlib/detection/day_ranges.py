"""High, low and close of the session before, kept bar by bar."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from alertlib.detection.bar import Bar


class DayRange(NamedTuple):
    """One day's prices so far.

    Attributes
    ----------
    day : str
        ISO date on the exchange's calendar.
    high, low, close : float
    is_whole : bool
        Whether its first bar was seen as such: after a bar of the day before.
    """

    day: str
    high: float
    low: float
    close: float
    is_whole: bool


class DayRanges:
    """The current day's range and the one before it, in constant memory."""

    def __init__(self, current: DayRange | None = None, before: DayRange | None = None) -> None:
        self._current = current
        self._before = before

    @property
    def previous(self) -> DayRange | None:
        """The day before the newest bar's; None if it was not seen from its first bar on."""
        before = self._before
        return before if before is not None and before.is_whole else None

    def add(self, bar: Bar) -> None:
        """Take the next bar, in order of time."""
        day, now = bar.time.date().isoformat(), self._current
        if now is None or now.day != day:
            self._before = now
            self._current = DayRange(day, bar.high, bar.low, bar.close, now is not None)
        else:
            self._current = now._replace(
                high=max(now.high, bar.high), low=min(now.low, bar.low), close=bar.close
            )

    def snapshot(self) -> list[list[Any] | None]:
        """Return JSON-able values for :meth:`restored`."""
        return [None if one is None else list(one) for one in (self._current, self._before)]

    @classmethod
    def restored(cls, values: Sequence[Sequence[Any] | None]) -> DayRanges:
        """Continue from a :meth:`snapshot`; an empty one begins anew."""
        return cls(*(None if one is None else DayRange(*one) for one in values))
