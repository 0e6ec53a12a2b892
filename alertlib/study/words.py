"""Lines of explanations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from alertlib.texts.formats import number

WIDTH = 200


def plain(price: float) -> str:
    """Return a price with every digit it has."""
    return f"{price:.10g}"


def cut(line: str) -> str:
    """Return a line no longer than ``WIDTH``."""
    return line if len(line) <= WIDTH else f"{line[: WIDTH - 3]}..."


def excursion(after: Mapping[str, Any], name: str) -> str:
    """Return the largest excursion one way in points, average ranges and risks, and when."""
    shares = [
        f"{after[f'{name}_{unit}']:+.1f} {unit.upper()}"
        for unit in ("atr", "r")
        if after[f"{name}_{unit}"] is not None
    ]
    points = number(after[name], language="en", signed=True)
    when = f"{after[f'{name}_time']:%H:%M}"
    return f"{points} points ({', '.join([*shares, when])})"


def bar_lines(bars: pl.DataFrame) -> list[str]:
    """Return bars as lines of a table: offset, time, prices, mark."""
    names = ("open", "high", "low", "close")
    cells = [
        [
            f"{row['offset']:+d}",
            f"{row['time']:%H:%M}",
            *(plain(row[n]) for n in names),
            row["mark"],
        ]
        for row in bars.iter_rows(named=True)
    ]
    table = [["bar", "time", *names, ""], *cells]
    widths = [max(len(line[i]) for line in table) for i in range(6)]
    return [
        "    "
        + "  ".join([*(c.rjust(w) for c, w in zip(line, widths, strict=False)), line[6]]).rstrip()
        for line in table
    ]
