"""Quick backtests for tests: no audits, no nulls, settings by keyword."""

from __future__ import annotations

from typing import Any

from alertlib.backtesting.backtester import backtest
from alertlib.backtesting.run import Run
from alertlib.bars.opening import from_frame
from alertlib.config import Config
from tests.support.synthetic import Row, frame, walk

# Thirty-four sessions are scored: enough for a verdict on their figures.
FORTY_SESSIONS = walk(91, sessions=40)


def run_of(rows: list[Row], symbol: str = "WIN$N", **changes: Any) -> Run:
    """Score rows; ``detection__volatility__window=30`` changes that setting."""
    config = Config()
    for name, value in changes.items():
        config = config.set(name.replace("__", "."), value)
    bars = from_frame(frame(rows), symbol=symbol, timeframe="M5", symbols=config.data.symbols)
    return backtest(bars, config, audits="none", chance=False)
