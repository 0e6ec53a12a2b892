"""What a trade taken on an alert would have come to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from alertlib._typing import Bools, Floats, Ints
from alertlib.bars.series import Series
from alertlib.config.schema import Trade
from alertlib.kernels.first_touch import SESSION, STOP, TARGET, TIME, first_touch
from alertlib.market.clock import date_of
from alertlib.scoring.engine import COMPILED, INTERPRETED, Engine

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
    return np.array(
        [series.instrument.fee_points(date_of(day)) for day in series.days.tolist()],
        dtype=np.float64,
    )


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
    """
    grid = series.instrument.grid
    assert grid is not None
    slip = float(trade.slippage_ticks * grid.per_tick)
    margin = 0.0 if trade.touch else float(grid.per_tick)
    last = series.last[series.session[bar]]
    filled = bar + 1 <= last
    entry = np.minimum(bar + 1, last)
    final, by_time = last_bars(series, bar, entry, last, trade)

    # One sign for both directions: `up` prices rise when the trade wins.
    sign = direction.astype(np.float64)
    entry_price = series.open[entry] + sign * slip
    walk = _Walk(
        exit=final.copy(),
        reason=np.where(by_time, TIME, SESSION),
        up_exit=sign * series.close[final] - slip,
        ambiguous=np.zeros(len(bar), dtype=bool),
        best=np.full(len(bar), -np.inf),
        worst=np.full(len(bar), np.inf),
    )
    up_target = sign * target
    levels = (entry, final, direction, sign * stop, up_target, slip, margin)
    if engine is COMPILED:
        _follow_compiled(series, walk, np.flatnonzero(filled), *levels)
    else:
        _follow(series, walk, np.flatnonzero(filled), *levels)

    up_entry = sign * entry_price
    fees = session_fees(series, trade)[series.session[bar]]
    points = series.price(walk.up_exit - up_entry) - fees
    at_target = series.price(up_target - up_entry) - fees
    return Trades(
        filled=filled,
        entry=entry,
        exit=walk.exit,
        entry_price=entry_price,
        exit_price=sign * walk.up_exit,
        reason=walk.reason,
        points=points,
        optimistic=np.where(walk.ambiguous, at_target, points),
        ambiguous=walk.ambiguous,
        best=series.price(walk.best - up_entry),
        worst=series.price(walk.worst - up_entry),
    )


@dataclass
class _Walk:
    """Where each trade ends, filled in as the bars are walked; prices signed by direction."""

    exit: Ints
    reason: Ints
    up_exit: Floats
    ambiguous: Bools
    best: Floats
    worst: Floats


def _follow(
    series: Series,
    walk: _Walk,
    active: Ints,
    entry: Ints,
    final: Ints,
    direction: Ints,
    up_stop: Floats,
    up_target: Floats,
    slip: float,
    margin: float,
) -> None:
    """Walk all trades bar by bar until each is stopped, at its target or at its last bar."""
    sign = direction.astype(np.float64)
    open_, high, low = (c.astype(np.float64) for c in (series.open, series.high, series.low))
    offset = 0
    while len(active):
        at = entry[active] + offset
        long = sign[active] > 0
        up_high = np.where(long, high[at], -low[at])
        up_low = np.where(long, low[at], -high[at])
        walk.best[active] = np.maximum(walk.best[active], up_high)
        walk.worst[active] = np.minimum(walk.worst[active], up_low)
        stopped = up_low <= up_stop[active]
        reached = up_high >= up_target[active] + margin
        done = stopped | reached
        rows, hit = active[done], stopped[done]
        up_open = sign[rows] * open_[at[done]]
        stop_fill = np.minimum(up_stop[rows], up_open) - slip
        walk.up_exit[rows] = np.where(hit, stop_fill, up_target[rows])
        walk.reason[rows] = np.where(hit, STOP, TARGET)
        walk.exit[rows] = at[done]
        walk.ambiguous[rows] = hit & reached[done]
        active = active[~done & (at < final[active])]
        offset += 1


def _follow_compiled(series: Series, walk: _Walk, active: Ints, *levels: Any) -> None:
    """Walk each trade to its end by :func:`alertlib.kernels.first_touch.first_touch`."""
    scan = COMPILED.build(_make_walk_scan, first_touch)
    bars = (COMPILED.column(c) for c in (series.open, series.high, series.low, series.close))
    columns = (COMPILED.column(c) if isinstance(c, np.ndarray) else c for c in levels)
    out = (walk.exit, walk.reason, walk.up_exit, walk.ambiguous, walk.best, walk.worst)
    scan(*bars, active, *columns, *out)


def _make_walk_scan(first_touch: Any) -> Any:
    def scan(
        open_: Any, high: Any, low: Any, close: Any, active: Any, entry: Any, final: Any,
        direction: Any, up_stop: Any, up_target: Any, slip: Any, margin: Any,
        out_exit: Any, out_reason: Any, out_fill: Any, out_both: Any, out_best: Any,
        out_worst: Any,
    ) -> None:  # fmt: skip
        for n in range(len(active)):
            i = active[n]
            touch = first_touch(
                open_, high, low, close, entry[i], final[i], direction[i], up_stop[i],
                up_target[i], slip, margin,
            )  # fmt: skip
            out_exit[i] = touch.exit
            # Otherwise it ends by time or with its session, as is known already.
            if touch.reason >= 0:
                out_reason[i] = touch.reason
            out_fill[i] = touch.up_exit
            out_both[i] = touch.both
            out_best[i] = touch.best
            out_worst[i] = touch.worst

    return scan


def last_bars(
    series: Series, bar: Ints, entry: Ints, last: Ints, trade: Trade
) -> tuple[Ints, Bools]:
    """Return each trade's last possible bar, and whether time (not the session) ends it there."""
    minute, length = series.minute, series.instrument.minutes
    # Last bar whose close is not after the limit; the next one's would be.
    limit = minute[entry] + trade.horizon_minutes - length
    by_clock = np.maximum(np.searchsorted(minute, limit, side="right") - 1, entry)
    by_bars = bar + trade.horizon_bars
    final = np.minimum(np.minimum(by_bars, by_clock), last)
    by_time = (final == by_bars) | ((final == by_clock) & (final < last))
    return final.astype(np.int64), by_time
