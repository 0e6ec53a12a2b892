"""What was found in a series of bars: findings, quarantined rows and the verdict on them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

import polars as pl

from alertlib.market.clock import with_offset

Kind = Literal[
    "missing_first",
    "late_open",
    "gap",
    "short_session",
    "limit_lock",
    "duplicate",
    "bad_row",
    "feed_change",
    "after_close",
    "roll",
    "off_grid",
    "timeframe",
    "zone",
    "closes_for_opens",
    "non_trading_day",
    "filled",
    "outside_table",
    "mid_session_roll",
    "float32",
    "assumed_symbol",
]
Severity = Literal["info", "warning", "error"]

QUARANTINE_SCHEMA = pl.Schema(
    {
        "row": pl.Int64(),
        "time": pl.Datetime("us"),
        "reason": pl.String(),
        "value": pl.String(),
    }
)

# A file of a million bad rows must not become a report of a million lines.
_ROWS_LISTED = 100


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a reader of the figures should know about the bars.

    Attributes
    ----------
    kind : str
        One of :data:`Kind`.
    severity : {"info", "warning", "error"}
        ``error`` makes scoring unsafe and fails the data-quality guard rail.
    time : datetime or None
        Open time of the first bar concerned, exchange wall clock.
    date : date or None
        Session concerned; None for a finding about the whole series.
    count : int
        Bars, rows or sessions concerned, >= 1.
    message : str
        One line for people.
    """

    kind: Kind
    severity: Severity
    time: datetime | None
    date: date | None
    count: int
    message: str

    def to_dict(self) -> dict[str, Any]:
        """Return the finding as JSON-ready values."""
        return {
            "kind": self.kind,
            "severity": self.severity,
            "time": with_offset(self.time) if self.time else None,
            "date": self.date.isoformat() if self.date else None,
            "count": self.count,
            "message": self.message,
        }


def finding(
    kind: Kind, severity: Severity, time: datetime | None, count: int, message: str
) -> Finding:
    """Make a finding whose date is that of its time."""
    return Finding(kind, severity, time, time.date() if time else None, count, message)


@dataclass(frozen=True, eq=False, slots=True)
class Quality:
    """What is wrong, or merely unusual, with a series of bars.

    Attributes
    ----------
    findings : tuple of Finding
        What reading found; after :func:`alertlib.examine`, everything.
    quarantined : polars.DataFrame
        Rows left out of the bars, never repaired: ``row`` (line of a text file counted from 1,
        row of a table counted from 0), ``time`` (null where it could not be read), ``reason``
        and ``value``, what stood there.
    rows_read : int
        Rows the source held, quarantined and duplicated ones included.
    layout : str
        How the source was laid out, for people: ``"MetaTrader 5 export, tab separated, UTF-8"``.
    """

    findings: tuple[Finding, ...]
    quarantined: pl.DataFrame
    rows_read: int
    layout: str

    @property
    def clean(self) -> bool:
        """Whether scoring on these bars is safe: no finding of severity ``error``."""
        return all(found.severity != "error" for found in self.findings)

    def of_kind(self, kind: Kind) -> tuple[Finding, ...]:
        """Return the findings of one kind."""
        return tuple(found for found in self.findings if found.kind == kind)

    def with_findings(self, more: Iterable[Finding]) -> Quality:
        """Return the same with ``more`` findings after the present ones."""
        return Quality((*self.findings, *more), self.quarantined, self.rows_read, self.layout)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON-ready values; of the quarantined rows the first 100."""
        listed = self.quarantined.head(_ROWS_LISTED).to_dicts()
        for row in listed:
            row["time"] = None if row["time"] is None else with_offset(row["time"])
        return {
            "clean": self.clean,
            "layout": self.layout,
            "rows_read": self.rows_read,
            "quarantined": self.quarantined.height,
            "quarantined_rows": listed,
            "findings": [found.to_dict() for found in self.findings],
        }
