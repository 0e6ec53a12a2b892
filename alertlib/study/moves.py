"""A move: who caught it or why nobody did, and how near each detector came."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from typing import Any

import polars as pl

from alertlib._arguments import shown
from alertlib.errors import DataError
from alertlib.study.approaches import Approach, approach_text, approaches
from alertlib.study.misses import miss_of, window_of
from alertlib.study.nearby import nearby_frame
from alertlib.study.readings import reading_frame
from alertlib.study.record import Record, Seen
from alertlib.study.surroundings import bars_around
from alertlib.study.verdicts import direction_text, move_text
from alertlib.study.words import bar_lines, cut, plain

# Lines of the text that bars, signals and detectors may take.
BARS, SIGNALS, DETECTORS = 10, 4, 5


@dataclass(frozen=True, repr=False)
class MoveExplanation:
    """One move with everything around it; what needs the detectors is worked out when asked for.

    Attributes
    ----------
    move : dict
        Row of ``Run.opportunities``.
    """

    move: dict[str, Any]
    _record: Record = field(compare=False)

    @cached_property
    def why(self) -> str:
        """Who captured it, or why nobody did."""
        if self.move["captured"]:
            return f"captured by alert {self.move['alert_id']}"
        return miss_of(self._record, self._number).why

    @cached_property
    def bars(self) -> pl.DataFrame:
        """The bars around the move (``offset`` 0 is its first), with what happened at some."""
        window = self._window
        marks = {window.start: "move starts", window.end: "move ends"}
        if window.first < window.start:
            marks[window.first] = "first to count"
        for row in self._record.rows(window.first, window.stop):
            bar = int(self._record.alerts.bar[row])
            name = self._record.pattern(row)
            marks[bar] = f"{marks[bar]}, {name}" if bar in marks else name
        return bars_around(self._record.scored, window.start, window.end, marks)

    @cached_property
    def nearby(self) -> pl.DataFrame:
        """Alerts delivered and held back among the same bars, as of :class:`Explanation`."""
        offsets, start = self.bars["offset"], self._window.start
        return nearby_frame(self._record, start, start + offsets[0], start + offsets[-1] + 1)

    @cached_property
    def detectors(self) -> pl.DataFrame:
        """What each detector saw where it came nearest to a signal of the move's direction.

        ``time`` and the columns of :attr:`Explanation.detectors`; the nearest detector first.
        Those that say nothing about what they compare are left out.
        """
        series = self._record.scored.detected.series
        parts = [
            reading_frame([self._seen(near)]).insert_column(
                0, pl.lit(series.times([near.bar])[0]).alias("time")
            )
            for near in self._approaches
        ]
        return pl.concat(parts) if parts else reading_frame([])

    def _seen(self, near: Approach) -> Seen:
        counted = self._record.signals(near.bar).get(near.place, 0)
        return Seen(self._record.detectors[near.place], counted, near.readings, "")

    @property
    def _number(self) -> int:
        return int(self.move["opportunity_id"])

    @cached_property
    def _window(self) -> Any:
        return window_of(self._record, self._number)

    @cached_property
    def _approaches(self) -> list[Approach]:
        window = self._window
        return approaches(self._record, window.direction, window.first, window.stop)

    def __repr__(self) -> str:
        lines = [
            f"{move_text(self.move)}, {self.move['time_start']:%Y-%m-%d}",
            f"  price {plain(self.move['price_start'])} -> {plain(self.move['price_end'])}",
            f"  {'captured' if self.move['captured'] else 'missed'}: {self.why}",
            *self._signal_lines(),
            "  nearest to a signal of its direction, where there was none:",
            *(f"    {approach_text(self._record, near)}" for near in self._approaches[:DETECTORS]),
        ]
        if not self._approaches:
            lines[-1] += " no detector says"
        length = self._window.end - self._window.start
        near = self.bars.filter(pl.col("offset").is_between(-3, length + 1))
        if near.height > BARS:
            # Both ends of a long move.
            near = pl.concat([near.head(BARS // 2), near.tail(BARS - BARS // 2)])
        return "\n".join([*map(cut, lines), *bar_lines(near)])

    def _signal_lines(self) -> list[str]:
        last = self._window.end - self._window.start
        near = self.nearby.filter(pl.col("offset").is_between(-6, last + 6))
        lines = [
            f"    {row['time']:%H:%M} ({row['offset']:+d}) {row['pattern']} "
            f"{direction_text(row['direction'])}: {row['policy']}"
            for row in near.head(SIGNALS).iter_rows(named=True)
        ]
        if near.height > SIGNALS:
            lines.append(f"    and {near.height - SIGNALS} more, see .nearby")
        return ["  signals from 6 bars before it to 6 after:" + ("" if lines else " none"), *lines]

    def _repr_html_(self) -> str:
        return f"<pre>{escape(repr(self))}</pre>"


def explain_move(moves: pl.DataFrame, number: int, record: Record) -> MoveExplanation:
    """Return the explanation of one move, missed or captured.

    Parameters
    ----------
    moves : DataFrame
        ``opportunities`` of a run.
    number : int
        ``opportunity_id``.
    record : Record
        Of the run.

    Raises
    ------
    DataError
        If there is no such move.
    """
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < moves.height:
        raise DataError(
            f"move {shown(number)}: expected a whole number from 0 to {moves.height - 1}; see "
            "run.opportunities['opportunity_id']"
        )
    return MoveExplanation(moves.row(number, named=True), record)
