"""What every reader hands over: typed columns, the row each came from, and what it learnt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import polars as pl

from alertlib.bars.quality.findings import Finding
from alertlib.bars.schema import BAR_SCHEMA, VOLUMES
from alertlib.errors import DataError

TABLE_SCHEMA = pl.Schema(
    {"row": pl.Int64(), **BAR_SCHEMA, "reason": pl.String(), "value": pl.String()}
)

SHOWN_CHARACTERS = 60
"""How much of a source's text messages repeat."""

NOT_WHOLE = "{} is not a whole number of 64 bits"
"""Reason for a row whose volume cannot be one."""


@dataclass(frozen=True, eq=False, slots=True)
class Table:
    """Rows as the source holds them: typed, not yet judged.

    Attributes
    ----------
    frame : polars.DataFrame
        :data:`TABLE_SCHEMA`, in the source's order. ``row`` is the place in the source;
        ``reason`` says what in the row could not be read (null where all of it could) and
        ``value`` what stood there.
    row_word : str
        ``"line"`` for text, counted from 1; ``"row"`` for tables, counted from 0.
    layout : str
        How the source was laid out, for people.
    symbol, timeframe : str or None
        As the source states them in a column or a partition.
    synthetic : bool
        Whether the source declares itself synthetic.
    findings : tuple of Finding
        What only the reader could see, such as a conversion between zones.
    """

    frame: pl.DataFrame
    row_word: str
    layout: str
    symbol: str | None = None
    timeframe: str | None = None
    synthetic: bool = False
    findings: tuple[Finding, ...] = ()


class Read(NamedTuple):
    """A column of the table as read, and which of the source's values it could not take."""

    values: pl.Series
    source: pl.Series
    failed: pl.Series | None = None
    reason: str = ""


def table_frame(
    rows: pl.Series,
    read: Mapping[str, Read],
    reason: pl.Series | None = None,
    value: pl.Series | None = None,
) -> pl.DataFrame:
    """Put columns together with the first thing that could not be read in each row.

    Parameters
    ----------
    rows : polars.Series of int
        Place of each row in the source.
    read : mapping of str to Read
        Time, prices and those volumes the source has; the others become null.
    reason, value : polars.Series of str, optional
        What is already known to be wrong with rows, and what stood there.
    """
    if reason is None or value is None:
        reason = value = pl.repeat(None, rows.len(), dtype=pl.String, eager=True)
    for column in read.values():
        if column.failed is not None and column.failed.any():
            new = column.failed & reason.is_null()
            got = column.source.cast(pl.String).str.head(SHOWN_CHARACTERS)
            reason, value = pl.select(
                reason=pl.when(new).then(pl.lit(column.reason)).otherwise(reason),
                value=pl.when(new).then(got).otherwise(value),
            )
    columns = {name: column.values for name, column in read.items()}
    frame = pl.DataFrame({"row": rows, **columns, "reason": reason, "value": value})
    absent = [pl.lit(None).alias(name) for name in VOLUMES if name not in columns]
    return frame.with_columns(absent).select(
        pl.col(name).cast(kind) for name, kind in TABLE_SCHEMA.items()
    )


def one_label(column: pl.Series | None, what: str, where: str) -> str | None:
    """Return the one value of a label column (symbol, timeframe), or refuse several."""
    if column is None or column.dtype not in (pl.String, pl.Categorical, pl.Enum):
        return None
    values = column.cast(pl.String).str.strip_chars().replace("", None)
    found = values.drop_nulls().unique().sort().to_list()
    if len(found) > 1:
        raise DataError(
            f"{where}: {len(found)} values in column `{column.name}` ({', '.join(found[:6])}); "
            f"expected one {what}; keep the rows of one {what}"
        )
    return found[0] if found else None


def one_line(error: BaseException) -> str:
    """Return the first line of a library's message, cut to a length people read."""
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else "no reason given"
