"""Hours of a file: by its session table, or by its own modal session."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from alertlib._typing import Ints
from alertlib.market.clock import MINUTES_PER_DAY
from alertlib.market.sessions import FixedHours, SessionTable

if TYPE_CHECKING:
    import polars as pl


def modal_session(day: Ints, minute_of_day: Ints, minutes: int) -> SessionTable:
    """Return a file's own hours: its modal first and modal last bar of a date.

    Of equally common ones the wider is taken.

    Parameters
    ----------
    day, minute_of_day : int64
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


def place(
    times: pl.Series, table: SessionTable | None, length: int = 1
) -> tuple[Ints, Ints, Ints, Ints]:
    """Split times into sessions and look their hours up.

    Returns
    -------
    minute : array, one per bar
        Minutes since midnight.
    session : array, one per bar
        Number of its session.
    day : array, one per session
        Days since 1970-01-01.
    hours : array, shape (sessions, 2)
        Opening and closing of each; of the modal session where ``table`` is None.
    """
    absolute = times.dt.epoch("us").to_numpy() // 60_000_000
    day_of_bar = absolute // MINUTES_PER_DAY
    minute = absolute - day_of_bar * MINUTES_PER_DAY
    starts = np.flatnonzero(np.diff(day_of_bar, prepend=-1))
    day = day_of_bar[starts]
    session = np.repeat(np.arange(len(day)), np.diff(np.append(starts, len(minute))))
    table = table or modal_session(day_of_bar, minute, length)
    hours = np.array([table.hours(d) for d in day.tolist()], dtype=np.int64)
    return minute, session, day, hours
