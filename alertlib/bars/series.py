"""Columns: the kept bars of a file as integers, with their sessions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from alertlib._typing import Ints, Narrow
from alertlib.bars.quality.hours import (
    MICROSECONDS,
    each_bar,
    expected_bars,
    first_bars,
    hours_of_days,
    minutes_of,
    modal_session,
    overlap,
)
from alertlib.bars.schema import PRICES
from alertlib.market.clock import MINUTES_PER_DAY
from alertlib.market.instruments import Instrument

if TYPE_CHECKING:
    import polars as pl

    from alertlib.bars.bars import Bars

# Bars converted at once, in the cache.
BLOCK = 65_536


@dataclass(frozen=True)
class Series:
    """The bars of a file that lie within their sessions, column by column.

    Every array has one entry per kept bar unless stated otherwise.

    Attributes
    ----------
    instrument : Instrument
        Grid and hours are known.
    minute : int32
        Open of the bar, minutes since 1970-01-01, exchange wall clock.
    open, high, low, close : int64
        Quanta, as traded.
    volume : int64
        Tick volume, or real volume of a bar without it; 0 if unknown.
    real_volume : int64
        0 if unknown.
    day : int32
        Session, days since 1970-01-01.
    place : int32
        Bars before this one in its session.
    session : int32
        Number of the session within the file.
    nights : int64, one per session
        Sum of the overnight gaps so far.
    first, last : int64, one per session
        Its first and its last bar.
    expected : int64, one per session
        Bars a full session has.
    removed : int
        Bars left out because they lie outside their session.
    """

    instrument: Instrument
    minute: Narrow
    open: Ints
    high: Ints
    low: Ints
    close: Ints
    volume: Ints
    real_volume: Ints
    day: Narrow
    place: Narrow
    session: Narrow
    nights: Ints
    first: Ints
    last: Ints
    expected: Ints
    removed: int

    def __len__(self) -> int:
        return len(self.minute)

    @cached_property
    def days(self) -> Ints:
        """The sessions' dates, days since 1970-01-01."""
        return self.day[self.first].astype(np.int64)

    @cached_property
    def gaps(self) -> Ints:
        """Sum of the overnight gaps up to each bar; ``close - gaps`` is the gap-joined series."""
        gaps: Ints = self.nights[self.session]
        return gaps

    def joined(self, name: str) -> Ints:
        """Return a price column of the gap-joined series, without keeping :attr:`gaps`."""
        joined: Ints = self.nights[self.session]
        np.subtract(getattr(self, name), joined, out=joined)
        return joined

    def price(self, quanta: Any) -> Any:
        """Return quanta (an array or a number) as points."""
        grid = self.instrument.grid
        assert grid is not None
        return grid.price(quanta)

    def with_prices(self, open_: Ints, high: Ints, low: Ints, close: Ints) -> Series:
        """Return the same bars with other prices, the gaps counted anew."""
        return replace(
            self, open=open_, high=high, low=low, close=close,
            nights=_nights(open_, close, self.first),
        )  # fmt: skip

    def times(self, bars: Any = slice(None)) -> pl.Series:
        """Return the opens of bars (indices or a mask; all when left out) as naive times."""
        import polars as pl

        opens = self.minute[bars].astype(np.int64) * MICROSECONDS
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
        keep = session[first_bars(session)]
        first = np.maximum(self.first[keep] - start, 0)
        last = np.minimum(self.last[keep], stop - 1) - start
        names = ("minute", "open", "high", "low", "close", "volume", "real_volume", "day", "place")
        columns = {name: getattr(self, name)[start:stop] for name in names}
        number = session - (session[0] if len(session) else 0)
        return Series(
            instrument=self.instrument, session=number, first=first, last=last,
            nights=self.nights[keep] - self.nights[keep[:1]],
            expected=self.expected[keep], removed=0, **columns,
        )  # fmt: skip


def make_series(bars: Bars) -> Series:
    """Return the kept bars of ``bars`` as columns.

    Bars that do not overlap the session of their day are left out before anything else, and all
    bars of a day on which the exchange has none. A family without a table uses the file's own
    modal session.

    Parameters
    ----------
    bars : Bars

    Returns
    -------
    Series
    """
    import polars as pl

    instrument = bars.instrument
    frame = bars.frame
    minute = minutes_of(frame["time"])
    day = minute // MINUTES_PER_DAY
    minute_of_day = minute - day * MINUTES_PER_DAY
    if instrument.sessions is None:
        instrument = replace(
            instrument, sessions=modal_session(day, minute_of_day, instrument.minutes)
        )
    begins = first_bars(day)
    days = day[begins]
    hours = hours_of_days(instrument, days)
    kept = overlap(minute_of_day, instrument.minutes, hours, begins)
    del minute_of_day
    removed = len(kept) - int(np.count_nonzero(kept))
    if removed:
        frame, minute, day = frame.filter(pl.Series(kept)), minute[kept], day[kept]
    starts = first_bars(day)
    ends = np.append(starts[1:], len(day))[: len(starts)]
    session = each_bar(np.arange(len(starts)), starts, len(day))
    place = np.arange(len(day), dtype=np.int32)
    place -= each_bar(starts, starts, len(day))
    expected = expected_bars(hours[np.searchsorted(days, day[starts])], instrument.minutes)
    open_, high, low, close = (_quanta(frame, name, instrument) for name in PRICES)
    return Series(
        instrument=instrument,
        minute=minute,
        open=open_,
        high=high,
        low=low,
        close=close,
        nights=_nights(open_, close, starts),
        volume=_volume(frame),
        real_volume=_whole(frame["real_volume"]),
        day=day,
        place=place,
        session=session,
        first=starts,
        last=ends - 1,
        expected=expected,
        removed=removed,
    )


def _quanta(frame: pl.DataFrame, name: str, instrument: Instrument) -> Ints:
    grid = instrument.grid
    assert grid is not None
    prices = frame[name].to_numpy()
    quanta = np.empty(len(prices), dtype=np.int64)
    for start in range(0, len(prices), BLOCK):
        part = slice(start, start + BLOCK)
        quanta[part] = np.floor(prices[part] * grid.denominator / grid.numerator + 0.5)
    return quanta


def _volume(frame: pl.DataFrame) -> Ints:
    ticks, contracts = frame["tick_volume"], frame["real_volume"]
    if ticks.null_count() == 0:
        return _whole(ticks)
    # Bar by bar, as the live core does: a feed may change within a file.
    return _whole(ticks.zip_with(ticks.is_not_null(), contracts))


def _whole(column: pl.Series) -> Ints:
    """Return a column that may be written to, 0 where nothing is known."""
    # Untouched zeros take no memory.
    whole = np.zeros(column.len(), dtype=np.int64)
    if column.null_count() < column.len():
        whole[:] = column.fill_null(0).to_numpy()
    return whole


def _nights(open_: Ints, close: Ints, first: Ints) -> Ints:
    nights = np.zeros(len(first), dtype=np.int64)
    nights[1:] = open_[first[1:]] - close[first[1:] - 1]
    return np.cumsum(nights)
