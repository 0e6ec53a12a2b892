"""Data quality: what the reader found, and a closer look at bars that were read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alertlib.quality.examination import examine

__all__ = ["examine"]


def __getattr__(name: str) -> Any:
    # Late, so that the live side can ask the calendar without loading Polars.
    if name == "examine":
        from alertlib.quality.examination import examine

        return examine
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
