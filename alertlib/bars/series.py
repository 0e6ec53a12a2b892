"""Columns: the kept bars of a file as integers, with their sessions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from alertlib._typing import Ints
from alertlib.bars.quality.hours import modal_session
from alertlib.bars.schema import PRICES
from alertlib.market.clock import MINUTES_PER_DAY
from alertlib.market.instruments import Instrument
from alertlib.market.sessions import SessionTable

if TYPE_CHECKING:
    import polars as pl

    from alertlib.bars.bars import Bars

# In a minute.
MICROSECONDS = 60_000_000


@dataclass(frozen=True)
class Series:
    """The bars of a file that lie within their sessions, column by column.

    Every array has one entry per kept bar unless stated otherwise.

    Attributes
    ----------
    instrument : Instrument
        Grid and hours are known.
    minute : int64
        Open of the bar, minutes since 1970-01-01, exchange wall clock.
    open, high, low, close : int64
        Quanta, as traded.
    gaps : int64
        Sum of the overnight gaps so far; ``close - gaps`` is the gap-joined series.
    volume : int64
        Tick volume, or real volume of a bar without it; 0 if unknown.
    real_volume : int64
        0 if unknown.
    day : int64
        Session, days since 1970-01-01.
    place : int64
        Bars before this one in its session.
    session : int64
        Number of the session within the file.
    first, last : int64, one per session
        Its first and its last bar.
    expected : int64, one per session
        Bars a full session has.
    removed : int
        Bars left out because they open outside their session.
    """

    instrument: Instrument
    minute: Ints
    open: Ints
    high: Ints
    low: Ints
    close: Ints
    gaps: Ints
    volume: Ints
    real_volume: Ints
    day: Ints
    place: Ints
    session: Ints
    first: Ints
    last: Ints
    expected: Ints
    removed: int

    def __len__(self) -> int:
        return len(self.minute)

    @cached_property
    def days(self) -> Ints:
        """The sessions' dates, days since 1970-01-01."""
        days: Ints = self.day[self.first]
        return days

    def price(self, quanta: Any) -> Any:
        """Return quanta (an array or a number) as points."""
        grid = self.instrument.grid
        assert grid is not None
        return grid.price(quanta)

    def with_prices(self, open_: Ints, high: Ints, low: Ints, close: Ints) -> Series:
        """Return the same bars with other prices, the gaps counted anew."""
        return replace(
            self, open=open_, high=high, low=low, close=close,
            gaps=_gap_sums(open_, close, self.first, self.session),
        )  # fmt: skip

    def times(self, bars: Any = slice(None)) -> pl.Series:
        """Return the opens of bars (indices or a mask; all when left out) as naive times."""
        import polars as pl

        opens = self.minute[bars] * MICROSECONDS
        return pl.Series(opens, dtype=pl.Int64).cast(pl.Datetime("us"))

    def head(self, bars: int) -> Series:
        """Return the first ``bars`` bars; the last session may be cut short."""
        return self._part(0, bars)

    def tail(self, start: int) -> Series:
        """Return the bars from ``start`` on, as if the file began there.

        Their places in the session stay.
        """
        return self._part(start, len(self))

    def _part(self, start: int, stop: int) -> Series:
        session = self.session[start:stop]
        keep = session[np.diff(session, prepend=-1) != 0]
        first = np.maximum(self.first[keep] - start, 0)
        last = np.minimum(self.last[keep], stop - 1) - start
        names = ("minute", "open", "high", "low", "close", "volume", "real_volume", "day", "place")
        columns = {name: getattr(self, name)[start:stop] for name in names}
        number = session - (session[0] if len(session) else 0)
        return Series(
            instrument=self.instrument, session=number, first=first, last=last,
            gaps=self.gaps[start:stop] - self.gaps[start : start + 1],
            expected=self.expected[keep], removed=0, **columns,
        )  # fmt: skip


def make_series(bars: Bars) -> Series:
    """Return the kept bars of ``bars`` as columns.

    Bars that open outside ``[session open, session close)`` are left out before anything else.
    A family without a table uses the file's own modal session.

    Parameters
    ----------
    bars : Bars

    Returns
    -------
    Series
    """
    instrument = bars.instrument
    frame = bars.frame
    minute = frame["time"].dt.epoch("us").to_numpy() // MICROSECONDS
    day = minute // MINUTES_PER_DAY
    minute_of_day = minute - day * MINUTES_PER_DAY
    if instrument.sessions is None:
        instrument = replace(
            instrument, sessions=modal_session(day, minute_of_day, instrument.minutes)
        )
    assert instrument.sessions is not None
    new_day = np.diff(day, prepend=-1) != 0
    days, inverse = day[new_day], np.cumsum(new_day) - 1
    hours = _hours(instrument.sessions, days)
    kept = (minute_of_day >= hours[inverse, 0]) & (minute_of_day < hours[inverse, 1])
    rows = np.flatnonzero(kept)
    day = day[rows]
    starts = np.flatnonzero(np.diff(day, prepend=-1)) if len(day) else np.zeros(0, np.int64)
    last = np.append(starts[1:], len(day)) - 1 if len(day) else starts
    session = np.cumsum(np.diff(day, prepend=day[:1]) != 0) if len(day) else day
    place = np.arange(len(day)) - starts[session]
    span = hours[np.searchsorted(days, day[starts])]
    expected = -(-(span[:, 1] - span[:, 0]) // instrument.minutes)
    open_, high, low, close = (_quanta(frame, n, instrument)[rows] for n in PRICES)
    return Series(
        instrument=instrument,
        minute=minute[rows],
        open=open_,
        high=high,
        low=low,
        close=close,
        gaps=_gap_sums(open_, close, starts, session),
        volume=_volume(frame)[rows],
        real_volume=frame["real_volume"].fill_null(0).to_numpy()[rows],
        day=day,
        place=place,
        session=session.astype(np.int64),
        first=starts.astype(np.int64),
        last=last.astype(np.int64),
        expected=expected,
        removed=len(minute) - len(rows),
    )


def _hours(sessions: SessionTable, days: Ints) -> Ints:
    return np.array([sessions.hours(int(d)) for d in days], dtype=np.int64).reshape(-1, 2)


def _quanta(frame: Any, name: str, instrument: Instrument) -> Ints:
    grid = instrument.grid
    assert grid is not None
    prices = frame[name].to_numpy()
    quanta: Ints = np.floor(prices * grid.denominator / grid.numerator + 0.5).astype(np.int64)
    return quanta


def _volume(frame: Any) -> Ints:
    ticks, contracts = frame["tick_volume"], frame["real_volume"]
    # Bar by bar, as the live core does: a feed may change within a file.
    volume: Ints = ticks.zip_with(ticks.is_not_null(), contracts).fill_null(0).to_numpy()
    return volume


def _gap_sums(open_: Ints, close: Ints, first: Ints, session: Ints) -> Ints:
    if len(first) == 0:
        return np.zeros(0, dtype=np.int64)
    gaps = np.zeros(len(first), dtype=np.int64)
    gaps[1:] = open_[first[1:]] - close[first[1:] - 1]
    sums: Ints = np.cumsum(gaps)[session]
    return sums
