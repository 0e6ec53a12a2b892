"""What the loops of a sweep are given, as plain Python and numba both read it."""

from __future__ import annotations

from typing import Any, NamedTuple


class Columns(NamedTuple):
    """Of a series, one entry per bar; ``atr`` in quanta, ``scored`` whether its session is.

    ``base`` is taken off the gap-joined closes: levels do not depend on it, the size of the sums
    does.
    """

    open: Any
    high: Any
    low: Any
    close: Any
    gaps: Any
    minute: Any
    session: Any
    atr: Any
    scored: Any
    base: int


class Axes(NamedTuple):
    """The grid: windows, squared thresholds, confirmations, stops and targets, each ascending.

    ``first`` holds, per window and confirmation, the first bar whose signal counts.
    """

    windows: Any
    limits: Any
    confirmations: Any
    stops: Any
    targets: Any
    first: Any


class Fills(NamedTuple):
    """How trades are made and filled, in quanta, bars and minutes.

    ``reach`` is how far beyond a target price has to go; ``minutes`` from the open of the entry
    to that of the last bar that may follow it; ``last_known`` the last bar whose outcome the
    data reach; ``wins_from``, per session, the smallest result that makes money after fees.
    """

    slip: float
    reach: float
    bars: int
    minutes: int
    tick: int
    rounded: int
    last_known: int
    wins_from: Any


class Moves(NamedTuple):
    """Opportunities by side and bar; ``none`` stands for no more of them.

    ``caught`` holds, by combination and place and by threshold, the last one caught there. A
    move's place is its number in the bits of ``places``, a power of two less one.
    """

    table: Any
    none: int
    caught: Any
    places: int


class Work(NamedTuple):
    """Scratch of one block of bars.

    ``total`` and ``squares`` are carried from block to block, one per window; so are the last of
    the ``levels``, which stand before those of the block.
    """

    total: Any
    squares: Any
    joined: Any
    totals: Any
    sums: Any
    far: Any
    wide: Any
    levels: Any
    ready: Any
    held: Any


class Events(NamedTuple):
    """Runs that reach their length: ``cells`` are twice the bar of the block, plus one below the
    mean; ``lows`` and ``highs`` the range of thresholds. ``fires`` is scratch.
    """

    fires: Any
    cells: Any
    lows: Any
    highs: Any


class Exits(NamedTuple):
    """Of a block of bars, what trades come to.

    ``done`` tells, per cell of the events, what is known of its trade. ``rows`` has its results
    for every stop and target: wins, then quanta, then squares; ``results`` is another view of the
    same. The rest is scratch of one trade.
    """

    done: Any
    rows: Any
    results: Any
    stop_at: Any
    stop_up: Any
    stop_booked: Any
    target_at: Any
    target_up: Any
    target_booked: Any


UNKNOWN, FOLLOWED, UNFILLED = range(3)


class Sums(NamedTuple):
    """What a sweep writes, one row per part, window, confirmation and threshold.

    ``counts`` has the columns below, ``results`` those of ``Exits.rows``. All but the first two
    counts are differences along the thresholds: a range of them is an entry at its start and
    one after its end.
    """

    counts: Any
    results: Any


CAPTURED, TRUE, ALERTS, FALSE, TRADES = range(5)
COUNTS = 5
