"""``bars.plot``: a series of bars."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from alertlib._arguments import expect_whole
from alertlib.market.instruments import Instrument
from alertlib.report.plots.candles import Candles, add_candles, candles_of
from alertlib.report.plots.heading import headed_figure
from alertlib.report.plots.look import Theme, look_of
from alertlib.report.plots.writing import Writing
from alertlib.texts.words import Language

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def bars_figure(
    frame: pl.DataFrame,
    instrument: Instrument,
    *,
    symbol: str,
    synthetic: bool,
    most: Any,
    theme: Theme,
    language: Language,
) -> Figure:
    """Draw bars as candles.

    Parameters
    ----------
    frame : DataFrame
        ``time open high low close``.
    instrument : Instrument
    symbol : str
        As the title names it.
    synthetic : bool
        Whether the bars were made up; the title says so.
    most : int
        Candles drawn at most; of more bars several are merged into one, and the title says so.
    theme : {"light", "dark"}
    language : {"pt-BR", "en"}

    Raises
    ------
    ConfigError
        If ``most``, the theme or the language cannot be, or plotly is not installed.
    """
    expect_whole("candles", most, 1)
    grid = instrument.grid
    writing = Writing(language, None if grid is None else grid.quantum)
    look = look_of(theme)
    candles = candles_of(frame, most)
    name = f"{symbol} {instrument.timeframe}"
    mark = [writing.word("synthetic")] if synthetic else []
    notes = [*mark, *_lines(frame, candles, writing)]
    figure = headed_figure(theme, language, name, notes, height=430)
    add_candles(figure, candles, look, writing, colours=(look.up, look.down))
    figure.update_layout(hovermode="closest")
    return figure


def _lines(frame: pl.DataFrame, candles: Candles, writing: Writing) -> list[str]:
    word = writing.word
    shown = f"{writing.number(frame.height, 0)} {word('bars')}"
    if candles.merged > 1:
        shown += f" · {word('each_candle')} {candles.merged} {word('bars')}"
    return [writing.span(frame["time"][0], frame["time"][-1]), shown]
