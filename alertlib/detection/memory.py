"""The newest bars as they were taken, so that one that is changed afterwards shows."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from datetime import datetime
from math import isfinite
from typing import Any, NamedTuple

from alertlib.detection.bar import Bar

REMEMBERED_BARS = 8
"""How far back a revision is noticed."""

_PRICES = ("open", "high", "low", "close")


class Revision(NamedTuple):
    """A bar that was changed after it had been taken as closed.

    Attributes
    ----------
    number : int
        Counts the revisions of this bar, from 1.
    alerts : tuple of str
        Identities of the alerts the bar had given.
    """

    before: Bar
    after: Bar
    number: int
    alerts: tuple[str, ...]

    def changes(self) -> dict[str, list[float | None]]:
        """Return the prices that differ: ``{name: [before, after]}``.

        None stands for what is no number: a bar that had been refused may be mended.
        """
        pairs = ((name, getattr(self.before, name), getattr(self.after, name)) for name in _PRICES)
        return {name: [_number(old), _number(new)] for name, old, new in pairs if old != new}


class Taken(NamedTuple):
    """A bar that was taken, its revisions so far, and the alerts it gave."""

    bar: Bar
    revisions: int = 0
    alerts: tuple[str, ...] = ()


class Memory:
    """The last bars of one stream, in order of time."""

    def __init__(self, taken: Iterable[Taken] = ()) -> None:
        self._taken: deque[Taken] = deque(taken, REMEMBERED_BARS)
        # Revisions that were refused, so that each is told of once and not at every look.
        self._refused: dict[datetime, Bar] = {}

    @property
    def last(self) -> datetime | None:
        """Open of the newest bar; None before the first."""
        return self._taken[-1].bar.time if self._taken else None

    @property
    def since(self) -> datetime | None:
        """Open of a bar shortly before the newest: where to read on so that revisions show."""
        return self._taken[max(0, len(self._taken) - 3)].bar.time if self._taken else None

    def bars(self) -> dict[datetime, Bar]:
        """Return the bars by their opens."""
        return {one.bar.time: one.bar for one in self._taken}

    def add(self, bar: Bar) -> None:
        """Remember a bar that is later than all others."""
        self._taken.append(Taken(bar))

    def note(self, alerts: tuple[str, ...]) -> None:
        """Say which alerts the newest bar gave."""
        self._taken[-1] = self._taken[-1]._replace(alerts=alerts)

    def compare(self, bar: Bar, check: Callable[[Bar], object]) -> Revision | None:
        """Return how a bar differs from the one remembered; None if it does not, or is none.

        ``check`` is called with one that differs. What it raises passes through, once per bar.
        """
        for place, known in enumerate(self._taken):
            if known.bar.time != bar.time:
                continue
            if _is_same(known.bar, bar) or _is_same(self._refused.get(bar.time), bar):
                return None
            self._refused[bar.time] = bar
            self._refused = {t: b for t, b in self._refused.items() if t >= self._taken[0].bar.time}
            check(bar)
            del self._refused[bar.time]
            number = known.revisions + 1
            self._taken[place] = Taken(bar, number, known.alerts)
            return Revision(known.bar, bar, number, known.alerts)
        return None

    def recall(self, time: datetime, earlier: Memory) -> None:
        """Take over what an earlier run knew of the bar at ``time``, which is the newest here."""
        for one in earlier._taken:
            if one.bar.time == time:
                self._taken[-1] = one

    def to_rows(self) -> list[list[Any]]:
        """Return all of it as JSON can hold it, for :meth:`from_rows`."""
        return [
            [one.bar.time.isoformat(), *one.bar[1:], one.revisions, one.alerts]
            for one in self._taken
        ]

    @classmethod
    def from_rows(cls, rows: Iterable[list[Any]]) -> Memory:
        """Return the memory that gave ``rows``."""
        return cls(_from_row(*row) for row in rows)


def _from_row(time: str, *rest: Any) -> Taken:
    *prices, revisions, alerts = rest
    return Taken(Bar(datetime.fromisoformat(time), *prices), revisions, tuple(alerts))


def _is_same(known: Bar | None, bar: Bar) -> bool:
    if known is None:
        return False
    pairs = ((getattr(known, name), getattr(bar, name)) for name in _PRICES)
    return all(old == new or (old != old and new != new) for old, new in pairs)


def _number(value: float) -> float | None:
    return value if isfinite(value) else None
