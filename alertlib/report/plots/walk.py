"""A walk-forward fold by fold: what was chosen, what it promised and what it kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from alertlib.report.plots.heading import headed_figure
from alertlib.report.plots.look import Look, Theme, look_of, plotly
from alertlib.report.plots.searched import (
    RATES,
    figure_text,
    subject,
    value_text,
)
from alertlib.report.plots.words import words_of
from alertlib.texts.words import Language

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

Found = Mapping[str, Any]

_FIGURES = (*RATES, "expectancy_points")
_GAP, _PARAMETER_PIXELS, _PANEL_PIXELS = 26, 22, 120


def walk_figure(
    found: Found,
    values: Mapping[str, Sequence[Any]],
    names: Mapping[str, str],
    *,
    theme: Theme = "light",
    language: Language = "en",
) -> Figure:
    """Return a walk-forward fold by fold, and all folds together.

    Parameters
    ----------
    found : dict
        ``Walk.to_dict()``.
    values : mapping of str to sequence
        By parameter what was searched, in order.
    names : mapping of str to str
        By parameter a short name.

    Returns
    -------
    Figure
        Panel by panel the three rates and the expectancy, in sample and out of sample, with the
        limits; then the parameters each fold chose. Figures that are undefined have no marker.
    """
    look, words = look_of(theme), words_of(language)
    panels = [_PANEL_PIXELS] * len(_FIGURES) + [_PARAMETER_PIXELS * len(values) + 4]
    word = words("PROVEN" if found["proven"] else "UNPROVEN")
    figure = headed_figure(
        theme,
        language,
        words("walk_title").format(subject=subject(found["data"], language), word=word),
        [*_first_reason(found), words("walk_note")],
        height=sum(panels) + _GAP * len(_FIGURES) + 110,
    )
    spans = _spans(panels)
    columns = _columns(found, language)
    for number, name in enumerate(_FIGURES, 1):
        _panel(figure, found, name, number, spans[number - 1], columns, look, language)
    _choices(figure, found, values, names, spans[-1], look, language)
    figure.layout.xaxis.update(
        tickmode="array",
        tickvals=list(range(len(columns))),
        ticktext=columns,
        range=[-0.6, len(columns) - 0.4],
        anchor=f"y{len(_FIGURES) + 1}",
        showgrid=False,
        zeroline=False,
        tickangle=-45,
    )
    # Below the dates under the last panel, which are as long on every screen.
    figure.update_layout(legend={"y": 0, "yref": "container", "yanchor": "bottom"})
    figure.update_layout(margin={"b": 110})
    return figure


def _first_reason(found: Found) -> list[str]:
    """Return the first reason; of one that lists several the first, and that there are more."""
    if not found["reasons"]:
        return []
    first, more, _ = found["reasons"][0].partition("; ")
    return [f"{first[0].upper()}{first[1:]}" + ("; …" if more or found["reasons"][1:] else ".")]


def _spans(panels: Sequence[int]) -> list[tuple[float, float]]:
    """Return from where to where each panel reaches, from the top down, as shares."""
    whole = sum(panels) + _GAP * (len(panels) - 1)
    spans, top = [], 1.0
    for pixels in panels:
        spans.append((max(top - pixels / whole, 0.0), top))
        top -= (pixels + _GAP) / whole
    return spans


def _columns(found: Found, language: Language) -> list[str]:
    words = words_of(language)
    held_out = [] if found["hold_out"] is None else [words("hold_out")]
    return [*(fold["test"][0] for fold in found["folds"]), f"<b>{words('pooled')}</b>", *held_out]


def _panel(
    figure: Figure,
    found: Found,
    name: str,
    number: int,
    span: tuple[float, float],
    columns: Sequence[str],
    look: Look,
    language: Language,
) -> None:
    words, limit = words_of(language), _limit(found, name)
    axis = f"y{number if number > 1 else ''}"
    inside = [*(fold["in_sample"] for fold in found["folds"]), found["in_sample"]]
    outside = [*(fold["out_of_sample"] for fold in found["folds"]), found["pooled"]]
    if found["hold_out"] is not None:
        outside.append(found["hold_out"])
    for key, parts, colour, symbol, at in (
        ("in_sample", inside, look.other, "circle-open", -0.12),
        ("out_of_sample", outside, look.up, "circle", 0.12),
    ):
        trace = _points(parts, name, columns, language, at)
        trace["marker"] = {"color": colour, "symbol": symbol, "size": 9, "line": {"width": 2}}
        if key == "out_of_sample":
            trace["error_y"] = _interval(found, name, len(parts), colour)
        figure.add_trace(plotly().Scatter(
            **trace, mode="markers", name=words(key), legendgroup=key, yaxis=axis,
            showlegend=number == 1,
        ))  # fmt: skip
    figure.add_shape(
        type="line", xref="paper", x0=0, x1=1, yref=axis, y0=limit, y1=limit,
        line={"color": look.down, "width": 1.5, "dash": "dash"},
    )  # fmt: skip
    mark = f"{words('limit')} {figure_text(name, limit, language)}"
    figure.add_annotation(
        text=f"<b>{words(name)}</b>  {mark}", xref="paper", yref="paper", x=0, y=span[1],
        xanchor="left", yanchor="bottom", showarrow=False, font={"size": 11, "color": look.ink},
    )  # fmt: skip
    figure.layout[f"yaxis{number if number > 1 else ''}"] = {
        "domain": span, "gridcolor": look.line, "zeroline": name == "expectancy_points",
        "zerolinecolor": look.dim, "nticks": 4, "automargin": True,
        "tickformat": ".0%" if name in RATES else None,
    }  # fmt: skip


def _points(
    parts: Sequence[Found], name: str, columns: Sequence[str], language: Language, at: float
) -> dict[str, Any]:
    words = words_of(language)
    hover = [
        f"{column}<br>{words(name)} {figure_text(name, part[name], language)}<br>"
        + words("hover_counts").format(
            opportunities=part["opportunities"],
            alerts=part["tp"] + part["fp"] + part["redundant"],
            trades=part["trades"],
        )
        for column, part in zip(columns, parts, strict=False)
    ]
    return {
        "x": [place + at for place in range(len(parts))],
        "y": [part[name] for part in parts],
        "hovertext": hover,
        "hovertemplate": "%{hovertext}<extra>%{fullData.name}</extra>",
    }


def _interval(found: Found, name: str, count: int, colour: str) -> dict[str, Any]:
    """Return the error bars: of the pooled figure alone, where it has an interval."""
    above, below = [0.0] * count, [0.0] * count
    line = _criterion(found, name)
    if line is not None and line["value"] is not None and line["ci_low"] is not None:
        place = len(found["folds"])
        above[place] = line["ci_high"] - line["value"]
        below[place] = line["value"] - line["ci_low"]
    return {
        "type": "data", "symmetric": False, "array": above, "arrayminus": below,
        "color": colour, "thickness": 1.5, "width": 4,
    }  # fmt: skip


def _criterion(found: Found, name: str) -> Found | None:
    return next((line for line in found["pooled"]["criteria"] if line["name"] == name), None)


def _limit(found: Found, name: str) -> float:
    line = _criterion(found, name)
    # The net result is a guard rail that can be switched off: its limit is no loss all the same.
    return 0.0 if line is None else float(line["threshold"])


def _choices(
    figure: Figure,
    found: Found,
    values: Mapping[str, Sequence[Any]],
    names: Mapping[str, str],
    span: tuple[float, float],
    look: Look,
    language: Language,
) -> None:
    """Draw the chosen values as a table, the darker the further along their axis."""
    number = len(_FIGURES) + 1
    chosen = [fold["parameters"] for fold in found["folds"]]
    ranks, texts = [], []
    for key, known in values.items():
        steps = max(len(known) - 1, 1)
        ranks.append([list(known).index(one[key]) / steps for one in chosen])
        texts.append([value_text(one[key], language) for one in chosen])
    figure.add_trace(plotly().Heatmap(
        x=list(range(len(chosen))), y=list(range(len(values))), z=ranks, text=texts,
        texttemplate="%{text}", showscale=False, zmin=0, zmax=1, xgap=1, ygap=1,
        colorscale=[[0, look.paper], [1, look.line]], textfont={"color": look.ink, "size": 10},
        hovertemplate="%{text}<extra></extra>", yaxis=f"y{number}",
    ))  # fmt: skip
    figure.layout[f"yaxis{number}"] = {
        "domain": span, "tickvals": list(range(len(values))), "showgrid": False,
        "ticktext": [names[key] for key in values], "range": [len(values) - 0.5, -0.5],
        "zeroline": False, "automargin": True, "tickfont": {"size": 10},
    }  # fmt: skip
