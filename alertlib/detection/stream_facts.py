"""What has to be known of a stream to judge, later, whether an alert of it can still be traded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from alertlib.config.schema import Trade
from alertlib.detection.intake import Core


def trade_minutes(trade: Trade, bar_minutes: int) -> int:
    """Return for how many minutes from its bar's close an alert's trade may run.

    The shorter of ``horizon_bars`` and ``horizon_minutes``; a session's end comes before either.
    """
    return min(trade.horizon_bars * bar_minutes, trade.horizon_minutes)


def stream_facts(core: Core, trade: Trade, marks: Sequence[str]) -> dict[str, Any]:
    """Return what a chart needs beside the bars, as JSON-able values.

    Returns
    -------
    dict
        ``tick`` and ``point_value`` (None where unknown), ``horizon_minutes``, ``marks`` (where
        the bars come from, if not from a market) and ``previous`` (the session before: ``day``,
        ``high``, ``low``, ``close``; None if it was not seen whole).
    """
    instrument, before = core.instrument, core.days.previous
    return {
        "tick": instrument.grid.tick if instrument.grid else None,
        "point_value": instrument.point_value,
        "horizon_minutes": trade_minutes(trade, instrument.minutes),
        "marks": list(marks),
        "previous": None if before is None else before._asdict(),
    }
