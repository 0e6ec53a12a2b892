"""Data quality: what is wrong, or merely unusual, with a series of bars."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alertlib._faces import lazy

if TYPE_CHECKING:
    from alertlib.bars.quality.findings import Finding, Quality
    from alertlib.bars.quality.grid import infer_grid

_HOMES = {
    "Finding": "findings",
    "Quality": "findings",
    "infer_grid": "grid",
}

__all__ = ["Finding", "Quality", "infer_grid"]

__getattr__, __dir__ = lazy(__name__, _HOMES)
