"""How far the running total fell, below the sessions' charts."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl
from markupsafe import Markup

from alertlib.report import formats
from alertlib.report.formats import Card
from alertlib.report.page import charts
from alertlib.study.equity import deepest_drawdown


class Falls(NamedTuple):
    """The drawdown's chart, the marks of its scale, and the deepest in words."""

    drawn: Markup
    marks: list[charts.Mark]
    deepest: str


def falls(card: Card, equity: pl.DataFrame) -> Falls | None:
    """Return the chart of the drawdown, over the same bars as those of the sessions.

    Parameters
    ----------
    card : dict
    equity : DataFrame
        See :func:`alertlib.study.equity.equity_frame`.

    Returns
    -------
    Falls or None
        A bar has the deepest drawdown after any of its trades; where none ended, the last one
        stands. None where there is no trade.
    """
    days = [row["date"] for row in card["per_session"]]
    if equity.is_empty() or not days:
        return None
    deepest = _deepest_by_bar(days, equity)
    low = min(deepest)
    zero, unit = charts.scale(deepest)
    area = charts.area("fall", zero, [zero - value * unit for value in deepest])
    drawn = charts.strip([area, charts.zero_line(zero, len(deepest))], len(deepest), [], "Drawdown")
    return Falls(drawn, charts.marks(zero, unit, 0.0, low, points=True), _words(equity))


def _deepest_by_bar(days: list[str], equity: pl.DataFrame) -> list[float]:
    each = charts.sessions_to_a_bar(len(days))
    place = {day: number // each for number, day in enumerate(days)}
    bars: list[list[float]] = [[] for _ in range(-(-len(days) // each))]
    ended = equity["exit_time"].dt.date().cast(pl.String)
    for day, fall in zip(ended, equity["drawdown_points"], strict=True):
        bars[place[day]].append(fall)
    last, deepest = 0.0, []
    for found in bars:
        deepest.append(min(found, default=last))
        last = found[-1] if found else last
    return deepest


def _words(equity: pl.DataFrame) -> str:
    fall = deepest_drawdown(equity, "points")
    if not fall.depth:
        return "never below its highest"
    days = equity["exit_time"].dt.date()
    start = "the start" if fall.peak == 0 else f"{days[fall.peak - 1]}"
    return f"{formats.plain(fall.depth, 2)} points, from {start} to {days[fall.trough - 1]}"
