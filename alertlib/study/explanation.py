"""Why an alert was made, what the policy did with it, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from html import escape
from typing import Any

import numpy as np
import polars as pl

from alertlib.errors import DataError
from alertlib.study.nearby import nearby_frame
from alertlib.study.readings import reading_frame, seen_text
from alertlib.study.record import Record, Seen
from alertlib.study.surroundings import aftermath, bars_around
from alertlib.study.verdicts import direction_text, verdicts
from alertlib.study.words import bar_lines, cut, excursion, plain

# Bars of the text's table before and after the alert's, and detectors spelled out.
SHOWN = (3, 6)
MOST_DETECTORS = 5


@dataclass(frozen=True, repr=False)
class Explanation:
    """One alert with everything around it; what needs the detectors is worked out when asked for.

    Attributes
    ----------
    alert : dict
        Row of ``Run.alerts``, or of ``Run.suppressed``.
    move : dict or None
        The opportunity it belongs to, or the nearest one of its session and direction.
    why : str
        The verdict in words.
    """

    alert: dict[str, Any]
    move: dict[str, Any] | None
    why: str
    _record: Record | None = field(default=None, compare=False)

    @cached_property
    def bars(self) -> pl.DataFrame:
        """The bars around the alert's (``offset`` 0), with what happened at some of them."""
        marks = {self._bar: "alert"}
        for name in ("entry", "exit"):
            if self.alert.get(f"{name}_time") is not None:
                _add(marks, self._at(self.alert[f"{name}_time"]), name)
        if self.move is not None:
            _add(marks, self._at(self.move["time_start"]), "move starts")
            _add(marks, self._at(self.move["time_end"]), "move ends")
        return bars_around(self._known.scored, self._bar, self._bar, marks)

    @cached_property
    def detectors(self) -> pl.DataFrame:
        """What every detector saw at the alert's bar, one row a reading.

        ``detector signal side reading value limit met away unit note``; prices and distances in
        points.
        """
        return reading_frame(self._seen)

    @cached_property
    def nearby(self) -> pl.DataFrame:
        """Alerts delivered and held back among the same bars: ``offset time pattern direction
        delivered policy``."""
        offsets = self.bars["offset"]
        return nearby_frame(
            self._known, self._bar, self._bar + offsets[0], self._bar + offsets[-1] + 1
        )

    @cached_property
    def policy(self) -> str:
        """What the policy did with it, and with the alerts its cool-down held back."""
        record = self._known
        blocked = record.blocked(self._row)
        said = record.policy(self._row)
        if not blocked:
            return said
        names = [f"{record.pattern(r)} {record.time(int(record.alerts.bar[r]))}" for r in blocked]
        return f"{said}; its cool-down then held back {len(names)}: {', '.join(names)}"

    @cached_property
    def after(self) -> dict[str, Any] | None:
        """Where the market went next: largest excursion for and against the alert's direction.

        From the next open, within the trade's horizon and the session: ``bars open``, ``best
        worst`` in points, each with ``_time``, ``_atr`` and ``_r``; None where no bar follows.
        """
        alert = self.alert
        risk = abs(alert["price"] - alert["stop"])
        return aftermath(self._known.scored, self._bar, alert["direction"], risk)

    @property
    def _known(self) -> Record:
        if self._record is None:
            raise DataError(
                f"alert {self.alert['id']}: got a saved run, which has no bars; expected a run of "
                "al.backtest; backtest the bars again"
            )
        return self._record

    def _at(self, time: Any) -> int:
        series = self._known.scored.detected.series
        minute = int(np.datetime64(time, "m").astype(np.int64))
        return int(np.searchsorted(series.minute, minute))

    @cached_property
    def _bar(self) -> int:
        return self._at(self.alert["bar_time"])

    @cached_property
    def _row(self) -> int:
        rows = self._known.rows(self._bar, self._bar + 1)
        direction = self._known.alerts.direction
        return next(row for row in rows if direction[row] == self.alert["direction"])

    @cached_property
    def _seen(self) -> list[Seen]:
        return self._known.seen(self._bar)

    def __repr__(self) -> str:
        lines = _head(self.alert, self.why)
        if self._record is not None:
            lines += self._details()
        return "\n".join(lines)

    def _details(self) -> list[str]:
        lines = [f"  policy: {self.policy}"]
        if self.after is None:
            lines.append("  next: no bar of its session follows")
        else:
            best, worst = (excursion(self.after, name) for name in ("best", "worst"))
            lines.append(f"  next {self.after['bars']} bars: best {best}, worst {worst}")
        grid = self._known.scored.detected.series.instrument.grid
        assert grid is not None
        lines.append(f"  detectors at the bar of {self.alert['bar_time']:%H:%M}:")
        side = self.alert["direction"]
        lines += [f"    {seen_text(one, side, grid.tick)}" for one in self._seen[:MOST_DETECTORS]]
        if len(self._seen) > MOST_DETECTORS:
            lines.append(f"    and {len(self._seen) - MOST_DETECTORS} more, see .detectors")
        first, last = SHOWN
        near = pl.col("offset").is_between(-first, last)
        return [cut(line) for line in lines] + bar_lines(self.bars.filter(near))

    def _repr_html_(self) -> str:
        return f"<pre>{escape(repr(self))}</pre>"


