"""Whether the times of bars are their opens, or their closes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from alertlib.bars.quality.findings import Finding, finding
from alertlib.bars.quality.spans import Spans
from alertlib.bars.quality.timeframe import (
    MICROSECONDS_PER_MINUTE,
    MICROSECONDS_PER_SECOND,
    usual_phase,
)
from alertlib.market.instruments import Instrument

# Of sessions whose bars carry their closes so many may still have one at the open: prints of an
# auction before it.
_AT_THE_OPEN = 0.1

# Bars of five minutes and more are never stamped a minute before the next one but by their close.
_MINUTE_BEFORE = 5


def closes_for_opens(
    times: pl.Series, instrument: Instrument, ways: Sequence[Spans]
) -> Iterator[Finding]:
    """Report bars that carry the time of their close: a whole bar late, or by a second less.

    Parameters
    ----------
    times : polars.Series of datetime
        Times of bars, sorted and unique.
    instrument : Instrument
        Without a session table only the second kind can be told.
    ways : sequence of Spans
        Its sessions, as :func:`lay_spans` gives them.
    """
    length = instrument.minutes * MICROSECONDS_PER_MINUTE
    usual, there = usual_phase(times.to_physical().to_numpy(), instrument.minutes)
    before = length - usual
    minute = instrument.minutes >= _MINUTE_BEFORE and before == MICROSECONDS_PER_MINUTE
    count = int(there.sum())
    first = times[int(there.argmax())]
    if (before <= MICROSECONDS_PER_SECOND or minute) and 2 * count > times.len():
        what = f"{before / MICROSECONDS_PER_SECOND:g} s before a bar of {instrument.timeframe} ends"
        message = (
            f"{count:,} of {times.len():,} bars are stamped {what}, the first {first:%H:%M:%S}: "
            "times are closes of bars, expected opens; export by the open, or subtract "
            f"{_clock_span(length - before)} from each time"
        )
        yield finding("closes_for_opens", "error", first, count, message)
        return
    if instrument.sessions is None:
        return
    for spans in ways:
        if 2 * (spans.agree() & (spans.over <= 0)).sum() > len(spans):
            return
        late = _one_bar_late(spans, instrument.minutes)
        if late:
            first = times[int(spans.start[0])]
            message = (
                f"{late} of {len(spans)} sessions begin and end one bar of {instrument.timeframe} "
                f"after the exchange's hours, the first at {first:%Y-%m-%d %H:%M}: times are "
                "closes of bars, expected opens; export by the open, or subtract "
                f"{_clock_span(length)} from each time"
            )
            yield finding("closes_for_opens", "error", first, late, message)
            return


def _one_bar_late(spans: Spans, length: int) -> int:
    """Return how many sessions end one bar late, if most do and hardly any begins on time."""
    at_open = int((spans.late <= 0).sum())
    reach = spans.over >= -spans.early
    late = int((spans.joined | (length >= 60))[spans.over == length].sum())
    most = 2 * late > int(reach.sum()) and at_open <= _AT_THE_OPEN * len(spans)
    return late if most else 0


def _clock_span(microseconds: int) -> str:
    seconds = microseconds / MICROSECONDS_PER_SECOND
    if seconds == 60:
        return "1 minute"
    return f"{seconds / 60:g} minutes" if seconds % 60 == 0 else f"{seconds:g} seconds"
