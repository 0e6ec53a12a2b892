"""How many thresholds each bar passes, and for which of them a run of bars is confirmed."""

from __future__ import annotations

from typing import Any

from alertlib.search.volatility.records import Events, Work


def fill_levels(
    close: Any, gaps: Any, base: int, limits: Any, n: int, work: Work, w: int, level: Any,
    start: int, size: int,
) -> None:  # fmt: skip
    """Fill the signed levels of a block of bars for one window.

    The comparison is that of :func:`alertlib.kernels.volatility.volatility_step`, to the bit.

    Parameters
    ----------
    close, gaps : sequence of int, one per bar
    base : int
        Any price, taken off all of them.
    limits : sequence of float
        Thresholds squared, ascending.
    n, w : int
        Bars of the window, and its number.
    work : Work
        With the sums of the window without its oldest bar, as the block before left them.
    level : ndarray of int32, length >= size
        Receives the number of thresholds passed, negative where the close is not above the mean.
    start, size : int
        The block.
    """
    joined, totals, sums, far, wide = work.joined, work.totals, work.sums, work.far, work.wide
    total, squares = work.total[w], work.squares[w]
    for i in range(size):
        at = start + i
        x = close[at] - gaps[at] - base
        joined[i] = x
        total += x
        squares += x * x
        totals[i] = total
        sums[i] = squares
        if at + 1 >= n:
            x = close[at + 1 - n] - gaps[at + 1 - n] - base
            total -= x
            squares -= x * x
    work.total[w] = total
    work.squares[w] = squares
    for i in range(size):
        distance = n * joined[i] - totals[i]
        spread = n * sums[i] - totals[i] * totals[i]
        far[i] = float(distance * distance) if spread > 0 else -1.0
        wide[i] = float(spread)
        level[i] = 0
    for k in range(len(limits)):
        limit = limits[k]
        for i in range(size):
            level[i] += far[i] >= limit * wide[i]
    for i in range(size):
        level[i] = level[i] if n * joined[i] > totals[i] else -level[i]
    for i in range(min(size, n - 1 - start)):
        level[i] = 0


def narrow(held: Any, older: Any, size: int) -> None:
    """Keep of each level what the level of an older bar has on the same side."""
    for i in range(size):
        a, b = held[i], older[i]
        up = a if a < b else b
        down = a if a > b else b
        held[i] = (up if up > 0 else 0) + (down if down < 0 else 0)


def find_events(events: Events, held: Any, before: Any, opening: int, size: int) -> int:
    """Find the bars on which a run reaches its length for some threshold.

    Those are the thresholds between the level of the bar before the run and the lowest level of
    the run: at lower ones the run is longer, at higher ones it is none.

    Parameters
    ----------
    events : Events
        Receives them.
    held, before : ndarray of int32, length >= size
        Lowest level of the run that ends on each bar, and level of the bar before that run.
    opening, size : int
        First bar that counts, and number of bars.

    Returns
    -------
    int
        Number of events.
    """
    fires, cells, lows, highs = events
    for i in range(size):
        now, was = held[i], before[i]
        up = now > (was if was > 0 else 0)
        down = now < (was if was < 0 else 0)
        fires[i] = up | down
    # Without a branch, which would be mispredicted at every other event.
    found = 0
    for i in range(opening, size):
        cells[found] = i
        found += fires[i]
    for event in range(found):
        i = cells[event]
        now, was = held[i], before[i]
        direction = 1 if now > 0 else -1
        cells[event] = 2 * i + (now < 0)
        highs[event] = direction * now
        lows[event] = direction * was if direction * was > 0 else 0
    return found
