"""Alerts, opportunities and trades as Polars frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from alertlib.kernels.policy import REASONS
from alertlib.scoring.alert_values import alert_values
from alertlib.scoring.batch import AlertColumns
from alertlib.scoring.labels import move_frame
from alertlib.scoring.matching import Match
from alertlib.scoring.scored import Detected, Scored
from alertlib.scoring.tables import Table
from alertlib.scoring.trades import EXIT_REASONS, Trades, simulate

OUTCOMES = ("tp", "fp", "redundant")


ALERT_SCHEMA = pl.Schema(
    {
        "id": pl.String(),
        "time": pl.Datetime("us"),
        "bar_time": pl.Datetime("us"),
        "pattern": pl.String(),
        "direction": pl.Int64(),
        "severity": pl.String(),
        "confidence": pl.Float64(),
        "price": pl.Float64(),
        "entry_min": pl.Float64(),
        "entry_max": pl.Float64(),
        "stop": pl.Float64(),
        "target": pl.Float64(),
        "risk_reward": pl.Float64(),
        "agreeing": pl.List(pl.String()),
    }
)


def alert_frame(detected: Detected, alerts: AlertColumns) -> pl.DataFrame:
    """Return :func:`~alertlib.scoring.alert_values.alert_values` as a frame."""
    values = alert_values(detected.series, detected.rules, alerts)
    return Table(values | {"agreeing": _lists(values["agreeing"])}, schema=ALERT_SCHEMA)


def _lists(values: Sequence[tuple[str, ...]]) -> pl.Series:
    """Return lists of text as a column; of the few there are, Polars makes each once."""
    places = {value: place for place, value in enumerate(dict.fromkeys(values))}
    kinds = pl.Series(list(places), dtype=pl.List(pl.String))
    return kinds.gather([places[value] for value in values])


def scored_alert_frame(scored: Scored) -> pl.DataFrame:
    """Return every delivered alert of the file with its outcome and its trade.

    Alerts of sessions that are not scored say ``unscored``; they have a trade where one was
    possible. Censored ones have none.
    """
    detected = scored.detected
    delivered = detected.delivered
    outcome = np.full(len(delivered), "unscored", dtype=object)
    outcome[scored.rows] = np.array(OUTCOMES, dtype=object)[scored.match.outcome]
    outcome[scored.censored] = "censored"
    trades = simulate(
        detected.series, delivered.bar, delivered.direction, delivered.stop, delivered.target,
        scored.settings.trade,
    )  # fmt: skip
    traded = trades.filled & (outcome != "censored")
    known = _trade_columns(detected, delivered, trades).select(TRADE_COLUMNS)
    shown = known.select(pl.when(pl.Series(traded)).then(pl.all()).otherwise(None))
    opportunity = np.full(len(delivered), -1, dtype=np.int64)
    opportunity[scored.rows] = scored.match.opportunity
    return alert_frame(detected, delivered).with_columns(
        *shown.get_columns(),
        pl.Series("outcome", outcome.tolist(), dtype=pl.String),
        pl.Series("opportunity_id", [o if o >= 0 else None for o in opportunity.tolist()],
                  dtype=pl.Int64),
    )  # fmt: skip


def suppressed_frame(scored: Scored) -> pl.DataFrame:
    """Return the alerts the policy held back, each with its ``reason``."""
    held = scored.detected.suppressed
    reasons = [REASONS[r] for r in held.reason.tolist()]
    return alert_frame(scored.detected, held).with_columns(
        pl.Series("reason", reasons, dtype=pl.String)
    )


TRADE_COLUMNS = (
    "entry_time", "entry_price", "exit_time", "exit_price", "exit_reason", "pnl_points",
)  # fmt: skip


def trade_frame(scored: Scored) -> pl.DataFrame:
    """Return the trades of the scored alerts, one row each, in order of delivery."""
    filled = np.flatnonzero(scored.trades.filled)
    trades, alerts = scored.trades.only(filled), scored.alerts.only(filled)
    ids = alert_frame(scored.detected, alerts)
    return _trade_columns(scored.detected, alerts, trades).insert_column(
        0, ids["id"].alias("alert_id")
    ).insert_column(1, ids["pattern"])  # fmt: skip


def _trade_columns(detected: Detected, alerts: AlertColumns, trades: Trades) -> pl.DataFrame:
    series = detected.series
    price = series.price
    opened = series.open[trades.entry]
    outside = (opened < alerts.entry_min) | (opened > alerts.entry_max)
    risk = price(np.abs(series.close[alerts.bar] - alerts.stop))
    return pl.DataFrame(
        {
            "direction": alerts.direction,
            "entry_time": series.times(trades.entry),
            "entry_price": price(trades.entry_price),
            "exit_time": series.times(trades.exit),
            "exit_price": price(trades.exit_price),
            "exit_reason": pl.Series(
                [EXIT_REASONS[r] for r in trades.reason.tolist()], dtype=pl.String
            ),
            "pnl_points": trades.points,
            "r": trades.points / risk,
            "mfe_points": trades.best,
            "mae_points": trades.worst,
            "ambiguous": trades.ambiguous,
            "outside_entry_band": outside,
        }
    )


def opportunity_frame(scored: Scored) -> pl.DataFrame:
    """Return the opportunities of the scored sessions and whether they were captured."""
    captured_by = _ids_of(scored, scored.match)
    moves = move_frame(scored.detected.series, scored.moves, scored.detected.atr)
    return moves.with_row_index("opportunity_id").with_columns(
        pl.col("opportunity_id").cast(pl.Int64),
        captured=pl.Series(scored.match.captured),
        alert_id=pl.Series(captured_by, dtype=pl.String),
    )


def _ids_of(scored: Scored, match: Match) -> list[str | None]:
    ids = alert_frame(scored.detected, scored.alerts)["id"].to_list()
    return [ids[alert] if alert >= 0 else None for alert in match.captured_by.tolist()]


def write_alerts(frame: pl.DataFrame, path: Any) -> None:
    """Write an alert table as Parquet or CSV, by the ending of ``path``.

    A CSV joins ``agreeing`` with ``|``.
    """
    if str(path).lower().endswith(".csv"):
        Table(frame).write_csv(path, datetime_format="%Y-%m-%dT%H:%M:%S")
    else:
        frame.write_parquet(path)


__all__ = [
    "Trades",
    "alert_frame",
    "opportunity_frame",
    "scored_alert_frame",
    "suppressed_frame",
    "trade_frame",
    "write_alerts",
]
