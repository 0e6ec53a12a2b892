"""When a market is open: a frozen table with validity dates, and fixed hours for the rest.

Days are counted from 1970-01-01 and times in minutes since midnight, exchange wall clock, so the
same code serves a column of a million bars and a single live bar.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple, Protocol

from alertlib.market.clock import EPOCH


class Hours(NamedTuple):
    """A session in minutes since midnight: ``[open, close)``; without a session both are 0."""

    open: int
    close: int

    def overlap(self, minute: int, length: int) -> bool:
        """Whether a bar of ``length`` minutes that opens at ``minute`` belongs to the session.

        It does where they overlap: a bar of four hours that opens at 08:00 holds the open of
        09:00. A bar that opens within the session always does.
        """
        return max(minute, self.open) < min(minute + length, self.close)


NO_SESSION = Hours(0, 0)

_ASH_WEDNESDAY_OPEN = 13 * 60
_FUTURES, _FUTURES_EARLY_CLOSE = Hours(9 * 60, 18 * 60 + 25), 17 * 60 + 55
_CASH, _CASH_EARLY_CLOSE = Hours(10 * 60, 18 * 60), 17 * 60
# Since then the futures close at the same time all year.
_DAYLIGHT_SAVING_UNTIL = date(2023, 11, 5)
# The first day on which these hours were compared with bars of the exchange. A winter earlier the
# index future ended 18:15, in January 2016 and 2018 18:00, and in January 2014 17:30.
_FUTURES_KNOWN_SINCE = date(2020, 3, 9)
# Brazil's last summer time ended the day before; hours followed two clocks until then.
_CASH_KNOWN_SINCE = date(2019, 2, 18)
_BITCOIN_WIDER = (
    (date(2026, 3, 9), Hours(8 * 60, 18 * 60 + 30)),
    (date(2026, 4, 20), Hours(8 * 60, 20 * 60)),
)


class SessionTable(Protocol):
    """Anything that knows the hours of a day.

    Attributes
    ----------
    opening_call : int
        Minutes after the open that the opening call may take as a rule, without a bar.
    known_since : date
        The table's first day: what it says of earlier ones is a guess.
    """

    @property
    def opening_call(self) -> int:
        """See above."""

    @property
    def known_since(self) -> date:
        """See above."""

    def hours(self, day: int) -> Hours:
        """Return the hours of ``day`` (days since 1970-01-01)."""

    def rule(self) -> dict[str, Any]:
        """Return what decides the hours of every day, in plain values fit for JSON and a hash."""


@dataclass(frozen=True, slots=True)
class FixedHours:
    """The same hours every day: a user's own setting, or those inferred from a file."""

    opening_call: ClassVar[int] = 0
    known_since: ClassVar[date] = date.min

    open: int
    close: int

    def hours(self, day: int) -> Hours:
        """Return the hours, whatever the day."""
        return Hours(self.open, self.close)

    def rule(self) -> dict[str, Any]:
        """Return the hours, in minutes since midnight."""
        return {"kind": "fixed", "open": self.open, "close": self.close}


@dataclass(frozen=True, slots=True)
class DatedHours:
    """Hours a user stated with the day from which each is in force, upon a family's own.

    Attributes
    ----------
    base : SessionTable or None
        In force before the first stated day, and the source of an opening call. Without one the
        first stated hours stand for earlier days as well.
    since : tuple of (date, Hours)
        In order of time, not empty. Where ``base`` is a table of B3, Ash Wednesday opens at
        13:00 nevertheless.
    """

    base: SessionTable | None
    since: tuple[tuple[date, Hours], ...]

    @property
    def opening_call(self) -> int:
        """Minutes after the open that the opening call may take."""
        return self.base.opening_call if self.base else 0

    @property
    def known_since(self) -> date:
        """The first day anything is known of."""
        first = self.since[0][0]
        return min(first, self.base.known_since) if self.base else first

    def hours(self, day: int) -> Hours:
        """Return the hours of ``day`` (days since 1970-01-01)."""
        when = EPOCH + timedelta(days=day)
        stated = [hours for since, hours in self.since if since <= when]
        if not stated:
            return self.base.hours(day) if self.base else self.since[0][1]
        opening = _opening(when, stated[-1].open) if self._is_of_b3 else stated[-1].open
        return Hours(opening, stated[-1].close)

    @property
    def _is_of_b3(self) -> bool:
        return not (self.base is None or isinstance(self.base, FixedHours))

    def rule(self) -> dict[str, Any]:
        """Return the first hours and, by date, those that replaced them."""
        return {
            "kind": "dated",
            "before": self.base.rule() if self.base else list(self.since[0][1]),
            "ash_wednesday_open": _ASH_WEDNESDAY_OPEN if self._is_of_b3 else None,
            "since": {since.isoformat(): list(hours) for since, hours in self.since},
        }


