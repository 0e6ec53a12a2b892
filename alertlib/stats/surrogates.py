"""Coin-flip bars: the same file with every bar's move turned up or down by a coin.

They keep each bar's size, the clock and the clusters of volatility, and destroy direction: what a
detector still scores on them is chance.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl

from alertlib._typing import Ints
from alertlib.bars.arguments import expect_bars
from alertlib.bars.bars import Bars
from alertlib.bars.schema import PRICES
from alertlib.bars.series import Series, make_series


def mirror(series: Series, flip: Ints) -> Series:
    """Reflect the chosen bars about the close before them, and rebuild the path.

    Parameters
    ----------
    series : Series
    flip : int64, one per bar
        +1 keeps a bar, -1 reflects it: its open, high, low and close relative to the previous
        close, a night's gap included, change sign.

    Returns
    -------
    Series
        The same bars on the same grid; a flip of all ones is the file itself, and flipping
        twice is the file again.
    """
    if len(series) == 0:
        return series
    before = np.concatenate([series.open[:1], series.close[:-1]])
    moves = flip * (series.close - before)
    close = series.open[0] + np.cumsum(moves)
    base = np.concatenate([series.open[:1], close[:-1]])
    up = series.high - before
    down = series.low - before
    kept = flip > 0
    high = base + np.where(kept, up, -down)
    low = base + np.where(kept, down, -up)
    open_ = base + flip * (series.open - before)
    # A path that comes near zero is lifted as a whole: every rule here reads differences.
    lift = max(0, 1 + int(-low.min()))
    return series.with_prices(open_ + lift, high + lift, low + lift, close + lift)


def coin_flips(bars: int, rng: np.random.Generator) -> Ints:
    """Return a fair coin for each bar, as +1 and -1."""
    flips: Ints = 2 * rng.integers(0, 2, size=bars) - 1
    return flips


def coin_flip_bars(bars: Bars, seed: int = 1) -> Bars:
    """Return ``bars`` without direction: whatever is found in them is luck.

    Parameters
    ----------
    bars : Bars
    seed : int
        Of the coins, >= 0.

    Returns
    -------
    Bars
        Those within their sessions, with times and volumes as they were, marked synthetic.

    Raises
    ------
    DataError
        If ``bars`` are something else.
    """
    expect_bars(bars)
    series = make_series(bars)
    flipped = mirror(series, coin_flips(len(series), np.random.default_rng(seed)))
    moved = [pl.Series(name, series.price(getattr(flipped, name))) for name in PRICES]
    frame = series.times().alias("time").to_frame().join(bars.frame, on="time", how="left")
    return replace(
        bars, frame=frame.with_columns(moved), source=f"coin-flip bars of {bars.source}",
        declared_synthetic=True,
    )  # fmt: skip
