"""The closer look: everything that can be said of bars beyond what reading them shows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time
from typing import TYPE_CHECKING

import polars as pl

from alertlib.bars.quality import attendance, trading
from alertlib.bars.quality.coverage import cover
from alertlib.bars.quality.findings import Finding, Quality

if TYPE_CHECKING:
    from alertlib.bars.bars import Bars

_B3_FAMILIES = ("WIN", "WDO", "BIT", "B3 cash equity")


def examine(bars: Bars) -> Quality:
    """Compare bars with their session table and look for changes within them.

    Parameters
    ----------
    bars : Bars

    Returns
    -------
    Quality
        The findings of reading, then those of this look, by time.
    """
    found = sorted(_look(bars), key=_moment)
    return bars.quality.with_findings(found)


def session_coverage(bars: Bars) -> pl.DataFrame:
    """Return one row per session, those of B3 that are missing altogether included.

    Returns
    -------
    polars.DataFrame
        ``date``, ``present`` and ``expected`` bars within the session, and bars ``outside`` it.
    """
    coverage = cover(bars.frame, bars.instrument)
    frame = coverage.frame()
    if bars.instrument.family not in _B3_FAMILIES:
        return frame
    absent = pl.DataFrame({"date": attendance.absent_days(coverage)}, schema={"date": pl.Date})
    nothing = absent.with_columns(present=0, expected=frame["expected"].median(), outside=0).cast(
        frame.schema
    )
    return pl.concat([frame, nothing]).sort("date")


def _look(bars: Bars) -> Iterator[Finding]:
    coverage = cover(bars.frame, bars.instrument)
    yield from attendance.openings(coverage)
    yield from attendance.closings(coverage)
    yield from attendance.holes(coverage)
    yield from attendance.strays(coverage, trading.is_flat(bars.frame))
    if bars.instrument.family in _B3_FAMILIES:
        yield from attendance.absences(coverage)
    yield from trading.locks(bars.frame, coverage)
    yield from trading.feed_changes(bars.frame)
    yield from trading.rolls(bars.frame, coverage, bars.instrument)


def _moment(found: Finding) -> datetime:
    if found.time is not None:
        return found.time
    return datetime.combine(found.date, time()) if found.date else datetime.min
