"""A backtest: bars -> alerts -> trades -> scorecard, and what can be asked of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alertlib._faces import lazy

if TYPE_CHECKING:
    from alertlib.backtesting.backtester import backtest
    from alertlib.backtesting.run import Run

_HOMES = {
    "Run": "backtester",
    "backtest": "backtester",
}

__all__ = ["Run", "backtest"]

__getattr__, __dir__ = lazy(__name__, _HOMES)
