"""Charts made of characters."""

from __future__ import annotations

from rich.text import Text

from alertlib.report.formats import Line

# axis, interval, value, limit, chance
_GLYPHS = {False: ("─", "━", "●", "│", "c"), True: (".", "=", "o", "|", "c")}


def interval(line: Line, width: int, *, ascii_only: bool) -> Text:
    """Draw a rate between 0 and 1: its interval, its value, its limit and its chance level."""
    axis, span, value, limit, chance = _GLYPHS[ascii_only]
    cells = [(axis, "dim")] * width
    style = "green" if line["passed"] else "red"

    def place(share: float | None) -> int | None:
        return None if share is None else min(int(share * width), width - 1)

    low, high = place(line["ci_low"]), place(line["ci_high"])
    if low is not None and high is not None:
        cells[low : high + 1] = [(span, style)] * (high + 1 - low)
    marks = ((line["chance"], chance, "yellow"), (line["threshold"], limit, "bold"))
    for share, glyph, look in (*marks, (line["value"], value, f"bold {style}")):
        where = place(share)
        if where is not None:
            cells[where] = (glyph, look)
    return Text.assemble(*cells)


def legend(*, ascii_only: bool) -> str:
    """Return what the marks of :func:`interval` mean."""
    _, span, value, limit, chance = _GLYPHS[ascii_only]
    return f"{value} value  {span} 95 % interval  {limit} limit  {chance} chance"
