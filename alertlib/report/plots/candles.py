"""Candles side by side, without gaps for nights: the arrays, and the drawing of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from alertlib._typing import Floats, Ints
from alertlib.report.plots.look import Look, plotly
from alertlib.report.plots.writing import Writing

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

# What fits a telephone's width without being turned, and a wide screen without looking bare.
LABELS = 8
STEPS = (5, 10, 15, 30, 60, 120, 180, 240, 360, 720)
_DAYS_WITH_HOURS = 5
# Fewer candles than this to a session, and the lines between sessions would be a hatching.
_CANDLES_TO_A_LINE = 10
_PRICES = ("open", "high", "low", "close")


@dataclass(frozen=True, eq=False)
class Candles:
    """Bars to be drawn at the places 0, 1, 2, …

    Attributes
    ----------
    first, last : list of datetime
        Opens of the first and of the last bar in each candle.
    open, high, low, close : float64
        Points.
    merged : int
        Bars in a candle; the last may have fewer.
    """

    first: list[datetime]
    last: list[datetime]
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    merged: int = 1

    def __len__(self) -> int:
        return len(self.first)

    def to_dict(self) -> dict[str, Any]:
        """Return the columns as lists, times as ISO texts of minutes."""
        prices = {name: getattr(self, name).tolist() for name in _PRICES}
        times = [time.isoformat(timespec="minutes") for time in self.first]
        return {"time": times, **prices, "merged": self.merged}


def candles_of(bars: pl.DataFrame, most: int | None = None) -> Candles:
    """Return bars as candles, merged where there are too many to be seen.

    A merged candle has the open of its first bar, the close of its last and the extremes of all:
    no extreme is lost.

    Parameters
    ----------
    bars : DataFrame
        ``time open high low close``, in order.
    most : int, optional
        How many candles are drawn at most; a candle a bar when left out.
    """
    merged = 1 if most is None else max(1, -(-bars.height // most))
    starts = np.arange(0, bars.height, merged)
    ends = np.minimum(starts + merged, bars.height) - 1
    price = {name: bars[name].to_numpy() for name in _PRICES}
    return Candles(
        first=bars["time"][starts].to_list(),
        last=bars["time"][ends].to_list(),
        open=price["open"][starts],
        high=np.maximum.reduceat(price["high"], starts),
        low=np.minimum.reduceat(price["low"], starts),
        close=price["close"][ends],
        merged=merged,
    )


def session_starts(candles: Candles) -> Ints:
    """Return the places of the candles that begin a date, the first of all left out."""
    days = np.array([time.toordinal() for time in candles.first])
    starts: Ints = np.flatnonzero(np.diff(days)) + 1
    return starts


def time_labels(
    candles: Candles, writing: Writing, view: tuple[float, float] | None = None
) -> list[tuple[int, str]]:
    """Return places and texts of the labels under the candles: hours, or dates of many days.

    Parameters
    ----------
    candles : Candles
    writing : Writing
    view : (float, float), optional
        The places in view, which hours are as dense for as can be read; all when left out.
    """
    starts = [0, *session_starts(candles).tolist()]
    if len(starts) > _DAYS_WITH_HOURS:
        chosen = starts[:: -(-len(starts) // LABELS)]
        return [(at, writing.date(candles.first[at])) for at in chosen]
    places = _round_hours(candles, view or (0, len(candles)))
    if len(starts) == 1:
        return [(at, f"{candles.first[at]:%H:%M}") for at in places]
    dates = {at: f"{candles.first[at]:%H:%M}<br>{writing.date(candles.first[at])}" for at in starts}
    room = len(candles) / (LABELS * 2)
    apart = [at for at in places if min(abs(at - start) for start in starts) > room]
    return sorted((dates | {at: f"{candles.first[at]:%H:%M}" for at in apart}).items())


def _round_hours(candles: Candles, view: tuple[float, float]) -> list[int]:
    """Return the places of round times of day, as many as can be labelled in a view."""
    places: list[int] = []
    for step in STEPS:
        places = [
            at
            for at, time in enumerate(candles.first)
            if (time.hour * 60 + time.minute) % step == 0
        ]
        if sum(view[0] <= at <= view[1] for at in places) <= LABELS + 2:
            break
    return places


def add_candles(
    figure: Figure, candles: Candles, look: Look, writing: Writing, *,
    colours: tuple[str, str], view: tuple[float, float] | None = None,
) -> None:  # fmt: skip
    """Draw candles, rising ones hollow, with time under them and a line between sessions.

    Parameters
    ----------
    colours : (str, str)
        Of rising and of falling candles.
    view : (float, float), optional
        The places in view at first; all when left out.
    """
    up, down = colours
    figure.add_trace(
        plotly().Candlestick(
            x=np.arange(len(candles)),
            open=candles.open,
            high=candles.high,
            low=candles.low,
            close=candles.close,
            increasing={"line": {"color": up, "width": 1}, "fillcolor": look.paper},
            decreasing={"line": {"color": down, "width": 1}, "fillcolor": down},
            text=_texts(candles, writing),
            hoverinfo="text",
            showlegend=False,
            name="",
        )
    )
    labels = time_labels(candles, writing, view)
    figure.update_xaxes(
        tickmode="array",
        tickvals=[at for at, _ in labels],
        ticktext=[text for _, text in labels],
        ticks="outside",
        tickcolor=look.dim,
        showgrid=False,
        zeroline=False,
        range=view or (-1, len(candles)),
        rangeslider={"visible": False},
        minor=_boundaries(candles, look),
    )
    figure.update_yaxes(tickformat=writing.axis_format, zeroline=False)
    figure.update_layout(separators=writing.separators)


def _boundaries(candles: Candles, look: Look) -> dict[str, Any]:
    starts = session_starts(candles)
    shown = len(starts) * _CANDLES_TO_A_LINE <= len(candles)
    return {
        "tickmode": "array",
        "tickvals": starts - 0.5 if shown else [],
        "showgrid": True,
        "gridcolor": look.line,
    }


def _texts(candles: Candles, writing: Writing) -> list[str]:
    names = [writing.word(name) for name in _PRICES]
    columns = [getattr(candles, name).tolist() for name in _PRICES]
    return [
        f"<b>{writing.span(first, last)}</b><br>"
        + "<br>".join(
            f"{name} {writing.price(price)}" for name, price in zip(names, prices, strict=True)
        )
        for first, last, *prices in zip(candles.first, candles.last, *columns, strict=True)
    ]
