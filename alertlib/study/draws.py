"""Every run of the nulls, as a frame."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from alertlib.stats.nulls import CoinFlipRates, NullRates

_RATES = ("capture_rate", "false_positive_share", "win_rate")
SCHEMA = pl.Schema(
    {
        "null": pl.String(), "run": pl.Int64(), **dict.fromkeys(_RATES, pl.Float64()),
        "expectancy_points": pl.Float64(), "alerts": pl.Int64(),
    }
)  # fmt: skip


def draw_frame(rates: Mapping[str, NullRates]) -> pl.DataFrame:
    """Return what each run of each null scored.

    Parameters
    ----------
    rates : mapping of str to NullRates
        By null; empty where the nulls were not run.

    Returns
    -------
    DataFrame
        ``null``, ``run`` (from 0), ``capture_rate false_positive_share win_rate`` (shares of 1);
        ``expectancy_points`` (net points per trade) and ``alerts`` of coin-flip bars, null for
        the others. Null where undefined, which counts as worse than what was observed.
    """
    frames = []
    for null, drawn in rates.items():
        columns = {name: drawn.of(name) for name in _RATES}
        runs = len(drawn.capture_rate)
        frame = pl.DataFrame({"run": np.arange(runs), **columns})
        coins = isinstance(drawn, CoinFlipRates)
        frames.append(
            frame.select(
                pl.lit(null).alias("null"), pl.all(),
                *(
                    (pl.Series(name, drawn.of(name)) if coins else pl.lit(None).alias(name))
                    for name in ("expectancy_points", "alerts")
                ),
            ).cast(SCHEMA)
        )  # fmt: skip
    return pl.concat([SCHEMA.to_frame(), *frames]).with_columns(pl.col(pl.Float64).fill_nan(None))
