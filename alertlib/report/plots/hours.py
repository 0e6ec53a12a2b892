"""Captures, false alarms, wins and points by hour of day and by weekday."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from alertlib.errors import DataError
from alertlib.report.formats import Card
from alertlib.report.plots.look import Look, Theme, look_of, plotly
from alertlib.report.plots.panels import FEW, panels, spread, subject
from alertlib.report.plots.words import words_of
from alertlib.texts.formats import number
from alertlib.texts.words import Language

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


class _Row(NamedTuple):
    """A row of panels: a figure, the counts it is over, and its colour in a look."""

    name: str
    over: tuple[str, ...]
    word: str
    colour: str


# With more hours than this every third is written below the axis.
_CROWD = 12
_ENDS = ("", "_low", "_high")
_ROWS = (
    _Row("capture_rate", ("opportunities",), "capture_axis", "captured"),
    _Row("false_positive_share", ("tp", "false_positives"), "false_axis", "fp"),
    _Row("win_rate", ("trades",), "win_axis", "tp"),
    _Row("expectancy_points", ("trades",), "points_axis", "redundant"),
)


def hours_figure(
    hours: pl.DataFrame, weekdays: pl.DataFrame, card: Card, *, theme: Theme, language: Language
) -> Figure:
    """Return four rows of panels, by hour on the left and by weekday on the right.

    Parameters
    ----------
    hours, weekdays : DataFrame
        See :func:`alertlib.study.hours.hour_frame`.
    card : mapping
        The scorecard's values.
    theme, language

    Raises
    ------
    DataError
        If there was neither an alert nor a move.
    """
    if hours.is_empty():
        raise DataError(
            "hours: got neither an alert nor a move to draw; expected some in the scored "
            "sessions; score more sessions"
        )
    say, look = words_of(language), look_of(theme)
    names = [text for row in _ROWS for text in (say(row.word), "")]
    figure = panels(
        theme, language, *_heading(hours, weekdays, card, language), height=680, names=names,
        rows=len(_ROWS), columns=2, column_widths=[0.62, 0.38], horizontal_spacing=0.04,
        vertical_spacing=0.075, shared_xaxes=True, shared_yaxes=True,
    )  # fmt: skip
    for place, row in enumerate(_ROWS, start=1):
        whole = card["trade" if row.name == "expectancy_points" else "rates"][row.name]
        for column, (frame, slot) in enumerate(((hours, "hour"), (weekdays, "weekday")), start=1):
            for trace in _traces(frame, slot, row, look, language):
                figure.add_trace(trace, row=place, col=column)
            if whole is not None:
                line = {"color": look.dim, "dash": "dash", "width": 1}
                figure.add_hline(y=whole, row=place, col=column, line=line)
    _axes(figure, hours, weekdays, language)
    figure.update_layout(showlegend=False, margin_b=50)
    return figure


def _axes(figure: Figure, hours: pl.DataFrame, weekdays: pl.DataFrame, language: Language) -> None:
    """Give rates a common range with room for their n, and slots their names."""
    say, last = words_of(language), len(_ROWS)
    for row in range(1, last):
        figure.update_yaxes(range=[-0.3, 1.05], tickformat=".0%", tickvals=[0, 0.5, 1], row=row)
    ends = [frame[f"expectancy_points{end}"] for frame in (hours, weekdays) for end in _ENDS]
    reach = [value for column in ends for value in column.drop_nulls()]
    figure.update_yaxes(range=spread(0.0, *reach), tickformat=",", row=last)
    figure.update_xaxes(showticklabels=True, showgrid=False, zeroline=False, tickangle=0)
    shown = hours["hour"].to_list()[:: 1 if len(hours) <= _CROWD else 3]
    figure.update_xaxes(tickvals=shown, ticktext=[str(hour) for hour in shown], col=1)
    days = say("weekdays").split()
    figure.update_xaxes(tickvals=list(range(7)), ticktext=days, tickfont_size=10, col=2)
    figure.update_xaxes(title_text=say("hour_axis"), row=last, col=1)
    figure.update_xaxes(title_text=say("weekday_axis"), row=last, col=2)


def _heading(
    hours: pl.DataFrame, weekdays: pl.DataFrame, card: Card, language: Language
) -> tuple[str, list[str]]:
    say = words_of(language)
    traded = hours.drop_nulls("expectancy_points")
    title = say("hours_title_none")
    if len(traded):
        title = say("hours_title").format(
            hours=len(traded),
            above=len(traded.filter(pl.col("expectancy_points_low") > 0)),
            below=len(traded.filter(pl.col("expectancy_points_high") < 0)),
        )
    drawn = sum(frame[f"{row.name}_low"].count() for frame in (hours, weekdays) for row in _ROWS)
    luck = say("hours_luck").format(drawn=drawn, missing=round(0.05 * drawn))
    return title, [
        subject(card, language), say("hours_note").format(few=FEW), luck, say("hours_where")
    ]  # fmt: skip


def _traces(frame: pl.DataFrame, slot: str, row: _Row, look: Look, language: Language) -> list[Any]:
    """Return the markers with their intervals, and the n of each below the rates."""
    go, colour = plotly(), getattr(look, row.colour)
    values, low, high = (frame[f"{row.name}{end}"] for end in _ENDS)
    n = frame.select(pl.sum_horizontal(row.over)).to_series()
    points = row.name == "expectancy_points"
    shown = ("%{y:,.4~r}", "%{customdata[0]:,.4~r} – %{customdata[1]:,.4~r}") if points else (
        "%{y:.1%}", "%{customdata[0]:.1%} – %{customdata[1]:.1%}"
    )  # fmt: skip
    markers = go.Scatter(
        x=frame[slot].to_list(), y=values.to_list(), mode="markers", cliponaxis=False,
        error_y={"type": "data", "symmetric": False, "array": (high - values).to_list(),
                 "arrayminus": (values - low).to_list(), "color": colour, "thickness": 1.5,
                 "width": 0},
        marker={"size": 8, "color": [look.paper if few else colour for few in (n < FEW).to_list()],
                "line": {"color": colour, "width": 1.5}},
        customdata=list(zip(low.to_list(), high.to_list(), n.to_list(), strict=True)),
        hovertemplate=f"%{{x}}: {shown[0]} [{shown[1]}]<br>n %{{customdata[2]}}<extra></extra>",
    )  # fmt: skip
    if points:
        return [markers]
    counts = go.Scatter(
        x=frame[slot].to_list(), y=[-0.17] * len(frame), mode="text", hoverinfo="skip",
        text=[number(count, 0, language) if count else "" for count in n.to_list()],
        textfont={"size": 9 if len(frame) <= _CROWD else 7, "color": look.dim},
    )  # fmt: skip
    return [markers, counts]
