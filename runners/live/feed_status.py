"""What clients are told of the feed: each stream's newest bar, and whether it should have more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alertlib.detection.staleness import bars_missing, is_market_open
from alertlib.market.clock import with_offset

if TYPE_CHECKING:
    from datetime import datetime

    from alertlib.config.schema import Live
    from alertlib.detection.intake import Core
    from runners.live.health import Board


def feed_status(board: Board, live: Live) -> list[dict[str, Any]]:
    """Return the ``feed`` of a ``status`` message: one entry per stream, none before the start.

    ``state`` is ``running``, ``stale`` (in trading hours, without the bars that are due), ``down``
    (the feed says why) or ``ended`` (a replay that is over). ``market_open`` is None where hours
    are not known, and in a replay, which has no clock.
    """
    return [
        {
            "symbol": symbol,
            "timeframe": timeframe,
            "last_bar": None if last is None else with_offset(last),
            **_state(board, live, core, last),
        }
        for (symbol, timeframe), core in board.cores.items()
        for last in [board.positions[symbol, timeframe].last]
    ]


def _state(board: Board, live: Live, core: Core, last: datetime | None) -> dict[str, Any]:
    now = None if board.feed is None else board.feed.now()
    market_open = None if now is None else is_market_open(core.instrument, now)
    trouble = board.feed_error or (None if board.feed is None else board.feed.trouble)
    state, reason = "running", None
    if board.is_at_end:
        state = "ended"
    elif trouble is not None:
        state, reason = "down", trouble
    elif now is not None:
        missing = bars_missing(core.instrument, last, now, live.grace_seconds)
        if missing >= live.stale_after_bars:
            state, reason = "stale", f"{missing} bars missing"
    return {"market_open": market_open, "state": state, "reason": reason}
