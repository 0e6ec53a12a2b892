"""Small charts of the bars around one alert or one move, as inline SVG."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from markupsafe import Markup

from alertlib.report.plots.candles import Candles, candles_of
from alertlib.report.plots.writing import Writing

Row = Mapping[str, Any]

# Units of the drawing: about the pixels of a telephone's width, of which prices take the right.
_WIDTH, _HEIGHT, _PLOT = 340, 170, 248
# Room above and below the prices for markers.
_MARGIN = 14
# More candles than this could not be told apart, and are merged.
_MOST = 90
# Bars shown before the first and after the last that matters.
_BEFORE, _AFTER = 12, 8
# Between the lines of two labels.
_LINE = 12
_FLAT = 0.7


class Minichart(NamedTuple):
    """Candles, and when the first and the last of them opened."""

    drawn: Markup
    first: str
    last: str
    merged: int


class Level(NamedTuple):
    """A price that is drawn from a bar on, and named at the right edge."""

    look: str
    name: str
    price: float
    start: datetime


class Canvas:
    """Candles with the places of times and prices among them.

    Parameters
    ----------
    bars : DataFrame
        ``time open high low close``, in order.
    writing : Writing
        Of prices.
    prices : iterable of float
        What has to be in sight beside the bars.
    """

    def __init__(self, bars: pl.DataFrame, writing: Writing, prices: Iterable[float] = ()) -> None:
        self.writing = writing
        self.candles = candles_of(bars, _MOST)
        self.low = float(min(np.min(self.candles.low), *prices, np.inf))
        self.high = float(max(np.max(self.candles.high), *prices, -np.inf))
        self.slot = _PLOT / len(self.candles)

    def place(self, time: datetime) -> int:
        """Return the candle a time is in; the first or the last where it lies outside."""
        return min(max(bisect_right(self.candles.first, time) - 1, 0), len(self.candles) - 1)

    def x(self, place: float) -> float:
        """Return the middle of a candle."""
        return (place + 0.5) * self.slot

    def y(self, price: float) -> float:
        """Return the height of a price, from the top."""
        share = (self.high - price) / ((self.high - self.low) or 1.0)
        return _MARGIN + share * (_HEIGHT - 2 * _MARGIN)


def alert_chart(bars: pl.DataFrame, alert: Row, moves: pl.DataFrame, writing: Writing) -> Minichart:
    """Draw an alert with what it proposed and the trade that came of it.

    Parameters
    ----------
    bars : DataFrame
        ``time open high low close`` around it.
    alert : mapping
        Row of ``alerts`` with a trade.
    moves : DataFrame
        ``opportunities`` of the run.
    writing : Writing
        Of prices.
    """
    start, end = alert["bar_time"], alert["exit_time"]
    bars = _cut(bars, start, end)
    entry = alert["entry_price"]
    levels = [
        Level(name, name, price, start)
        for name, price in (("target", alert["target"]), ("entry", entry), ("stop", alert["stop"]))
    ]
    canvas = Canvas(bars, writing, [level.price for level in levels])
    parts = [
        *(_leg(canvas, move) for move in _overlapping(moves, canvas)),
        *_candles(canvas),
        *_levels(canvas, levels),
        _trade(canvas, alert),
        _marker(canvas, start, alert["direction"], "alert"),
    ]
    return _chart(canvas, parts, "bars around the alert, its entry, stop and target")


def move_chart(bars: pl.DataFrame, move: Row, alerts: pl.DataFrame, writing: Writing) -> Minichart:
    """Draw a move from extreme to extreme, with the alerts that were delivered around it.

    Parameters
    ----------
    bars : DataFrame
        ``time open high low close`` around it.
    move : mapping
        Row of ``opportunities``.
    alerts : DataFrame
        ``alerts`` of the run.
    writing : Writing
        Of prices.
    """
    bars = _cut(bars, move["time_start"], move["time_end"])
    canvas = Canvas(bars, writing)
    near = alerts.filter(pl.col("bar_time").is_between(bars["time"][0], bars["time"][-1]))
    ends = [Level("end", "", move[f"price_{end}"], move[f"time_{end}"]) for end in ("start", "end")]
    parts = [
        *_candles(canvas),
        _leg(canvas, move, "leg"),
        *_levels(canvas, ends),
        *(
            _marker(canvas, row["bar_time"], row["direction"], "other")
            for row in near.iter_rows(named=True)
        ),
    ]
    return _chart(canvas, parts, "bars around the move, its leg, and the alerts delivered")


def _cut(bars: pl.DataFrame, start: datetime, end: datetime) -> pl.DataFrame:
    """Return the bars from a little before ``start`` to a little after ``end``, of its session."""
    same = bars.filter(pl.col("time").dt.date() == start.date())
    first = int((same["time"] < start).sum())
    last = int((same["time"] <= end).sum())
    return same[max(first - _BEFORE, 0) : last + _AFTER]


def _overlapping(moves: pl.DataFrame, canvas: Canvas) -> Iterable[Row]:
    first, last = canvas.candles.first[0], canvas.candles.last[-1]
    inside = (pl.col("time_start") < last) & (pl.col("time_end") > first)
    return moves.filter(inside).iter_rows(named=True)


def _candles(canvas: Canvas) -> list[Markup]:
    """Draw wicks, hollow rising bodies and filled falling ones: one path each."""
    drawn: dict[str, list[str]] = {"wick": [], "rising": [], "falling": []}
    candles: Candles = canvas.candles
    width = 0.64 * canvas.slot
    columns = (getattr(candles, name).tolist() for name in ("open", "high", "low", "close"))
    for place, (opened, high, low, close) in enumerate(zip(*columns, strict=True)):
        x, top, bottom = canvas.x(place), canvas.y(max(opened, close)), canvas.y(min(opened, close))
        # Two wicks: the body of a rising candle is hollow.
        drawn["wick"].append(f"M{x:.1f} {canvas.y(high):.1f}V{top:.1f}")
        drawn["wick"].append(f"M{x:.1f} {bottom:.1f}V{canvas.y(low):.1f}")
        body = f"M{x - width / 2:.1f} {top:.1f}h{width:.1f}v{max(bottom - top, _FLAT):.1f}"
        drawn["rising" if close > opened else "falling"].append(f"{body}h-{width:.1f}z")
    return [
        Markup('<path class="{}" d="{}"/>').format(look, "".join(paths))
        for look, paths in drawn.items()
        if paths
    ]


def _leg(canvas: Canvas, move: Row, look: str = "around") -> Markup:
    """Draw a move's leg as far as it is in sight."""
    first, last = canvas.candles.first[0], canvas.candles.last[-1]
    start, end = max(move["time_start"], first), min(move["time_end"], last)
    ends = []
    for time in (start, end):
        done = (time - move["time_start"]) / (move["time_end"] - move["time_start"])
        price = move["price_start"] + done * (move["price_end"] - move["price_start"])
        ends += [canvas.x(canvas.place(time)), canvas.y(price)]
    return Markup('<path class="{}" d="M{:.1f} {:.1f}L{:.1f} {:.1f}"/>').format(look, *ends)


