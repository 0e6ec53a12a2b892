"""Sessions that keep other hours than their table, told once and not session by session."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alertlib._typing import Ints
from alertlib.bars.quality.coverage import FULL_ENOUGH, Coverage, clock
from alertlib.bars.quality.findings import Finding
from alertlib.bars.quality.hours import first_bars
from alertlib.bars.quality.spans import EARLY_MINUTES
from alertlib.market.clock import date_of

Flags = NDArray[np.bool_]

# Ends of sessions that differ by no more belong to one habit: first trades and closing calls vary.
_ALIKE_MINUTES = 10

_ADVICE = "state the symbol's hours in data.symbols, by date"


class Told(NamedTuple):
    """What the findings on the whole series have said of single sessions already.

    Attributes
    ----------
    opening, closing, strays : bool array, one per session
        That it opens late, that it ends early, that it has bars outside its hours.
    findings : tuple of Finding
        Of the kind ``outside_table``.
    """

    opening: Flags
    closing: Flags
    strays: Flags
    findings: tuple[Finding, ...] = ()


def tell_other_hours(coverage: Coverage) -> Told:
    """Find what most sessions have in common against their table, and those before it."""
    first, end = _ends(coverage)
    before = coverage.before_table & coverage.trades
    nothing = np.zeros(len(coverage.day), dtype=np.bool_)
    if coverage.inferred:
        return Told(nothing, nothing, nothing)
    after = coverage.trades & ~before
    slack = max(_ALIKE_MINUTES, coverage.opening_call)
    late = _habit(after & (first - coverage.opening > slack), first, after)
    early = _habit(after & (coverage.closing - end > EARLY_MINUTES), end, after)
    strays = after & (np.bincount(coverage.session[~coverage.inside], minlength=len(first)) > 0)
    if not _most(strays, after):
        strays = nothing
    findings = (
        *_before_the_table(coverage, before, first, end),
        *_against_the_table(coverage, late | early | strays, after, first, end),
    )
    short = coverage.present < FULL_ENOUGH * coverage.expected
    return Told(late | before & ~short, early | before & ~short, strays | before, findings)


def _ends(coverage: Coverage) -> tuple[Ints, Ints]:
    """Return when the first bar of each session opens and the last one ends, hours or no hours."""
    starts = first_bars(coverage.session)
    stops = np.append(starts[1:], len(coverage.minute)) - 1
    minute = coverage.minute
    return minute[starts].astype(np.int64), minute[stops].astype(np.int64) + coverage.length


def _habit(flags: Flags, minute: Ints, among: Flags) -> Flags:
    """Return the flagged sessions at about the usual minute; none unless they are most."""
    if not flags.any():
        return flags
    usual = int(np.bincount(minute[flags]).argmax())
    alike = flags & (np.abs(minute - usual) <= _ALIKE_MINUTES)
    return alike if _most(alike, among) else np.zeros_like(flags)


def _most(flags: Flags, among: Flags) -> bool:
    count = int(flags.sum())
    return count > 1 and 2 * count > int(among.sum())


def _against_the_table(
    coverage: Coverage, flags: Flags, among: Flags, first: Ints, end: Ints
) -> Iterator[Finding]:
    if not flags.any():
        return
    sessions = np.flatnonzero(flags)
    at = int(sessions[0])
    outside = int((~coverage.inside & flags[coverage.session]).sum())
    short = int((coverage.present < FULL_ENOUGH * coverage.expected)[sessions].sum())
    fate = f"; {outside:,} bars outside are left out of scoring" if outside else ""
    fate += f"; {short} sessions have less than {FULL_ENOUGH:.0%} of the bars" if short else ""
    message = (
        f"{sessions.size} of {int(among.sum())} sessions keep other hours than the table: most run "
        f"{_run(first, end, flags)}, the table has {clock(coverage.opening[at])} to "
        f"{clock(coverage.closing[at])} on {date_of(int(coverage.day[at]))}{fate}; {_ADVICE}"
    )
    time_ = _at(coverage, at, first)
    yield Finding("outside_table", "warning", time_, None, int(sessions.size), message)


def _before_the_table(
    coverage: Coverage, before: Flags, first: Ints, end: Ints
) -> Iterator[Finding]:
    if not before.any():
        return
    at = int(np.flatnonzero(before)[0])
    message = (
        f"{int(before.sum())} of {int(coverage.trades.sum())} sessions lie before the table of "
        f"hours, which begins on {coverage.known_since}: most run {_run(first, end, before)} and "
        f"are scored as {clock(coverage.opening[at])} to {clock(coverage.closing[at])}; {_ADVICE}"
    )
    time_ = _at(coverage, at, first)
    yield Finding("outside_table", "warning", time_, None, int(before.sum()), message)


def _run(first: Ints, end: Ints, flags: Flags) -> str:
    usual = (int(np.bincount(minute[flags]).argmax()) for minute in (first, end))
    return " to ".join(clock(minute) for minute in usual)


def _at(coverage: Coverage, session: int, first: Ints) -> datetime:
    midnight = datetime.combine(date_of(int(coverage.day[session])), time())
    return midnight + timedelta(minutes=int(first[session]))
