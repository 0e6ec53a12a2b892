"""What a trade taken on an alert would have come to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from alertlib._typing import Bools, Floats, Ints
from alertlib.bars.series import Series
from alertlib.config.schema import Trade
from alertlib.kernels.first_touch import first_touch, last_bar
from alertlib.market.clock import day_number
from alertlib.scoring.engine import COMPILED, INTERPRETED, Engine
from alertlib.scoring.trade_loop import make_trade_loop
from alertlib.scoring.trade_walk import walk_trades

EXIT_REASONS = ("target", "stop", "time", "session")


@dataclass(frozen=True)
class Trades:
    """One row per entry asked for. Prices in quanta, results in points.

    Rows that cannot be filled, because the alert's bar is the last of its session, have
    ``filled`` false and mean nothing otherwise.

    Attributes
    ----------
    filled : bool
    entry, exit : int64
        Bars.
    entry_price, exit_price : float64
        Slippage included.
    reason : int64
        Index into ``EXIT_REASONS``.
    points : float64
        Result after slippage and fees.
    optimistic : float64
        The same had every bar that reached both levels reached the target first.
    ambiguous : bool
        The last bar reached both levels.
    best, worst : float64
        Largest excursion for and against the trade, in points.
    """

    filled: Bools
    entry: Ints
    exit: Ints
    entry_price: Floats
    exit_price: Floats
    reason: Ints
    points: Floats
    optimistic: Floats
    ambiguous: Bools
    best: Floats
    worst: Floats

    def __len__(self) -> int:
        return len(self.filled)

    def only(self, mask: Any) -> Trades:
        """Return the rows of a boolean mask or of indices."""
        return Trades(*(getattr(self, name)[mask] for name in self.__dataclass_fields__))


def session_fees(series: Series, trade: Trade) -> Floats:
    """Return the round-trip fee of each session, in points."""
    if trade.fees_points is not None:
        return np.full(len(series.first), float(trade.fees_points))
    fees = np.zeros(len(series.first))
    # As `Instrument.fee_points`: of those in force, the last one given.
    for fee in series.instrument.fees:
        fees[series.days >= day_number(fee.since)] = fee.points
    return fees


def simulate(
    series: Series,
    bar: Ints,
    direction: Ints,
    stop: Floats,
    target: Floats,
    trade: Trade,
    engine: Engine = INTERPRETED,
) -> Trades:
    """Fill one trade per alert and follow it to its end.

    Entry at the open of the next bar of the session, slippage against us. From the entry bar on
    the stop is tested first: a bar that reaches both levels is a stop. A bar that opens beyond
    the stop fills at its open; the target has to be exceeded by a tick (``trade.touch`` drops
    that) and is never filled better. Otherwise the trade ends at the close of the last bar of
    its horizon, or of the session.

    Parameters
    ----------
    series : Series
    bar, direction : int64, one per alert
    stop, target : float64, one per alert
        In quanta, as fixed when the alert was made.
    trade : Trade
        Slippage, horizon and fees.
    engine : Engine
        The compiled one follows trade by trade, the other all of them bar by bar in NumPy.

    Returns
    -------
    Trades

    Raises
    ------
    IndexError
        If an alert's bar is none of the series'.
    ValueError
        If the columns are not of one length.
    """
    if not len(bar) == len(direction) == len(stop) == len(target):
        raise ValueError(
            f"columns of alerts: got {len(bar)} bars, {len(direction)} directions, {len(stop)} "
            f"stops and {len(target)} targets, expected as many of each"
        )
    fees = session_fees(series, trade)
    if engine is COMPILED:
        return _simulate_compiled(series, fees, bar, direction, stop, target, trade)
    outside = (bar < 0) | (bar >= len(series))
    if outside.any():
        raise _no_such_bar(series, int(bar[outside][0]))
    costs = costs_in_quanta(series, trade)
    return Trades(*walk_trades(series, fees, bar, direction, stop, target, trade, *costs))


# What the compiled loop reads of the series, and the types of the columns of `Trades`.
_READ = ("open", "high", "low", "close", "minute", "session", "last")
_TYPES = (
    np.bool_, np.int64, np.int64, np.float64, np.float64, np.int64, np.float64, np.float64,
    np.bool_, np.float64, np.float64,
)  # fmt: skip


def _simulate_compiled(
    series: Series,
    fees: Floats,
    bar: Ints,
    direction: Ints,
    stop: Floats,
    target: Floats,
    trade: Trade,
) -> Trades:
    grid = series.instrument.grid
    assert grid is not None
    loop = COMPILED.build(make_trade_loop, first_touch, last_bar)
    # Of other types the loop would be compiled anew.
    bar, direction = (np.ascontiguousarray(c, np.int64) for c in (bar, direction))
    stop, target = (np.ascontiguousarray(c, np.float64) for c in (stop, target))
    columns: list[Any] = [np.empty(len(bar), dtype) for dtype in _TYPES]
    done = loop(
        *(COMPILED.column(getattr(series, name)) for name in _READ), fees, bar, direction, stop,
        target, trade.horizon_bars, trade.horizon_minutes - series.instrument.minutes,
        *costs_in_quanta(series, trade), grid.numerator, grid.denominator, *columns,
    )  # fmt: skip
    if done < len(bar):
        raise _no_such_bar(series, int(bar[done]))
    return Trades(*columns)


def _no_such_bar(series: Series, bar: int) -> IndexError:
    return IndexError(f"alert at bar {bar}: expected one of the {len(series)} bars, from 0 on")


def costs_in_quanta(series: Series, trade: Trade) -> tuple[float, float]:
    """Return the slippage, and how far beyond the target a price has to go."""
    grid = series.instrument.grid
    assert grid is not None
    margin = 0.0 if trade.touch else float(grid.per_tick)
    return float(trade.slippage_ticks * grid.per_tick), margin
