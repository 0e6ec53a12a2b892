"""Sessions that start late, end early, have holes, or are missing."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import groupby
from statistics import median

import numpy as np

from alertlib._typing import Ints, Narrow
from alertlib.bars.quality.coverage import FULL_ENOUGH, Coverage, clock
from alertlib.bars.quality.findings import Finding, Kind, Severity, finding
from alertlib.bars.quality.other_hours import Flags
from alertlib.bars.quality.spans import EARLY_MINUTES
from alertlib.market.calendar import trading_days
from alertlib.market.clock import MINUTES_PER_DAY

_AUCTION_MINUTES = 10


def openings(coverage: Coverage, told: Flags) -> Iterator[Finding]:
    """Report sessions whose first bars are missing.

    One bar is ``missing_first``, as after a call auction that was extended; more are a
    ``late_open``. Where the opening call takes some minutes every day, its length is no finding
    of each session, but one line for all.

    Parameters
    ----------
    coverage : Coverage
    told : bool array, one per session
        Of these it has been said already.
    """
    slots = (coverage.first - coverage.opening) // coverage.length
    late = np.flatnonzero((slots > 0) & (coverage.present > 0) & ~told)
    dates = coverage.dates()
    several: list[tuple[datetime, int]] = []
    for session in late.tolist():
        if session == 0 and _file_begins_inside(coverage):
            continue  # reported by closings()
        time = _at(dates[session], coverage.first[session])
        delay = coverage.first[session] - coverage.opening[session]
        if coverage.inferred or delay <= coverage.opening_call:
            several.append((time, int(slots[session])))
        elif slots[session] == 1:
            scheduled = _at(dates[session], coverage.opening[session])
            message = f"no bar at {scheduled:%H:%M}, the first opens at {time:%H:%M}"
            yield finding("missing_first", "warning", scheduled, 1, message)
        else:
            message = f"first bar opens at {time:%H:%M}, {delay} minutes after the session"
            yield finding("late_open", "warning", time, int(slots[session]), message)
    what = "open after the file's usual first bar"
    if not coverage.inferred:
        what = f"open up to {coverage.opening_call} minutes late, after the opening call"
    yield from _summed(coverage, "late_open", several, what)


def closings(coverage: Coverage, told: Flags) -> Iterator[Finding]:
    """Report sessions that have too few bars or end early, and where the file cuts one.

    Parameters
    ----------
    coverage : Coverage
    told : bool array, one per session
        Of these it has been said already.
    """
    end = coverage.last + coverage.length
    early = coverage.closing - end > EARLY_MINUTES
    short = coverage.present < FULL_ENOUGH * coverage.expected
    noted = short | early
    noted[0] |= _file_begins_inside(coverage)
    noted &= ~told
    dates = coverage.dates()
    several: list[tuple[datetime, int]] = []
    for session in np.flatnonzero(noted).tolist():
        day, present = dates[session], int(coverage.present[session])
        missing = int(coverage.expected[session]) - present
        have = f"{present} of {coverage.expected[session]} bars"
        if present == 0:
            time = _at(day, coverage.opening[session])
            yield finding("short_session", "warning", time, missing, "no bar inside the session")
            continue
        time = _at(day, coverage.last[session])
        if session == len(dates) - 1 and early[session]:
            message = f"the file ends inside the session, {have}; its last bar may not be complete"
            yield finding("short_session", "info", time, missing, message)
        elif session == 0 and _file_begins_inside(coverage) and not early[0]:
            message = f"the file begins inside the session, {have}"
            begin = _at(day, coverage.first[0])
            yield finding("short_session", "info", begin, missing, message)
        elif coverage.inferred:
            several.append((time, missing))
        else:
            ends = f", ends at {clock(end[session])}" if early[session] else ""
            fate = ", left out of scoring" if short[session] else ""
            yield finding("short_session", "warning", time, missing, f"{have}{ends}{fate}")
    yield from _summed(coverage, "short_session", several, "shorter than the file's usual session")


def _file_begins_inside(coverage: Coverage) -> bool:
    """Whether the first session starts later than an extended call auction explains."""
    usual = max(_AUCTION_MINUTES, coverage.opening_call)
    return bool(coverage.first[0] - coverage.opening[0] > usual)


def holes(coverage: Coverage) -> Iterator[Finding]:
    """Report missing bars between the first and the last bar of a session.

    Where the hours were inferred, times of day that most sessions lack are a market's daily
    break, not holes.
    """
    minute, session = coverage.minute[coverage.inside], coverage.session[coverage.inside]
    missing = np.diff(minute) // coverage.length - 1
    if coverage.inferred:
        breaks, slot = _breaks(coverage), minute // coverage.length
        missing -= breaks[slot[1:]] - breaks[slot[:-1] + 1]
    at = np.flatnonzero((missing > 0) & (session[1:] == session[:-1]))
    dates = coverage.dates()
    for which in _grouped(at, session):
        count = int(missing[which].sum())
        worst = which[missing[which].argmax()]
        first = _at(dates[session[which[0]]], minute[which[0]] + coverage.length)
        places = (
            f"between {clock(minute[worst])} and {clock(minute[worst + 1])}"
            if which.size == 1
            else f"in {which.size} holes, the longest after {clock(minute[worst])} "
            f"({missing[worst] * coverage.length} minutes)"
        )
        severity: Severity = "info" if coverage.inferred else "warning"
        message = f"{count} bar{'s' * (count > 1)} missing {places}"
        yield finding("gap", severity, first, count, message)


def _breaks(coverage: Coverage) -> Narrow:
    """Return how many times of day before each one are a daily break."""
    slots = MINUTES_PER_DAY // coverage.length + 1
    sums = np.zeros(slots + 1, dtype=np.int32)
    seen = np.bincount(coverage.minute // coverage.length, minlength=slots)
    sums[1:] = np.cumsum(2 * seen < len(coverage.day))
    return sums


def _grouped(places: Ints, session: Narrow) -> list[Ints]:
    """Split places (bars) into one array per session."""
    if not places.size:
        return []
    return np.split(places, np.flatnonzero(np.diff(session[places])) + 1)


def absent_days(coverage: Coverage) -> list[date]:
    """Return the trading days of B3 within the series that have no bar at all."""
    dates = coverage.dates()
    known = set(dates)
    return [day for day in trading_days(dates[0], dates[-1]) if day not in known]


def absences(coverage: Coverage) -> Iterator[Finding]:
    """Report trading days of B3 without any bar, those in a row together."""
    expected = int(median(coverage.expected[coverage.trades].tolist() or [0]))
    absent = absent_days(coverage)
    for first, last, count in _runs(absent, coverage.dates()):
        many = f"{count} sessions from {first} to {last} missing"
        message = many if count > 1 else f"session of {first} missing"
        yield Finding("gap", "warning", None, first, count * expected, message)


def _runs(absent: list[date], present: list[date]) -> Iterator[tuple[date, date, int]]:
    """Group absent days between which no session took place."""
    after = [bisect_left(present, day) for day in absent]
    for _, run in groupby(zip(after, absent, strict=True), key=lambda pair: pair[0]):
        days = [day for _, day in run]
        yield days[0], days[-1], len(days)


def strays(coverage: Coverage, flat: Flags, told: Flags) -> Iterator[Finding]:
    """Report bars that open outside their session.

    Parameters
    ----------
    coverage : Coverage
    flat : bool array, one per bar
        Bars with one price.
    told : bool array, one per session
        Of these it has been said already, as of days without trading.
    """
    silent = told | ~coverage.trades
    outside = np.flatnonzero(~coverage.inside & ~silent[coverage.session])
    dates = coverage.dates()
    several: list[tuple[datetime, int]] = []
    for which in _grouped(outside, coverage.session):
        day = dates[coverage.session[which[0]]]
        time = _at(day, coverage.minute[which[0]])
        if coverage.inferred:
            several.append((time, int(which.size)))
            continue
        prices = " at one price" if flat[which].all() else ""
        number = f"lone bar at {time:%H:%M}" if which.size == 1 else f"{which.size} bars"
        since = f", the first at {time:%H:%M}" if which.size > 1 else ""
        message = f"{number}{prices}, {_side(coverage, which)}{since}; left out of scoring"
        yield finding("after_close", "warning", time, int(which.size), message)
    yield from _summed(coverage, "after_close", several, "have bars outside the file's usual hours")


def _side(coverage: Coverage, outside: Ints) -> str:
    """Say of bars of one session on which side of it they lie."""
    session = coverage.session[outside[0]]
    opening, closing = coverage.opening[session], coverage.closing[session]
    if (coverage.minute[outside] >= closing).all():
        return f"after the close at {clock(closing)}"
    if (coverage.minute[outside] < opening).all():
        return f"before the open at {clock(opening)}"
    return f"outside {clock(opening)}-{clock(closing)}"


def _summed(
    coverage: Coverage, kind: Kind, places: list[tuple[datetime, int]], what: str
) -> Iterator[Finding]:
    """Report in one line what is unusual by the file's own standard only, or usual by the table."""
    if places:
        time, _ = places[0]
        count = sum(number for _, number in places)
        hours = f"{clock(coverage.opening[0])}-{clock(coverage.closing[0])}"
        source = f" ({hours}, no session table)" if coverage.inferred else ""
        message = (
            f"{len(places)} of {len(coverage.day)} sessions {what}{source}, "
            f"the first on {time:%Y-%m-%d}"
        )
        yield Finding(kind, "info", time, None, count, message)


def _at(day: date, minute: int | np.int64) -> datetime:
    return datetime(day.year, day.month, day.day) + timedelta(minutes=int(minute))
