"""Which sessions are scored, and which alerts count."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from alertlib._typing import Ints
from alertlib.bars.series import Series
from alertlib.config.schema import Scoring
from alertlib.market.clock import MINUTES_PER_DAY


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
    """

    sessions: Ints
    short: Ints
    scored: npt.NDArray[np.bool_]
    open_ended: bool


def choose_scope(series: Series, scoring: Scoring) -> Scope:
    """Return the last ``scoring.sessions`` sessions fit for scoring.

    A session is fit if it has at least ``min_session_share`` of its expected bars and at least
    ``warmup_bars`` kept bars before it. One that is not still feeds the indicators.
    """
    bars = series.last - series.first + 1
    complete = bars >= scoring.min_session_share * series.expected
    fit = complete & (series.first >= scoring.warmup_bars)
    sessions = np.flatnonzero(fit)[-scoring.sessions :]
    chosen = np.zeros(len(series.first), dtype=bool)
    chosen[sessions] = True
    short = np.flatnonzero(~complete)
    return Scope(sessions, short, chosen[series.session], _open_ended(series))


def _open_ended(series: Series) -> bool:
    if len(series) == 0:
        return False
    table = series.instrument.sessions
    assert table is not None
    close = table.hours(int(series.day[-1])).close
    end = int(series.minute[-1]) + series.instrument.minutes
    return end < int(series.day[-1]) * MINUTES_PER_DAY + close


def is_censored(
    series: Series, scope: Scope, bar: Ints, horizon_bars: int
) -> npt.NDArray[np.bool_]:
    """Whether the data end before an alert's outcome can be known.

    Only where they end within a session: the end of a session is a real end.
    """
    if not scope.open_ended:
        return np.zeros(len(bar), dtype=bool)
    return bar + horizon_bars > len(series) - 1
