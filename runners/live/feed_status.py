"""What clients are told of the feed: each stream's newest bar, and whether it should have more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alertlib.detection.staleness import is_market_open
from alertlib.market.clock import with_offset

if TYPE_CHECKING:
    from alertlib.detection.intake import Core
    from runners.live.feed.base import Key
    from runners.live.health import Board


def feed_status(board: Board) -> list[dict[str, Any]]:
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
            **_state(board, (symbol, timeframe), core),
        }
        for (symbol, timeframe), core in board.cores.items()
        for last in [board.positions[symbol, timeframe].last]
    ]


def _state(board: Board, key: Key, core: Core) -> dict[str, Any]:
    now = None if board.feed is None else board.feed.now()
    market_open = None if now is None else is_market_open(core.instrument, now)
    state, reason = "ended" if board.is_at_end else "running", None
    if (trouble := board.stream_trouble(key)) is not None:
        state, reason = trouble.state, trouble.brief
    return {"market_open": market_open, "state": state, "reason": reason}
