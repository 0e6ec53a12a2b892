"""Data quality: what is wrong, or merely unusual, with a series of bars.

Names are imported when used, so that the live side asks the calendar without loading Polars.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alertlib.quality.examination import examine, session_coverage
    from alertlib.quality.findings import Finding, Quality
    from alertlib.quality.grid import infer_grid

_HOMES = {
    "Finding": "findings",
    "Quality": "findings",
    "examine": "examination",
    "infer_grid": "grid",
    "session_coverage": "examination",
}

__all__ = ["Finding", "Quality", "examine", "infer_grid", "session_coverage"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"alertlib.quality.{_HOMES[name]}"), name)
