"""Two parameters of a sweep as a heat map, with what luck would show beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import polars as pl

from alertlib.report.plots.heading import headed_figure
from alertlib.report.plots.look import Look, Theme, look_of, plotly
from alertlib.report.plots.scale import Scale, luck_of, scale_of
from alertlib.report.plots.searched import (
    Searched,
    count_text,
    figure_text,
    subject,
    value_text,
)
from alertlib.report.plots.words import words_of
from alertlib.texts import formats
from alertlib.texts.words import Language

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

Over = Literal["best", "median", "mean"]

_COUNTS = ("opportunities", "alerts", "trades")
_ROW, _CHANCE = "row", "chance"


class Cell(NamedTuple):
    """One pair of values.

    Attributes
    ----------
    x, y : int
        Places of the values.
    value : float or None
        None where undefined.
    text : str
        What is told of it on hover.
    """

    x: int
    y: int
    value: float | None
    text: str


def heatmap_figure(
    found: Searched,
    x: str,
    y: str | None,
    metric: str,
    *,
    over: Over = "best",
    theme: Theme = "light",
    language: Language = "en",
) -> Figure:
    """Return a figure of a sweep by one or two parameters.

    Parameters
    ----------
    found : Searched
    x, y : str
        Parameters by full key; without ``y`` there is one row.
    metric : str
        A rate, ``expectancy_points`` or ``distance``.
    over : {"best", "median", "mean"}
        What a cell shows of the combinations that differ in other parameters.

    Returns
    -------
    Figure
        Bright is good. Cells that were not searched are empty, undefined ones crossed, the best
        is framed. The colour bar marks the limit of the gate and the best of as many combinations
        on permuted sessions.
    """
    look = look_of(theme)
    cells = _cells(found, x, y, metric, over, language)
    scale = scale_of(found, metric, [c.value for c in cells if c.value is not None], language)
    rows = [None] if y is None else list(found.values[y])
    figure = headed_figure(
        theme,
        language,
        _head(found, x, y, metric, language),
        _notes(found, [key for key in (x, y) if key], metric, over, language),
        height=130 + max(280, 34 * len(rows)) if y else 230,
    )
    figure.add_trace(_surface(found, x, y, metric, cells, scale, look, language))
    _cross_undefined(figure, [c for c in cells if c.value is None], look, language)
    # Below the axis' own title, which is as high on every screen.
    figure.update_layout(legend={"y": 0, "yref": "container", "yanchor": "bottom"})
    figure.update_layout(margin={"b": 85})
    _frame_best(figure, cells, look, larger=found.larger[metric])
    for axis, key in (("xaxis", x), ("yaxis", y)):
        values = [None] if key is None else found.values[key]
        figure.layout[axis].update(
            title={"text": found.names[key] if key else None},
            tickmode="array",
            tickvals=list(range(len(values))),
            ticktext=[value_text(v, language) for v in values] if key else [""],
            range=[-0.5, len(values) - 0.5],
            showgrid=False,
            zeroline=False,
        )
    return figure


def _cells(
    found: Searched, x: str, y: str | None, metric: str, over: Over, language: Language
) -> list[Cell]:
    """Return every pair of values that was counted."""
    chance = None if found.usual is None else pl.Series(_CHANCE, found.usual[metric])
    frame = found.frame.with_columns(
        (pl.col("tp") + pl.col("fp") + pl.col("redundant")).alias("alerts"),
        (pl.lit(None, pl.Float64) if chance is None else chance.fill_nan(None)).alias(_CHANCE),
    ).with_row_index(_ROW)
    keys = [x] if y is None else [x, y]
    ordered = frame.sort(
        [metric, "distance", _ROW],
        descending=[found.larger[metric], False, False],
        nulls_last=True,
    )
    places = [{value: at for at, value in enumerate(found.values[key])} for key in keys]
    told = _telling(found, keys, metric, over, language)
    made = []
    for key, group in ordered.group_by(keys, maintain_order=True):
        at = [place[value] for place, value in zip(places, key, strict=True)]
        value = _of(group[metric], over)
        made.append(Cell(at[0], at[1] if y else 0, value, told(group, value)))
    return made


def _of(column: pl.Series, over: Over) -> float | None:
    """Return a cell's figure, of combinations in order from the best on."""
    found: Any = {"best": column.first, "median": column.median, "mean": column.mean}[over]()
    return None if found is None else float(found)


def _telling(
    found: Searched, keys: Sequence[str], metric: str, over: Over, language: Language
) -> Callable[[pl.DataFrame, float | None], str]:
    words = words_of(language)
    others = [key for key in found.values if key not in keys]

    def told(group: pl.DataFrame, value: float | None) -> str:
        best = group.row(0, named=True)
        shown = words("undefined") if value is None else figure_text(metric, value, language)
        lines = [
            ", ".join(f"{found.names[k]} {value_text(best[k], language)}" for k in keys),
            f"<b>{words(metric)} {shown}</b>",
        ]
        chance = _of(group[_CHANCE], over)
        if chance is not None:
            lines[1] += f" ({words('chance')} {figure_text(metric, chance, language)})"
        counts = {name: _range(group[name], over, language) for name in _COUNTS}
        lines.append(words("hover_counts").format(**counts))
        if others:
            lines.append(words(f"hover_{over}").format(n=count_text(len(group), language)))
        if others and over == "best":
            lines += [f"{found.names[k]} {value_text(best[k], language)}" for k in others]
        return "<br>".join(lines)

    return told


