"""Whether times are the exchange's wall clock: sessions shifted as a whole against their table."""

from __future__ import annotations

import numpy as np
import polars as pl

from alertlib.bars.quality.findings import Finding, finding
from alertlib.bars.quality.hours import first_bars, place
from alertlib.market.instruments import Instrument

# Zones differ by whole half hours. A session counts as shifted when its first and its last bar
# are both off by the same number of them, give or take a late auction and an early closing call.
_HALF_HOUR = 30
_TOLERANCE = 10


def check_zone(times: pl.Series, instrument: Instrument) -> tuple[Finding, ...]:
    """Compare the span of each session with its hours.

    Parameters
    ----------
    times : polars.Series of datetime
        Open times, sorted and unique.
    instrument : Instrument
        Without a session table nothing can be said.
    """
    if instrument.sessions is None:
        return ()
    minute, session, _, hours = place(times, instrument.sessions)
    starts = first_bars(session)
    ends = np.append(starts[1:], len(minute)) - 1
    late = minute[starts] - hours[:, 0]
    over = minute[ends] + instrument.minutes - hours[:, 1]
    shift = _HALF_HOUR * np.rint(late / _HALF_HOUR).astype(np.int64)
    same = (np.abs(late - shift) <= _TOLERANCE) & (np.abs(over - shift) <= _TOLERANCE)
    shifted = np.flatnonzero(same & (shift != 0))
    if not shifted.size:
        return ()
    hours_off = shift[shifted[0]] / 60
    first = times[int(starts[shifted[0]])]
    message = (
        f"{shifted.size} of {len(hours)} sessions lie {hours_off:+g} h from the exchange's hours, "
        f"the first on {first:%Y-%m-%d}: not the exchange's wall clock?"
    )
    most = 2 * shifted.size > len(hours)
    return (finding("zone", "error" if most else "warning", first, int(shifted.size), message),)
