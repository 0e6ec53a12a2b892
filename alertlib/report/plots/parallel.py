"""All parameters and figures of a sweep as parallel axes, a line a combination."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from alertlib.report.plots.heading import headed_figure
from alertlib.report.plots.heatmap import luck_note
from alertlib.report.plots.look import Theme, look_of, plotly
from alertlib.report.plots.scale import scale_of
from alertlib.report.plots.searched import (
    Searched,
    count_text,
    subject,
    value_text,
)
from alertlib.report.plots.words import words_of
from alertlib.texts.words import Language

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_FIGURES = ("capture_rate", "false_positive_share", "win_rate", "expectancy_points")
# Values that are each a tick of their axis.
_MOST_TICKS = 12


def parallel_figure(
    found: Searched, *, top: int = 2000, theme: Theme = "light", language: Language = "en"
) -> Figure:
    """Return a sweep as parallel axes: parameters first, then rates and expectancy.

    Parameters
    ----------
    found : Searched
    top : int
        At most so many combinations, those nearest to the limits.

    Returns
    -------
    Figure
        Values of a parameter stand at equal distances. A figure that is undefined has a tick of
        its own below the least.
    """
    look, words = look_of(theme), words_of(language)
    # The best are drawn last, on top of the others.
    frame = found.frame.sort("distance", maintain_order=True).head(top).reverse()
    counts = {
        "shown": count_text(len(frame), language),
        "n": count_text(len(found.frame), language),
    }
    head = "parallel_title" if len(frame) == len(found.frame) else "parallel_top"
    figure = headed_figure(
        theme,
        language,
        words(head).format(subject=subject(found.data, language), **counts),
        [words("parallel_note"), luck_note(found, "distance", language)],
        height=440,
    )
    distance = frame["distance"]
    axes = [_parameter(found, key, frame[key], language) for key in found.values]
    axes += [_figure(found, name, frame[name], language) for name in _FIGURES]
    figure.add_trace(
        plotly().Parcoords(
            dimensions=axes,
            line={
                "color": distance.to_list(),
                "colorscale": "Cividis",
                "reversescale": True,
                "showscale": True,
                "colorbar": {
                    "title": {"text": words("distance"), "side": "right"},
                    "thickness": 12, "outlinewidth": 0, "tickfont": {"color": look.ink},
                },
            },
            labelfont={"color": look.ink, "size": 11},
            tickfont={"color": look.ink, "size": 10, "shadow": "none"},
            rangefont={"color": "rgba(0,0,0,0)", "size": 1},
            labelangle=-25,
            labelside="bottom",
            unselected={"line": {"color": look.line, "opacity": 0.4}},
        )
    )  # fmt: skip
    figure.update_layout(margin={"l": 70, "r": 30, "b": 90})
    return figure


def _parameter(found: Searched, key: str, column: pl.Series, language: Language) -> dict[str, Any]:
    values = found.values[key]
    place = {value: at for at, value in enumerate(values)}
    step = -(-len(values) // _MOST_TICKS)
    shown = range(0, len(values), step)
    return {
        "label": found.names[key],
        "values": [place[value] for value in column],
        "tickvals": list(shown),
        "ticktext": [value_text(values[at], language) for at in shown],
        "range": [-0.1, max(len(values) - 0.9, 0.1)],
    }


def _figure(found: Searched, name: str, column: pl.Series, language: Language) -> dict[str, Any]:
    scale = scale_of(found, name, column.drop_nulls().to_list(), language)
    room = scale.high - scale.low
    ticks = {mark.at: ", ".join(mark.texts) for mark in scale.marks}
    low, below = scale.low, scale.low - 0.15 * room
    if column.null_count():
        low, ticks[below] = below, words_of(language)("undefined")
    return {
        "label": words_of(language)(name),
        "values": column.fill_null(below).to_list(),
        "tickvals": list(ticks),
        "ticktext": list(ticks.values()),
        "range": [low - 0.02 * room, scale.high + 0.02 * room],
    }
