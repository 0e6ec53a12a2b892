"""The price grid of a series, read off its own prices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import gcd

import numpy as np
import polars as pl
from numpy.typing import NDArray

from alertlib.bars.quality.findings import Finding, finding
from alertlib.bars.schema import PRICES
from alertlib.market.ticks import Grid, decimal_grid, tick_grid

Columns = Sequence[NDArray[np.float64]]

MAX_DECIMALS = 6

# Below this share of prices on the tick a series is adjusted; above it, it has a few bad prices.
ADJUSTED_BELOW = 0.99

# Prices are decimals in their files, so the distance of a float from the nearest multiple of the
# quantum is either rounding (a few times 1e-16 of the price) or real (at least 1e-6 points).
_ROUNDING = 1e-13

_BLOCK = 65_536


def infer_grid(prices: NDArray[np.float64], tick: float | None) -> tuple[Grid, float]:
    """Find the integer scale of a series' prices.

    Parameters
    ----------
    prices : array of float, any shape
        Every price of the series in points, finite and positive.
    tick : float or None
        The instrument's tick in points; None to take the greatest common divisor of the prices.

    Returns
    -------
    grid : Grid
        The tick grid if every price lies on it. Otherwise a decimal grid fine enough for the
        prices, with ``on_tick`` False where less than 99 % lie on the tick (an adjusted series).
    share : float
        Share of the prices on the tick, in [0, 1]. For an inferred tick, the share of prices
        of at most six decimals.
    """
    return _infer([prices.ravel(order="K")], tick)


def _infer(columns: Columns, tick: float | None) -> tuple[Grid, float]:
    if tick is None:
        return _common_divisor(columns)
    grid = tick_grid(tick)
    share = share_on(columns, grid)
    if share == 1.0:
        return grid, share
    return replace(decimal_grid(_decimals(columns), tick), on_tick=share >= ADJUSTED_BELOW), share


def on_grid(prices: NDArray[np.float64], grid: Grid) -> NDArray[np.bool_]:
    """Return which prices are whole multiples of the grid's tick."""
    step, scale = grid.per_tick * grid.numerator, grid.denominator
    nearest: NDArray[np.float64] = np.rint(prices * scale / step) * step / scale
    close: NDArray[np.bool_] = np.abs(nearest - prices) <= _ROUNDING * prices
    return close


def check_grid(bars: pl.DataFrame, known: Grid | None) -> tuple[Grid, tuple[Finding, ...]]:
    """Find the grid of a series and report the prices that are off it.

    Parameters
    ----------
    bars : polars.DataFrame
        Checked bars, at least one.
    known : Grid or None
        The instrument's tick grid, where its tick is known.
    """
    columns = [bars[name].to_numpy() for name in PRICES]
    grid, share = _infer(columns, known.tick if known else None)
    if share == 1.0:
        return grid, ()
    step, prices = known or grid, np.column_stack(columns)
    on = np.logical_and.reduce([on_grid(column, step) for column in columns])
    rows = np.flatnonzero(~on)
    first = int(rows[0])
    time, price = bars["time"][first], prices[first][~on_grid(prices[first], step)][0]
    kind = "bad prices" if grid.on_tick else "an adjusted series"
    message = (
        f"{rows.size:,} of {bars.height:,} bars have prices off the grid of {step.tick:g} points "
        f"({share:.1%} of prices on it: {kind}), the first {price:.10g} at {time:%Y-%m-%d %H:%M}"
    )
    return grid, (finding("off_grid", "error", time, int(rows.size), message),)


def _blocks(columns: Columns) -> Iterator[NDArray[np.float64]]:
    """Cut prices into pieces whose intermediate results stay in cache, and small."""
    for prices in columns:
        yield from (prices[start : start + _BLOCK] for start in range(0, prices.size, _BLOCK))


def share_on(columns: Columns, grid: Grid) -> float:
    """Return the share of prices on the grid's tick, in [0, 1]; 1 of none."""
    size = sum(prices.size for prices in columns)
    count = sum(int(np.count_nonzero(on_grid(block, grid))) for block in _blocks(columns))
    return count / size if size else 1.0


def _decimals(columns: Columns) -> int:
    for decimals in range(MAX_DECIMALS):
        if all(on_grid(block, Grid(1, 10**decimals)).all() for block in _blocks(columns)):
            return decimals
    return MAX_DECIMALS


def _common_divisor(columns: Columns) -> tuple[Grid, float]:
    scale = 10 ** _decimals(columns)
    decimal = Grid(1, scale)
    divisor = 0
    for block in _blocks(columns):
        exact = block[on_grid(block, decimal)]
        whole = np.rint(exact * scale).astype(np.int64)
        divisor = gcd(divisor, int(np.gcd.reduce(whole, initial=0)))
    divisor = divisor or 1
    common = gcd(divisor, scale)
    return Grid(divisor // common, scale // common), share_on(columns, decimal)
