"""What every reader hands over: typed columns, the row each came from, and what it learnt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import polars as pl

from alertlib.bars.quality.findings import Finding
from alertlib.bars.schema import BAR_SCHEMA, VOLUMES

TABLE_SCHEMA = pl.Schema(
    {"row": pl.Int64(), **BAR_SCHEMA, "reason": pl.String(), "value": pl.String()}
)

UNREAD_SCHEMA = pl.Schema({"row": pl.Int64(), "reason": pl.String(), "value": pl.String()})

SHOWN_CHARACTERS = 60
"""How much of a source's text messages repeat."""

NOT_WHOLE = "{} is not a whole number of 64 bits"
"""Reason for a volume that cannot be one."""


@dataclass(frozen=True, eq=False, slots=True)
class Table:
    """Rows as the source holds them: typed, not yet judged.

    Attributes
    ----------
    frame : polars.DataFrame
        :data:`TABLE_SCHEMA`, in the source's order. ``row`` is the place in the source;
        ``reason`` says what in the row could not be read (null where all of it could) and
        ``value`` what stood there.
    unread : polars.DataFrame
        :data:`UNREAD_SCHEMA`: volumes that could not be read, and are null in ``frame``. The
        bar is one all the same: its time and prices are sound.
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
    unread: pl.DataFrame
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


class Rows(NamedTuple):
    """``frame`` and ``unread`` of a :class:`Table`."""

    frame: pl.DataFrame
    unread: pl.DataFrame

    def only(self, rows: pl.Series | None) -> Rows:
        """Keep the rows marked; all where None is given."""
        if rows is None:
            return self
        frame = self.frame.filter(rows)
        return Rows(frame, self.unread.join(frame.select("row"), on="row", how="semi"))


def table_rows(
    rows: pl.Series,
    read: Mapping[str, Read],
    reason: pl.Series | None = None,
    value: pl.Series | None = None,
) -> Rows:
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
    nothing = pl.repeat(None, rows.len(), dtype=pl.String, eager=True)
    reason = nothing if reason is None else reason
    value = nothing if value is None else value
    unread = [UNREAD_SCHEMA.to_frame()]
    for name, column in read.items():
        if column.failed is None or not column.failed.any():
            continue
        if name in VOLUMES:
            unread.append(_unread(rows, column))
            continue
        new = column.failed & reason.is_null()
        got = column.source.cast(pl.String).str.head(SHOWN_CHARACTERS)
        reason, value = pl.select(
            reason=pl.when(new).then(pl.lit(column.reason)).otherwise(reason),
            value=pl.when(new).then(got).otherwise(value),
        )
    columns = {name: column.values for name, column in read.items()}
    frame = pl.DataFrame({"row": rows, **columns, "reason": reason, "value": value})
    absent = [pl.lit(None).alias(name) for name in VOLUMES if name not in columns]
    frame = frame.with_columns(absent).select(
        pl.col(name).cast(kind) for name, kind in TABLE_SCHEMA.items()
    )
    return Rows(frame, pl.concat(unread))


def _unread(rows: pl.Series, column: Read) -> pl.DataFrame:
    assert column.failed is not None
    got = column.source.filter(column.failed).cast(pl.String).str.head(SHOWN_CHARACTERS)
    return pl.DataFrame(
        {"row": rows.filter(column.failed), "reason": column.reason, "value": got},
        schema=UNREAD_SCHEMA,
    )


def one_line(error: BaseException) -> str:
    """Return the first line of a library's message, cut to a length people read."""
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else "no reason given"
