"""The loop of the volatility sweep: one pass over the bars for a whole grid of parameters.

A bar's distance from its rolling mean is turned into a *level*, the number of thresholds it
passes, signed by its side. A run of bars then fires for a range of thresholds at once, and each
range is two entries of a difference array. All sums are integers: no order can change them.
"""

from __future__ import annotations

from typing import Any

from alertlib.search.volatility.records import (
    ALERTS,
    CAPTURED,
    FALSE,
    FOLLOWED,
    TRADES,
    TRUE,
    UNKNOWN,
    Axes,
    Columns,
    Events,
    Exits,
    Fills,
    Moves,
    Sums,
    Work,
)


def make_sweep(
    fill_levels: Any, narrow: Any, find_events: Any, catch: Any, follow: Any, add: Any
) -> Any:
    """Make the loop over blocks of bars, windows and confirmations.

    What it calls goes through a block at a time: numba counts the references of every array that
    is given to a function, which would cost more than most events do.
    """

    def sweep(
        bars: Columns, axes: Axes, fills: Fills, moves: Moves, work: Work, events: Events,
        exits: Exits, sums: Sums, starts: Any, parts: Any,
    ) -> None:  # fmt: skip
        windows, confirmations, thresholds = axes.windows, axes.confirmations, len(axes.limits)
        held, ready = work.held, work.ready
        lead = confirmations[len(confirmations) - 1]
        for block in range(len(parts)):
            start = starts[block]
            size = starts[block + 1] - start
            for i in range(size):
                at = start + i
                defined = bars.atr[at] == bars.atr[at]
                ready[i] = bars.scored[at] and defined and at <= fills.last_known
            for cell in range(2 * size):
                exits.done[cell] = UNKNOWN
            for w in range(len(windows)):
                level = work.levels[w]
                fill_levels(
                    bars.close, bars.gaps, bars.base, axes.limits, windows[w], work, w,
                    level[lead:], start, size,
                )  # fmt: skip
                for i in range(size):
                    held[i] = level[lead + i] if ready[i] else 0
                confirmed = 1
                for c in range(len(confirmations)):
                    while confirmed < confirmations[c]:
                        narrow(held, level[lead - confirmed :], size)
                        confirmed += 1
                    place = w * len(confirmations) + c
                    row = (parts[block] * len(windows) * len(confirmations) + place) * thresholds
                    opening = axes.first[place] - start
                    before = level[lead - confirmed :]
                    found = find_events(events, held, before, opening if opening > 0 else 0, size)
                    catch(events, moves, sums.counts, found, start, place, row, thresholds)
                    follow(bars, axes.stops, axes.targets, fills, exits, events.cells, found, start)
                    add(
                        events, exits.done, exits.rows, sums.counts, sums.results, found, row,
                        thresholds,
                    )  # fmt: skip
                # The next block looks back on the last levels of this one.
                for i in range(lead):
                    level[i] = level[size + i]

    return sweep


def catch(
    events: Events, moves: Moves, counts: Any, found: int, start: int, place: int, row: int,
    thresholds: int,
) -> None:  # fmt: skip
    """Count alerts and what they catch, each for the thresholds from its low to its high one.

    Parameters
    ----------
    events : Events
        In order of their bars.
    moves : Moves
    counts : ndarray of int64, shape (rows, COUNTS)
    found, start : int
        Number of events, and first bar of the block.
    place, row : int
        Number of the window and confirmation, and their first row of the counts.
    thresholds : int
    """
    cells, lows, highs = events.cells, events.lows, events.highs
    table, none, caught, places = moves
    for event in range(found):
        cell, low, high = cells[event], lows[event], highs[event]
        side, at = cell & 1, start + (cell >> 1)
        false = int(table[side, at, 0] == none)
        counts[row + low, ALERTS] += 1
        counts[row + low, FALSE] += false
        if high < thresholds:
            counts[row + high, ALERTS] -= 1
            counts[row + high, FALSE] -= false
        if false:
            continue
        for k in range(low, high):
            fresh = 0
            for j in range(table.shape[2]):
                move = table[side, at, j]
                if move == none:
                    break
                slot = place * (places + 1) + (move & places)
                if caught[slot, k] != move:
                    caught[slot, k] = move
                    fresh += 1
            counts[row + k, CAPTURED] += fresh
            counts[row + k, TRUE] += int(fresh > 0)


def add(
    events: Events, done: Any, rows: Any, counts: Any, results: Any, found: int, row: int,
    thresholds: int,
) -> None:  # fmt: skip
    """Add the results of the events' trades, each for its range of thresholds."""
    cells, lows, highs = events.cells, events.lows, events.highs
    width = rows.shape[1]
    for event in range(found):
        cell, high = cells[event], highs[event]
        if done[cell] != FOLLOWED:
            continue
        begin, end = row + lows[event], row + high
        counts[begin, TRADES] += 1
        for k in range(width):
            results[begin, k] += rows[cell, k]
        if high < thresholds:
            counts[end, TRADES] -= 1
            for k in range(width):
                results[end, k] -= rows[cell, k]
