"""Bars: read, checked, stored, and as columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alertlib._faces import lazy

if TYPE_CHECKING:
    from alertlib.bars.bars import Bars
    from alertlib.bars.examination import examine
    from alertlib.bars.opening import from_frame, read_bars
    from alertlib.bars.series import Series, make_series

_HOMES = {
    "Bars": "bars",
    "Series": "series",
    "examine": "examination",
    "from_frame": "opening",
    "make_series": "series",
    "read_bars": "opening",
}

__all__ = ["Bars", "Series", "examine", "from_frame", "make_series", "read_bars"]

__getattr__, __dir__ = lazy(__name__, _HOMES)
