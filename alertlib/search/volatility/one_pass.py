"""The volatility detector's whole grid of parameters in one pass over the bars."""

from __future__ import annotations

import numpy as np

from alertlib._typing import Floats
from alertlib.bars.series import Series
from alertlib.config.schema import Settings
from alertlib.scoring.engine import COMPILED, INTERPRETED, Engine
from alertlib.scoring.labels import Opportunities
from alertlib.scoring.matching import Validity
from alertlib.scoring.scored_sessions import Scope
from alertlib.scoring.signals import EXACT_BELOW
from alertlib.search.volatility import inputs as inputs
from alertlib.search.volatility.exits import follow
from alertlib.search.volatility.kernels import add, catch, make_sweep
from alertlib.search.volatility.levels import fill_levels, find_events, narrow
from alertlib.search.volatility.parameters import VolatilityCounts, VolatilityGrid
from alertlib.search.volatility.records import ALERTS, COUNTS, Sums

# Bars treated at a time, fewer where stops and targets are many: the results of a block should
# stay in the second-level cache.
BLOCK, SHORTEST_BLOCK, BLOCK_RESULTS = 256, 32, 32_768


def sweep_volatility(
    series: Series,
    atr: Floats,
    scope: Scope,
    moves: Opportunities,
    validity: Validity,
    grid: VolatilityGrid,
    settings: Settings,
    *,
    by_session: bool = False,
    engine: Engine = COMPILED,
    block: int | None = None,
) -> VolatilityCounts:
    """Score the volatility detector alone, every alert delivered, for a whole grid.

    The integers are those of ``run_detectors`` and ``score`` under a policy that suppresses
    nothing, combination by combination. Any part of the grid, and any part of the sessions
    (``scope.scored``), gives its part of them: a caller may divide either among threads, since
    Python's lock is not held meanwhile.

    Parameters
    ----------
    series : Series
    atr : float64, one per bar
        In quanta, as of :func:`alertlib.scoring.signals.true_ranges`.
    scope : Scope
        The scored sessions.
    moves : Opportunities
        Of the scored sessions.
    validity : Validity
        Of these moves.
    grid : VolatilityGrid
    settings : Settings
        ``scoring.early_bars`` and ``trade`` are used, but for ``trade``'s stop and target.
    by_session : bool
        Keep the scored sessions apart, in order, along a first axis.
    engine : Engine
        The compiled one is taken only where its 64 bits suffice.
    block : int, optional
        Bars treated at a time; it changes no result.

    Raises
    ------
    DataError
        If prices are so large that sums of squared results might not fit 64 bits.
    """
    windows, thresholds, confirmations, stops, targets = grid.shape
    parts = len(scope.sessions) if by_session else 1
    shape = (parts, windows, confirmations, thresholds)
    counts = np.zeros((*shape, COUNTS), dtype=np.int64)
    results = np.zeros((*shape, 3, stops, targets), dtype=np.int64)
    if scope.scored.any():
        inputs.check_size(series, settings.trade)
        base, span = inputs.middle(series)
        if grid.windows[-1] * span >= EXACT_BELOW:
            engine = INTERPRETED
        width = 3 * stops * targets
        block = block or min(BLOCK, max(SHORTEST_BLOCK, BLOCK_RESULTS // width))
        # The levels of so many bars decide whether a run is confirmed on the first.
        begin = max(0, int(scope.scored.argmax()) - grid.confirmations[-1])
        end = len(series) - int(scope.scored[::-1].argmax())
        sweep = engine.build(make_sweep, fill_levels, narrow, find_events, catch, follow, add)
        sweep(
            inputs.columns_of(series, atr, scope, base, engine),
            inputs.axes_of(grid, engine),
            inputs.fills_of(series, scope, settings.trade, engine),
            inputs.moves_of(moves, validity, grid, settings),
            inputs.work_of(series, grid, base, begin, block, engine),
            inputs.events_of(block),
            inputs.exits_of(grid, block),
            Sums(counts.reshape(-1, COUNTS), results.reshape(-1, width)),
            *inputs.blocks_of(series, scope, begin, end, block, by_session),
        )
    for differences in (counts[..., ALERTS:], results):
        np.cumsum(differences, axis=3, out=differences)
    # Thresholds stand before confirmations, as in the grid.
    counts, results = np.swapaxes(counts, 2, 3), np.swapaxes(results, 2, 3)
    if not by_session:
        counts, results = counts[0], results[0]
    captured, tp, alerts, fp, trades = np.moveaxis(counts, -1, 0)
    wins, points, squares = np.moveaxis(results, -3, 0)
    return VolatilityCounts(captured, tp, fp, alerts - fp - tp, trades, wins, points, squares)
