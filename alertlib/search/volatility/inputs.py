"""Bars, moves and settings turned into what the loops of a sweep read."""

from __future__ import annotations

import struct

import numpy as np

from alertlib._typing import Floats, Ints
from alertlib.bars.series import Series
from alertlib.config.schema import Settings, Trade
from alertlib.detection.builtin import volatility
from alertlib.errors import DataError
from alertlib.kernels.volatility import VolatilityParams
from alertlib.market.ticks import Grid
from alertlib.scoring.engine import Engine
from alertlib.scoring.labels import Opportunities
from alertlib.scoring.matching import Validity
from alertlib.scoring.scored_sessions import Scope
from alertlib.scoring.trades import session_fees
from alertlib.search.volatility.parameters import VolatilityGrid
from alertlib.search.volatility.records import Axes, Columns, Events, Exits, Fills, Moves, Work

# Bars looked at together where a whole column would be copied.
_CHUNK = 1 << 14


def check_size(series: Series, trade: Trade) -> None:
    """Raise a DataError unless any sum of squared results fits 64 bits."""
    grid = series.instrument.grid
    assert grid is not None
    high = np.maximum.reduceat(series.high, series.first).astype(np.float64)
    span = high - np.minimum.reduceat(series.low, series.first)
    # A result lies within the session's range, but for slippage and rounding.
    span += 2 * trade.slippage_ticks * grid.per_tick + 1
    largest = float(np.sum((series.last - series.first + 1) * span * span))
    if largest >= 2.0**62:
        raise DataError(
            f"{series.instrument.symbol}: the sum of squared results may reach {largest:.2g} "
            "squared quanta; expected less than 4.6e18, which fits 64 bits; sweep a shorter file"
        )


def middle(series: Series) -> tuple[int, int]:
    """Return the middle of the gap-joined closes, and the distance of the lowest from the highest.

    No close is farther from the mean of any window than that.
    """
    low, high = [], []
    for start in range(0, len(series), _CHUNK):
        part = slice(start, start + _CHUNK)
        joined = series.close[part] - series.gaps[part]
        low.append(int(joined.min()))
        high.append(int(joined.max()))
    return (min(low) + max(high)) // 2, max(high) - min(low)


def columns_of(series: Series, atr: Floats, scope: Scope, base: int, engine: Engine) -> Columns:
    """Return the bars; ``base`` is taken off their closes."""
    names = ("open", "high", "low", "close", "gaps", "minute", "session")
    columns = {name: engine.column(getattr(series, name)) for name in names}
    return Columns(**columns, atr=engine.column(atr), scored=engine.column(scope.scored), base=base)


def axes_of(grid: VolatilityGrid, engine: Engine) -> Axes:
    """Return the grid."""
    first = [
        volatility.warmup_size(VolatilityParams(window, 1.0, confirm)) + 1
        for window in grid.windows
        for confirm in grid.confirmations
    ]
    limits = [limit * limit for limit in grid.thresholds]
    axes = (grid.windows, limits, grid.confirmations, grid.stops, grid.targets, first)
    return Axes(*(engine.column(np.array(axis)) for axis in axes))


def fills_of(series: Series, scope: Scope, trade: Trade, engine: Engine) -> Fills:
    """Return how trades are filled."""
    grid = series.instrument.grid
    assert grid is not None
    fees, of_session = np.unique(session_fees(series, trade), return_inverse=True)
    least = np.array([smallest_win(grid, fee) for fee in fees.tolist()])
    return Fills(
        slip=float(trade.slippage_ticks * grid.per_tick),
        reach=0.0 if trade.touch else float(grid.per_tick),
        bars=trade.horizon_bars,
        minutes=trade.horizon_minutes - series.instrument.minutes,
        tick=grid.per_tick,
        rounded=int(grid.on_tick),
        last_known=scope.end - 1 - (trade.horizon_bars if scope.open_ended else 0),
        wins_from=engine.column(least[of_session]),
    )


def smallest_win(grid: Grid, fees: float) -> float:
    """Return the smallest result in quanta that makes money after ``fees`` points.

    Looked for among all positive numbers, whose order is that of their bits, by the very
    expression that decides a trade.
    """
    low, high = 0, _bits(float("inf"))
    while high - low > 1:
        between = (low + high) // 2
        if grid.price(_number(between)) - fees > 0:
            high = between
        else:
            low = between
    return _number(high)


