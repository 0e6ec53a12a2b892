"""All trades of :func:`alertlib.scoring.trades.simulate` at once, bar by bar in NumPy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from alertlib._typing import Bools, Floats, Ints
from alertlib.bars.series import Series
from alertlib.config.schema import Trade
from alertlib.kernels.first_touch import SESSION, STOP, TARGET, TIME


def walk_trades(
    series: Series,
    fees: Floats,
    bar: Ints,
    direction: Ints,
    stop: Floats,
    target: Floats,
    trade: Trade,
    slip: float,
    margin: float,
) -> tuple[Any, ...]:
    """Return the columns of :class:`alertlib.scoring.trades.Trades` in their order.

    Parameters
    ----------
    series : Series
    fees : float64, one per session
        In points.
    bar, direction : int64, one per alert
    stop, target : float64, one per alert
        In quanta.
    trade : Trade
        Its horizon is used.
    slip, margin : float
        Slippage, and how far beyond the target a price has to go, in quanta.
    """
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
    _follow(
        series, walk, np.flatnonzero(filled), entry, final, direction, sign * stop, up_target, slip,
        margin,
    )  # fmt: skip

    up_entry = sign * entry_price
    paid = fees[series.session[bar]]
    points = series.price(walk.up_exit - up_entry) - paid
    at_target = series.price(up_target - up_entry) - paid
    return (
        filled, entry, walk.exit, entry_price, sign * walk.up_exit, walk.reason, points,
        np.where(walk.ambiguous, at_target, points), walk.ambiguous,
        series.price(walk.best - up_entry), series.price(walk.worst - up_entry),
    )  # fmt: skip


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
