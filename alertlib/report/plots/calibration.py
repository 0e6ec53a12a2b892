"""How often alerts were valid, against the probability their detector stated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from alertlib.errors import DataError
from alertlib.report.formats import Card
from alertlib.report.plots.look import Look, Theme, look_of, plotly
from alertlib.report.plots.panels import FEW, panels, subject
from alertlib.report.plots.words import words_of
from alertlib.texts.formats import number
from alertlib.texts.words import Language

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def calibration_figure(
    calibration: pl.DataFrame, card: Card, *, theme: Theme, language: Language
) -> Figure:
    """Return the observed share against the stated probability, a marker a bin.

    Parameters
    ----------
    calibration : DataFrame
        See :func:`alertlib.scorecard.calibration.calibration_frame`.
    card : mapping
        The scorecard's values.
    theme, language

    Raises
    ------
    DataError
        If no detector states probabilities, or none of theirs led an alert.
    """
    if calibration.is_empty():
        raise DataError(
            "calibration: got no alert whose detector states a probability; expected at least "
            "one; enable directional_change, or declare a detector with probability=True "
            "(a confidence is no probability)"
        )
    say, look = words_of(language), look_of(theme)
    figure = panels(theme, language, *_heading(calibration, card, language), height=440, names=[""])
    lowest = min(calibration["low"].min(), calibration["valid_low"].min())  # type: ignore[type-var]
    ends = [max(0.0, float(lowest) - 0.02), 1.0]  # type: ignore[arg-type]  # of numbers
    figure.add_trace(
        plotly().Scatter(
            x=ends, y=ends, mode="lines", name=say("true_line"), hoverinfo="skip",
            line={"color": look.dim, "dash": "dash", "width": 1},
        )
    )  # fmt: skip
    detectors = calibration["detector"].unique(maintain_order=True).to_list()
    for place, detector in enumerate(detectors):
        colour = look.series[place % len(look.series)]
        rows = calibration.filter(detector=detector)
        figure.add_trace(_bins(rows, detector, colour, look, language))
    figure.update_xaxes(title_text=say("stated_axis"), tickformat=".0%", range=[ends[0], 1.02])
    figure.update_yaxes(title_text=say("valid_axis"), tickformat=".0%", range=[ends[0], 1.02])
    return figure


def _bins(rows: pl.DataFrame, detector: str, colour: str, look: Look, language: Language) -> Any:
    share, low, high = (rows[name] for name in ("valid_share", "valid_low", "valid_high"))
    return plotly().Scatter(
        x=rows["mean_probability"].to_list(), y=share.to_list(), name=detector,
        mode="markers+text", cliponaxis=False,
        text=[f" n {number(n, 0, language)}" for n in rows["alerts"].to_list()],
        textposition="middle right", textfont={"size": 11, "color": look.dim},
        error_y={"type": "data", "symmetric": False, "array": (high - share).to_list(),
                 "arrayminus": (share - low).to_list(), "color": colour, "width": 0},
        marker={"size": 9, "line": {"color": colour, "width": 1.5},
                "color": [look.paper if n < FEW else colour for n in rows["alerts"].to_list()]},
        customdata=rows.select("low", "high", "alerts", "valid", "expected", "valid_low",
                               "valid_high").rows(),
        hovertemplate="[%{customdata[0]:.0%}, %{customdata[1]:.0%}): %{y:.1%} "
        "[%{customdata[5]:.1%} – %{customdata[6]:.1%}]<br>%{customdata[3]} / %{customdata[2]} "
        "(%{customdata[4]:.1f})<extra></extra>",
    )  # fmt: skip


def _heading(calibration: pl.DataFrame, card: Card, language: Language) -> tuple[str, list[str]]:
    say = words_of(language)
    valid, alerts, expected = (
        float(calibration[name].sum()) for name in ("valid", "alerts", "expected")
    )
    title = say("calibration_title").format(
        valid=number(valid, 0, language),
        alerts=number(alerts, 0, language),
        expected=number(expected, 1, language),
    )
    scores = [
        say("calibration_z").format(detector=name, z=number(totals["z"], 1, language, signed=True))
        for name, totals in card["calibration"].items()
        if totals["alerts"]
    ]
    return title, [
        subject(card, language), " ".join(scores), say("calibration_note").format(few=FEW)
    ]  # fmt: skip
