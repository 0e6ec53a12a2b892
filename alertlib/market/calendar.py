"""Trading days of B3 and the days on which its continuous futures roll."""

from __future__ import annotations

import re
from datetime import date, timedelta
from functools import lru_cache

from alertlib.market.sessions import ash_wednesday

# São Paulo's own holidays closed the exchange until 2021: in January always, in July since 1998,
# in November since 2004. In 2020 the city moved the latter two into May, when the exchange stayed
# open. The twentieth of November is a national holiday since 2024.
_CITY_UNTIL = 2021
_CITY_MOVED = 2020
_CITY_JULY_SINCE, _CITY_NOVEMBER_SINCE = 1998, 2004
_CONSCIOUSNESS_SINCE = 2024

_CLOSED = frozenset({date(2014, 6, 12)})  # the World Cup opened in São Paulo

_FIXED = ((1, 1), (4, 21), (5, 1), (9, 7), (10, 12), (11, 2), (11, 15), (12, 24), (12, 25))
_FROM_EASTER = (-48, -47, -2, 60)  # Carnival Monday and Tuesday, Good Friday, Corpus Christi
_CONTINUOUS = re.compile(r"(WIN|WDO)(\$\w*|@\w*|FUT)?")


def is_trading_day(day: date) -> bool:
    """Whether B3 holds a session on ``day``, by the rules in force since 1998."""
    return day.weekday() < 5 and day not in _holidays(day.year)


def why_closed(day: date) -> str:
    """Say what a day without trading is: ``"a Saturday"``, ``"a Sunday"`` or ``"a holiday"``."""
    return {5: "a Saturday", 6: "a Sunday"}.get(day.weekday(), "a holiday")


def trading_days(first: date, last: date) -> list[date]:
    """Return B3's trading days from ``first`` to ``last``, both included."""
    span = range((last - first).days + 1)
    return [day for day in (first + timedelta(days=n) for n in span) if is_trading_day(day)]


@lru_cache(maxsize=256)
def _holidays(year: int) -> frozenset[date]:
    easter = ash_wednesday(year) + timedelta(days=46)
    days = {date(year, month, day) for month, day in _FIXED}
    days |= {easter + timedelta(days=offset) for offset in _FROM_EASTER}
    days.add(_last_weekday(year))
    city_closed = year <= _CITY_UNTIL
    if city_closed:
        days.add(date(year, 1, 25))
    if city_closed and year != _CITY_MOVED:
        days |= {date(year, 7, 9)} if year >= _CITY_JULY_SINCE else set()
        days |= {date(year, 11, 20)} if year >= _CITY_NOVEMBER_SINCE else set()
    if year >= _CONSCIOUSNESS_SINCE:
        days.add(date(year, 11, 20))
    return frozenset(days) | _CLOSED


def _last_weekday(year: int) -> date:
    """Banks open without customers on the year's last weekday, and the exchange does not."""
    last = date(year, 12, 31)
    return last - timedelta(days=max(last.weekday() - 4, 0))


def win_expiry(year: int, month: int) -> date:
    """Return the Wednesday nearest the 15th: expiry of the index future in an even month."""
    middle = date(year, month, 15)
    wednesday = 2
    return middle + timedelta(days=(wednesday - middle.weekday() + 3) % 7 - 3)


def roll_days(symbol: str, first: date, last: date) -> list[date]:
    """Return the sessions that open on a new contract in a continuous series.

    The index future rolls on its expiry, or the next session where that day has none; the
    dollar future on the last session of each month.

    Parameters
    ----------
    symbol : str
        A continuous series of WIN or WDO; anything else never rolls.
    first, last : date
        Both included.
    """
    match = _CONTINUOUS.fullmatch(symbol)
    if match is None:
        return []
    months = [(year, month) for year in range(first.year, last.year + 1) for month in range(1, 13)]
    if match[1] == "WIN":
        days = [_on_or_after(win_expiry(y, m)) for y, m in months if m % 2 == 0]
    else:
        days = [_last_session(y, m) for y, m in months]
    return [day for day in days if first <= day <= last]


def _on_or_after(day: date) -> date:
    while not is_trading_day(day):
        day += timedelta(days=1)
    return day


def _last_session(year: int, month: int) -> date:
    day = date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)
    while not is_trading_day(day):
        day -= timedelta(days=1)
    return day
