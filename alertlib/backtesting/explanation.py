"""Why an alert was made, how it was scored, and why a move was missed."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from alertlib.errors import DataError
from alertlib.kernels.policy import REASONS
from alertlib.scoring.frames import alert_frame
from alertlib.scoring.tables import Table

if TYPE_CHECKING:
    from alertlib.scoring.scored import Scored

OUTCOME_TEXTS = {
    "tp": "captured a move not captured before",
    "fp": "valid for no move",
    "redundant": "valid, but for moves already captured",
    "censored": "the data end before its outcome is known",
    "unscored": "its session is not scored",
}


def suppressed_frame(scored: Scored) -> pl.DataFrame:
    """Return the alerts the policy held back, each with its ``reason``."""
    held = scored.detected.suppressed
    reasons = [REASONS[r] for r in held.reason.tolist()]
    return alert_frame(scored.detected, held).with_columns(
        pl.Series("reason", reasons, dtype=pl.String)
    )


def missed_frame(scored: Scored, opportunities: pl.DataFrame) -> pl.DataFrame:
    """Return the missed moves with the alerts that the policy held back during each.

    Columns of the opportunity frame, and ``suppressed``: how many alerts valid for the move were
    made and not delivered, ``reasons``: why, by reason.
    """
    held = scored.detected.suppressed
    found = scored.validity.of(held.bar, held.direction)
    missed = np.flatnonzero(~scored.match.captured)
    counts, reasons = [], []
    for move in missed.tolist():
        why = held.reason[(found == move).any(axis=1)]
        counts.append(len(why))
        reasons.append(sorted({REASONS[r] for r in why.tolist()}))
    return Table(opportunities[missed]).with_columns(
        pl.Series("suppressed", counts, dtype=pl.Int64),
        pl.Series("reasons", reasons, dtype=pl.List(pl.String)),
    )


@dataclass(frozen=True, repr=False)
class Explanation:
    """One alert with its trade, its verdict and the move nearest to it.

    Attributes
    ----------
    alert : dict
        Row of ``Run.alerts``.
    move : dict or None
        The opportunity it belongs to, or the nearest one of its session and direction.
    why : str
        The verdict in words.
    """

    alert: dict[str, Any]
    move: dict[str, Any] | None
    why: str

    def __repr__(self) -> str:
        a = self.alert
        lines = [
            f"{a['pattern']} {'up' if a['direction'] > 0 else 'down'} at {a['time']} "
            f"({a['severity']}, confidence {a['confidence']:.2f}), id {a['id']}",
            f"  price {a['price']:.10g}, entry {a['entry_min']:.10g}-{a['entry_max']:.10g}, "
            f"stop {a['stop']:.10g}, target {a['target']:.10g}",
            f"  agreeing: {', '.join(a['agreeing']) or 'none'}",
            f"  outcome {a['outcome']}: {self.why}",
        ]
        if a["entry_time"] is not None:
            lines.append(
                f"  trade {a['entry_time']} at {a['entry_price']:.10g} -> {a['exit_time']} at "
                f"{a['exit_price']:.10g} by {a['exit_reason']}: {a['pnl_points']:+.2f} points"
            )
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return f"<pre>{escape(repr(self))}</pre>"


def explain_alert(alerts: pl.DataFrame, moves: pl.DataFrame, alert_id: str) -> Explanation:
    """Return the explanation of one alert.

    Parameters
    ----------
    alerts, moves : DataFrame
        ``alerts`` and ``opportunities`` of a run.
    alert_id : str
        Its id, or the first digits of it.

    Raises
    ------
    DataError
        If no delivered alert has this id, or several do.
    """
    rows = alerts.filter(pl.col("id").str.starts_with(alert_id))
    if rows.height != 1:
        raise DataError(
            f"alert {alert_id!r}: {rows.height} delivered alerts have this id; "
            "expected the first digits of one, see run.alerts['id']"
        )
    alert = rows.row(0, named=True)
    if alert["opportunity_id"] is not None:
        move = moves.row(alert["opportunity_id"], named=True)
        return Explanation(alert, move, _hit(alert, move))
    why = OUTCOME_TEXTS[alert["outcome"]]
    if alert["outcome"] != "fp":
        return Explanation(alert, None, why)
    day = alert["bar_time"].date()
    near = moves.filter(pl.col("time_start").dt.date() == day).with_columns(
        (pl.col("time_start") - alert["bar_time"]).abs().alias("_away")
    )
    same = near.filter(pl.col("direction") == alert["direction"]).sort("_away").drop("_away")
    if same.height == 0:
        return Explanation(alert, None, f"{why}: its session has no move of its direction")
    move = same.row(0, named=True)
    return Explanation(alert, move, f"{why}: {_distance(alert, move)}")


def _hit(alert: dict[str, Any], move: dict[str, Any]) -> str:
    return (
        f"{OUTCOME_TEXTS[alert['outcome']]}: move {move['opportunity_id']} of "
        f"{move['points']:.10g} points from {move['time_start']:%H:%M} to {move['time_end']:%H:%M}"
    )


def _distance(alert: dict[str, Any], move: dict[str, Any]) -> str:
    span = f"{move['time_start']:%H:%M} to {move['time_end']:%H:%M}"
    minutes = (move["time_start"] - alert["bar_time"]).total_seconds() / 60
    if minutes > 0:
        return f"the nearest move ({span}) starts {minutes:.0f} minutes later"
    if alert["bar_time"] >= move["time_end"]:
        return f"the nearest move ({span}) was over"
    return f"too little was left of the nearest move ({span}) at the next open"