def _range(column: pl.Series, over: Over, language: Language) -> str:
    """Return a count: of the best combination, else the least and the greatest of all."""
    counts = column.to_list()
    low, high = (counts[0], counts[0]) if over == "best" else (min(counts), max(counts))
    ends = dict.fromkeys(count_text(end, language) for end in (low, high))
    return "–".join(ends)


def _surface(
    found: Searched,
    x: str,
    y: str | None,
    metric: str,
    cells: Sequence[Cell],
    scale: Scale,
    look: Look,
    language: Language,
) -> Any:
    columns, rows = len(found.values[x]), len(found.values[y]) if y else 1
    values: list[list[float | None]] = [[None] * columns for _ in range(rows)]
    texts = [[""] * columns for _ in range(rows)]
    hovers = [[""] * columns for _ in range(rows)]
    for cell in cells:
        if cell.value is not None and isfinite(cell.value):
            values[cell.y][cell.x] = cell.value
            texts[cell.y][cell.x] = figure_text(metric, cell.value, language)
            hovers[cell.y][cell.x] = cell.text
    return plotly().Heatmap(
        x=list(range(columns)),
        y=list(range(rows)),
        z=values,
        text=texts,
        hovertext=hovers,
        hovertemplate="%{hovertext}<extra></extra>",
        hoverongaps=False,
        # Beyond so many columns no figure fits into its cell.
        texttemplate="%{text}" if columns <= 12 else None,
        colorscale="Cividis",
        reversescale=not found.larger[metric],
        zmin=scale.low,
        zmax=scale.high,
        xgap=1,
        ygap=1,
        colorbar={
            "tickvals": [mark.at for mark in scale.marks],
            "ticktext": ["<br>".join(mark.texts) for mark in scale.marks],
            # Across the whole bar: a line, not only a number beside it.
            "ticks": "inside", "ticklen": 16, "tickwidth": 2, "tickcolor": look.down,
            "thickness": 16, "len": 1, "outlinewidth": 0, "xpad": 4,
            "tickfont": {"size": 10, "color": look.ink},
        },
    )  # fmt: skip


def _cross_undefined(figure: Figure, cells: Sequence[Cell], look: Look, language: Language) -> None:
    if cells:
        figure.add_trace(
            plotly().Scatter(
                x=[cell.x for cell in cells],
                y=[cell.y for cell in cells],
                mode="markers",
                marker={"symbol": "x-thin", "size": 14, "line": {"width": 1.5, "color": look.dim}},
                hovertext=[cell.text for cell in cells],
                hovertemplate="%{hovertext}<extra></extra>",
                name=words_of(language)("undefined"),
                showlegend=True,
            )
        )


def _frame_best(figure: Figure, cells: Sequence[Cell], look: Look, *, larger: bool) -> None:
    """Frame the best cells; where all are alike none is the best."""
    values = {cell.value for cell in cells if cell.value is not None}
    if len(values) < 2:
        return
    best = max(values) if larger else min(values)
    for cell in cells:
        if cell.value == best:
            figure.add_shape(
                type="rect", x0=cell.x - 0.48, x1=cell.x + 0.48, y0=cell.y - 0.48,
                y1=cell.y + 0.48, line={"color": look.down, "width": 3},
            )  # fmt: skip


def _head(found: Searched, x: str, y: str | None, metric: str, language: Language) -> str:
    words = words_of(language)
    parts = {"subject": subject(found.data, language), "metric": words(metric)}
    if y is None:
        return words("heat_title_one").format(**parts, x=found.names[x])
    return words("heat_title").format(**parts, x=found.names[x], y=found.names[y])


def _notes(
    found: Searched, keys: Sequence[str], metric: str, over: Over, language: Language
) -> list[str]:
    words, notes = words_of(language), []
    others = [found.names[key] for key in found.values if key not in keys]
    if others:
        notes.append(words(f"over_{over}").format(others=", ".join(others)))
    notes.append(luck_note(found, metric, language))
    if found.trials > len(found.frame):
        notes.append(words("tried").format(trials=count_text(found.trials, language)))
    return notes


def luck_note(found: Searched, metric: str, language: Language) -> str:
    """Return the best beside the best of as many combinations of noise, as a sentence."""
    words = words_of(language)
    if found.luck is None:
        return words("chance_unmeasured")
    luck = luck_of(found, metric)
    if luck is None:
        return words("chance_undefined")
    return words("chance_of_best").format(
        n=count_text(len(found.frame), language),
        best=figure_text(metric, luck["best"], language),
        by_luck=figure_text(metric, luck["by_luck"], language),
        runs=count_text(found.luck["runs"], language),
        p=formats.number(luck["p_value"], 3, language),
    )