def _bits(number: float) -> int:
    bits: int = struct.unpack("<q", struct.pack("<d", number))[0]
    return bits


def _number(bits: int) -> float:
    number: float = struct.unpack("<d", struct.pack("<q", bits))[0]
    return number


def moves_of(
    moves: Opportunities, validity: Validity, grid: VolatilityGrid, settings: Settings
) -> Moves:
    """Return the moves, none caught yet."""
    # The place of a move is free for another once no alert can be valid for the first.
    begin = moves.start - settings.scoring.early_bars
    together = np.searchsorted(begin, moves.end, side="right") - np.arange(len(moves))
    places = 1
    while places < max(together, default=1):
        places *= 2
    windows, thresholds, confirmations = grid.shape[:3]
    caught = np.full((windows * confirmations * places, thresholds), -1, dtype=np.int32)
    return Moves(validity.table, validity.opportunities, caught, places - 1)


def work_of(
    series: Series, grid: VolatilityGrid, base: int, begin: int, block: int, engine: Engine
) -> Work:
    """Return scratch for blocks of so many bars, with the windows' sums up to bar ``begin``."""
    total, squares = engine.out(len(grid.windows), "int64"), engine.out(len(grid.windows), "int64")
    for w, window in enumerate(grid.windows):
        part = slice(max(0, begin + 1 - window), begin)
        joined = (series.close[part] - series.gaps[part] - base).tolist()
        total[w] = sum(joined)
        squares[w] = sum(x * x for x in joined)
    return Work(
        total=total,
        squares=squares,
        # Sums may pass 64 bits, which is what the plain engine is for.
        joined=engine.out(block, "int64"),
        totals=engine.out(block, "int64"),
        sums=engine.out(block, "int64"),
        far=np.empty(block),
        wide=np.empty(block),
        levels=np.zeros((len(grid.windows), grid.confirmations[-1] + block), dtype=np.int32),
        ready=np.empty(block, dtype=np.bool_),
        held=np.empty(block, dtype=np.int32),
    )


def events_of(block: int) -> Events:
    """Return room for the events of so many bars."""
    return Events(
        fires=np.empty(block, dtype=np.int32),
        # One more, for the search writes before it knows.
        cells=np.empty(block + 1, dtype=np.int64),
        lows=np.empty(block, dtype=np.int64),
        highs=np.empty(block, dtype=np.int64),
    )


def exits_of(grid: VolatilityGrid, block: int) -> Exits:
    """Return room for the results of so many bars."""
    stops, targets = grid.shape[3:]
    results = np.empty((2 * block, 3, stops, targets), dtype=np.int64)
    return Exits(
        done=np.empty(2 * block, dtype=np.int8),
        rows=results.reshape(2 * block, 3 * stops * targets),
        results=results,
        stop_at=np.empty(stops, dtype=np.int64),
        stop_up=np.empty(stops),
        stop_booked=np.empty((3, stops), dtype=np.int64),
        target_at=np.empty(targets, dtype=np.int64),
        target_up=np.empty(targets),
        target_booked=np.empty((3, targets), dtype=np.int64),
    )


def blocks_of(
    series: Series, scope: Scope, begin: int, end: int, block: int, by_session: bool
) -> tuple[Ints, Ints]:
    """Return the first bar of each block, with the end after the last, and the part it is of."""
    if not by_session:
        starts = np.append(np.arange(begin, end, block), end)
        return starts, np.zeros(len(starts) - 1, dtype=np.int64)
    inside = series.first[(series.first > begin) & (series.first < end)]
    cuts = np.concatenate([[begin], inside])
    pieces = -(-np.diff(cuts, append=end) // block)
    offset = np.arange(pieces.sum()) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    starts = np.repeat(cuts, pieces) + block * offset
    # Nothing is counted between scored sessions.
    parts = np.searchsorted(scope.sessions, series.session[starts])
    return np.append(starts, end), np.minimum(parts, len(scope.sessions) - 1)
