"""Columns of a bar frame."""

from __future__ import annotations

import polars as pl

PRICES = ("open", "high", "low", "close")


VOLUMES = ("tick_volume", "real_volume", "spread")


BAR_SCHEMA = pl.Schema(
    {"time": pl.Datetime("us")}
    | {name: pl.Float64() for name in PRICES}
    | {name: pl.Int64() for name in VOLUMES}
)
