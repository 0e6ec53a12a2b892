"""Why a move was missed: the signal that tells most, and why it does not count."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from alertlib.kernels.policy import REASONS
from alertlib.scoring.matching import move_left
from alertlib.study.approaches import Approach, approach_text, approaches
from alertlib.study.record import Record
from alertlib.study.verdicts import direction_text
from alertlib.texts.formats import percent

# Bars before and after its window in which a signal is taken for one that meant the move.
REACH = 12


class Window(NamedTuple):
    """The bars at which an alert would count for a move.

    Attributes
    ----------
    start, end : int
        First and last bar of the move.
    first, stop : int
        First bar of the window, and the one after its last.
    direction : int
    """

    start: int
    end: int
    first: int
    stop: int
    direction: int


class Miss(NamedTuple):
    """Why no alert captured a move.

    Attributes
    ----------
    reason : str
        ``severity window duplicate rate_limit cooldown accept`` (a valid signal was held back),
        ``censored``, ``too_little_left``, ``too_early``, ``too_late``, ``opposite``, ``warm_up``
        or ``no_signal``.
    row : int or None
        Of the signal, among ``Record.alerts``.
    against : int
        Signals of the other direction at bars at which an alert would count.
    near : Approach or None
        The detector that came nearest to a signal without giving one.
    why : str
    """

    reason: str
    row: int | None
    against: int
    near: Approach | None
    why: str


def window_of(record: Record, move: int) -> Window:
    """Return where an alert would count for a move."""
    scored = record.scored
    series, moves = scored.detected.series, scored.moves
    start, end = int(moves.start[move]), int(moves.end[move])
    opened = int(series.first[series.session[start]])
    first = max(start - scored.settings.scoring.early_bars, opened)
    return Window(start, end, first, max(end, first), int(moves.direction[move]))


def miss_of(record: Record, move: int) -> Miss:
    """Return why no alert captured a move.

    The signals of its direction come first, those the policy held back before all, then by their
    distance from the window, up to ``REACH``; then those against it, within the window.
    """
    window = window_of(record, move)
    alerts = record.alerts
    inside = record.rows(window.first, window.stop)
    against = [row for row in inside if alerts.direction[row] != window.direction]
    near = next(iter(approaches(record, window.direction, window.first, window.stop)), None)
    told = _own(record, move, window)
    if told is None and against:
        row = min(against, key=lambda r: abs(int(alerts.bar[r]) - window.start))
        told = "opposite", row, f"{_named(record, row)} points against it"
    if told is None:
        told = _silence(record, window)
    reason, found, why = told
    if against and reason != "opposite":
        why = f"{why}; {len(against)} against it where one would count"
    if reason not in _INSIDE and near is not None:
        why = f"{why}; nearest to a signal came {approach_text(record, near)}"
    if not record.scored.reachable[move]:
        why = f"{why}; no bar that can be delivered would have counted"
    return Miss(reason, found, len(against), near, why)


# A signal of the move's direction lies in its window.
_INSIDE = (*REASONS, "censored", "too_little_left")
Told = tuple[str, int | None, str]


def _own(record: Record, move: int, window: Window) -> Told | None:
    """Return what the most telling signal of the move's own direction was, and why it failed."""
    scored, alerts = record.scored, record.alerts
    series = scored.detected.series
    session = int(series.session[window.start])
    first = max(int(series.first[session]), window.first - REACH)
    stop = min(int(series.last[session]) + 1, window.stop + REACH)
    rows = [r for r in record.rows(first, stop) if alerts.direction[r] == window.direction]
    if not rows:
        return None
    told = [_judged(record, move, window, row) for row in rows]
    return min(told, key=lambda each: each[0])[1]


def _judged(record: Record, move: int, window: Window, row: int) -> tuple[tuple[int, ...], Told]:
    """Return how telling a signal is (less is more), and what to tell of it."""
    scored, bar = record.scored, int(record.alerts.bar[row])
    name, reason = _named(record, row), int(record.alerts.reason[row])
    held = "" if reason == 0 else f"; {record.policy(row)}"
    if bar < window.first:
        early, allowed = window.start - bar, scored.settings.scoring.early_bars
        told = (
            "too_early",
            row,
            f"{name} came {_bars(early)} before its start, {allowed} count{held}",
        )
        return (2, window.first - bar, bar), told
    if bar >= window.stop:
        late = (
            f"{_bars(bar - window.end)} after its last bar"
            if bar > window.end
            else "at its last bar"
        )
        return (2, bar - window.stop + 1, bar), ("too_late", row, f"{name} came {late}{held}")
    needed = scored.settings.scoring.min_move_left
    series = scored.detected.series
    left = float(move_left(series, scored.moves, np.array([move]), np.array([bar]))[0])
    if not left >= needed:
        what = f"{name} left {percent(left, language='en')} of it at the next open"
        told = "too_little_left", row, f"{what}, {percent(needed, language='en')} needed{held}"
        return (1, bar, 0), told
    if reason == 0:
        return (0, bar, 0), ("censored", row, f"{name} counts, but the data end before its outcome")
    return (0, bar, 0), (REASONS[reason], row, f"{name} would have counted, {record.policy(row)}")


def _silence(record: Record, window: Window) -> Told:
    """Return why there was nothing to judge."""
    if not record.detectors:
        return "no_signal", None, "no detector is enabled"
    warming = [d.name for d in record.detectors if window.stop - 1 <= d.warmup]
    if len(warming) == len(record.detectors):
        return "warm_up", None, f"still in their warm-up: {', '.join(warming)}"
    return "no_signal", None, f"no signal of its direction within {_bars(REACH)} of it"


def _named(record: Record, row: int) -> str:
    alerts = record.alerts
    return (
        f"{record.pattern(row)} {direction_text(int(alerts.direction[row]))} at "
        f"{record.time(int(alerts.bar[row]))}"
    )


def _bars(count: int) -> str:
    return f"{count} bar" if count == 1 else f"{count} bars"
