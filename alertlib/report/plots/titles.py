"""The title of a figure with prices: what it shows, and that it is made up where it is."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from alertlib.report.plots.writing import Writing

_HEAD, _LINE = 36, 18


def titled(name: str, synthetic: bool, lines: Sequence[str], writing: Writing) -> dict[str, Any]:
    """Return the layout of a title with smaller lines below it, and of the room they take.

    Parameters
    ----------
    name : str
        Symbol, timeframe and dates.
    synthetic : bool
        Whether the bars were made up.
    lines : sequence of str
        Each short enough for a telephone; empty ones are left out.
    """
    # Never beside the name: plotly's buttons lie over the end of it on a telephone.
    mark = [f"<b>{writing.word('synthetic')}</b>"] if synthetic else []
    shown = [f'<span style="font-size:12px">{line}</span>' for line in (*mark, *lines) if line]
    return {
        "title": {
            "text": "<br>".join([f"<b>{escape(name)}</b>", *shown]),
            "y": 1,
            "yanchor": "top",
            "pad": {"t": 24},
        },
        "margin": {"t": _HEAD + _LINE * len(shown)},
    }
