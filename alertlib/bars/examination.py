"""The closer look: everything that can be said of bars beyond what reading them shows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time
from typing import TYPE_CHECKING

import polars as pl

from alertlib.bars.arguments import expect_bars
from alertlib.bars.quality import attendance, made_up, trading
from alertlib.bars.quality.coverage import cover
from alertlib.bars.quality.findings import Finding, Quality
from alertlib.bars.quality.other_hours import tell_other_hours

if TYPE_CHECKING:
    from alertlib.bars.bars import Bars

# Kinds that make every session look wrong.
_CLOCKS = ("zone", "closes_for_opens")


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
    expect_bars(bars)
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
    if not bars.instrument.has_calendar:
        return frame
    absent = pl.DataFrame({"date": attendance.absent_days(coverage)}, schema={"date": pl.Date})
    nothing = absent.with_columns(present=0, expected=frame["expected"].median(), outside=0).cast(
        frame.schema
    )
    return pl.concat([frame, nothing]).sort("date")


def _look(bars: Bars) -> Iterator[Finding]:
    yield from trading.feed_changes(bars.frame)
    if any(found.severity == "error" and found.kind in _CLOCKS for found in bars.quality.findings):
        return  # all that could be said of sessions would follow from it
    coverage = cover(bars.frame, bars.instrument)
    told = tell_other_hours(coverage)
    yield from told.findings
    yield from attendance.openings(coverage, told.opening)
    yield from attendance.closings(coverage, told.closing)
    yield from attendance.holes(coverage)
    yield from attendance.strays(coverage, trading.is_flat(bars.frame), told.strays)
    if bars.instrument.has_calendar:
        yield from attendance.absences(coverage)
    yield from trading.locks(bars.frame, coverage)
    yield from trading.rolls(bars.frame, coverage, bars.instrument)
    yield from made_up.filled(bars.frame, coverage)
    yield from made_up.switches(bars.frame, coverage, bars.instrument)


def _moment(found: Finding) -> datetime:
    if found.time is not None:
        return found.time
    return datetime.combine(found.date, time()) if found.date else datetime.min
