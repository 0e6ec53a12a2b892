"""Whether a combination's win rate is made by where its target lies."""

from __future__ import annotations

import numpy as np

from alertlib._typing import Bools, Floats, Ints
from alertlib.search.grid.grid import Grid


def target_is_nearer(grid: Grid, combinations: Ints) -> Bools:
    """Return which combinations have a target nearer than the stop, whose win rate is no proof."""
    codes = grid.codes(combinations)

    def distances(name: str) -> Floats:
        key = f"trade.{name}"
        if key not in grid.keys:
            return np.full(len(combinations), float(getattr(grid.base.trade, name)))
        at = grid.keys.index(key)
        return np.array(grid.axes[at].typed, dtype=np.float64)[codes[:, at]]

    nearer: Bools = distances("target_atr") < distances("stop_atr")
    return nearer
