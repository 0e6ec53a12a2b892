"""Bars from delimited text: MetaTrader 5, the MetaTrader5 package, ProfitChart, plain ISO CSV.

Lines are cut into columns of text first and parsed a column at a time, so that every cell that
cannot be read is known with its line, and a million lines take about two seconds.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from alertlib.bars.quality.findings import Finding, finding
from alertlib.bars.readers.choice import ANYTHING, Asked, choose_rows, labels_of
from alertlib.bars.readers.encodings import Text, load_text
from alertlib.bars.readers.heads import describe_head, find_head
from alertlib.bars.readers.layouts import Layout, says_contracts
from alertlib.bars.readers.numbers import Decimal, find_decimal, is_absent, parse_prices
from alertlib.bars.readers.symbols import known_tick
from alertlib.bars.readers.table import (
    SHOWN_CHARACTERS,
    Read,
    Table,
    table_rows,
)
from alertlib.bars.readers.times import Times, converted, is_epoch, parse_times
from alertlib.bars.readers.volumes import find_money, money_left_out, read_volume
from alertlib.bars.schema import PRICES, VOLUMES
from alertlib.config.schema import SymbolSpec
from alertlib.errors import DataError

_NEWLINE = 10
_UNIT_SEPARATOR = "\x1f"


@dataclass(frozen=True, eq=False, slots=True)
class _Cells:
    """The lines below the header, cut into trimmed texts by what they mean."""

    columns: dict[str, pl.Series]
    others: list[pl.Series]
    """Columns that are not bars': their numbers may tell the decimal sign."""
    numbers: pl.Series
    ragged: pl.DataFrame
    """``reason`` and ``value`` of each line, null where it has as many fields as it should."""


def read_delimited(
    path: Path, asked: Asked = ANYTHING, symbols: Sequence[SymbolSpec] = ()
) -> Table:
    """Read a delimited text file in whichever of the known layouts it is.

    Parameters
    ----------
    path : Path
    asked : Asked
        Whose rows to take, where there are those of several series. The tick of the stated
        symbol helps to tell the decimal sign.
    symbols : sequence of SymbolSpec
        The configuration's ``data.symbols``.

    Raises
    ------
    DataError
        The layout is not recognised, a column is missing, or prices or times can be read in
        more than one way.
    """
    where = str(path)
    head = find_head(load_text(path), asked.symbol, path)
    layout = head.layout
    cells = _cut(head.text, layout, path)
    chosen = choose_rows(cells.columns, asked, where)
    found = chosen.symbol or head.symbol
    times, findings = _times(cells, layout, where)
    localised = times.written == "day first" or layout.portuguese
    decimal = find_decimal(
        [cells.columns[name] for name in PRICES],
        localised,
        where,
        [*(cells.columns[name] for name in VOLUMES if name in cells.columns), *cells.others],
        known_tick(asked.symbol or found, symbols),
    )
    read = {"time": _judged(times.column, "not a time", _time_texts(cells))}
    for name in PRICES:
        texts = cells.columns[name]
        read[name] = _judged(parse_prices(texts, decimal), f"{name} is not a number", texts)
    volumes, money, notes = _volumes(cells, layout, decimal, localised)
    reason = cells.ragged["reason"]
    if chosen.reason is not None:
        reason = pl.select(pl.coalesce(reason, chosen.reason)).to_series()
    rows = table_rows(cells.numbers, read | volumes, reason, cells.ragged["value"])
    rows = rows.only(chosen.rows)
    return Table(
        rows.frame,
        rows.unread,
        row_word="line",
        layout=", ".join((*describe_head(head, times), *notes, *chosen.notes)),
        symbol=found,
        timeframe=chosen.timeframe,
        findings=(*findings, *money),
    )


def symbols_of_text(path: Path) -> list[str]:
    """Return the symbols that the rows of a delimited text file name, in order."""
    head = find_head(load_text(path), None, path)
    named = labels_of(_cut(head.text, head.layout, path).columns.get("symbol"))
    return named or ([] if head.symbol is None else [head.symbol])


def _volumes(
    cells: _Cells, layout: Layout, decimal: Decimal, localised: bool
) -> tuple[dict[str, Read], list[Finding], list[str]]:
    """Read the volumes there are, but for money, and report and note what was left out."""
    read, findings, notes = {}, [], []
    for name in VOLUMES:
        if name not in cells.columns:
            continue
        texts = cells.columns[name]
        sure = name != "real_volume" or says_contracts(layout)
        money = None if sure else find_money(texts, decimal, localised)
        if money is None:
            read[name] = read_volume(texts, name, decimal, localised)
        else:
            findings.append(money_left_out(layout.headings.get(name), texts.len(), money))
            notes.append(money.note)
    return read, findings, notes


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
    unused = set(range(layout.width)) - set(layout.columns.values())
    others = [frame[str(place)].str.strip_chars() for place in sorted(unused)]
    return _Cells(columns, others, pl.Series("row", lines), ragged)


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


def _times(cells: _Cells, layout: Layout, where: str) -> tuple[Times, tuple[Finding, ...]]:
    texts = _time_texts(cells)
    times = parse_times(texts, cells.numbers, where, utc=layout.utc)
    if times.offset:
        count = times.column.len() - times.column.null_count()
        zone = "UTC by their heading" if layout.utc else "offsets from UTC"
        return times, (converted(zone, count),)
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


def _judged(values: pl.Series, reason: str, texts: pl.Series) -> Read:
    failed = values.is_null()
    if failed.any():
        failed &= ~is_absent(texts)
    return Read(values, texts, failed, reason)
