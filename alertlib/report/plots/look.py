"""What all figures share: plotly itself, colours, the empty figure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from alertlib._arguments import expect_one_of
from alertlib.errors import ConfigError

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

Theme = Literal["light", "dark"]


class Look(NamedTuple):
    """Colours of a theme.

    What is told apart by hue alone is from Okabe and Ito's palette, which people who are blind to
    red or green see apart as well; every outcome has a marker of its own besides
    (:data:`MARKERS`).
    """

    paper: str
    ink: str
    dim: str
    line: str
    up: str
    down: str
    captured: str
    missed: str
    tp: str
    fp: str
    redundant: str
    other: str
    series: tuple[str, ...]


LOOKS: dict[Theme, Look] = {
    "light": Look(
        paper="#ffffff",
        ink="#1c2128",
        dim="#5b6470",
        line="#dce1e8",
        up="#0072b2",
        down="#d55e00",
        captured="#009e73",
        missed="#cc79a7",
        tp="#0072b2",
        fp="#d55e00",
        redundant="#b07a00",
        other="#767f8c",
        series=("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b07a00", "#56b4e9"),
    ),
    "dark": Look(
        paper="#161b22",
        ink="#e6eaf0",
        dim="#98a2b0",
        line="#2a313b",
        up="#56b4e9",
        down="#fb923c",
        captured="#2fc89a",
        missed="#e2a3c7",
        tp="#56b4e9",
        fp="#fb923c",
        redundant="#e6b422",
        other="#98a2b0",
        series=("#56b4e9", "#fb923c", "#2fc89a", "#e2a3c7", "#e6b422", "#9ecbf2"),
    ),
}
# Of plotly's buttons: one sends the figure to a server of plotly's, the others have no use here.
UNUSED_BUTTONS = ("sendChartToCloud", "select2d", "lasso2d", "autoScale2d")
# Of an alert by its outcome; the shape says it again where colours do not.
MARKERS = {
    "tp": "circle",
    "fp": "x",
    "redundant": "diamond-open",
    "censored": "square-open",
    "unscored": "square-open",
    # Across: upright it would pass for the wick of a candle.
    "suppressed": "line-ew-open",
}


def plotly() -> Any:
    """Return ``plotly.graph_objects``.

    Raises
    ------
    ConfigError
        If plotly is not installed.
    """
    try:
        from plotly import graph_objects
    except ModuleNotFoundError as error:
        raise ConfigError(
            "figures: plotly is not installed; expected version 6 or later; run pip install "
            "'alertlib-b3[notebook]'"
        ) from error
    return graph_objects


def look_of(theme: Theme) -> Look:
    """Return the colours of a theme.

    Raises
    ------
    ConfigError
        If there is no such theme.
    """
    expect_one_of("theme", theme, tuple(LOOKS))
    return LOOKS[theme]


def empty_figure(theme: Theme, title: str, *, height: int = 420) -> Figure:
    """Return a figure without traces, in the colours of its theme.

    Parameters
    ----------
    theme : {"light", "dark"}
    title : str
        What it shows, of which bars.
    height : int
        Pixels; it is as wide as its place.
    """
    look = look_of(theme)
    axis = {"gridcolor": look.line, "linecolor": look.line, "zerolinecolor": look.dim}
    return plotly().Figure(
        layout={
            # None at all: plotly's own template brings colours that fit one theme only.
            "template": None,
            "title": {"text": title, "x": 0.01, "xanchor": "left", "font": {"size": 15}},
            "height": height,
            "autosize": True,
            "paper_bgcolor": look.paper,
            "plot_bgcolor": look.paper,
            "colorway": look.series,
            "font": {"family": "system-ui, sans-serif", "size": 12, "color": look.ink},
            "hoverlabel": {"bgcolor": look.paper, "font": {"color": look.ink}, "align": "left"},
            "margin": {"l": 60, "r": 20, "t": 50, "b": 45},
            "modebar": {"remove": list(UNUSED_BUTTONS)},
            "legend": {"orientation": "h", "y": -0.12, "font": {"color": look.dim}},
            "xaxis": axis | {"automargin": True},
            "yaxis": axis | {"automargin": True},
        }
    )
