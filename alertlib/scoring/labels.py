"""Opportunities: the moves an alert should have caught.

Computed after the alerts and never seen by a detector.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from alertlib._typing import Floats, Ints
from alertlib.bars.quality.hours import MICROSECONDS
from alertlib.bars.series import Series
from alertlib.errors import DataError
from alertlib.kernels.legs import LegState, leg_step
from alertlib.scoring.engine import INTERPRETED, Engine

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Opportunities:
    """Moves, sorted by their start. Prices in quanta.

    Attributes
    ----------
    start, end : int64
        Bars of the move's first and last extreme.
    direction : int64
        +1 or -1.
    start_price, end_price : int64
        Low to high for +1, high to low for -1.
    """

    start: Ints
    end: Ints
    direction: Ints
    start_price: Ints
    end_price: Ints

    def __len__(self) -> int:
        return len(self.start)

    def only(self, mask: Any) -> Opportunities:
        """Return the rows of a boolean mask or of indices."""
        return Opportunities(*(getattr(self, name)[mask] for name in self.__dataclass_fields__))


def directional_changes(
    series: Series, atr: Floats, k: float, engine: Engine = INTERPRETED
) -> Opportunities:
    """Return the directional-change legs of every session.

    Within a session price runs from one extreme to the next; an extreme is one once price has
    come back from it by ``k`` average true ranges, taken at the extreme. The leg still open at
    the end of a session counts up to its extreme; what followed that extreme does not.

    Parameters
    ----------
    series : Series
    atr : ndarray of float64
        In quanta; NaN (nothing can be a reversal yet) at the start of a file.
    k : float
        Size of a reversal in average true ranges.
    engine : Engine

    Returns
    -------
    Opportunities

    References
    ----------
    Guillaume et al. (1997), Finance and Stochastics 1(2), 95-129.
    """
    scan = engine.build(_make_leg_scan, leg_step)
    # A leg may end at any bar: narrow, since all of it is touched for the few that do.
    out = [engine.out(len(series), kind) for kind in ("int32", "int32", "int8")]
    columns = [engine.column(c) for c in (series.high, series.low, series.place, atr)]
    count = scan(*columns, float(k), LegState(), *out)
    start, end, direction = (engine.array(column[:count], "int64") for column in out)
    return _priced(series, start, end, direction)


def _priced(series: Series, start: Ints, end: Ints, direction: Ints) -> Opportunities:
    up = direction > 0
    return Opportunities(
        start,
        end,
        direction,
        np.where(up, series.low[start], series.high[start]),
        np.where(up, series.high[end], series.low[end]),
    )


def move_frame(series: Series, moves: Opportunities, atr: Floats) -> pl.DataFrame:
    """Return moves as a frame: ``time_start time_end direction price_start price_end points atr``.

    ``points`` is their size, ``atr`` the same in average true ranges of their first bar: null
    where that is not defined yet.
    """
    import polars as pl

    size = np.abs(moves.end_price - moves.start_price)
    unit = atr[moves.start]
    multiple = np.full(len(size), np.nan)
    np.divide(size, unit, out=multiple, where=unit > 0)
    return pl.DataFrame(
        {
            "time_start": series.times(moves.start),
            "time_end": series.times(moves.end),
            "direction": moves.direction,
            "price_start": series.price(moves.start_price),
            "price_end": series.price(moves.end_price),
            "points": series.price(size),
            "atr": pl.Series(multiple).fill_nan(None),
        }
    )


def labelled_moves(series: Series, labels: pl.DataFrame, where: str) -> Opportunities:
    """Return the moves of a manual label table.

    Parameters
    ----------
    series : Series
    labels : DataFrame
        ``time_start``, ``time_end`` (opens of the move's first and last bar, naive exchange
        wall clock) and ``direction`` (+1 or -1); a ``note`` is ignored.
    where : str
        Name of the table in messages.

    Raises
    ------
    DataError
        If a column is missing, a time is not a bar of the file, a move does not end after it
        starts or leaves its session, or a direction is not +1 or -1.
    """
    start = _bars_at(series, labels, "time_start", where)
    end = _bars_at(series, labels, "time_end", where)
    direction = labels["direction"].to_numpy().astype(np.int64)
    for row in np.flatnonzero(np.abs(direction) != 1)[:1]:
        raise DataError(f"{where}: row {row + 1}: direction {direction[row]}; expected 1 or -1")
    wrong = (end <= start) | (series.session[start] != series.session[end])
    for row in np.flatnonzero(wrong)[:1]:
        raise DataError(
            f"{where}: row {row + 1}: {labels['time_start'][int(row)]} to "
            f"{labels['time_end'][int(row)]}; expected an end after the start, in one session"
        )
    order = np.lexsort((end, start))
    return _priced(series, start[order], end[order], direction[order])


def _bars_at(series: Series, labels: pl.DataFrame, name: str, where: str) -> Ints:
    minute, rest = np.divmod(labels[name].dt.epoch("us").to_numpy(), MICROSECONDS)
    at = np.searchsorted(series.minute, minute)
    known = (series.minute[np.minimum(at, len(series) - 1)] == minute) & (rest == 0)
    for row in np.flatnonzero(~known)[:1]:
        raise DataError(
            f"{where}: row {row + 1}: {name} {labels[name][int(row)]} is not the open of a bar; "
            "expected a bar of the file inside its session"
        )
    found: Ints = at.astype(np.int64)
    return found


def _make_leg_scan(step: Any) -> Callable[..., Any]:
    def scan(
        high: Any, low: Any, place: Any, atr: Any, k: Any, state: Any,
        start: Any, end: Any, direction: Any,
    ) -> int:  # fmt: skip
        n = 0
        for i in range(len(high)):
            before = state
            ended, state = step(before, high[i], low[i], i, place[i], k * atr[i])
            if ended != 0:
                start[n], direction[n] = before.onset, ended
                end[n] = before.top_at if ended > 0 else before.bottom_at
                n += 1
        if state.mode != 0:
            start[n], direction[n] = state.onset, state.mode
            end[n] = state.top_at if state.mode > 0 else state.bottom_at
            n += 1
        return n

    return scan
