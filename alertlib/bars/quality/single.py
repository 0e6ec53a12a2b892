"""Prices in single precision: ticks that a 32-bit float could not hold exactly."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alertlib.bars.quality.grid import (
    ADJUSTED_BELOW,
    Columns,
    highest,
    infer_of,
    most_decimals,
    nearest,
    on_grid,
)
from alertlib.market.ticks import Grid


class Single(NamedTuple):
    """Prices that are ticks in single precision.

    Attributes
    ----------
    grid : Grid
        Their tick.
    rows_of : array of bool, shape of the prices
        Which of them are not on it but for their precision.
    """

    grid: Grid
    rows_of: NDArray[np.bool_]


def too_fine(columns: Columns, grid: Grid) -> bool:
    """Whether a tick read off the prices is below what single precision tells apart at them."""
    return grid.tick < 2 * float(np.spacing(np.float32(highest(columns))))


def find_single(prices: NDArray[np.float64], known: Grid | None) -> Single | None:
    """Look for a tick of which the prices are the nearest 32-bit floats.

    yfinance and frames of float32 hold such prices: 31.99 comes as 31.989999771118164. A price
    printed from one with fewer digits (31.950001) is recognised as well.

    Parameters
    ----------
    prices : array of float
    known : Grid or None
        The instrument's tick grid; None to find the coarsest decimals that fit.

    Returns
    -------
    Single or None
        None unless at least 99 % of the prices are on the tick or are its 32-bit floats.
    """
    single = prices.astype(np.float32)
    spacing = np.spacing(single)
    decimals = range(most_decimals([prices]) + 1) if known is None else ()
    for grid in (known,) if known else (Grid(1, 10**places) for places in decimals):
        multiples = nearest(prices, grid)
        exact = on_grid(prices, grid)
        fits = (multiples.astype(np.float32) == single) & (2 * spacing <= grid.tick) & ~exact
        if fits.any() and (fits | exact).mean() >= ADJUSTED_BELOW:
            if known is None:
                grid = infer_of([multiples[fits | exact]], None)[0]
            return Single(grid, fits)
    return None
