"""The heading of a figure: an answer in a sentence, and how it is to be read."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from textwrap import wrap
from typing import TYPE_CHECKING

from alertlib.report.plots.look import Theme, empty_figure, look_of
from alertlib.texts.words import Language

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

# Letters of a line that 390 pixels hold, of the title and of what stands below it: plotly does not
# break lines.
TITLE_WIDTH, NOTE_WIDTH = 44, 56
_TITLE_LINE, _NOTE_LINE = 19, 16
# Above, for plotly's buttons, which a telephone always shows; and below.
_PADDING = 34, 28


def headed_figure(
    theme: Theme, language: Language, title: str, notes: Sequence[str], *, height: int
) -> Figure:
    """Return a figure without traces below a heading that fits a telephone.

    Parameters
    ----------
    theme : {"light", "dark"}
    language : {"pt-BR", "en"}
    title : str
        Plain text, as are the notes.
    notes : sequence of str
        One paragraph each; empty ones are left out.
    height : int
        Pixels without the heading.
    """
    large = wrap(title, TITLE_WIDTH)
    small = [line for note in notes for line in wrap(note, NOTE_WIDTH)]
    style = f"font-size:12px;color:{look_of(theme).dim}"
    lines = [escape(line, quote=False) for line in large]
    lines += [f'<span style="{style}">{escape(line, quote=False)}</span>' for line in small]
    top = sum(_PADDING) + _TITLE_LINE * len(large) + _NOTE_LINE * len(small)
    figure = empty_figure(theme, "<br>".join(lines), height=height + top)
    figure.update_layout(
        title={"y": 1, "yref": "container", "yanchor": "top", "pad": {"t": _PADDING[0]}},
        margin={"t": top},
        separators=",." if language == "pt-BR" else ".,",
    )
    return figure
