"""Manual labels: moves that a person marked."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import polars as pl

from alertlib.bars.readers.archives import unpack
from alertlib.bars.readers.encodings import decoded, one_ending
from alertlib.bars.readers.frames import as_polars
from alertlib.bars.readers.layouts import DELIMITERS
from alertlib.bars.readers.names import plain
from alertlib.bars.readers.parquet import is_parquet
from alertlib.bars.readers.table import one_line
from alertlib.bars.readers.times import parse_times
from alertlib.errors import DataError
from alertlib.market.clock import EXCHANGE_ZONE

_COLUMNS = ("time_start", "time_end", "direction")
_EXPECTED = "expected a label table (CSV or Parquet)"


def read_labels(source: Any) -> tuple[pl.DataFrame, str]:
    """Read a table of moves.

    Parameters
    ----------
    source : path, polars.DataFrame, pandas.DataFrame or the like
        Columns ``time_start``, ``time_end`` (opens of the move's first and last bar) and
        ``direction`` (1 or -1); others, such as ``note``, are passed over. Times are exchange
        wall clock in any of the forms of bars: datetimes or text, ISO or dd/mm/yyyy, with or
        without seconds and their fractions; with a zone or an offset they are converted. A file
        is Parquet by its ending, or text separated by comma, semicolon or tab in any encoding
        of bars. What :attr:`alertlib.Run.opportunities` writes can be read back.

    Returns
    -------
    labels : DataFrame
        Times as naive datetimes, direction as integer.
    where : str
        The table's name for messages.

    Raises
    ------
    DataError
        If the file cannot be read, a column is missing or of another type, or a move stands in
        the table twice.
    """
    if isinstance(source, (str, Path)):
        where = str(source)
        frame = _read_file(Path(source))
    else:
        where = "labels"
        if getattr(getattr(source, "index", None), "name", None) in _COLUMNS:
            source = source.reset_index()
        frame = as_polars(source, where)
    frame = frame.rename(_canonical(frame.columns))
    missing = [name for name in _COLUMNS if name not in frame.columns]
    if missing:
        # An unclosed quote makes a heading of half the file.
        found = ", ".join(" ".join(name.split())[:40] for name in frame.columns)
        raise DataError(
            f"{where}: column {missing[0]!r} is missing; expected {', '.join(_COLUMNS)} "
            f"and optionally note, got {found}"
        )
    times = [_times(frame, name, where) for name in _COLUMNS[:2]]
    direction = _whole(frame["direction"])
    if direction.null_count():
        row = direction.is_null().arg_max() or 0
        raise DataError(
            f"{where}: row {row + 1}: direction {frame['direction'][row]!r}; expected 1 or -1"
        )
    labels = pl.DataFrame([*times, direction.alias("direction")])
    _refuse_repeats(labels, where)
    return labels, where


def _canonical(headings: list[str]) -> dict[str, str]:
    """Map headings such as ``Time Start`` to the names of the columns they are."""
    found: dict[str, str] = {}
    for heading in headings:
        name = plain(heading).replace(" ", "_")
        if name in _COLUMNS and name not in headings and name not in found.values():
            found[heading] = name
    return found


def _read_file(path: Path) -> pl.DataFrame:
    if not path.is_file():
        raise DataError(f"{path}: no such file; {_EXPECTED}")
    # Polars may panic on a damaged Parquet file; pyarrow refuses it.
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        if is_parquet(path):
            return pl.DataFrame(pq.read_table(path))
        return _read_text(path)
    except (OSError, pa.ArrowException, pl.exceptions.PolarsError) as error:
        raise DataError(f"{path}: cannot be read ({one_line(error)}); {_EXPECTED}") from error


def _read_text(path: Path) -> pl.DataFrame:
    raw, _ = unpack(path.read_bytes(), str(path))
    body, _ = decoded(raw, str(path), notes=True)
    if not body.strip():
        raise DataError(f"{path}: cannot be read (it is empty); {_EXPECTED}")
    body = one_ending(body)
    first, _, rest = body.lstrip().decode().partition("\n")
    if first.strip().startswith("sep="):  # Excel's own hint
        first = rest.partition("\n")[0]
        body = rest.encode()
    frame = pl.read_csv(io.BytesIO(body.lstrip()), separator=_delimiter(first), infer_schema=False)
    # Blank lines, and rows that a spreadsheet has emptied.
    texts = pl.all().str.strip_chars().fill_null("")
    return frame.filter(pl.any_horizontal(texts != ""))


def _delimiter(header: str) -> str:
    """Return the sign by which a header falls into most of the columns there should be."""

    def known(delimiter: str) -> int:
        cells = next(csv.reader([header], delimiter=delimiter), [])
        return sum(plain(cell).replace(" ", "_") in _COLUMNS for cell in cells)

    return max((",", *DELIMITERS), key=known)


def _whole(column: pl.Series) -> pl.Series:
    """Return a column as integers, null where it is not one."""
    if column.dtype == pl.String:
        column = column.str.strip_chars().str.replace(r"^([+-]?\d+),0+$", "$1")
    numbers = column.cast(pl.Float64, strict=False)
    integers = numbers.cast(pl.Int64, strict=False)
    return integers.zip_with(integers == numbers, pl.Series([None], dtype=pl.Int64))


def _times(frame: pl.DataFrame, name: str, where: str) -> pl.Series:
    column = frame[name]
    if isinstance(column.dtype, (pl.String, pl.Categorical, pl.Enum)):
        texts = column.cast(pl.String).str.strip_chars().str.replace_all(r"\s+", " ")
        parsed = parse_times(texts, pl.int_range(1, frame.height + 1, eager=True), where).column
    elif isinstance(column.dtype, pl.Datetime):
        if column.dtype.time_zone is not None:
            column = column.dt.convert_time_zone(EXCHANGE_ZONE).dt.replace_time_zone(None)
        parsed = column.cast(pl.Datetime("us"))
    else:
        raise DataError(f"{where}: column {name!r} is {column.dtype}; expected times")
    if parsed.null_count():
        row = parsed.is_null().arg_max() or 0
        raise DataError(
            f"{where}: row {row + 1}: {name} {column[row]!r}; expected a time such as "
            "2026-01-05T10:15, exchange wall clock"
        )
    return parsed.alias(name)


def _refuse_repeats(labels: pl.DataFrame, where: str) -> None:
    first_row: dict[Any, int] = {}
    for row, (start, end, _) in enumerate(labels.iter_rows(), start=1):
        earlier = first_row.setdefault((start, end), row)
        if earlier != row:
            raise DataError(
                f"{where}: row {row}: the move from {start:%Y-%m-%d %H:%M} to {end:%H:%M} "
                f"stands in row {earlier} already; expected each move once; delete one of the rows"
            )
