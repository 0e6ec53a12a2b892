"""The price grid of a series, read off its own prices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import ceil, floor, gcd, log10

import numpy as np
from numpy.typing import NDArray

from alertlib.market.ticks import Grid, decimal_grid, tick_grid

Columns = Sequence[NDArray[np.float64]]
"""Prices in arrays of one axis, looked at without being put together."""

MAX_DECIMALS = 6
"""Decimals a tick may have at prices from 1 to 300,000; see :func:`most_decimals`."""

# Below this share of prices on the tick a series is adjusted; above it, it has a few bad prices.
ADJUSTED_BELOW = 0.99

# Prices are decimals in their files, so the distance of a float from the nearest multiple of the
# quantum is either rounding (a few times 1e-16 of the price) or real (at least 1e-6 points).
_ROUNDING = 1e-13

# Leading digits of a price within which that distance is at most 3 % of a quantum.
_DIGITS = 11.5

# A series on no grid is counted in quanta this small a part of its highest price, or smaller.
_FINE = 1e-8
_FINEST_DECIMALS = 12

_BLOCK = 65_536


def infer_grid(prices: NDArray[np.float64], tick: float | None) -> tuple[Grid, float]:
    """Find the integer scale of a series' prices.

    Parameters
    ----------
    prices : array of float, any shape
        Every price of the series in points, finite and positive.
    tick : float or None
        The instrument's tick in points; None to take the greatest common divisor of the prices,
        where at least 99 % of them are decimals that have one.

    Returns
    -------
    grid : Grid
        The tick grid if every price lies on it. Otherwise a decimal grid fine enough for the
        prices, with ``on_tick`` False where less than 99 % lie on the tick (an adjusted series).
    share : float
        Share of the prices on the tick, in [0, 1]. Where no tick was inferred, the share of
        prices of few enough decimals for one: less than 0.99.
    """
    return infer_of([prices.ravel(order="K")], tick)


def infer_of(columns: Columns, tick: float | None) -> tuple[Grid, float]:
    """Do as :func:`infer_grid` of prices in several arrays."""
    if tick is None:
        return _common_divisor(columns)
    grid = tick_grid(tick)
    share = share_on(columns, grid)
    if share == 1.0:
        return grid, share
    return _finer(columns, tick, share), share


def on_grid(prices: NDArray[np.float64], grid: Grid) -> NDArray[np.bool_]:
    """Return which prices are whole multiples of the grid's tick."""
    close: NDArray[np.bool_] = np.abs(nearest(prices, grid) - prices) <= _ROUNDING * prices
    return close


def nearest(prices: NDArray[np.float64], grid: Grid) -> NDArray[np.float64]:
    """Return the nearest multiples of the grid's tick."""
    step, scale = grid.per_tick * grid.numerator, grid.denominator
    multiples: NDArray[np.float64] = np.rint(prices * scale / step) * step / scale
    return multiples


def _blocks(columns: Columns) -> Iterator[NDArray[np.float64]]:
    """Cut prices into pieces whose intermediate results stay in cache, and small."""
    for prices in columns:
        yield from (prices[start : start + _BLOCK] for start in range(0, prices.size, _BLOCK))


def share_on(columns: Columns, grid: Grid) -> float:
    """Return the share of prices on the grid's tick, in [0, 1]; 1 of none."""
    size = sum(prices.size for prices in columns)
    count = sum(int(np.count_nonzero(on_grid(block, grid))) for block in _blocks(columns))
    return count / size if size else 1.0


def highest(columns: Columns) -> float:
    """Return the highest of the prices."""
    return max(float(prices.max()) for prices in columns)


def most_decimals(columns: Columns) -> int:
    """Return how many decimals a tick may have: six, more at low prices and fewer at high ones.

    At 17 million a double is not exact enough to tell multiples of a millionth from others.
    """
    size = log10(highest(columns))
    told_apart = floor(_DIGITS - size)
    return max(0, min(MAX_DECIMALS + max(0, ceil(-size)), told_apart, _FINEST_DECIMALS))


def _decimals(columns: Columns) -> int | None:
    """Return how many decimals the prices have; None where they have more than a tick may."""
    for decimals in range(most_decimals(columns) + 1):
        if all(on_grid(block, Grid(1, 10**decimals)).all() for block in _blocks(columns)):
            return decimals
    return None


def _finer(columns: Columns, tick: float, share: float) -> Grid:
    """Return a decimal grid for prices off their tick."""
    decimals = _decimals(columns)
    if decimals is None:
        decimals = _fine_decimals(columns)
    return replace(decimal_grid(decimals, tick), on_tick=share >= ADJUSTED_BELOW)


def _fine_decimals(columns: Columns) -> int:
    needed = ceil(-log10(_FINE * highest(columns)))
    return min(max(needed, MAX_DECIMALS), _FINEST_DECIMALS)


def _common_divisor(columns: Columns) -> tuple[Grid, float]:
    decimals = _decimals(columns)
    scale = 10 ** (most_decimals(columns) if decimals is None else decimals)
    decimal = Grid(1, scale)
    share = 1.0 if decimals is not None else share_on(columns, decimal)
    if share < ADJUSTED_BELOW:
        return Grid(1, 10 ** _fine_decimals(columns), on_tick=False), share
    divisor = 0
    for block in _blocks(columns):
        exact = block[on_grid(block, decimal)]
        whole = np.rint(exact * scale).astype(np.int64)
        divisor = gcd(divisor, int(np.gcd.reduce(whole, initial=0)))
    divisor = divisor or 1
    common = gcd(divisor, scale)
    grid = Grid(divisor // common, scale // common)
    return (grid if share == 1.0 else _finer(columns, grid.tick, share)), share
