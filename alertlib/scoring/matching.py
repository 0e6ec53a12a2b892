"""Which alerts caught which moves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from alertlib._typing import Bools, Floats, Ints
from alertlib.bars.series import Series
from alertlib.scoring.labels import Opportunities

# Moves looked at at once.
BLOCK = 4_096

TRUE_POSITIVE, FALSE_POSITIVE, REDUNDANT = range(3)


@dataclass(frozen=True)
class Validity:
    """For every bar and direction, the opportunities an alert there would be valid for.

    Attributes
    ----------
    table : int32, shape (2, bars + 1, m)
        Opportunities in order of their start; ``opportunities`` where there are no more. Row 0
        is direction +1, row 1 direction -1; the spare last bar is valid for nothing, so that
        bar -1 stands for no alert; ``m`` is the largest number of moves one alert is valid for.
    opportunities : int
        Number of opportunities.
    """

    table: npt.NDArray[np.int32]
    opportunities: int

    def of(self, bar: Ints, direction: Ints) -> Ints:
        """Return the opportunities of alerts: shape ``bar.shape + (m,)``."""
        found: Ints = self.table[(direction < 0).astype(np.int64), bar].astype(np.int64)
        return found


def move_left(series: Series, moves: Opportunities, opportunity: Ints, bar: Ints) -> Floats:
    """Return the share of a move that is left at the open after ``bar``.

    NaN for a move of no size; above 1 for an entry better than the move's start.
    """
    size = np.abs(moves.end_price - moves.start_price)[opportunity].astype(np.float64)
    left = (moves.end_price[opportunity] - series.open[bar + 1]) * moves.direction[opportunity]
    share: Floats = np.full(len(size), np.nan)
    np.divide(left, size, out=share, where=size > 0)
    return share


@dataclass(frozen=True)
class Entries:
    """Every bar an alert could come at for each opportunity, whatever it leaves of the move.

    Attributes
    ----------
    bars, opportunities : int
        Sizes of the file and of the set of moves.
    cell : int64
        Row and bar of :attr:`Validity.table`, one entry each, in ascending order.
    opportunity : int64
        Ascending within a cell.
    left : float64
        Share of the move left at the next open.
    """

    bars: int
    opportunities: int
    cell: Ints
    opportunity: Ints
    left: Floats

    def validity(self, min_move_left: float) -> Validity:
        """Return where an alert leaves at least ``min_move_left`` of a move (0 to 1)."""
        valid = _leaving(self.left, min_move_left)
        rows = self.bars + 1
        table = _in_rows(2 * rows, self.cell[valid], self.opportunity[valid], self.opportunities)
        return Validity(table.reshape(2, rows, -1), self.opportunities)


def _in_rows(rows: int, row: Ints, opportunity: Ints, nothing: int) -> npt.NDArray[np.int32]:
    """Return a table with the opportunities of each row, and ``nothing`` where there are no more.

    ``row`` ascends.
    """
    new = np.diff(row, prepend=-1) != 0
    starts = np.flatnonzero(new)
    rank = np.arange(len(row)) - starts[np.cumsum(new) - 1] if len(row) else row
    depth = int(rank.max()) + 1 if len(rank) else 1
    table = np.full((rows, depth), nothing, dtype=np.int32)
    table[row, rank] = opportunity
    return table


@dataclass(frozen=True)
class Candidates:
    """The opportunities each of some alerts came in time for, whatever it leaves of the move.

    Attributes
    ----------
    alerts, opportunities : int
        Number of both.
    alert : int64
        Ascending.
    opportunity : int64
        Ascending within an alert.
    left : float64
        Share of the move left at the next open.
    """

    alerts: int
    opportunities: int
    alert: Ints
    opportunity: Ints
    left: Floats

    def match(self, min_move_left: float) -> Match:
        """Match the alerts with the moves they leave at least ``min_move_left`` of (0 to 1)."""
        valid = _leaving(self.left, min_move_left)
        found = _in_rows(
            self.alerts, self.alert[valid], self.opportunity[valid], self.opportunities
        )
        return _match(found, self.opportunities)


def find_candidates(
    series: Series, moves: Opportunities, early_bars: int, bar: Ints, direction: Ints
) -> Candidates:
    """Return which moves some alerts come in time for, by the rules of :func:`find_entries`.

    Parameters
    ----------
    series : Series
    moves : Opportunities
    early_bars : int
    bar, direction : int64, one per alert
    """
    begin = _begin(series, moves, early_bars)
    first, stop = np.zeros((2, len(bar)), dtype=np.int64)
    numbers: list[Ints] = []
    for way in (1, -1):
        mine, own = np.flatnonzero(direction == way), np.flatnonzero(moves.direction == way)
        before = sum(map(len, numbers))
        # Moves begin in order; those before `first` have all ended, whatever their order.
        ended = np.maximum.accumulate(moves.end[own])
        first[mine] = before + np.searchsorted(ended, bar[mine], side="right")
        stop[mine] = before + np.searchsorted(begin[own], bar[mine], side="right")
        numbers.append(own)
    many = np.maximum(stop - first, 0)
    alert = np.repeat(np.arange(len(bar)), many)
    place = np.arange(len(alert)) - np.repeat(np.cumsum(many) - many - first, many)
    opportunity = np.concatenate(numbers)[place]
    running = np.flatnonzero(bar[alert] < moves.end[opportunity])
    alert, opportunity = alert[running], opportunity[running]
    left = move_left(series, moves, opportunity, bar[alert])
    return Candidates(len(bar), len(moves), alert, opportunity, left)


def find_entries(series: Series, moves: Opportunities, early_bars: int) -> Entries:
    """Return where an alert could enter each move.

    It has the move's direction and session, comes at most ``early_bars`` bars before the move's
    start, and can be filled not later than the move's last bar.
    """
    opportunity, bar = _in_time(series, moves, early_bars)
    cell = (moves.direction[opportunity] < 0) * (len(series) + 1) + bar
    # Entries come by opportunity; a stable sort keeps that order within a cell.
    order = np.argsort(cell, kind="stable")
    left = move_left(series, moves, opportunity, bar)
    return Entries(len(series), len(moves), cell[order], opportunity[order], left[order])


def reachable(
    series: Series, moves: Opportunities, early_bars: int, min_move_left: float, bars: Bools
) -> Bools:
    """Return for which moves an alert at one of some bars would be valid.

    Parameters
    ----------
    series : Series
    moves : Opportunities
    early_bars : int
    min_move_left : float
        0 to 1.
    bars : bool, one per bar
        Where an alert may come.
    """
    found = np.zeros(len(moves), dtype=bool)
    for start in range(0, len(moves), BLOCK):
        part = moves.only(slice(start, start + BLOCK))
        opportunity, bar = _in_time(series, part, early_bars)
        left = move_left(series, part, opportunity, bar)
        valid = _leaving(left, min_move_left)
        found[start + opportunity[valid[bars[bar[valid]]]]] = True
    return found


def _leaving(left: Floats, min_move_left: float) -> Ints:
    """Return which entries leave enough of their move; one of no size never does."""
    with np.errstate(invalid="ignore"):
        return np.flatnonzero(left >= min_move_left)


def _in_time(series: Series, moves: Opportunities, early_bars: int) -> tuple[Ints, Ints]:
    """Return the moves, in order, and the bars an alert could come at for each."""
    begin = _begin(series, moves, early_bars)
    length = np.maximum(moves.end - begin, 0)
    opportunity = np.repeat(np.arange(len(moves)), length)
    bar = np.arange(len(opportunity)) - np.repeat(np.cumsum(length) - length - begin, length)
    return opportunity, bar


def _begin(series: Series, moves: Opportunities, early_bars: int) -> Ints:
    begin: Ints = np.maximum(moves.start - early_bars, series.first[series.session[moves.start]])
    return begin


def find_validity(
    series: Series, moves: Opportunities, early_bars: int, min_move_left: float
) -> Validity:
    """Return where an alert would be valid for a move: in :func:`find_entries`, and early
    enough to leave ``min_move_left`` of it."""
    return find_entries(series, moves, early_bars).validity(min_move_left)


def first_alerts(found: npt.NDArray[np.integer[Any]], opportunities: int) -> Ints:
    """Return, per run, the first alert that is valid for each opportunity.

    Parameters
    ----------
    found : int64, shape (runs, alerts, m)
        Opportunities of each alert, ``opportunities`` for none; alerts in order of delivery.
    opportunities : int

    Returns
    -------
    int64, shape (runs, opportunities + 1)
        Number of the alert; -1 where the opportunity was missed, and in the spare last column.
    """
    runs, alerts, depth = found.shape
    width = opportunities + 1
    first = np.full((runs, width), -1, dtype=np.int64)
    # Written from the last alert to the first: of equal indices the one assigned last stays.
    cell = found[:, ::-1] + width * np.arange(runs)[:, None, None]
    number = np.broadcast_to(np.arange(alerts - 1, -1, -1)[:, None], (runs, alerts, depth))
    first.reshape(-1)[cell.reshape(-1)] = number.reshape(-1)
    first[:, opportunities] = -1
    return first


@dataclass(frozen=True)
class Match:
    """Verdict on each alert and each opportunity.

    Attributes
    ----------
    outcome : int64, one per alert
        ``TRUE_POSITIVE``, ``FALSE_POSITIVE`` or ``REDUNDANT``.
    opportunity : int64, one per alert
        Move the alert belongs to: for a true positive the earliest it captured first, for a
        redundant one the earliest it is valid for, -1 for a false positive.
    captured_by : int64, one per opportunity
        First valid alert, -1 where the move was missed.
    """

    outcome: Ints
    opportunity: Ints
    captured_by: Ints

    @property
    def captured(self) -> npt.NDArray[np.bool_]:
        """Whether each opportunity was captured."""
        return self.captured_by >= 0


def match(validity: Validity, bar: Ints, direction: Ints) -> Match:
    """Match alerts, in order of delivery, with the opportunities they capture.

    A true positive captures at least one opportunity not captured before; an alert valid only
    for captured ones is redundant; one valid for none is a false positive.
    """
    return _match(validity.of(bar, direction), validity.opportunities)


def _match(found: npt.NDArray[np.integer[Any]], opportunities: int) -> Match:
    """Match alerts with what each is valid for: shape (alerts, m), ``opportunities`` for none."""
    first = first_alerts(found[None], opportunities)[0]
    firsts = first[found] == np.arange(len(found))[:, None]
    true = firsts.any(axis=1)
    none = found[:, 0] == opportunities
    outcome = np.where(true, TRUE_POSITIVE, np.where(none, FALSE_POSITIVE, REDUNDANT))
    place = np.where(true, firsts.argmax(axis=1), 0)
    opportunity = np.where(none, -1, found[np.arange(len(found)), place])
    return Match(outcome, opportunity, first[:-1])
