"""Hours of a file: by its session table, or by its own modal session."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from alertlib._typing import Ints, Narrow
from alertlib.market.clock import MINUTES_PER_DAY
from alertlib.market.instruments import Instrument
from alertlib.market.sessions import FixedHours, SessionTable

if TYPE_CHECKING:
    import polars as pl

# In a minute.
MICROSECONDS = 60_000_000


def modal_session(
    day: Narrow, minute_of_day: Narrow, minutes: int, *, one_habit: bool = False
) -> SessionTable:
    """Return a file's own hours: its modal first and modal last bar of a date.

    Of equally common ones the wider is taken.

    Parameters
    ----------
    day, minute_of_day : int32
        Of each bar, sorted by time.
    minutes : int
        Length of a bar.
    one_habit : bool
        The modal last bar of the dates with the modal first: in a file whose clock changed
        half-way the commonest ends of all may be 09:00 and 21:25, and no date lies elsewhere.
    """
    if len(day) == 0:
        return FixedHours(0, MINUTES_PER_DAY)
    edges = np.flatnonzero(np.diff(day))
    firsts = minute_of_day[np.append(0, edges + 1)]
    lasts = minute_of_day[np.append(edges, len(day) - 1)]
    opening = int(np.bincount(firsts).argmax())
    counts = np.bincount(lasts[firsts == opening] if one_habit else lasts)
    closing = int(len(counts) - 1 - counts[::-1].argmax())
    return FixedHours(opening, closing + minutes)


def minutes_of(times: pl.Series) -> Narrow:
    """Return times as minutes since 1970-01-01."""
    physical = times.to_physical().to_numpy()
    minute = np.empty(len(physical), dtype=np.int32)
    # Written as it is divided, without an array of 64 bits in between.
    np.floor_divide(physical, MICROSECONDS, out=minute, casting="unsafe")
    return minute


def first_bars(day: Narrow) -> Ints:
    """Return the first bar of each day, given that of each bar."""
    changes = np.flatnonzero(day[1:] != day[:-1]) + 1
    return np.concatenate([[0], changes]) if len(day) else changes


def each_bar(values: Any, starts: Ints, bars: int) -> Narrow:
    """Return what is known of each session for each of its bars."""
    return np.repeat(np.asarray(values, dtype=np.int32), np.diff(starts, append=bars))


def overlap(minute: Narrow, length: int, hours: Ints, starts: Ints) -> NDArray[np.bool_]:
    """Return which bars belong to their session, by the rule of :meth:`Hours.overlap`.

    Parameters
    ----------
    minute : int32
        Open of each bar, minutes since midnight.
    length : int
        Minutes of a bar.
    hours : int64, shape (sessions, 2)
    starts : int64, one per session
        Its first bar.
    """
    # Of hours that hold no minute no bar is before the close.
    close = np.where(hours[:, 0] < hours[:, 1], hours[:, 1], 0)
    inside: NDArray[np.bool_] = minute < each_bar(close, starts, len(minute))
    inside &= minute > each_bar(hours[:, 0] - length, starts, len(minute))
    return inside


def expected_bars(hours: Ints, length: int) -> Ints:
    """Return how many bars full sessions have, from the one that holds the open on."""
    opening = hours[:, 0] - hours[:, 0] % length
    bars: Ints = -(-(hours[:, 1] - opening) // length)
    return bars


def place(
    times: pl.Series, instrument: Instrument, *, one_habit: bool = False
) -> tuple[Narrow, Narrow, Ints, Ints]:
    """Split times into sessions and look their hours up; ``one_habit`` as :func:`modal_session`.

    Returns
    -------
    minute : int32, one per bar
        Minutes since midnight.
    session : int32, one per bar
        Number of its session.
    day : array, one per session
        Days since 1970-01-01.
    hours : array, shape (sessions, 2)
        Opening and closing of each, both 0 on a day without trading; of the modal session where
        the instrument has no table.
    """
    minute = minutes_of(times)
    day_of_bar = minute // MINUTES_PER_DAY
    minute -= day_of_bar * MINUTES_PER_DAY
    starts = first_bars(day_of_bar)
    day = day_of_bar[starts].astype(np.int64)
    session = each_bar(np.arange(len(day)), starts, len(minute))
    if instrument.sessions is None:
        modal = modal_session(day_of_bar, minute, instrument.minutes, one_habit=one_habit)
        instrument = replace(instrument, sessions=modal)
    return minute, session, day, hours_of_days(instrument, day)


def hours_of_days(instrument: Instrument, days: Ints | Narrow) -> Ints:
    """Return opening and closing of each day, shape (days, 2); its hours have to be known."""
    return np.array([instrument.hours(day) for day in days.tolist()], dtype=np.int64).reshape(-1, 2)
