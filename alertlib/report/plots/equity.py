"""The running total of the trades with its drawdowns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from alertlib.errors import DataError
from alertlib.report.formats import Card
from alertlib.report.plots.look import Theme, look_of, plotly
from alertlib.report.plots.panels import day, decimals_of, panels, subject
from alertlib.report.plots.words import words_of
from alertlib.study.equity import RESULTS, Drawdown, Unit, deepest_drawdown
from alertlib.texts.formats import moment, number
from alertlib.texts.words import Language, word

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

# Trades whose dates are written under the axis.
_TICKS = 4


def equity_figure(equity: pl.DataFrame, card: Card, *, theme: Theme, language: Language) -> Figure:
    """Return the running total by trade, in points and in R, each above its drawdown.

    Parameters
    ----------
    equity : DataFrame
        See :func:`alertlib.study.equity.equity_frame`.
    card : mapping
        The scorecard's values.
    theme, language

    Raises
    ------
    DataError
        If there was no trade.
    """
    if equity.is_empty():
        raise DataError(
            "equity: got no trade to draw; expected at least one of the scored sessions; "
            "score more sessions, or see run.alerts"
        )
    say = words_of(language)
    falls: dict[Unit, Drawdown] = {unit: deepest_drawdown(equity, unit) for unit in RESULTS}
    figure = panels(
        theme, language, *_heading(equity, falls, card, language), height=560, rows=4,
        row_heights=[0.32, 0.14, 0.32, 0.14], vertical_spacing=0.07, shared_xaxes=True,
        names=[f"{say(what)} ({say(unit)})" for unit in ("points", "R")
               for what in ("running_total", "drawdown")],
    )  # fmt: skip
    for place, unit in enumerate(RESULTS):
        shown = f",.{decimals_of(card)}f" if unit == "points" else ",.2f"
        _draw(figure, equity, falls[unit], unit, shown, 2 * place + 1, theme, language)
    ticks = np.unique(np.linspace(1, len(equity), _TICKS).astype(int)).tolist()
    ends = [day(equity["exit_time"][trade - 1].isoformat(), language) for trade in ticks]
    labels = [f"{trade}<br>{end}" for trade, end in zip(ticks, ends, strict=True)]
    figure.update_xaxes(tickvals=ticks, ticktext=labels, range=[0, len(equity) + 1])
    figure.update_xaxes(title_text=say("trade_axis"), row=4, col=1)
    figure.update_yaxes(tickformat=",")
    # Half of the last date lies beyond the axis, and would be hidden.
    figure.update_xaxes(ticklabeloverflow="allow")
    figure.update_layout(margin_r=42)
    return figure


def _heading(
    equity: pl.DataFrame, falls: dict[Unit, Drawdown], card: Card, language: Language
) -> tuple[str, list[str]]:
    say, decimals = words_of(language), decimals_of(card)

    def written(value: float, places: int, *, signed: bool = False) -> str:
        return number(value, places, language, signed=signed)

    title = say("equity_title").format(
        trades=written(len(equity), 0),
        points=written(equity["equity_points"][-1], decimals, signed=True),
        r=written(equity["equity_r"][-1], 1, signed=True),
        fall=written(falls["points"].depth, decimals),
        fall_r=written(falls["r"].depth, 1),
    )
    spans = [
        say(f"fall_{unit}").format(first=fall.peak, last=fall.trough)
        for unit, fall in falls.items() if fall.depth
    ]  # fmt: skip
    return title, [subject(card, language), " ".join(spans) or say("no_fall"), say("equity_note")]


def _draw(
    figure: Figure,
    equity: pl.DataFrame,
    fall: Drawdown,
    unit: Unit,
    shown: str,
    row: int,
    theme: Theme,
    language: Language,
) -> None:
    """Draw a unit's total and drawdown into two panels, the deepest one marked in both.

    ``shown`` is how the values are written where the pointer is.
    """
    say, look, go = words_of(language), look_of(theme), plotly()
    trades = [0, *equity["trade"].to_list()]
    total = [0.0, *equity[f"equity_{unit}"].to_list()]
    below = [0.0, *equity[f"drawdown_{unit}"].to_list()]
    told = ["", *(
        f"{moment(end, language)}<br>{word(pattern, language)}, {say(f'exit_{reason}')}"
        for end, pattern, reason in equity.select("exit_time", "pattern", "exit_reason").iter_rows()
    )]  # fmt: skip
    deepest = slice(fall.peak, fall.trough + 1) if fall.depth else slice(0, 0)
    once = {"legendgroup": "deepest", "name": say("deepest"), "mode": "lines", "hoverinfo": "skip"}
    figure.add_trace(
        go.Scatter(
            x=trades, y=total, name=say("running_total"), mode="lines", customdata=told,
            showlegend=False, line={"color": look.up, "width": 1.5, "shape": "hv"},
            hovertemplate=f"%{{x}}: %{{y:{shown}}}<br>%{{customdata}}<extra></extra>",
        ), row=row, col=1,
    )  # fmt: skip
    figure.add_trace(
        go.Scatter(
            x=trades, y=below, name=say("drawdown"), mode="lines", fill="tozeroy",
            showlegend=False, line={"color": look.other, "width": 1, "shape": "hv"},
            hovertemplate=f"%{{x}}: %{{y:{shown}}}<extra></extra>",
        ), row=row + 1, col=1,
    )  # fmt: skip
    for panel, values in ((row, total), (row + 1, below)):
        figure.add_trace(
            go.Scatter(
                x=trades[deepest], y=values[deepest], showlegend=panel == 1, **once,
                line={"color": look.down, "width": 2.5, "shape": "hv"},
            ), row=panel, col=1,
        )  # fmt: skip
