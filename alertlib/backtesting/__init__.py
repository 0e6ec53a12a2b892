"""A backtest: bars -> alerts -> trades -> scorecard, and what can be asked of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alertlib._faces import lazy

if TYPE_CHECKING:
    from alertlib.backtesting.backtester import backtest
    from alertlib.backtesting.run import Run
    from alertlib.backtesting.saved import SavedRun, load_run

_HOMES = {
    "Run": "backtester",
    "SavedRun": "saved",
    "backtest": "backtester",
    "load_run": "saved",
}

__all__ = ["Run", "SavedRun", "backtest", "load_run"]

__getattr__, __dir__ = lazy(__name__, _HOMES)
