"""Which sessions are scored, and which alerts count."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from alertlib._typing import Bools, Ints
from alertlib.bars.series import Series
from alertlib.config.schema import Scoring
from alertlib.market.clock import MINUTES_PER_DAY, day_number
from alertlib.scoring.labels import Opportunities

# First and last date, both included.
Span = tuple[date, date]


# Sessions scored where no number is asked for: more only while they hold too few opportunities.
DEFAULT_SESSIONS = 60


@dataclass(frozen=True)
class Scope:
    """The part of a file that is scored.

    Attributes
    ----------
    sessions : int64
        Numbers of the scored sessions, in order.
    short : int64
        Sessions too incomplete to be scored.
    scored : bool, one per bar
        Whether the bar belongs to a scored session.
    open_ended : bool
        Whether the data end before the last session does.
    end : int
        Number of bars up to the end of the data.
    """

    sessions: Ints
    short: Ints
    scored: Bools
    open_ended: bool
    end: int

    def part(self, series: Series, start: int, stop: int) -> Scope:
        """Return the scope of ``series``'s bars ``start`` to ``stop``, which hold all of it."""
        before = int(series.session[start]) if len(series) else 0
        return Scope(
            self.sessions - before, self.short[:0], self.scored[start:stop],
            self.open_ended, self.end - start,
        )  # fmt: skip


def choose_scope(
    series: Series,
    scoring: Scoring,
    moves: Opportunities,
    enough: int,
    between: Span | None = None,
    ready: Bools | None = None,
) -> Scope:
    """Return which sessions are scored.

    A session is fit for it if it has at least ``min_session_share`` of its expected bars and at
    least ``warmup_bars`` kept bars before it. One that is not still feeds the indicators.

    Parameters
    ----------
    series : Series
    scoring : Scoring
        With ``sessions`` the last so many fit ones are scored. Without it the last 60, and
        further back, session by session, until they hold enough opportunities or the file ends.
    moves : Opportunities
        Of the whole file.
    enough : int
        Opportunities.
    between : (date, date), optional
        First and last date, both included: only these sessions, and all of them unless
        ``sessions`` says otherwise.
    ready : bool, one per session, optional
        Further sessions are not scored.
    """
    complete = is_complete(series, scoring)
    warm = series.first >= scoring.warmup_bars
    fit: Ints = np.flatnonzero(complete & warm if ready is None else complete & warm & ready)
    if between is not None:
        first, last = (day_number(day) for day in between)
        fit = fit[(series.days[fit] >= first) & (series.days[fit] <= last)]
    if scoring.sessions is not None:
        sessions = fit[-scoring.sessions :]
    elif between is not None:
        sessions = fit
    else:
        sessions = fit[-_sessions_with(enough, series, moves, fit) :]
    chosen = np.zeros(len(series.first), dtype=bool)
    chosen[sessions] = True
    short = np.flatnonzero(~complete)
    return Scope(sessions, short, chosen[series.session], _open_ended(series), len(series))


def is_complete(series: Series, scoring: Scoring) -> Bools:
    """Return which sessions have enough of their expected bars."""
    bars = series.last - series.first + 1
    complete: Bools = bars >= scoring.min_session_share * series.expected
    return complete


def _sessions_with(enough: int, series: Series, moves: Opportunities, fit: Ints) -> int:
    """Return how many of the last fit sessions hold enough opportunities, at least 60."""
    each = np.bincount(series.session[moves.start], minlength=len(series.first))
    held = np.cumsum(each[fit[::-1]])
    return max(DEFAULT_SESSIONS, int(np.searchsorted(held, enough)) + 1)


def _open_ended(series: Series) -> bool:
    if len(series) == 0:
        return False
    table = series.instrument.sessions
    assert table is not None
    close = table.hours(int(series.day[-1])).close
    end = int(series.minute[-1]) + series.instrument.minutes
    return end < int(series.day[-1]) * MINUTES_PER_DAY + close


def is_censored(scope: Scope, bar: Ints, horizon_bars: int) -> Bools:
    """Whether the data end before an alert's outcome can be known.

    Only where they end within a session: the end of a session is a real end.
    """
    if not scope.open_ended:
        return np.zeros(len(bar), dtype=bool)
    return bar + horizon_bars > scope.end - 1
