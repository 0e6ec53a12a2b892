"""What the trades came to, one after the other."""

from __future__ import annotations

from typing import Literal, NamedTuple

import polars as pl

Unit = Literal["points", "r"]
# Column of a trade's result in each unit.
RESULTS: dict[Unit, str] = {"points": "pnl_points", "r": "r"}


def equity_frame(trades: pl.DataFrame) -> pl.DataFrame:
    """Return the running total of the trades, in the order in which they ended.

    Trades overlap: each is booked when it ends, those of one bar in order of delivery. What was
    won and lost on the way is not in it, see :func:`alertlib.study.excursions.excursion_frame`.

    Parameters
    ----------
    trades : DataFrame
        ``trades`` of a run.

    Returns
    -------
    DataFrame
        ``trade`` (1 for the first), ``alert_id pattern direction entry_time exit_time
        exit_reason``; ``pnl_points`` (points, net of slippage and fees) and ``r`` (the same over
        the distance from the alert's price to its stop); ``equity_points equity_r``, their
        running totals; ``drawdown_points drawdown_r``, how far each total lies below the highest
        so far, the start at 0 included: 0 or negative.
    """
    ordered = trades.sort("exit_time", maintain_order=True)
    totals = ordered.select(
        "alert_id", "pattern", "direction", "entry_time", "exit_time", "exit_reason",
        "pnl_points", "r",
    ).with_columns(
        **{f"equity_{unit}": pl.col(column).cum_sum() for unit, column in RESULTS.items()}
    )  # fmt: skip
    return totals.with_columns(
        **{f"drawdown_{unit}": _below_highest(f"equity_{unit}") for unit in RESULTS}
    ).select(pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias("trade"), pl.all())


def _below_highest(equity: str) -> pl.Expr:
    return pl.col(equity) - pl.col(equity).cum_max().clip(lower_bound=0.0)


class Drawdown(NamedTuple):
    """The deepest fall of a running total.

    Attributes
    ----------
    depth : float
        From the highest total before to the lowest after it; 0 or positive.
    peak, trough : int
        Trades after which it began and was deepest; 0 for the start.
    """

    depth: float
    peak: int
    trough: int


def deepest_drawdown(equity: pl.DataFrame, unit: Unit) -> Drawdown:
    """Return the deepest drawdown of :func:`equity_frame`, the first of equal ones."""
    below = equity[f"drawdown_{unit}"]
    lowest = below.arg_min()
    if lowest is None or below[lowest] == 0.0:
        return Drawdown(0.0, 0, 0)
    before = equity[f"equity_{unit}"][: lowest + 1]
    highest = before.arg_max()
    assert highest is not None
    peak = highest + 1 if before[highest] > 0.0 else 0
    return Drawdown(-below[lowest], peak, lowest + 1)
