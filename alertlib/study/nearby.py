"""Alerts around a bar, delivered and held back."""

from __future__ import annotations

import polars as pl

from alertlib.study.record import Record


def nearby_frame(record: Record, bar: int, first: int, stop: int) -> pl.DataFrame:
    """Return the alerts at bars ``first`` to ``stop - 1``.

    Returns
    -------
    DataFrame
        ``offset`` (bars from ``bar``), ``time`` (open of the bar), ``pattern direction
        delivered``, ``policy`` (what it did, in words).
    """
    alerts, rows = record.alerts, record.rows(first, stop)
    bars = alerts.bar[rows.start : rows.stop]
    return pl.DataFrame(
        {
            "offset": bars - bar,
            "time": record.scored.detected.series.times(bars),
            "pattern": pl.Series([record.pattern(row) for row in rows], dtype=pl.String),
            "direction": alerts.direction[rows.start : rows.stop],
            "delivered": alerts.reason[rows.start : rows.stop] == 0,
            "policy": pl.Series([record.policy(row) for row in rows], dtype=pl.String),
        }
    )
