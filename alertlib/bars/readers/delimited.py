"""Bars from delimited text: MetaTrader 5, the MetaTrader5 package, ProfitChart, plain ISO CSV.

Lines are cut into columns of text first and parsed a column at a time, so that every cell that
cannot be read is known with its line, and a million lines take about two seconds.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from alertlib.bars.quality.findings import Finding, finding
from alertlib.bars.readers.encodings import Text, load_text
from alertlib.bars.readers.layouts import Layout, recognise
from alertlib.bars.readers.numbers import find_decimal, is_absent, parse_prices, parse_volumes
from alertlib.bars.readers.table import (
    NOT_WHOLE,
    SHOWN_CHARACTERS,
    Read,
    Table,
    one_label,
    table_frame,
)
from alertlib.bars.readers.times import Times, converted, is_epoch, parse_times
from alertlib.bars.schema import PRICES, VOLUMES
from alertlib.errors import DataError

_NEWLINE = 10
_UNIT_SEPARATOR = "\x1f"
_DELIMITER_NAMES = {"\t": "tab", ";": "semicolon", ",": "comma"}


@dataclass(frozen=True, eq=False, slots=True)
class _Cells:
    """The lines below the header, cut into trimmed texts by what they mean."""

    columns: dict[str, pl.Series]
    numbers: pl.Series
    ragged: pl.DataFrame
    """``reason`` and ``value`` of each line, null where it has as many fields as it should."""


def read_delimited(path: Path) -> Table:
    """Read a delimited text file in whichever of the known layouts it is.

    Raises
    ------
    DataError
        The layout is not recognised, a column is missing, or prices or times can be read in
        more than one way.
    """
    text = load_text(path)
    text, layout = _find_layout(text, path)
    cells = _cut(text, layout, path)
    times, findings = _times(cells, str(path))
    localised = times.written == "day first" or layout.portuguese
    read = {"time": _judged(times.column, "not a time", _time_texts(cells))}
    decimal = find_decimal([cells.columns[name] for name in PRICES], localised, str(path))
    for name in PRICES:
        texts = cells.columns[name]
        read[name] = _judged(parse_prices(texts, decimal), f"{name} is not a number", texts)
    notes = []
    for name in VOLUMES:
        if name in cells.columns:
            texts = cells.columns[name]
            volume = _judged(
                parse_volumes(texts, decimal, localised),
                NOT_WHOLE.format(name),
                texts,
            )
            if localised and _mostly(volume.failed):
                notes.append(f"{name} left out (fractions: money, not contracts)")
            else:
                read[name] = volume
    return Table(
        table_frame(cells.numbers, read, cells.ragged["reason"], cells.ragged["value"]),
        row_word="line",
        layout=", ".join((*_described(text, layout, times), *notes)),
        symbol=one_label(cells.columns.get("symbol"), "symbol", str(path)),
        timeframe=one_label(cells.columns.get("timeframe"), "timeframe", str(path)),
        findings=findings,
    )


def _find_layout(text: Text, path: Path) -> tuple[Text, Layout]:
    first = _first_line(text)
    if re.fullmatch(r"sep=.", first.strip()):  # Excel's own hint
        text = Text(text.body[text.body.index(b"\n") + 1 :], text.numbers[1:], text.encoding)
        first = _first_line(text)
    layout = recognise(first)
    if isinstance(layout, Layout):
        return text, layout
    shown = first.strip()[:SHOWN_CHARACTERS]
    if layout is None:
        raise DataError(
            f"{path}: no recognisable layout; got {shown!r} as the first line; expected columns "
            "time, open, high, low, close separated by tab, semicolon or comma; export again"
        )
    raise DataError(
        f"{path}: no column {', '.join(layout)}; got the header {shown!r}; expected a time, "
        "open, high, low and close; export again with all columns"
    )


def _first_line(text: Text) -> str:
    return text.body[: text.body.find(b"\n")].decode()


def _cut(text: Text, layout: Layout, path: Path) -> _Cells:
    body, lines = text.body, text.numbers
    if layout.has_header:
        body, lines = body[body.index(b"\n") + 1 :], lines[1:]
    if not len(lines):
        raise DataError(f"{path}: a header without bars; expected bars below it; export again")
    delimiter = layout.delimiter
    if b'"' in body:
        body, delimiter = _unquoted(body, delimiter, len(lines), path), _UNIT_SEPARATOR
    ragged = _ragged(body, delimiter, layout.width)
    # A header of our own keeps a short first line from deciding the number of columns.
    names = [str(place) for place in range(layout.width)]
    frame = pl.read_csv(
        delimiter.join(names).encode() + b"\n" + body,
        separator=delimiter,
        schema=dict.fromkeys(names, pl.String()),
        quote_char=None,
        empty_string_is_null=False,
        truncate_ragged_lines=True,
    )
    assert frame.height == len(lines)
    columns = {
        name: frame[str(place)].str.strip_chars().alias(name)
        for name, place in layout.columns.items()
    }
    return _Cells(columns, pl.Series("row", lines), ragged)


def _unquoted(body: bytes, delimiter: str, lines: int, path: Path) -> bytes:
    rows = list(csv.reader(io.StringIO(body.decode()), delimiter=delimiter))
    if len(rows) != lines:
        raise DataError(
            f"{path}: quotation marks that do not close on their line; expected plain numbers "
            "and dates; export again without quotation marks"
        )
    return "".join(_UNIT_SEPARATOR.join(row) + "\n" for row in rows).encode()


def _ragged(body: bytes, delimiter: str, width: int) -> pl.DataFrame:
    """Find lines that have more or fewer fields than the layout; one empty field more is fine."""
    lines = body.count(b"\n")
    nothing = pl.DataFrame(schema={"reason": pl.String(), "value": pl.String()})
    letters = np.frombuffer(body, dtype=np.uint8)
    signs = np.flatnonzero((letters == ord(delimiter)) | (letters == _NEWLINE))
    ends = letters[signs] == _NEWLINE
    if signs.size == lines * width and ends[width - 1 :: width].all():
        return nothing.clear(lines)
    fields = np.diff(np.flatnonzero(ends), prepend=-1)
    stops = signs[ends]
    trailing = (fields == width + 1) & (letters[stops - 1] == ord(delimiter))
    wrong = np.flatnonzero((fields != width) & ~trailing)
    reason: list[str | None] = [None] * lines
    value: list[str | None] = [None] * lines
    starts = np.concatenate([[0], stops[:-1] + 1])
    for line in wrong.tolist():
        reason[line] = f"{fields[line]} fields where {width} were expected"
        value[line] = body[starts[line] : stops[line]].decode()[:SHOWN_CHARACTERS]
    return pl.DataFrame({"reason": reason, "value": value}, schema=nothing.schema)


def _times(cells: _Cells, where: str) -> tuple[Times, tuple[Finding, ...]]:
    times = parse_times(_time_texts(cells), cells.numbers, where)
    if times.offset:
        count = times.column.len() - times.column.null_count()
        return times, (converted("offsets from UTC", count),)
    if "datetime" in cells.columns and is_epoch(cells.columns.get("time")):
        epochs = parse_times(cells.columns["time"], cells.numbers, where)
        apart = (epochs.column != times.column).fill_null(False)
        if apart.any():
            line, first = cells.numbers.filter(apart)[0], times.column.filter(apart)[0]
            message = (
                f"datetime and epoch differ in {apart.sum()} rows, the first at line {line} "
                f"({first:%Y-%m-%d %H:%M}); the epoch is the terminal's own and was used"
            )
            return epochs, (finding("zone", "error", first, int(apart.sum()), message),)
        return Times(times.column, "epoch"), ()
    return times, ()


def _time_texts(cells: _Cells) -> pl.Series:
    columns = cells.columns
    if "datetime" in columns:
        return columns["datetime"]
    if "date" in columns and "time" in columns and not is_epoch(columns["time"]):
        clock = columns["time"].str.replace(r"^(\d{5})$", "0$1")
        return (columns["date"] + " " + clock).str.strip_chars()
    return columns["time"] if "time" in columns else columns["date"]


def _mostly(flags: pl.Series | None) -> bool:
    return flags is not None and 2 * int(flags.sum()) > flags.len()


def _judged(values: pl.Series, reason: str, texts: pl.Series) -> Read:
    failed = values.is_null()
    if failed.any():
        failed &= ~is_absent(texts)
    return Read(values, texts, failed, reason)


def _described(text: Text, layout: Layout, times: Times) -> tuple[str, ...]:
    """Say for people how the file is laid out."""
    if times.written == "epoch":
        kind = "MetaTrader5 package dump"
    elif times.written == "day first":
        kind = "ProfitChart"
    else:
        kind = "MetaTrader 5 export" if layout.date_and_time else "plain CSV"
    parts = [kind, f"{_DELIMITER_NAMES[layout.delimiter]} separated", text.encoding]
    if not layout.has_header:
        parts.append("no header")
    if layout.ignored:
        parts.append(f"not used: {' '.join(layout.ignored)}")
    return tuple(parts)
