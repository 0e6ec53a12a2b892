"""Whether the prices of a series are on a tick: as they are, or but for their precision."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from alertlib.bars.quality.findings import Finding, finding
from alertlib.bars.quality.grid import infer_of, nearest, on_grid
from alertlib.bars.quality.single import Single, find_single, too_fine
from alertlib.bars.schema import PRICES
from alertlib.market.ticks import Grid


class Gridded(NamedTuple):
    """A series with its grid.

    Attributes
    ----------
    bars : polars.DataFrame
        As given, but for prices that are a tick in single precision: they are that tick.
    grid : Grid
    findings : tuple of Finding
    """

    bars: pl.DataFrame
    grid: Grid
    findings: tuple[Finding, ...]


def check_grid(bars: pl.DataFrame, known: Grid | None) -> Gridded:
    """Find the grid of a series and report the prices that are off it.

    Parameters
    ----------
    bars : polars.DataFrame
        Checked bars, at least one.
    known : Grid or None
        The instrument's tick grid, where its tick is known.
    """
    columns = [bars[name].to_numpy() for name in PRICES]
    grid, share = infer_of(columns, known.tick if known else None)
    if share == 1.0 and (known or not too_fine(columns, grid)):
        return Gridded(bars, grid, ())
    prices = np.column_stack(columns)
    single = find_single(prices, known)
    findings: list[Finding] = []
    if single is not None:
        findings.append(_as_single(bars, prices, single))
        prices = np.where(single.rows_of, nearest(prices, single.grid), prices)
        bars = bars.with_columns(pl.Series(n, prices[:, i]) for i, n in enumerate(PRICES))
        grid, share = infer_of([prices.ravel()], single.grid.tick)
        known = single.grid
    if share < 1.0:
        findings.append(_off(bars, prices, grid, known, share))
    return Gridded(bars, grid, tuple(findings))


def _off(
    bars: pl.DataFrame, prices: NDArray[np.float64], grid: Grid, known: Grid | None, share: float
) -> Finding:
    """Report the prices that are off the tick, or that a series has none."""
    if known is None and not grid.on_tick:
        time, price = bars["time"][0], prices[0, 0]
        message = (
            f"the prices of {bars.height:,} bars are on no grid of a tick (adjusted or computed), "
            f"the first {price:.17g} at {time:%Y-%m-%d %H:%M}; scored without rounding to one"
        )
        return finding("off_grid", "error", time, bars.height, message)
    step = known or grid
    off = ~np.column_stack([on_grid(column, step) for column in prices.T])
    rows = np.flatnonzero(off.any(axis=1))
    first = int(rows[0])
    time, price = bars["time"][first], prices[first][off[first]][0]
    kind = "bad prices" if grid.on_tick else "an adjusted series"
    message = (
        f"{rows.size:,} of {bars.height:,} bars have prices off the grid of {step.tick:g} points "
        f"({share:.1%} of prices on it: {kind}), the first {price:.10g} at {time:%Y-%m-%d %H:%M}"
    )
    return finding("off_grid", "error", time, int(rows.size), message)


def _as_single(bars: pl.DataFrame, prices: NDArray[np.float64], single: Single) -> Finding:
    rows = np.flatnonzero(single.rows_of.any(axis=1))
    first = int(rows[0])
    time, price = bars["time"][first], prices[first][single.rows_of[first]][0]
    tick = float(nearest(np.array([price]), single.grid)[0])
    message = (
        f"{rows.size:,} of {bars.height:,} bars have prices of single precision, the first "
        f"{price:.17g} at {time:%Y-%m-%d %H:%M}, which is {tick:.10g} as a 32-bit float; read on "
        f"the grid of {single.grid.tick:g} points"
    )
    return finding("float32", "warning", time, int(rows.size), message)