def explain_alert(
    alerts: pl.DataFrame,
    moves: pl.DataFrame,
    alert_id: str,
    *,
    suppressed: pl.DataFrame | None = None,
    early: timedelta = timedelta(0),
    record: Record | None = None,
) -> Explanation:
    """Return the explanation of one alert.

    Parameters
    ----------
    alerts, moves : DataFrame
        ``alerts`` and ``opportunities`` of a run.
    alert_id : str
        Its id, or the first digits of it.
    suppressed : DataFrame, optional
        Of the run; an id that no delivered alert has is looked for there.
    early : timedelta
        As of :func:`alertlib.study.verdicts.verdicts`.
    record : Record, optional
        Of the run; without it verdict and trade are all there is.

    Raises
    ------
    DataError
        If no alert has this id, or several do.
    """
    rows = alerts.filter(pl.col("id").str.starts_with(alert_id))
    if rows.height == 0 and suppressed is not None:
        held = suppressed.filter(pl.col("id").str.starts_with(alert_id))
        rows = held if held.height == 1 else rows
    if rows.height != 1:
        raise DataError(
            f"alert {alert_id!r}: {rows.height} delivered alerts have this id; "
            "expected the first digits of one, see run.alerts['id']"
        )
    (verdict,) = verdicts(rows, moves, early)
    return Explanation(rows.row(0, named=True), verdict.move, verdict.why, record)


def _head(a: dict[str, Any], why: str) -> list[str]:
    lines = [
        f"{a['pattern']} {direction_text(a['direction'])} at {a['time']} "
        f"({a['severity']}, confidence {a['confidence']:.2f}), id {a['id']}",
        f"  price {plain(a['price'])}, entry {plain(a['entry_min'])}-{plain(a['entry_max'])}, "
        f"stop {plain(a['stop'])}, target {plain(a['target'])}",
        f"  agreeing: {', '.join(a['agreeing']) or 'none'}",
        f"  outcome {a.get('outcome', 'suppressed')}: {why}",
    ]
    if a.get("entry_time") is not None:
        lines.append(
            f"  trade {a['entry_time']} at {plain(a['entry_price'])} -> {a['exit_time']} at "
            f"{plain(a['exit_price'])} by {a['exit_reason']}: {a['pnl_points']:+.2f} points"
        )
    return lines


def _add(marks: dict[int, str], bar: int, mark: str) -> None:
    marks[bar] = f"{marks[bar]}, {mark}" if bar in marks else mark
