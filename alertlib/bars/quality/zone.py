"""Whether times are the exchange's wall clock: sessions shifted as a whole against their hours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count

import numpy as np
import polars as pl

from alertlib._typing import Ints
from alertlib.bars.quality.findings import Finding, Severity, finding
from alertlib.bars.quality.spans import EARLY_MINUTES, Spans, lay_spans
from alertlib.market.clock import MINUTES_PER_DAY
from alertlib.market.instruments import Instrument

# Zones differ by whole half hours, from 12 hours behind to 14 ahead of UTC.
_HALF_HOUR = 30
_FARTHEST = 17 * 60

# More than this share of sessions elsewhere is no single strange day.
_SHARE = 0.2

# Where sessions cross midnight each shift is tried on so many bars.
_TRIED = 100_000


def check_zone(
    times: pl.Series, instrument: Instrument, ways: Sequence[Spans]
) -> Iterator[Finding]:
    """Report sessions that lie whole half hours from their hours.

    Both ends of a session have to be moved alike: a late auction or an early closing call moves
    but one of them.

    Parameters
    ----------
    times : polars.Series of datetime
        Open times, sorted and unique.
    instrument : Instrument
        Without a session table the file's modal session stands in: what is then found is a clock
        that changed within the file.
    ways : sequence of Spans
        Its sessions, as :func:`lay_spans` gives them.
    """
    if not ways or any(2 * way.agree().sum() > len(way) for way in ways[1:]):
        return
    spans = ways[0]
    shift = _shift(spans)
    shifted = np.flatnonzero(shift)
    if 2 * shifted.size <= len(spans) and 2 * spans.agree().sum() <= len(spans):
        found = _across_midnight(times, instrument)
        if found is not None:
            yield _finding(times, instrument, len(spans), len(spans), np.array([found]), 0)
            return
    own = instrument.sessions is None
    if shifted.size and (not own or shifted.size > 1):
        first = int(spans.start[shifted[0]])
        yield _finding(times, instrument, shifted.size, len(spans), shift[shifted], first)


def _shift(spans: Spans) -> Ints:
    """Return the minutes each session is moved by; 0 where it is not, or not as a whole."""
    shift = _HALF_HOUR * ((spans.late + EARLY_MINUTES) // _HALF_HOUR)
    return np.where(spans.agree(shift), shift, 0)


def _across_midnight(times: pl.Series, instrument: Instrument) -> int | None:
    """Return the shift without which most sessions keep their hours, or None."""
    if instrument.sessions is None or instrument.minutes >= MINUTES_PER_DAY:
        return None
    some = times.tail(_TRIED)
    for size in count(_HALF_HOUR, _HALF_HOUR):
        if size > _FARTHEST:
            return None
        for shift in (size, -size):
            moved = some.dt.offset_by(f"{-shift}m")
            spans = next(lay_spans(moved, instrument), None)
            if spans is not None and 2 * spans.agree().sum() > len(spans):
                return shift
    return None


def _finding(
    times: pl.Series, instrument: Instrument, number: int, total: int, shift: Ints, first: int
) -> Finding:
    own = instrument.sessions is None
    severity: Severity = "error" if number > _SHARE * total else "warning"
    hours = sorted({_folded(minutes) for minutes in shift.tolist()})
    by = " or ".join(f"{minutes / 60:+g} h" for minutes in hours[:4])
    whose = "the file's usual hours" if own else "the exchange's hours"
    what = (
        "a clock that changed within the file; export it again by one clock"
        if own
        else "not the exchange's wall clock; export it by Brasilia time, or with offsets from UTC"
    )
    message = (
        f"{number} of {total} sessions lie {by} from {whose}, the first on "
        f"{times[first]:%Y-%m-%d}: {what}"
    )
    return finding("zone", severity, times[first], number, message)


def _folded(shift: int) -> int:
    """Days stamped 21:00 lie three hours before their own."""
    return shift - MINUTES_PER_DAY if shift > _FARTHEST else shift
