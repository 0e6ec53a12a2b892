"""Hours of a file: by its session table, or by its own modal session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from alertlib._typing import Ints, Narrow
from alertlib.market.clock import MINUTES_PER_DAY
from alertlib.market.sessions import FixedHours, SessionTable

if TYPE_CHECKING:
    import polars as pl

# In a minute.
MICROSECONDS = 60_000_000


def modal_session(day: Narrow, minute_of_day: Narrow, minutes: int) -> SessionTable:
    """Return a file's own hours: its modal first and modal last bar of a date.

    Of equally common ones the wider is taken.

    Parameters
    ----------
    day, minute_of_day : int32
        Of each bar, sorted by time.
    minutes : int
        Length of a bar.
    """
    if len(day) == 0:
        return FixedHours(0, MINUTES_PER_DAY)
    edges = np.flatnonzero(np.diff(day))
    firsts = minute_of_day[np.append(0, edges + 1)]
    lasts = minute_of_day[np.append(edges, len(day) - 1)]
    opening = int(np.bincount(firsts).argmax())
    counts = np.bincount(lasts)
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


def place(
    times: pl.Series, table: SessionTable | None, length: int = 1
) -> tuple[Narrow, Narrow, Ints, Ints]:
    """Split times into sessions and look their hours up.

    Returns
    -------
    minute : int32, one per bar
        Minutes since midnight.
    session : int32, one per bar
        Number of its session.
    day : array, one per session
        Days since 1970-01-01.
    hours : array, shape (sessions, 2)
        Opening and closing of each; of the modal session where ``table`` is None.
    """
    minute = minutes_of(times)
    day_of_bar = minute // MINUTES_PER_DAY
    minute -= day_of_bar * MINUTES_PER_DAY
    starts = first_bars(day_of_bar)
    day = day_of_bar[starts].astype(np.int64)
    session = each_bar(np.arange(len(day)), starts, len(minute))
    table = table or modal_session(day_of_bar, minute, length)
    hours = np.array([table.hours(d) for d in day.tolist()], dtype=np.int64)
    return minute, session, day, hours
