"""When moves are captured, alarms are false and trades win: by hour of day and by weekday."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
import polars as pl

from alertlib._typing import Floats, Ints
from alertlib.market.clock import MINUTES_PER_DAY
from alertlib.scoring.matching import FALSE_POSITIVE, REDUNDANT, TRUE_POSITIVE
from alertlib.scoring.scored import Scored
from alertlib.stats.intervals import resampled_interval
from alertlib.study.by_session import percentile_bounds, resampled, sums

By = Literal["hour", "weekday"]

# 1970-01-01 was a Thursday; weeks begin on Monday.
_FIRST_WEEKDAY = 3
_RATES = {
    "capture_rate": ("captured", "opportunities"),
    "false_positive_share": ("false_positives", "judged"),
    "win_rate": ("wins", "trades"),
}
_COUNTS = (
    "opportunities", "captured", "alerts", "tp", "false_positives", "redundant", "trades", "wins",
)  # fmt: skip


def alert_hours(scored: Scored) -> Ints:
    """Return the hour of day of each scored alert: of its bar's close, when it is made."""
    series = scored.detected.series
    minute = series.minute[scored.alerts.bar].astype(np.int64) + series.instrument.minutes
    return _hour(minute)


def hour_frame(scored: Scored, by: By) -> pl.DataFrame:
    """Return counts and rates of the scored sessions by hour of day or by weekday.

    A move counts where it starts, an alert and its trade where the alert was made.

    Parameters
    ----------
    scored : Scored
    by : {"hour", "weekday"}

    Returns
    -------
    DataFrame
        One row a slot that has moves or alerts: ``hour`` (0 to 23, exchange wall clock) or
        ``weekday`` (0 for Monday); the counts ``opportunities captured alerts tp false_positives
        redundant trades wins``, which add up to the scorecard's; ``points`` (net, in all); then
        ``capture_rate false_positive_share win_rate`` (shares of 1) and ``expectancy_points``
        (net per trade), each with its 95 % interval in ``…_low`` and ``…_high``: the scorecard's
        Wilson intervals, and for points the percentile interval of the same bootstrap over
        sessions. Null where undefined.
    """
    at_alerts, at_moves = _slots(scored, by)
    found, place = np.unique(np.concatenate([at_alerts, at_moves]), return_inverse=True)
    counted = _counts(scored, place[: len(at_alerts)], place[len(at_alerts) :], len(found))
    drawn = _drawn(scored, counted)
    columns: dict[str, Any] = {by: found}
    columns |= {name: counted[name].sum(axis=1).astype(np.int64) for name in _COUNTS}
    columns["points"] = counted["points"].sum(axis=1)
    for name, (hits, total) in _RATES.items():
        columns |= _rates(name, counted[hits], counted[total], drawn[hits], drawn[total])
    with np.errstate(invalid="ignore"):
        columns["expectancy_points"] = columns["points"] / columns["trades"]
    low, high = percentile_bounds(drawn["points"], drawn["trades"])
    columns |= {"expectancy_points_low": low, "expectancy_points_high": high}
    return pl.DataFrame(columns, schema_overrides=_FLOATS).with_columns(
        pl.col(pl.Float64).fill_nan(None)
    )


def _slots(scored: Scored, by: By) -> tuple[Ints, Ints]:
    """Return the slot of each scored alert and of each move."""
    series = scored.detected.series
    if by == "hour":
        return alert_hours(scored), _hour(series.minute[scored.moves.start].astype(np.int64))
    weekday = (series.day.astype(np.int64) + _FIRST_WEEKDAY) % 7
    return weekday[scored.alerts.bar], weekday[scored.moves.start]


def _hour(minute: Ints) -> Ints:
    hour: Ints = minute % MINUTES_PER_DAY // 60
    return hour


def _counts(scored: Scored, at_alerts: Ints, at_moves: Ints, slots: int) -> dict[str, Floats]:
    """Return the tables by slot and session, by name."""
    bar, start = scored.alerts.bar, scored.moves.start
    outcome, trades = scored.match.outcome, scored.trades

    def alerts(mask: Any, values: Floats | None = None) -> Floats:
        rows = np.flatnonzero(mask)
        return sums(
            scored, at_alerts[rows], bar[rows], slots, None if values is None else values[rows]
        )

    def moves(mask: Any) -> Floats:
        return sums(scored, at_moves[mask], start[mask], slots)

    tables = {
        "opportunities": moves(slice(None)),
        "captured": moves(scored.match.captured),
        "tp": alerts(outcome == TRUE_POSITIVE),
        "false_positives": alerts(outcome == FALSE_POSITIVE),
        "redundant": alerts(outcome == REDUNDANT),
        "trades": alerts(trades.filled),
        "wins": alerts(scored.wins),
        "points": alerts(trades.filled, trades.points),
    }
    tables["judged"] = tables["tp"] + tables["false_positives"]
    tables["alerts"] = tables["judged"] + tables["redundant"]
    return tables


_FLOATS = {
    f"{name}{end}": pl.Float64
    for name in (*_RATES, "expectancy_points")
    for end in ("", "_low", "_high")
}
_DRAWN = ("captured", "opportunities", "false_positives", "judged", "wins", "trades", "points")


def _drawn(scored: Scored, counted: dict[str, Floats]) -> dict[str, Floats]:
    """Return the resampled sums of what is divided, shape (slots, runs) each."""
    drawn = resampled(scored, np.concatenate([counted[name] for name in _DRAWN]))
    return dict(zip(_DRAWN, np.split(drawn, len(_DRAWN)), strict=True))


def _rates(
    name: str, hits: Floats, total: Floats, drawn_hits: Floats, drawn_total: Floats
) -> dict[str, list[float | None]]:
    """Return a rate by slot with its interval."""
    rows: Iterator[Any] = zip(
        hits.astype(np.int64), total.astype(np.int64), drawn_hits, drawn_total, strict=True
    )
    values: list[float | None] = []
    intervals = []
    for hit, whole, *drawn in rows:
        interval = resampled_interval(hit, whole, *drawn)
        values.append(None if interval is None else float(hit.sum() / whole.sum()))
        intervals.append(interval)
    return {
        name: values,
        f"{name}_low": [None if i is None else i.low for i in intervals],
        f"{name}_high": [None if i is None else i.high for i in intervals],
    }
