"""What the page of a run lists: its sessions, worst false alarms, missed moves and trades."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import polars as pl

from alertlib.report import formats
from alertlib.report.formats import Card
from alertlib.report.plots.day import Day
from alertlib.report.plots.writing import Writing, arrow
from alertlib.texts.formats import UNDEFINED
from alertlib.texts.words import word

# Rows of the lists of what went wrong.
LISTED = 25


class Linked(NamedTuple):
    """A row that leads to its place in a session.

    Attributes
    ----------
    address : str or None
        Of the place, after ``#``; None where the page does not hold the session.
    time, note : str
        What leads there, and what stands below it.
    cells : list of str
    """

    address: str | None
    time: str
    note: str
    cells: list[str]


class Addresses:
    """Where the alerts and moves of the page's sessions are found in it."""

    def __init__(self, days: Sequence[Day]) -> None:
        self._days = {f"{day.day}" for day in days}
        self._moves = {
            (day.candles.first[move.start], move.direction): f"{day.day}/move-{at}"
            for day in days
            for at, move in enumerate(day.moves)
        }

    def alert(self, alert_id: str, made: datetime) -> str | None:
        """Return the address of an alert by its id and the time of its bar."""
        day = f"{made:%Y-%m-%d}"
        return f"{day}/{alert_id}" if day in self._days else None

    def move(self, start: datetime, direction: int) -> str | None:
        """Return the address of a move."""
        return self._moves.get((start, direction))


def session_names(days: Sequence[Day], card: Card) -> list[str]:
    """Return what the picker says of each session: its date and net points."""
    points = {row["date"]: row["points"] for row in card["per_session"]}
    return [f"{day.day} · {formats.points(points[f'{day.day}'])}" for day in days]


def false_alarms(alerts: pl.DataFrame, addresses: Addresses, writing: Writing) -> list[Linked]:
    """Return the false alarms that lost most, with points and R."""
    risk = (pl.col("price") - pl.col("stop")).abs()
    lost = (
        pl.DataFrame(alerts)
        .filter(pl.col("outcome") == "fp", pl.col("pnl_points") < 0)
        .sort("pnl_points", maintain_order=True)
        .with_columns(r=pl.when(risk > 0).then(pl.col("pnl_points") / risk))
    )
    return [
        Linked(
            addresses.alert(row["id"], row["bar_time"]),
            f"{row['time']:%Y-%m-%d %H:%M}",
            f"{_pattern(row, writing)}, {writing.word('exit_' + row['exit_reason'])}",
            [formats.points(row["pnl_points"]), _signed(row["r"], writing)],
        )
        for row in lost.head(LISTED).to_dicts()
    ]


def missed_moves(missed: pl.DataFrame, addresses: Addresses, writing: Writing) -> list[Linked]:
    """Return the largest moves that were missed, with the reason, points and ATR."""
    largest = missed.sort("points", descending=True, maintain_order=True).head(LISTED)
    return [
        Linked(
            addresses.move(row["time_start"], row["direction"]),
            f"{row['time_start']:%Y-%m-%d %H:%M}–{row['time_end']:%H:%M}",
            formats.clean(row["why"]),
            [
                f"{arrow(row['direction'])} {writing.price(row['points'])}",
                formats.plain(row["atr"], 1),
            ],
        )
        for row in largest.to_dicts()
    ]


def _pattern(row: Mapping[str, Any], writing: Writing) -> str:
    return f"{arrow(row['direction'])} {formats.clean(word(row['pattern'], writing.language))}"


def _signed(value: float | None, writing: Writing) -> str:
    return UNDEFINED if value is None else writing.number(value, 2, signed=True)


# Heading, how a value is written and sorted, and the column's look. What matters most comes first:
# a telephone shows three columns, and the others when they are drawn aside.
_TRADE_COLUMNS = (
    ("time", "text", ""),
    ("points", "signed", "n"),
    ("R", "signed", "n"),
    ("outcome", "text", ""),
    ("pattern", "text", ""),
    ("ended by", "text", ""),
    ("entered", "text", ""),
    ("at", "price", "n"),
    ("left", "text", ""),
    ("at", "price", "n"),
    ("best R", "signed", "n"),
    ("worst R", "signed", "n"),
)


def trade_table(
    alerts: pl.DataFrame, excursions: pl.DataFrame, addresses: Addresses, writing: Writing
) -> dict[str, Any]:
    """Return every scored trade, for the script: columns, and rows of values with an address."""
    reached = excursions.select("alert_id", "r", "mfe_r", "mae_r")
    rows = pl.DataFrame(alerts).join(
        reached, left_on="id", right_on="alert_id", maintain_order="left"
    )
    return {
        "columns": [
            {"head": head, "kind": kind, "look": look} for head, kind, look in _TRADE_COLUMNS
        ],
        "rows": [_trade_row(row, addresses, writing) for row in rows.to_dicts()],
    }


def _trade_row(row: Mapping[str, Any], addresses: Addresses, writing: Writing) -> dict[str, Any]:
    return {
        "address": addresses.alert(row["id"], row["bar_time"]),
        "values": [
            f"{row['time']:%Y-%m-%d %H:%M}",
            row["pnl_points"],
            row["r"],
            writing.word(row["outcome"]),
            _pattern(row, writing),
            row["exit_reason"],
            f"{row['entry_time']:%H:%M}",
            row["entry_price"],
            f"{row['exit_time']:%H:%M}",
            row["exit_price"],
            row["mfe_r"],
            row["mae_r"],
        ],
    }


def slot_rows(frame: pl.DataFrame, name: str, names: Sequence[str]) -> list[list[str]]:
    """Return an hour's or a weekday's counts and rates with their intervals, a row each."""
    return [_slot_row(row, names[row[name]]) for row in frame.to_dicts()]


def _slot_row(row: Mapping[str, Any], name: str) -> list[str]:
    def rate(key: str) -> str:
        value, low, high = (row[f"{key}{end}"] for end in ("", "_low", "_high"))
        return formats.percent(value) if low is None else (
            f"{formats.percent(value)} [{formats.bounds(low, high)}]"
        )  # fmt: skip

    each, low, high = (row[f"expectancy_points{end}"] for end in ("", "_low", "_high"))
    interval = "" if low is None else f" [{formats.points(low)} to {formats.points(high)}]"
    return [
        name,
        f"{row['captured']}/{row['opportunities']}",
        rate("capture_rate"),
        formats.count(row["alerts"]),
        rate("false_positive_share"),
        formats.count(row["trades"]),
        rate("win_rate"),
        f"{formats.points(each)}{interval}",
        formats.points(row["points"]),
    ]
