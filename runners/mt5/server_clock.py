"""What the server's clock shows, told from the last tick and the exchange's own zone."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import NamedTuple

from alertlib.market.clock import day_number, exchange_zone
from alertlib.market.instruments import Instrument
from runners.mt5.rules import (
    choose_offset,
    is_near,
    is_stale,
    measure_offset,
    server_clock,
    wall_clock,
)

# Every family of the table trades at B3.

# Seconds in which a market that is open ticks.
_UNDECIDED = 5.0


class ServerClock(NamedTuple):
    """The server's clock.

    Attributes
    ----------
    offset : int or None
        Its distance from UTC in seconds; None if unknown.
    closing_offset : int or None
        The same, to close bars by; None also where no tick confirms it while the exchange is
        open. (On a machine whose clock is fast, a bar still forming would count as closed.)
    now : datetime
        What it shows now (naive wall clock), or the earliest it can where the offset is unknown.
    exchange : datetime or None
        What the exchange's own clock shows, if this machine's is right; None where the exchange
        is unknown.
    ahead : int or None
        Seconds by which a fresh tick is ahead of the exchange's clock; None without one.
    is_off : bool
        A fresh tick shows another time than the exchange's clock: one of the two is wrong.
    warning : str or None
        What is doubtful about it, in one line.
    """

    offset: int | None
    closing_offset: int | None
    now: datetime
    exchange: datetime | None
    ahead: int | None
    is_off: bool
    warning: str | None


def tell_clock(utc: float, tick: int | None, instrument: Instrument) -> ServerClock:
    """Tell the server's clock.

    Parameters
    ----------
    utc : float
        This machine's clock.
    tick : int or None
        Time of the last tick on the server's clock.
    instrument : Instrument
        Says whether the exchange, and so its zone, is known, and when it is open.
    """
    measured = measure_offset(tick, utc)
    expected = exchange_offset(utc, instrument)
    is_open = _is_open(utc, expected, instrument)
    offset = choose_offset(measured, expected, is_open)
    now = wall_clock(int(server_clock(utc, offset, tick)))
    ahead = None if measured is None or expected is None else measured - expected
    warning = None
    if offset is None:
        warning = (
            f"{instrument.symbol}: the server's clock cannot be told (no fresh tick, exchange "
            "unknown); the newest bar counts as closed once a newer one exists"
        )
    elif expected is not None and offset != expected:
        warning = (
            f"{instrument.symbol}: the server's clock is {(offset - expected) / 3_600:+g} h from "
            "the exchange's, or this machine's clock is wrong; the server's is used"
        )
    elif is_stale(tick, utc + offset):
        warning = (
            f"{instrument.symbol}: the last tick is {(utc + offset - (tick or 0)) / 86_400:.0f} "
            "days old: an expired contract, or a terminal without connection; a bar that it lies "
            "within is left out"
        )
    elif measured is None and is_open:
        warning = (
            f"{instrument.symbol}: the last tick is not of now though the exchange should be "
            "open: a holiday, a halt, this machine's clock, or a terminal without connection"
        )
    closing_offset = None if measured is None and is_open else offset
    exchange = None if expected is None else wall_clock(int(utc + expected))
    is_off = expected is not None and offset != expected
    return ServerClock(offset, closing_offset, now, exchange, ahead, is_off, warning)


def exchange_offset(utc: float, instrument: Instrument) -> int | None:
    """Return the offset of the exchange's zone from UTC in seconds; None if it is unknown."""
    if instrument.family is None:
        return None
    offset = datetime.fromtimestamp(utc, UTC).astimezone(exchange_zone()).utcoffset()
    return None if offset is None else int(offset.total_seconds())


class SteadyClock:
    """Holds this machine's UTC clock against one that never jumps, and believes ticks.

    A clock that jumps (a time server's correction, a virtual machine that was moved, a slip of a
    hand) is either right now or was so before. The next tick tells which. Where none comes, the
    later of the two counts, so that no bar lies ahead of the clock for it.
    """

    def __init__(self) -> None:
        self._utc: float | None = None
        self._monotonic = 0.0
        self._tick = 0
        self._jumped_at: float | None = None

    def tell(self, utc: float, monotonic: float, tick: int | None, offset: int | None) -> float:
        """Return what UTC is.

        Parameters
        ----------
        utc : float
            This machine's clock.
        monotonic : float
            Seconds of a clock that never jumps.
        tick : int or None
            Time of the last tick on the server's clock.
        offset : int or None
            The server's usual offset from UTC in seconds.
        """
        carried = utc if self._utc is None else self._utc + (monotonic - self._monotonic)
        last, self._tick = self._tick, max(self._tick, tick or 0)
        if is_near(carried, utc):
            return self._believe(utc, monotonic)
        # An old tick would agree with a clock that stands still.
        if tick is not None and tick > last and offset is not None:
            for one in (utc, carried):
                if is_near(tick - offset, one):
                    return self._believe(one, monotonic)
        if self._jumped_at is None:
            self._jumped_at = monotonic
        return carried if monotonic - self._jumped_at < _UNDECIDED else max(utc, carried)

    def _believe(self, utc: float, monotonic: float) -> float:
        self._utc, self._monotonic, self._jumped_at = utc, monotonic, None
        return utc


def _is_open(utc: float, expected: int | None, instrument: Instrument) -> bool:
    if expected is None or instrument.sessions is None:
        return False
    now = wall_clock(int(utc + expected))
    hours = instrument.sessions.hours(day_number(now.date()))
    return now.weekday() < 5 and hours.open <= 60 * now.hour + now.minute < hours.close


def is_over(day: date, now: datetime, instrument: Instrument) -> bool:
    """Whether the session of ``day`` has ended by the server's clock."""
    if day != now.date() or instrument.sessions is None:
        return day < now.date()
    closing = instrument.sessions.hours(day_number(day)).close
    return 60 * now.hour + now.minute >= closing
