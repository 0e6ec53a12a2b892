"""The first and the last bar of each session against those its hours let expect."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from alertlib._typing import Ints
from alertlib.bars.quality.hours import first_bars, place
from alertlib.market.clock import day_number
from alertlib.market.instruments import Instrument

# The closing call can end up to ten minutes before the scheduled close.
EARLY_MINUTES = 10

# Before a table begins, and by the habit of a file, the close is a guess: seasons differ in it.
_EARLY_BEFORE_TABLE = 60

# Shares are first traded some minutes after the open, futures now and then.
_LATE_MINUTES = 10


@dataclass(frozen=True, eq=False, slots=True)
class Spans:
    """Sessions of a series on trading days, one entry each.

    Attributes
    ----------
    start : array
        Number of its first bar.
    late, over : array
        Minutes by which the first and the last bar open after those expected.
    joined : bool array
        Whether the last bar follows the one before without a hole.
    early : array
        Minutes the session may end before or after its hours say so.
    call : int
        Minutes the first bar may be late.
    """

    start: Ints
    late: Ints
    over: Ints
    joined: NDArray[np.bool_]
    early: Ints
    call: int

    def __len__(self) -> int:
        return len(self.start)

    def agree(self, shift: Ints | int = 0) -> NDArray[np.bool_]:
        """Return which sessions keep their hours, moved by ``shift`` minutes."""
        late, over = self.late - shift, self.over - shift
        opens = (late >= -_LATE_MINUTES) & (late <= self.call)
        agreed: NDArray[np.bool_] = opens & (np.abs(over) <= self.early)
        return agreed


def lay_spans(times: pl.Series, instrument: Instrument) -> Iterator[Spans]:
    """Measure sessions in each way their bars may be laid out.

    Bars lie on the clock (a bar of four hours opens at 08:00, 12:00 …), as MetaTrader's do, or
    begin with the session (09:00, 13:00 …). The second way is tried where its opens look so.

    Parameters
    ----------
    times : polars.Series of datetime
        Open times, sorted and unique.
    instrument : Instrument
        Without a session table the file's modal session stands in.
    """
    length = instrument.minutes
    minute, session, day, hours = place(times, instrument, one_habit=True)
    start = first_bars(session)
    end = np.append(start[1:], len(minute)) - 1
    trades = hours[:, 1] > 0
    start, end, day, hours = start[trades], end[trades], day[trades], hours[trades]
    if not start.size:
        return
    table = instrument.sessions
    known = day_number(table.known_since if table is not None else date.max)
    opening, last = hours[:, 0], hours[:, 1] - 1
    first, final = minute[start].astype(np.int64), minute[end].astype(np.int64)
    phases = [np.zeros_like(opening)]
    with_session = opening % length
    if with_session.any() and (2 * (first % length == with_session).sum() > start.size):
        phases.append(with_session)
    for phase in phases:
        yield Spans(
            start=start,
            late=first - (opening - (opening - phase) % length),
            over=final - (last - (last - phase) % length),
            joined=(end > start) & (minute[end] - minute[end - 1] == length),
            early=np.where(day < known, _EARLY_BEFORE_TABLE, EARLY_MINUTES),
            call=max(_LATE_MINUTES, table.opening_call if table is not None else 0),
        )
