"""Agreement of times with the exchange: its days, opens of bars, its wall clock."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from alertlib.bars.quality.findings import Finding, finding
from alertlib.bars.quality.hours import first_bars, minutes_of
from alertlib.bars.quality.spans import lay_spans
from alertlib.bars.quality.stamps import closes_for_opens
from alertlib.bars.quality.zone import check_zone
from alertlib.market.calendar import is_trading_day, why_closed
from alertlib.market.clock import MINUTES_PER_DAY, date_of
from alertlib.market.instruments import Instrument


def check_agreement(times: pl.Series, instrument: Instrument) -> tuple[Finding, ...]:
    """Compare the times of a series with its exchange.

    Parameters
    ----------
    times : polars.Series of datetime
        Times of bars, sorted and unique.
    instrument : Instrument
        Whether its calendar and its hours are known.

    Returns
    -------
    tuple of Finding
        Of the kinds ``non_trading_day``, one per day, and ``closes_for_opens`` or ``zone``.
    """
    ways = list(lay_spans(times, instrument))
    stamped = tuple(closes_for_opens(times, instrument, ways))
    return (*_closed_days(times, instrument), *(stamped or check_zone(times, instrument, ways)))


def _closed_days(times: pl.Series, instrument: Instrument) -> Iterator[Finding]:
    """Report each day that has bars and no session."""
    if not instrument.has_calendar:
        return
    day = minutes_of(times) // MINUTES_PER_DAY
    starts = first_bars(day)
    counts = np.diff(np.append(starts, len(day)))
    for start, number in zip(starts.tolist(), counts.tolist(), strict=True):
        when = date_of(int(day[start]))
        if is_trading_day(when):
            continue
        bars = "1 bar" if number == 1 else f"{number:,} bars"
        message = (
            f"{bars} on {when}, {why_closed(when)} without trading at B3; left out of scoring; "
            "were day and month swapped, or are these the days of another exchange? "
            "Correct the dates, or take the bars out"
        )
        yield finding("non_trading_day", "error", times[start], number, message)
