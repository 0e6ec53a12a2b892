"""One session of a run as it is drawn: candles, moves and alerts by their places.

Nothing here knows plotly: what :class:`Day` holds can be drawn by anything, :meth:`Day.to_dict`
makes JSON of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple, Protocol

import polars as pl

from alertlib.bars.bars import Bars
from alertlib.market.clock import date_of
from alertlib.report.plots.candles import Candles, candles_of
from alertlib.report.plots.hover import alert_headline, alert_text, move_text
from alertlib.report.plots.writing import Writing
from alertlib.scoring.scored import Scored
from alertlib.study.record import Record
from alertlib.study.verdicts import verdicts


class PlottedRun(Protocol):
    """What a day is read from: :class:`alertlib.Run`."""

    @property
    def bars(self) -> Bars: ...
    @property
    def scored(self) -> Scored: ...
    @property
    def alerts(self) -> pl.DataFrame: ...
    @property
    def opportunities(self) -> pl.DataFrame: ...
    @property
    def suppressed(self) -> pl.DataFrame: ...


class Move(NamedTuple):
    """A move from extreme to extreme.

    Attributes
    ----------
    start, end : int
        Places of its first and last bar.
    direction : int
    start_price, end_price : float
    captured : bool
    alerts : dict of str to int
        By outcome: those valid for it, and the false alarms from its start to before its end.
    against : int
        Of these false alarms those of the other direction.
    text : str
        What is said of it, with ``<br>`` between lines.
    """

    start: int
    end: int
    direction: int
    start_price: float
    end_price: float
    captured: bool
    alerts: dict[str, int]
    against: int
    text: str


class Fill(NamedTuple):
    """Where a trade began or ended."""

    place: int
    price: float


class Mark(NamedTuple):
    """An alert, delivered or held back.

    Attributes
    ----------
    id : str
    place : int
        Of its bar.
    direction : int
    outcome : str
        ``tp fp redundant censored unscored``, or ``suppressed``.
    price, entry_min, entry_max, stop, target : float
        As in the alert.
    entry, exit : Fill or None
        Of its trade, where it has one.
    headline : tuple of str
        What it was, and what it came to.
    text : str
        What is said of it, with ``<br>`` between lines.
    """

    id: str
    place: int
    direction: int
    outcome: str
    price: float
    entry_min: float
    entry_max: float
    stop: float
    target: float
    entry: Fill | None
    exit: Fill | None
    headline: tuple[str, str]
    text: str


@dataclass(frozen=True, eq=False)
class Day:
    """A session: what a figure of it shows.

    Attributes
    ----------
    symbol, timeframe : str
    day : date
    synthetic : bool
    scored : bool
        Whether the session was scored; moves are known of scored ones only.
    candles : Candles
    moves : tuple of Move
    alerts : tuple of Mark
        Those held back after those delivered.
    """

    symbol: str
    timeframe: str
    day: date
    synthetic: bool
    scored: bool
    candles: Candles
    moves: tuple[Move, ...]
    alerts: tuple[Mark, ...]

    @property
    def counts(self) -> Counter[str]:
        """Alerts by outcome."""
        return Counter(mark.outcome for mark in self.alerts)

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold: dates as ISO texts, tuples as lists."""
        return {
            "symbol": self.symbol,
            "timeframe": self.timeframe,
            "day": self.day.isoformat(),
            "synthetic": self.synthetic,
            "scored": self.scored,
            "candles": self.candles.to_dict(),
            "moves": [move._asdict() for move in self.moves],
            "alerts": [mark._asdict() for mark in self.alerts],
        }


def days_of(run: PlottedRun) -> list[date]:
    """Return the dates of a run's sessions, in order."""
    return [date_of(day) for day in run.scored.detected.series.days.tolist()]


def day_of(run: PlottedRun, session: int, writing: Writing) -> Day:
    """Return a session of a run.

    Parameters
    ----------
    run : Run
    session : int
        Its number among :func:`days_of`.
    writing : Writing
        Of the texts.
    """
    series = run.scored.detected.series
    first, last = int(series.first[session]), int(series.last[session])
    day = date_of(int(series.days[session]))
    bars = pl.DataFrame({"time": series.times(slice(first, last + 1))}).with_columns(
        pl.Series(name, series.price(getattr(series, name)[first : last + 1]))
        for name in ("open", "high", "low", "close")
    )
    place = {time: at for at, time in enumerate(bars["time"])}
    delivered = _of_day(run.alerts, "bar_time", day)
    alerts, held = delivered.to_dicts(), _of_day(run.suppressed, "bar_time", day).to_dicts()
    early = Record(run.scored).early
    told = verdicts(delivered, run.opportunities, early, writing.language)
    return Day(
        symbol=run.bars.marked_symbol,
        timeframe=run.bars.timeframe,
        day=day,
        synthetic=run.bars.synthetic,
        scored=bool(run.scored.scope.scored[first]),
        candles=candles_of(bars),
        moves=tuple(
            _move(row, alerts, place, writing)
            for row in _of_day(run.opportunities, "time_start", day).to_dicts()
        ),
        alerts=(
            *(
                _mark(row, place, verdict.why, writing)
                for row, verdict in zip(alerts, told, strict=True)
            ),
            *(_mark(row, place, None, writing) for row in held),
        ),
    )


def _of_day(frame: pl.DataFrame, time: str, day: date) -> pl.DataFrame:
    return frame.filter(pl.col(time).dt.date() == day)


def _move(
    row: Mapping[str, Any],
    alerts: list[dict[str, Any]],
    place: Mapping[datetime, int],
    writing: Writing,
) -> Move:
    inside = [
        alert
        for alert in alerts
        if alert["outcome"] == "fp" and row["time_start"] <= alert["bar_time"] < row["time_end"]
    ]
    counts = Counter(
        alert["outcome"] for alert in alerts if alert["opportunity_id"] == row["opportunity_id"]
    )
    counts["fp"] = len(inside)
    against = sum(alert["direction"] != row["direction"] for alert in inside)
    return Move(
        start=place[row["time_start"]],
        end=place[row["time_end"]],
        direction=row["direction"],
        start_price=row["price_start"],
        end_price=row["price_end"],
        captured=row["captured"],
        alerts={outcome: counts[outcome] for outcome in ("tp", "redundant", "fp")},
        against=against,
        text=move_text(row, counts, against, writing),
    )


def _mark(
    row: Mapping[str, Any],
    place: Mapping[datetime, int],
    why: str | None,
    writing: Writing,
) -> Mark:
    levels = {name: row[name] for name in ("price", "entry_min", "entry_max", "stop", "target")}
    traded = row.get("entry_time") is not None
    return Mark(
        id=row["id"],
        place=place[row["bar_time"]],
        direction=row["direction"],
        outcome=row.get("outcome", "suppressed"),
        **levels,
        entry=Fill(place[row["entry_time"]], row["entry_price"]) if traded else None,
        exit=Fill(place[row["exit_time"]], row["exit_price"]) if traded else None,
        headline=alert_headline(row, writing),
        text=alert_text(row, why, writing),
    )
