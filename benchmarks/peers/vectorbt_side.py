"""The entries as vectorbt is given them, and its trades."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from alertlib._typing import Bools, Floats, Ints

if TYPE_CHECKING:
    from benchmarks.peers.outcomes import Entries


@dataclass(frozen=True)
class Inputs:
    """Columns of signals, one trade at a time in each.

    Attributes
    ----------
    long, short, exits : bool, shape (bars, columns)
    stop, target : float64, shape (bars, columns)
        As a share of the close, NaN where no trade starts.
    prices : dict of str to float64, shape (bars, 1)
    close : DataFrame, shape (bars, columns)
    """

    long: Bools
    short: Bools
    exits: Bools
    stop: Floats
    target: Floats
    prices: dict[str, Floats]
    close: Any


def make_inputs(entries: Entries) -> Inputs:
    """Return the entries as columns."""
    import pandas as pd

    raw = entries.material.raw
    shape = (len(entries.material), int(entries.lane.max()) + 1)
    at = entries.bar, entries.lane
    close = raw["close"][entries.bar]
    long, short, exits = (np.zeros(shape, dtype=np.bool_) for _ in range(3))
    stop, target = np.full(shape, np.nan), np.full(shape, np.nan)
    long[at] = entries.direction > 0
    short[at] = entries.direction < 0
    exits[entries.final, entries.lane] = True
    stop[at] = np.abs(entries.stop - close) / close
    target[at] = np.abs(entries.target - close) / close
    prices = {name: np.ascontiguousarray(values[:, None]) for name, values in raw.items()}
    frame = pd.DataFrame(np.repeat(prices["close"], shape[1], axis=1))
    return Inputs(long, short, exits, stop, target, prices, frame)


def broadcast(
    long: Bools,
    short: Bools,
    exits: Bools,
    stop: Floats,
    target: Floats,
    prices: dict[str, Floats],
) -> Inputs:
    """Return one column of signals for all columns of levels; vectorbt broadcasts it itself."""
    import pandas as pd

    frame = pd.DataFrame(np.broadcast_to(prices["close"], stop.shape))
    return Inputs(long, short, exits, stop, target, prices, frame)


def from_signals(inputs: Inputs, engine: str) -> Any:
    """Return ``vectorbt.Portfolio.from_signals``."""
    import vectorbt as vbt

    return vbt.Portfolio.from_signals(
        inputs.close,
        entries=inputs.long,
        exits=inputs.exits,
        short_entries=inputs.short,
        short_exits=inputs.exits,
        open=inputs.prices["open"],
        high=inputs.prices["high"],
        low=inputs.prices["low"],
        sl_stop=inputs.stop,
        tp_stop=inputs.target,
        upon_opposite_entry="ignore",
        size=1.0,
        init_cash=1e12,
        engine=engine,
    )


def bare_kernel(inputs: Inputs) -> Callable[[], Any]:
    """Return vectorbt-rust's simulation with every argument ready."""
    return simulation(
        inputs.long,
        inputs.short,
        inputs.exits,
        inputs.stop,
        inputs.target,
        inputs.prices,
        max_orders=2 * int(inputs.long.sum() + inputs.short.sum()),
    )


def simulation(
    long: Bools,
    short: Bools,
    exits: Bools,
    stop: Floats,
    target: Floats,
    prices: dict[str, Floats],
    max_orders: int,
) -> Callable[[], Any]:
    """Return a call of ``simulate_from_signals_rs`` over the columns of ``stop``."""
    from vectorbt.portfolio import enums
    from vectorbt_rust.portfolio import simulate_from_signals_rs

    shape = stop.shape
    bars, columns = shape

    def flag(value: bool) -> Any:
        return np.full((1, 1), value, dtype=np.bool_)

    def whole(value: int) -> Any:
        return np.full((1, 1), value, dtype=np.int64)

    def real(value: float) -> Any:
        return np.full((1, 1), value, dtype=np.float64)

    arguments = (
        (bars, columns), np.ones(columns, dtype=np.int64), np.full(columns, 1e12),
        np.zeros(shape, dtype=np.int64),
        flag(False), flag(False), whole(enums.Direction.LongOnly),
        long, exits, short, exits,
        real(1.0), real(np.inf), whole(enums.SizeType.Amount), real(0.0), real(0.0), real(0.0),
        real(0.0), real(np.inf), real(np.nan), real(0.0), flag(False), flag(True), flag(False),
        flag(False), whole(enums.AccumulationMode.Disabled), whole(enums.ConflictMode.Ignore),
        whole(enums.ConflictMode.Ignore), whole(enums.DirectionConflictMode.Ignore),
        whole(enums.OppositeEntryMode.Ignore), real(np.inf),
        prices["open"], prices["high"], prices["low"], prices["close"],
        stop, flag(False), target,
        whole(enums.StopEntryPrice.Close), whole(enums.StopExitPrice.StopLimit),
        whole(enums.StopExitMode.Close), whole(enums.StopUpdateMode.Override),
    )  # fmt: skip

    def call() -> Any:
        return simulate_from_signals_rs(
            *arguments, use_stops=True, max_orders=max_orders, max_logs=1, flex_2d=True
        )

    return call


def trades(entries: Entries, orders: Any) -> tuple[Ints, Floats]:
    """Return bar and price of each entry's exit, -1 where vectorbt has no such trade.

    In a column orders alternate between in and out.
    """
    exit_bar = np.full(len(entries), -1, dtype=np.int64)
    exit_price = np.full(len(entries), np.nan)
    number = {key: i for i, key in enumerate(zip(entries.lane, entries.bar, strict=True))}
    for lane in range(int(entries.lane.max()) + 1):
        mine = orders[orders["col"] == lane]
        opened, closed = mine[::2], mine[1::2]
        for first, last in zip(opened, closed, strict=False):
            row = number[lane, first["idx"]]
            exit_bar[row], exit_price[row] = last["idx"], last["price"]
    return exit_bar, exit_price
