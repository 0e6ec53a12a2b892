"""Rates and points by hour of day and by weekday, as rows of a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import polars as pl

from alertlib.report import formats
from alertlib.report.formats import Card
from alertlib.report.plots.panels import FEW
from alertlib.report.plots.words import words_of
from alertlib.study.hours import By

Row = Mapping[str, Any]

_RATES = {
    "capture_rate": ("opportunities",),
    "false_positive_share": ("tp", "false_positives"),
    "win_rate": ("trades",),
}


class Cell(NamedTuple):
    """A figure, its 95 % interval, and what it is over.

    Attributes
    ----------
    value, n, interval : str
    few : bool
        Whether it is over too little to say much.
    """

    value: str
    n: str
    interval: str
    few: bool


class HourRow(NamedTuple):
    """A slot's name, and a cell for each rate, the points of a trade and those of all."""

    name: str
    cells: tuple[Cell, ...]


class HourTables(NamedTuple):
    """The table by hour and that by weekday, the row of all, and how many intervals there are."""

    hours: list[HourRow]
    weekdays: list[HourRow]
    whole: HourRow
    few: int
    luck: str


def hour_tables(card: Card, hours: pl.DataFrame, weekdays: pl.DataFrame) -> HourTables:
    """Return both tables.

    Parameters
    ----------
    card : dict
        Has the figures of all hours.
    hours, weekdays : DataFrame
        See :func:`alertlib.study.hours.hour_frame`.
    """
    say = words_of("en")
    names = {"hour": lambda hour: f"{hour:02d}h", "weekday": say("weekdays").split().__getitem__}

    def rows(frame: pl.DataFrame, by: By) -> list[HourRow]:
        return [HourRow(names[by](row[by]), _cells(row)) for row in frame.iter_rows(named=True)]

    made = rows(hours, "hour"), rows(weekdays, "weekday")
    drawn = sum(bool(cell.interval) for table in made for row in table for cell in row.cells)
    luck = say("hours_luck").format(drawn=drawn, missing=round(0.05 * drawn)) if drawn else ""
    return HourTables(*made, HourRow("all", _cells(_whole(card))), FEW, luck)


def _whole(card: Card) -> Row:
    """Return a card's figures as a row of the tables."""
    counts, trade = card["counts"], card["trade"]
    row: dict[str, Any] = {name: counts[name] for name in ("opportunities", "tp", "trades")}
    row["false_positives"] = counts["false_positives"]
    for line in formats.rates(card):
        row |= {line["name"]: line["value"]}
        row |= {f"{line['name']}_{end}": line[f"ci_{end}"] for end in ("low", "high")}
    mean = trade["expectancy_points"]
    row |= {
        "expectancy_points": mean,
        "expectancy_points_low": None,
        "expectancy_points_high": None,
    }
    return row | {"points": sum(session["points"] for session in card["per_session"])}


def _cells(row: Row) -> tuple[Cell, ...]:
    rates = [
        _cell(
            formats.percent(row[name]),
            sum(row[count] for count in over),
            formats.bounds(row[f"{name}_low"], row[f"{name}_high"]),
            row[f"{name}_low"] is not None,
        )
        for name, over in _RATES.items()
    ]
    mean, low, high = (row[f"expectancy_points{end}"] for end in ("", "_low", "_high"))
    trades, known = row["trades"], low is not None
    interval = f"{formats.short_points(low)} to {formats.short_points(high)}"
    return (
        *rates,
        _cell(formats.short_points(mean), trades, interval, known),
        _cell(formats.short_points(row["points"] if trades else None), trades, "", known=False),
    )


def _cell(value: str, n: int, interval: str, known: bool) -> Cell:
    return Cell(value, formats.count(n), interval if known else "", n < FEW)
