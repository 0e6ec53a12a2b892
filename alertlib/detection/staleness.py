"""What a stream of bars should have brought by now and has not."""

from __future__ import annotations

from datetime import datetime, timedelta

from alertlib.market.clock import day_number
from alertlib.market.instruments import Instrument

AHEAD_SECONDS = 120.0
"""How far a time may lie ahead of the exchange's clock: machines are seconds off, not hours."""
OPENING_MINUTES = 10
"""How long after the open, beside an opening call, the first trade may take. (The first bar of
the index future is missing or partial on one day in four.)"""
CLOSING_MINUTES = 5
"""How long before the close no tick is expected: of shares it is the closing call."""


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
    if (session := _session(instrument, now)) is None:
        return 0
    opening, closing = session
    # A long bar that holds the open began before it.
    opening -= timedelta(minutes=(60 * opening.hour + opening.minute) % instrument.minutes)
    opening += timedelta(minutes=_opening_call(instrument))
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


def lies_ahead(time: datetime, now: datetime) -> bool:
    """Whether ``time`` lies so far after ``now`` that no clock that runs well explains it."""
    return time - now > timedelta(seconds=AHEAD_SECONDS)


def seconds_expecting_ticks(instrument: Instrument, now: datetime) -> float:
    """Return for how long ticks have had to come; 0 while none has to.

    They have to from some time after the open of a session (:data:`OPENING_MINUTES`, and its
    opening call) until shortly before its close (:data:`CLOSING_MINUTES`).
    """
    if (session := _session(instrument, now)) is None:
        return 0.0
    first = session[0] + timedelta(minutes=_opening_call(instrument) + OPENING_MINUTES)
    last = session[1] - timedelta(minutes=CLOSING_MINUTES)
    return (now - first).total_seconds() if first <= now < last else 0.0


def is_open_within(instrument: Instrument, now: datetime, lead: timedelta) -> bool:
    """Whether there is a session, or will be one today within ``lead``; True of unknown hours."""
    if instrument.sessions is None:
        return True
    session = _session(instrument, now)
    return session is not None and session[0] - lead <= now < session[1]


def _session(instrument: Instrument, now: datetime) -> tuple[datetime, datetime] | None:
    """Return open and close of the session on the day of ``now``; None without one."""
    if instrument.sessions is None or (not instrument.has_calendar and now.weekday() >= 5):
        return None
    hours = instrument.hours(day_number(now.date()))
    if hours.close <= hours.open:
        return None
    midnight = datetime(now.year, now.month, now.day)
    return midnight + timedelta(minutes=hours.open), midnight + timedelta(minutes=hours.close)


def _opening_call(instrument: Instrument) -> int:
    return 0 if instrument.sessions is None else instrument.sessions.opening_call
