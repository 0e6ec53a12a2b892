"""What became of alerts, in a sentence each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

import polars as pl

from alertlib.study.verdict_words import VERDICT_WORDS
from alertlib.texts.formats import number
from alertlib.texts.words import Language

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
    alerts: pl.DataFrame,
    moves: pl.DataFrame,
    early: timedelta = timedelta(0),
    language: Language = "en",
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
    language : {"en", "pt-BR"}
    """
    # Those of the alerts' own days: of a long run the others are many.
    day = pl.col("time_start").dt.date()
    near = moves.filter(day.is_in(alerts["bar_time"].dt.date().unique().to_list()))
    days: dict[date, list[dict[str, Any]]] = defaultdict(list)
    for row in near.iter_rows(named=True):
        days[row["time_start"].date()].append(row)
    return [
        _verdict(alert, days.get(alert["bar_time"].date(), []), early, language)
        for alert in alerts.iter_rows(named=True)
    ]


def _verdict(
    alert: Row, session: Sequence[dict[str, Any]], early: timedelta, language: Language
) -> Verdict:
    words = VERDICT_WORDS[language]
    outcome = alert.get("outcome", "suppressed")
    why, owned = words[outcome], alert.get("opportunity_id")
    if outcome == "suppressed":
        why = f"{why} ({alert['reason']})"
    if owned is not None:
        move = next(m for m in session if m["opportunity_id"] == owned)
        return Verdict(f"{why}: {move_text(move, language)}", move)
    if outcome != "fp":
        return Verdict(why, None)
    own = [m for m in session if m["direction"] == alert["direction"]]
    near = min(own, key=lambda move: _minutes_outside(alert, move), default=None)
    why = f"{why}: {words['none'] if near is None else _distance(alert, near, early, language)}"
    for move in session:
        if move["direction"] != alert["direction"] and _is_inside(alert, move):
            against = words["against"].format(move=move_text(move, language))
            return Verdict(f"{why}; {against}", near)
    return Verdict(why, near)


def move_text(move: Row, language: Language = "en") -> str:
    """Return a move in words: number, direction, size and times."""
    return VERDICT_WORDS[language]["move"].format(
        number=move["opportunity_id"],
        points=number(move["points"], language=language),
        direction=direction_text(move["direction"], language),
        **_span(move),
    )


def direction_text(direction: int, language: Language = "en") -> str:
    """Return ``up`` or ``down``."""
    return VERDICT_WORDS[language]["up" if direction > 0 else "down"]


def _span(move: Row) -> dict[str, str]:
    return {"start": f"{move['time_start']:%H:%M}", "end": f"{move['time_end']:%H:%M}"}


def _is_inside(alert: Row, move: Row) -> bool:
    return bool(move["time_start"] <= alert["bar_time"] < move["time_end"])


def _minutes_outside(alert: Row, move: Row) -> float:
    """Return the minutes between an alert's bar and a move; 0 inside."""
    at = alert["bar_time"]
    before, after = move["time_start"] - at, at - move["time_end"]
    return float(max(before.total_seconds(), after.total_seconds(), 0.0) / 60)


def _distance(alert: Row, move: Row, early: timedelta, language: Language) -> str:
    if alert["bar_time"] < move["time_start"] - early:
        key = "later"
    elif alert["bar_time"] >= move["time_end"]:
        key = "over"
    else:
        key = "little"
    minutes = f"{_minutes_outside(alert, move):.0f}"
    return VERDICT_WORDS[language][key].format(minutes=minutes, **_span(move))
