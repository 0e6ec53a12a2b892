"""What a stream of bars should have brought by now and has not."""

from __future__ import annotations

from datetime import datetime, timedelta

from alertlib.market.clock import day_number
from alertlib.market.instruments import Instrument


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
    if instrument.sessions is None or (not instrument.has_calendar and now.weekday() >= 5):
        return 0
    hours = instrument.hours(day_number(now.date()))
    midnight = datetime(now.year, now.month, now.day)
    closing = midnight + timedelta(minutes=hours.close)
    # A long bar that holds the open began before it.
    opening = midnight + timedelta(minutes=hours.open - hours.open % instrument.minutes)
    opening += timedelta(minutes=instrument.sessions.opening_call)
    if not opening <= now < closing + timedelta(seconds=grace):
        return 0
    length = timedelta(minutes=instrument.minutes)
    first = opening if last is None or last < opening else last + length
    closed_before = min(now - timedelta(seconds=grace), closing)
    return max(0, (closed_before - first) // length)
