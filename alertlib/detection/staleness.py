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
    found = _session(instrument, now)
    if found is None or instrument.sessions is None:
        return 0
    opening, closing = found
    # A long bar that holds the open began before it.
    opening -= timedelta(minutes=(opening.hour * 60 + opening.minute) % instrument.minutes)
    opening += timedelta(minutes=instrument.sessions.opening_call)
    if not opening <= now < closing + timedelta(seconds=grace):
        return 0
    length = timedelta(minutes=instrument.minutes)
    first = opening if last is None or last < opening else last + length
    closed_before = min(now - timedelta(seconds=grace), closing)
    return max(0, (closed_before - first) // length)


def is_market_open(instrument: Instrument, now: datetime) -> bool | None:
    """Whether the session of ``now``, on the exchange's wall clock, is going on.

    None for an instrument whose hours are not known. From the opening call on, and until the
    close: what comes after it (the closing call, the after-market) brings no bars of the session.
    """
    if instrument.sessions is None:
        return None
    found = _session(instrument, now)
    return found is not None and found[0] <= now < found[1]


def _session(instrument: Instrument, now: datetime) -> tuple[datetime, datetime] | None:
    """Open and close of the session of this day, as the table says; None without a session."""
    if instrument.sessions is None or (not instrument.has_calendar and now.weekday() >= 5):
        return None
    hours = instrument.hours(day_number(now.date()))
    midnight = datetime(now.year, now.month, now.day)
    return midnight + timedelta(minutes=hours.open), midnight + timedelta(minutes=hours.close)
