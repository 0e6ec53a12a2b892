"""Bars present against bars expected, session by session."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from alertlib._typing import Ints, Narrow
from alertlib.bars.quality.hours import each_bar, first_bars, place
from alertlib.market.clock import date_of
from alertlib.market.instruments import Instrument


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
    minute : int32, one per bar
        Open, minutes since midnight.
    session : int32, one per bar
        Number of its session.
    inside : bool array, one per bar
        Whether it opens within its session.
    day : array, one per session
        Days since 1970-01-01.
    opening, closing : array, one per session
        Scheduled hours; the opening is brought forward to the bar that contains it.
    present, expected : array, one per session
        Bars within the session, and how many a full one has.
    first, last : array, one per session
        Minutes since midnight of the first and last bar inside; -1 where there is none.
    """

    length: int
    inferred: bool
    opening_call: int
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
    minute, session, day, hours = place(frame["time"], instrument.sessions, length)
    opening, closing = hours[:, 0] - hours[:, 0] % length, hours[:, 1]
    begins = first_bars(session)
    inside = minute >= each_bar(opening, begins, len(minute))
    inside &= minute < each_bar(closing, begins, len(minute))
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
        minute=minute,
        session=session,
        inside=inside,
        day=day,
        opening=opening,
        closing=closing,
        present=present,
        expected=-(-(closing - opening) // length),
        first=first,
        last=last,
    )
