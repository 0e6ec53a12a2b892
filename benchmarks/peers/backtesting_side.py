"""The entries as a strategy of backtesting.py, and its trades."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from alertlib._typing import Floats, Ints

if TYPE_CHECKING:
    from benchmarks.peers.outcomes import Entries


def make_run(entries: Entries) -> Callable[[], Any]:
    """Return one run of all entries; hedging on, so that trades overlap as they are asked to."""
    import pandas as pd
    from backtesting import Backtest, Strategy

    opens: dict[int, tuple[int, int, float, float]] = {
        int(bar): (row, int(way), stop, target)
        for row, (bar, way, stop, target) in enumerate(
            zip(entries.bar, entries.direction, entries.stop.tolist(), entries.target.tolist(),
                strict=True)
        )
    }  # fmt: skip
    final = entries.final.tolist()

    class Given(Strategy):  # type: ignore[misc]  # the peer has no types
        def init(self) -> None:
            self.at = 0

        def next(self) -> None:
            bar = len(self.data) - 1
            for trade in self.trades:
                if final[trade.tag] <= bar:
                    trade.close()
            found = opens.get(bar)
            if found is not None:
                row, way, stop, target = found
                act = self.buy if way > 0 else self.sell
                act(size=1, sl=stop, tp=target, tag=row)

    frame = pd.DataFrame({k.capitalize(): v for k, v in entries.material.raw.items()})

    def run() -> Any:
        # It draws a progress bar.
        with contextlib.redirect_stderr(io.StringIO()):
            return Backtest(frame, Given, cash=1e12, hedging=True, finalize_trades=True).run()

    return run


def trades(entries: Entries, result: Any) -> tuple[Ints, Floats]:
    """Return bar and price of each entry's exit, -1 where there was no trade."""
    exit_bar = np.full(len(entries), -1, dtype=np.int64)
    exit_price = np.full(len(entries), np.nan)
    made = result["_trades"]
    rows = made["Tag"].to_numpy(dtype=np.int64)
    exit_bar[rows] = made["ExitBar"]
    exit_price[rows] = made["ExitPrice"]
    return exit_bar, exit_price
