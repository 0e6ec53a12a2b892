"""What became of alerts, in a sentence each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

import polars as pl

from alertlib.texts.formats import number

OUTCOME_TEXTS = {
    "tp": "captured a move not captured before",
    "fp": "valid for no move",
    "redundant": "valid, but for moves already captured",
    "censored": "the data end before its outcome is known",
    "unscored": "its session is not scored",
    "suppressed": "the policy held it back",
}

Row = Mapping[str, Any]


class Verdict(NamedTuple):
    """What became of an alert.

    Attributes
    ----------
    why : str
    move : dict or None
        The move it belongs to; of a false alarm the nearest one of its session and direction.
    """

    why: str
    move: dict[str, Any] | None


def verdicts(
    alerts: pl.DataFrame, moves: pl.DataFrame, early: timedelta = timedelta(0)
) -> list[Verdict]:
    """Return the verdict on each of some alerts, without running any detector.

    Parameters
    ----------
    alerts : DataFrame
        Rows of ``Run.alerts`` or ``Run.suppressed``.
    moves : DataFrame
        ``Run.opportunities``, all of it.
    early : timedelta
        How long before a move's start an alert may come, ``scoring.early_bars`` in minutes.
    """
    # Those of the alerts' own days: of a long run the others are many.
    day = pl.col("time_start").dt.date()
    near = moves.filter(day.is_in(alerts["bar_time"].dt.date().unique().to_list()))
    days: dict[date, list[dict[str, Any]]] = defaultdict(list)
    for row in near.iter_rows(named=True):
        days[row["time_start"].date()].append(row)
    return [
        _verdict(alert, days.get(alert["bar_time"].date(), []), early)
        for alert in alerts.iter_rows(named=True)
    ]


def _verdict(alert: Row, session: Sequence[dict[str, Any]], early: timedelta) -> Verdict:
    outcome = alert.get("outcome", "suppressed")
    why, owned = OUTCOME_TEXTS[outcome], alert.get("opportunity_id")
    if outcome == "suppressed":
        why = f"{why} ({alert['reason']})"
    if owned is not None:
        move = next(m for m in session if m["opportunity_id"] == owned)
        return Verdict(f"{why}: {move_text(move)}", move)
    if outcome != "fp":
        return Verdict(why, None)
    own = [m for m in session if m["direction"] == alert["direction"]]
    near = min(own, key=lambda move: _minutes_outside(alert, move), default=None)
    if near is None:
        why = f"{why}: its session has no move of its direction"
    else:
        why = f"{why}: {_distance(alert, near, early)}"
    for move in session:
        if move["direction"] != alert["direction"] and _is_inside(alert, move):
            return Verdict(f"{why}; it points against {move_text(move)}", near)
    return Verdict(why, near)


def move_text(move: Row) -> str:
    """Return a move in words: number, direction, size and times."""
    return (
        f"move {move['opportunity_id']} of {number(move['points'], language='en')} points "
        f"{direction_text(move['direction'])} from {_span(move, 'to')}"
    )


def direction_text(direction: int) -> str:
    """Return ``up`` or ``down``."""
    return "up" if direction > 0 else "down"


def _span(move: Row, between: str) -> str:
    return f"{move['time_start']:%H:%M} {between} {move['time_end']:%H:%M}"


def _is_inside(alert: Row, move: Row) -> bool:
    return bool(move["time_start"] <= alert["bar_time"] < move["time_end"])


def _minutes_outside(alert: Row, move: Row) -> float:
    """Return the minutes between an alert's bar and a move; 0 inside."""
    at = alert["bar_time"]
    before, after = move["time_start"] - at, at - move["time_end"]
    return float(max(before.total_seconds(), after.total_seconds(), 0.0) / 60)


def _distance(alert: Row, move: Row, early: timedelta) -> str:
    span = _span(move, "to")
    away = _minutes_outside(alert, move)
    if alert["bar_time"] < move["time_start"] - early:
        return f"the nearest move ({span}) starts {away:.0f} minutes later"
    if alert["bar_time"] >= move["time_end"]:
        return f"the nearest move ({span}) was over"
    return f"too little was left of the nearest move ({span}) at the next open"
