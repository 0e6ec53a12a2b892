"""Bars present against bars expected, session by session."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from alertlib._typing import Ints, Narrow
from alertlib.bars.quality.hours import expected_bars, first_bars, overlap, place
from alertlib.market.clock import date_of, day_number
from alertlib.market.instruments import Instrument

# Sessions with less than this share of their bars are not scored.
FULL_ENOUGH = 0.8


@dataclass(frozen=True, eq=False, slots=True)
class Coverage:
    """Where the bars of a series lie within their sessions.

    Attributes
    ----------
    length : int
        Minutes of a bar.
    inferred : bool
        Whether the hours were read off the file itself for want of a session table.
    opening_call : int
        Minutes after the open that may pass without a bar.
    known_since : date
        The first day of the session table.
    minute : int32, one per bar
        Open, minutes since midnight.
    session : int32, one per bar
        Number of its session.
    inside : bool array, one per bar
        Whether it overlaps its session.
    day : array, one per session
        Days since 1970-01-01.
    opening, closing : array, one per session
        Scheduled hours, both 0 on a day without trading; the opening is brought forward to the
        bar that contains it.
    present, expected : array, one per session
        Bars within the session, and how many a full one has.
    first, last : array, one per session
        Minutes since midnight of the first and last bar inside; -1 where there is none.
    """

    length: int
    inferred: bool
    opening_call: int
    known_since: date
    minute: Narrow
    session: Narrow
    inside: NDArray[np.bool_]
    day: Ints
    opening: Ints
    closing: Ints
    present: Ints
    expected: Ints
    first: Ints
    last: Ints

    @property
    def trades(self) -> NDArray[np.bool_]:
        """Whether each session is one: not on a day without trading."""
        trades: NDArray[np.bool_] = self.closing > 0
        return trades

    @property
    def before_table(self) -> NDArray[np.bool_]:
        """Whether each session lies before its table begins."""
        before: NDArray[np.bool_] = self.day < day_number(self.known_since)
        return before

    def dates(self) -> list[date]:
        """Return the sessions' dates."""
        return [date_of(day) for day in self.day.tolist()]

    def frame(self) -> pl.DataFrame:
        """Return one row per session: ``date present expected outside``."""
        outside = np.bincount(self.session[~self.inside], minlength=len(self.day))
        return pl.DataFrame(
            {
                "date": self.dates(),
                "present": self.present,
                "expected": self.expected,
                "outside": outside,
            },
            schema_overrides={"date": pl.Date},
        )


def cover(frame: pl.DataFrame, instrument: Instrument) -> Coverage:
    """Lay the bars out over their sessions.

    Parameters
    ----------
    frame : polars.DataFrame
        Bars, sorted and unique.
    instrument : Instrument
        With its session table, or without one: then the file's own modal session counts.
    """
    length = instrument.minutes
    minute, session, day, hours = place(frame["time"], instrument)
    opening, closing = hours[:, 0] - hours[:, 0] % length, hours[:, 1]
    inside = overlap(minute, length, hours, first_bars(session))
    present = np.bincount(session[inside], minlength=len(day))
    kept, kept_session = minute[inside], session[inside]
    first, last = np.full(len(day), -1), np.full(len(day), -1)
    starts = first_bars(kept_session)
    first[kept_session[starts]] = kept[starts]
    last[kept_session[starts]] = kept[np.append(starts[1:], len(kept))[: len(starts)] - 1]
    return Coverage(
        length=length,
        inferred=instrument.sessions is None,
        opening_call=instrument.sessions.opening_call if instrument.sessions else 0,
        known_since=instrument.sessions.known_since if instrument.sessions else date.min,
        minute=minute,
        session=session,
        inside=inside,
        day=day,
        opening=opening,
        closing=closing,
        present=present,
        expected=expected_bars(hours, length),
        first=first,
        last=last,
    )


def clock(minute: int | np.int64) -> str:
    """Return minutes since midnight as a time of day, for messages."""
    return f"{int(minute) // 60:02d}:{int(minute) % 60:02d}"
