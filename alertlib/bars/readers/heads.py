"""The beginning of a delimited text file: its layout, however many lines that takes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from alertlib.bars.readers.encodings import Text
from alertlib.bars.readers.layouts import Layout, recognise
from alertlib.bars.readers.stacked import find_stacked
from alertlib.bars.readers.table import SHOWN_CHARACTERS
from alertlib.bars.readers.times import Times
from alertlib.errors import DataError

_DELIMITER_NAMES = {"\t": "tab", ";": "semicolon", ",": "comma", "|": "pipe"}

# A header of several lines is looked for in so many bytes and lines at a file's beginning.
_TOP, _TOP_LINES = 8_192, 6


@dataclass(frozen=True, eq=False, slots=True)
class Head:
    """A file's text with the layout of its lines, and the symbol its header names."""

    text: Text
    layout: Layout
    symbol: str | None = None
    lines: int = 1


def find_head(text: Text, symbol: str | None, path: Path) -> Head:
    """Find out how the lines of a text are divided.

    Parameters
    ----------
    text : Text
    symbol : str or None
        Whose columns to take, where the header names several symbols.
    path : Path
        Of the file, for messages.

    Raises
    ------
    DataError
        The layout is not recognised, or a column is missing.
    """
    first = _first_line(text)
    if re.fullmatch(r"sep=.", first.strip()):  # Excel's own hint
        text = _without_lines(text, 1)
        first = _first_line(text)
    layout = recognise(first)
    if isinstance(layout, Layout) and not layout.unnamed_time:
        return Head(text, layout)
    top = text.body[: text.body.find(b"\n", _TOP)].decode(errors="ignore").splitlines()[:_TOP_LINES]
    stacked = find_stacked(top, symbol, str(path))
    if stacked is not None:
        return Head(
            _without_lines(text, stacked.lines - 1), stacked.layout, stacked.symbol, stacked.lines
        )
    if isinstance(layout, Layout):
        return Head(text, layout)
    shown = first.strip()[:SHOWN_CHARACTERS]
    if layout is None:
        raise DataError(
            f"{path}: no recognisable layout; got {shown!r} as the first line; expected columns "
            "time, open, high, low, close separated by tab, semicolon, comma or |; export again"
        )
    raise DataError(
        f"{path}: no column {', '.join(layout)}; got the header {shown!r}; expected a time, "
        "open, high, low and close; export again with all columns"
    )


def _without_lines(text: Text, count: int) -> Text:
    body = text.body
    for _ in range(count):
        body = body[body.index(b"\n") + 1 :]
    return Text(body, text.numbers[count:], text.encoding)


def _first_line(text: Text) -> str:
    return text.body[: text.body.find(b"\n")].decode()


def describe_head(head: Head, times: Times) -> tuple[str, ...]:
    """Say for people how the file is laid out."""
    layout = head.layout
    if times.written == "epoch":
        kind = "MetaTrader5 package dump"
    elif times.written == "day first":
        kind = "ProfitChart"
    else:
        kind = "MetaTrader 5 export" if layout.date_and_time else "plain CSV"
    parts = [kind, f"{_DELIMITER_NAMES[layout.delimiter]} separated", head.text.encoding]
    if not layout.has_header:
        parts.append("no header")
    if head.lines > 1:
        parts.append(f"header of {head.lines} lines, ticker {head.symbol}")
    if layout.ignored:
        parts.append(f"not used: {' '.join(layout.ignored)}")
    return tuple(parts)
