"""What a trade comes to for every stop and target, found in one walk."""

from __future__ import annotations

from math import floor
from typing import Any

from alertlib.kernels.alerting import SetupParams, setup_levels
from alertlib.search.volatility.records import (
    FOLLOWED,
    UNFILLED,
    UNKNOWN,
    Columns,
    Exits,
    Fills,
)

# Bars that no file has: of a target, and of a stop, that was never touched.
NO_TARGET = 1 << 60
NO_STOP = NO_TARGET + 1


def follow(
    bars: Columns, stops: Any, targets: Any, fills: Fills, exits: Exits, cells: Any, found: int,
    start: int,
) -> None:  # fmt: skip
    """Follow the trades of the first ``found`` cells that nobody has asked for yet.

    A trade's results are made once, for whichever combination comes first, and serve all. On the
    last bar of a session there is no trade.

    Parameters
    ----------
    bars : Columns
    stops, targets : sequence of float
        Distances in average true ranges, ascending.
    fills : Fills
    exits : Exits
    cells : sequence of int
        Twice the bar of the block, plus one for direction -1.
    found, start : int
        Number of cells, and first bar of the block.
    """
    open_, high, low, close = bars.open, bars.high, bars.low, bars.close
    minute, session, atr = bars.minute, bars.session, bars.atr
    stop_at, stop_up, stop_booked = exits.stop_at, exits.stop_up, exits.stop_booked
    target_at, target_up, target_booked = exits.target_at, exits.target_up, exits.target_booked
    done, results = exits.done, exits.results
    for event in range(found):
        cell = cells[event]
        if done[cell] != UNKNOWN:
            continue
        at = start + (cell >> 1)
        direction = 1 - 2 * (cell & 1)
        if at + 1 < len(session) and session[at + 1] == session[at]:
            propose(
                close[at], atr[at], direction, stops, targets, fills.tick, fills.rounded,
                stop_up, target_up,
            )  # fmt: skip
            walk(
                open_, high, low, close, minute, session, at, direction, fills.slip, fills.reach,
                fills.bars, fills.minutes, stop_at, stop_up, target_at, target_up,
            )  # fmt: skip
            book(
                stop_at, stop_up, stop_booked, target_at, target_up, target_booked,
                fills.wins_from[session[at]], results, cell,
            )  # fmt: skip
            done[cell] = FOLLOWED
        else:
            done[cell] = UNFILLED


def propose(
    price: int, atr: float, direction: int, stops: Any, targets: Any, tick: int, rounded: int,
    stop_up: Any, target_up: Any,
) -> None:  # fmt: skip
    """Write every stop and target of an alert, times its direction."""
    for i in range(max(len(stops), len(targets))):
        s = i if i < len(stops) else 0
        t = i if i < len(targets) else 0
        params = SetupParams(0.0, stops[s], targets[t], tick, rounded)
        setup = setup_levels(price, atr, direction, params)
        stop_up[s] = direction * setup.stop
        target_up[t] = direction * setup.target


def walk(
    open_: Any, high: Any, low: Any, close: Any, minute: Any, session: Any, at: int,
    direction: int, slip: float, reach: float, bars: int, minutes: int,
    stop_at: Any, stop_up: Any, target_at: Any, target_up: Any,
) -> None:  # fmt: skip
    """Find the bar on which each level is touched, and put in its place what it would pay.

    Levels are nested, the nearest first: none is touched before the one inside it. Fills are
    those of :func:`alertlib.kernels.first_touch.first_touch`.
    """
    stops, targets = len(stop_at), len(target_at)
    now = at + 1
    up_entry = float(direction * open_[now]) + slip
    limit = minute[now] + minutes
    last = at + bars
    stopped = 0
    reached = 0
    while True:
        up_high = float(high[now] if direction > 0 else -low[now])
        up_low = float(low[now] if direction > 0 else -high[now])
        while stopped < stops and up_low <= stop_up[stopped]:
            up_open = float(direction * open_[now])
            fill = stop_up[stopped] if stop_up[stopped] < up_open else up_open
            stop_at[stopped] = now
            stop_up[stopped] = fill - slip - up_entry
            stopped += 1
        while reached < targets and up_high >= target_up[reached] + reach:
            target_at[reached] = now
            target_up[reached] = target_up[reached] - up_entry
            reached += 1
        # Nothing later matters once all of either kind are touched.
        if stopped == stops or reached == targets or now >= last:
            break
        after = now + 1
        if after >= len(session) or session[after] != session[at] or minute[after] > limit:
            break
        now = after
    for i in range(stopped, stops):
        stop_at[i] = NO_STOP
        stop_up[i] = 0.0
    for j in range(reached, targets):
        target_at[j] = NO_TARGET
        target_up[j] = float(direction * close[now]) - slip - up_entry


def book(
    stop_at: Any, stop_up: Any, stop_booked: Any, target_at: Any, target_up: Any,
    target_booked: Any, wins_from: float, results: Any, cell: int,
) -> None:  # fmt: skip
    """Write the results of every pair: what is touched first ends a trade, in one bar the stop."""
    for i in range(len(stop_at)):
        result = stop_up[i]
        quanta = floor(result + 0.5)
        stop_booked[0, i] = result >= wins_from
        stop_booked[1, i] = quanta
        stop_booked[2, i] = quanta * quanta
    for j in range(len(target_at)):
        result = target_up[j]
        quanta = floor(result + 0.5)
        target_booked[0, j] = result >= wins_from
        target_booked[1, j] = quanta
        target_booked[2, j] = quanta * quanta
    for part in range(3):
        for i in range(len(stop_at)):
            for j in range(len(target_at)):
                stopped = stop_at[i] <= target_at[j]
                results[cell, part, i, j] = (
                    stop_booked[part, i] if stopped else target_booked[part, j]
                )
