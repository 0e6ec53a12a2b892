"""What a stream of bars should have brought by now and has not."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from alertlib.market.calendar import is_trading_day
from alertlib.market.clock import day_number
from alertlib.market.instruments import Instrument

if TYPE_CHECKING:
    pass


def bars_missing(instrument: Instrument, last: datetime | None, now: datetime, grace: float) -> int:
    """Return how many bars of the session now going on should have come and have not.

    Parameters
    ----------
    instrument : Instrument
        Its session table decides: at night, on weekends and on holidays of the exchange nothing
        is missing, nor is it while the opening call may still go on.
    last : datetime or None
        Open of the newest bar; None if there is none.
    now : datetime
        Exchange wall clock.
    grace : float
        Seconds after its end before a bar can be missed.
    """
    if instrument.sessions is None or not _trades(instrument, now):
        return 0
    hours = instrument.sessions.hours(day_number(now.date()))
    midnight = datetime(now.year, now.month, now.day)
    opening, closing = (midnight + timedelta(minutes=minute) for minute in hours)
    opening += timedelta(minutes=instrument.sessions.opening_call)
    if not opening <= now < closing + timedelta(seconds=grace):
        return 0
    length = timedelta(minutes=instrument.minutes)
    first = opening if last is None or last < opening else last + length
    closed_before = min(now - timedelta(seconds=grace), closing)
    return max(0, (closed_before - first) // length)


def _trades(instrument: Instrument, now: datetime) -> bool:
    return now.weekday() < 5 if instrument.family is None else is_trading_day(now.date())