@dataclass(frozen=True, slots=True)
class B3FuturesHours:
    """B3 index and dollar futures.

    09:00 to 18:25, and to 17:55 while the United States kept daylight saving time, until
    2023-11-05, when the exchange stopped following it. Ash Wednesday opens at 13:00. Dollar
    futures close ``later`` minutes after the index.
    """

    opening_call: ClassVar[int] = 0
    known_since: ClassVar[date] = _FUTURES_KNOWN_SINCE

    later: int = 0

    def hours(self, day: int) -> Hours:
        """Return the hours of ``day`` (days since 1970-01-01)."""
        opening, closing = _index_futures(day)
        return Hours(opening, closing + self.later)

    def rule(self) -> dict[str, Any]:
        """Return hours in minutes since midnight, with the day from which none is short."""
        return {
            "kind": "b3_futures",
            "open": _FUTURES.open,
            "ash_wednesday_open": _ASH_WEDNESDAY_OPEN,
            "close": _FUTURES.close + self.later,
            "us_daylight_saving_close": _FUTURES_EARLY_CLOSE + self.later,
            "us_daylight_saving_until": _DAYLIGHT_SAVING_UNTIL.isoformat(),
        }


@lru_cache(maxsize=16_384)
def _index_futures(day: int) -> Hours:
    when = EPOCH + timedelta(days=day)
    short = when < _DAYLIGHT_SAVING_UNTIL and is_us_daylight_saving(when)
    return Hours(_opening(when, _FUTURES.open), _FUTURES_EARLY_CLOSE if short else _FUTURES.close)


@dataclass(frozen=True, slots=True)
class B3BitcoinHours:
    """B3 bitcoin futures.

    Those of the dollar until B3 widened them in two steps: 08:00 to 18:30 from 2026-03-09 and
    08:00 to 20:00 from 2026-04-20, as announced. (Bars of one broker still began at 09:00 on
    2026-04-01.) Ash Wednesday opens at 13:00, as all of B3.
    """

    opening_call: ClassVar[int] = 0
    known_since: ClassVar[date] = _FUTURES_KNOWN_SINCE

    def hours(self, day: int) -> Hours:
        """Return the hours of ``day`` (days since 1970-01-01)."""
        when = EPOCH + timedelta(days=day)
        wider = [hours for since, hours in _BITCOIN_WIDER if since <= when]
        if not wider:
            return _BITCOIN_BEFORE.hours(day)
        return Hours(_opening(when, wider[-1].open), wider[-1].close)

    def rule(self) -> dict[str, Any]:
        """Return the first hours and, by date, those that replaced them."""
        return {
            "kind": "b3_bitcoin",
            "before": _BITCOIN_BEFORE.rule(),
            "ash_wednesday_open": _ASH_WEDNESDAY_OPEN,
            "since": {since.isoformat(): list(hours) for since, hours in _BITCOIN_WIDER},
        }


_BITCOIN_BEFORE = B3FuturesHours(later=5)


@dataclass(frozen=True, slots=True)
class B3CashHours:
    """B3 cash equities: 10:00 to 17:00 while the United States keep daylight saving, else 18:00.

    Unlike the futures they still follow it. Ash Wednesday opens at 13:00. The last five minutes
    are the closing call. While Brazil kept a summer time of its own, until February 2019, the
    exchange changed its hours on other days: that is before the table.
    """

    opening_call: ClassVar[int] = 15
    known_since: ClassVar[date] = _CASH_KNOWN_SINCE

    def hours(self, day: int) -> Hours:
        """Return the hours of ``day`` (days since 1970-01-01)."""
        when = EPOCH + timedelta(days=day)
        closing = _CASH_EARLY_CLOSE if is_us_daylight_saving(when) else _CASH.close
        return Hours(_opening(when, _CASH.open), closing)

    def rule(self) -> dict[str, Any]:
        """Return hours in minutes since midnight."""
        return {
            "kind": "b3_cash",
            "open": _CASH.open,
            "ash_wednesday_open": _ASH_WEDNESDAY_OPEN,
            "close": _CASH.close,
            "us_daylight_saving_close": _CASH_EARLY_CLOSE,
        }


def _opening(day: date, usual: int) -> int:
    return _ASH_WEDNESDAY_OPEN if day == ash_wednesday(day.year) else usual


def is_us_daylight_saving(day: date) -> bool:
    """Whether the United States kept daylight saving time on ``day`` (rule since 2007).

    From the second Sunday of March up to, not including, the first Sunday of November.
    """
    return _sunday(day.year, 3, 2) <= day < _sunday(day.year, 11, 1)


def ash_wednesday(year: int) -> date:
    """Return the Ash Wednesday of ``year``, 46 days before Easter.

    References
    ----------
    Meeus (1991), Astronomical Algorithms, ch. 8 (the Gregorian Easter).
    """
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 19 * m) // 433
    month = (h + m - 7 * n + 90) // 25
    easter = date(year, month, (h + m - 7 * n + 33 * month + 19) % 32)
    return easter - timedelta(days=46)


def _sunday(year: int, month: int, nth: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(6 - first.weekday()) % 7 + 7 * (nth - 1))
