"""How far each trade went for and against itself."""

from __future__ import annotations

from typing import Literal

import numpy as np
import polars as pl

from alertlib.scoring.frames import OUTCOMES, trade_frame
from alertlib.scoring.scored import Scored

By = Literal["exit_reason", "outcome"]


def excursion_frame(scored: Scored) -> pl.DataFrame:
    """Return the largest excursion of every trade of the scored alerts, in order of delivery.

    Excursions are counted from the fill, slippage included, over the bars from the entry to the
    exit; the exit's bar counts whole, so that a stopped trade may have gone further than its stop.

    Parameters
    ----------
    scored : Scored

    Returns
    -------
    DataFrame
        ``alert_id pattern direction entry_time exit_time exit_reason outcome``, ``pnl_points r``
        (net), ``bars`` (from the entry's to the exit's, both counted); ``mfe_points mae_points``
        (largest excursion for and against the trade, points) and ``mfe_r mae_r`` (over ``risk``);
        ``risk_points target_points`` (from the alert's price to its stop and to its target) and
        ``target_r``. Excursions against a trade are negative, unless it was never behind.
    """
    trades = trade_frame(scored)
    filled = np.flatnonzero(scored.trades.filled)
    alerts, series = scored.alerts, scored.detected.series
    close = series.close[alerts.bar[filled]]
    outcomes = [OUTCOMES[o] for o in scored.match.outcome[filled].tolist()]
    return trades.select(
        "alert_id", "pattern", "direction", "entry_time", "exit_time", "exit_reason",
        pl.Series("outcome", outcomes, dtype=pl.String), "pnl_points", "r",
        pl.Series("bars", scored.trades.exit[filled] - scored.trades.entry[filled] + 1),
        "mfe_points", "mae_points",
        pl.Series("risk_points", series.price(np.abs(close - alerts.stop[filled]))),
        pl.Series("target_points", series.price(np.abs(alerts.target[filled] - close))),
    ).with_columns(
        mfe_r=pl.col("mfe_points") / pl.col("risk_points"),
        mae_r=pl.col("mae_points") / pl.col("risk_points"),
        target_r=pl.col("target_points") / pl.col("risk_points"),
    )  # fmt: skip
