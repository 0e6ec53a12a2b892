"""What an alert proposed, and the trade that came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from alertlib.report.plots.candles import Candles
from alertlib.report.plots.day import Mark
from alertlib.report.plots.look import Look, plotly
from alertlib.report.plots.writing import Writing

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

# Bars in view before the alert, and after its trade.
BEFORE, AFTER = 30, 18
# Of the width: anything narrower has no room for a text.
WRITABLE = 0.05
# Bars a proposal is drawn over at least.
SHORTEST = 12


def add_proposal(
    figure: Figure, chosen: Mark, candles: Candles, look: Look, writing: Writing
) -> None:
    """Draw the entry band, stop, target, entry and exit of an alert as they stand in it."""
    first, last = chosen.place, _end(chosen, candles)
    for edge, colour in (("target", look.captured), ("stop", look.fp)):
        figure.add_shape(
            type="rect", layer="below", x0=first, x1=last,
            y0=chosen.price, y1=getattr(chosen, edge),
            fillcolor=colour, opacity=0.14, line={"width": 0},
        )  # fmt: skip
    figure.add_shape(
        type="rect", layer="below", x0=first, x1=last,
        y0=chosen.entry_min, y1=chosen.entry_max,
        fillcolor=look.dim, opacity=0.3, line={"width": 0},
    )  # fmt: skip
    # The alert's own bar.
    figure.add_shape(
        type="rect", layer="below", x0=first - 0.5, x1=first + 0.5, y0=0, y1=1, yref="y domain",
        fillcolor=look.ink, opacity=0.12, line={"width": 0},
    )  # fmt: skip
    _add_levels(figure, chosen, last, look, writing)
    _add_trade(figure, chosen, look, writing)


def _add_levels(figure: Figure, chosen: Mark, last: int, look: Look, writing: Writing) -> None:
    for key, price, colour in (
        ("target", chosen.target, look.captured),
        ("entry", chosen.price, look.dim),
        ("stop", chosen.stop, look.fp),
    ):
        figure.add_shape(
            type="line", x0=chosen.place, x1=last, y0=price, y1=price,
            line={"color": colour, "width": 1.5, "dash": "dot" if key == "entry" else "solid"},
        )  # fmt: skip
        figure.add_annotation(
            x=last, y=price, text=f"{writing.word(key)} {writing.price(price)}", showarrow=False,
            xanchor="left", xshift=4, font={"color": look.ink, "size": 11},
            bgcolor=look.paper, opacity=0.85,
        )  # fmt: skip


def _add_trade(figure: Figure, chosen: Mark, look: Look, writing: Writing) -> None:
    if chosen.entry is None or chosen.exit is None:
        return
    entered, left = chosen.entry, chosen.exit
    figure.add_trace(
        plotly().Scatter(
            x=[entered.place, left.place],
            y=[entered.price, left.price],
            mode="lines+markers",
            line={"color": look.ink, "width": 1.5, "dash": "dot"},
            marker={
                "symbol": ["triangle-right", "square"], "size": 11, "color": look.ink,
                "line": {"color": look.paper, "width": 1},
            },
            hovertext=[
                f"{writing.word('entry')} {writing.price(entered.price)}",
                f"{writing.word('exit')} {writing.price(left.price)}",
            ],
            hoverinfo="text",
            name=writing.word("trade"),
        )
    )  # fmt: skip


class View(NamedTuple):
    """The part of a session that is seen at first: two places, and two prices or what fits."""

    places: tuple[float, float]
    prices: tuple[float, float] | None

    @classmethod
    def whole(cls, candles: Candles) -> View:
        """Return the view of all candles."""
        return cls((-1.0, float(len(candles))), None)

    def shows(self, start: int, end: int) -> bool:
        """Whether what spans two places is seen whole, and wide enough to be written on."""
        first, last = self.places
        return first <= start and end <= last and end - start >= WRITABLE * (last - first)


def focus(chosen: Mark, candles: Candles) -> View:
    """Return the view around an alert."""
    first = max(chosen.place - BEFORE, 0)
    last = min(_end(chosen, candles) + AFTER, len(candles) + AFTER // 2)
    inside = slice(first, last + 1)
    low = min(float(np.min(candles.low[inside])), chosen.stop, chosen.target)
    high = max(float(np.max(candles.high[inside])), chosen.stop, chosen.target)
    margin = 0.08 * (high - low)
    return View((first - 1.0, last + 1.0), (low - margin, high + margin))


def _end(chosen: Mark, candles: Candles) -> int:
    """Return the place up to which a proposal is drawn: the end of its trade."""
    ended = chosen.place if chosen.exit is None else chosen.exit.place
    return min(max(ended, chosen.place + SHORTEST), len(candles) - 1)