def _levels(canvas: Canvas, levels: Sequence[Level]) -> list[Markup]:
    """Draw each level, its price at the right edge where it covers no other."""
    drawn = [
        Markup('<path class="level {}" d="M{:.1f} {:.1f}H{}"/>').format(
            level.look, canvas.x(canvas.place(level.start)), canvas.y(level.price), _PLOT
        )
        for level in levels
    ]
    ordered = sorted(levels, key=lambda level: -level.price)
    heights = spread([canvas.y(level.price) for level in ordered])
    return drawn + [
        Markup('<text class="{}" x="{}" y="{:.1f}">{}</text>').format(
            level.look,
            _PLOT + 4,
            y + 4,
            f"{level.name} {canvas.writing.price(level.price)}".strip(),
        )
        for level, y in zip(ordered, heights, strict=True)
    ]


def spread(heights: Sequence[float]) -> list[float]:
    """Move ascending heights of labels apart by a line at least, within the drawing."""
    moved: list[float] = []
    for y in heights:
        moved.append(max(y, moved[-1] + _LINE) if moved else max(y, _LINE / 2))
    room = _HEIGHT - _LINE / 2
    for at in reversed(range(len(moved))):
        moved[at] = min(moved[at], room)
        room = moved[at] - _LINE
    return moved


def _trade(canvas: Canvas, alert: Row) -> Markup:
    """Draw where the trade began and where it ended, and the way between."""
    ends = [
        value
        for name in ("entry", "exit")
        for value in (
            canvas.x(canvas.place(alert[f"{name}_time"])), canvas.y(alert[f"{name}_price"])
        )
    ]  # fmt: skip
    return Markup(
        '<path class="trade" d="M{0:.1f} {1:.1f}L{2:.1f} {3:.1f}"/>'
        '<circle class="fill" cx="{0:.1f}" cy="{1:.1f}" r="2.5"/>'
        '<circle class="fill" cx="{2:.1f}" cy="{3:.1f}" r="2.5"/>'
    ).format(*ends)


def _marker(canvas: Canvas, time: datetime, direction: int, look: str) -> Markup:
    """Draw a triangle: below its candle pointing up for a buy, above it pointing down else."""
    place = canvas.place(time)
    size = 5.5 if look == "alert" else 3.5
    prices = canvas.candles.low if direction > 0 else canvas.candles.high
    tip = canvas.y(float(prices[place])) + (2.5 if direction > 0 else -2.5)
    height = 1.6 * size if direction > 0 else -1.6 * size
    return Markup('<path class="{}" d="M{:.1f} {:.1f}l{:.1f} {:.1f}h{:.1f}z"/>').format(
        look, canvas.x(place), tip, size, height, -2 * size
    )


def _chart(canvas: Canvas, parts: Iterable[Markup], label: str) -> Minichart:
    svg = Markup('<svg class="mini" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>')
    candles = canvas.candles
    return Minichart(
        drawn=svg.format(_WIDTH, _HEIGHT, label, Markup("").join(parts)),
        first=f"{candles.first[0]:%Y-%m-%d %H:%M}",
        last=f"{candles.last[-1]:%H:%M}",
        merged=candles.merged,
    )
