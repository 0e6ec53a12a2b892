"""Contest of the outcomes: nanoseconds per entry of following trades to their ends.

The shared rule, so that all can be compared: entries at given bars, a stop and a target fixed in
the alert, no slippage, no fees, a target is filled when it is reached, at the latest the close of
the 24th bar or of the session ends the trade. Trades overlap; every one counts.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np

from alertlib._typing import Floats, Ints
from alertlib.config.schema import Trade
from alertlib.scoring.engine import COMPILED
from alertlib.scoring.trades import EXIT_REASONS, Trades, simulate
from benchmarks.peers.material import Material
from benchmarks.peers.timing import as_json, take_turns

RULE = replace(Trade(), slippage_ticks=0, touch=True, fees_points=0.0, horizon_minutes=100_000)
# Bars between entries: 1,445 and some 10,000 at the full size.
SPACINGS = (100, 14)

OURS = "ours"
NUMBA, RUST = "vectorbt from_signals", "vectorbt-rust from_signals"
KERNEL, BACKTESTING = "vectorbt-rust, bare kernel", "backtesting.py"

NOT_DONE = {
    NUMBA: (
        "one position a column: overlapping trades are spread over as many columns as it takes; "
        "enters at the close of the alert's bar, for a stop is tested from the bar after the entry "
        "only; levels are a share of the entry price, which may round them off the tick; a bar "
        "that opens beyond the target fills better than the target; the horizon is an exit signal; "
        "no excursions, no ambiguous bars, no reason of exit; timed up to the order records, "
        "trades not yet made of them"
    ),
    RUST: "as from_signals of vectorbt",
    KERNEL: "as from_signals, its inputs broadcast and checked beforehand",
    BACKTESTING: (
        "the horizon and the session's end close at the open of the next bar; the target is a "
        "limit order that fills better than the target when a bar opens beyond it; no excursions, "
        "no ambiguous bars; a bar is a call of Python; statistics of the run are included"
    ),
}


@dataclass(frozen=True)
class Entries:
    """Alerts at every so many bars, long and short by chance, levels rounded to the tick.

    Attributes
    ----------
    material : Material
    bar, direction : int64, one per entry
    stop, target : float64, one per entry
        In quanta.
    """

    material: Material
    bar: Ints
    direction: Ints
    stop: Floats
    target: Floats

    def __len__(self) -> int:
        return len(self.bar)

    @cached_property
    def final(self) -> Ints:
        """Last bar each trade can have."""
        series = self.material.series
        return np.minimum(self.bar + RULE.horizon_bars, series.last[series.session[self.bar]])

    @cached_property
    def lane(self) -> Ints:
        """Column of each entry, such that no two trades of one column can overlap."""
        ends: list[int] = []
        lanes = []
        for bar, final in zip(self.bar.tolist(), self.final.tolist(), strict=True):
            free = next((k for k, end in enumerate(ends) if end < bar), len(ends))
            ends[free : free + 1] = [final]
            lanes.append(free)
        return np.array(lanes, dtype=np.int64)


def make_entries(material: Material, spacing: int) -> Entries:
    """Return entries ``spacing`` bars apart that can be filled in their session."""
    series, atr = material.series, material.atr
    bar = np.arange(spacing, len(series), spacing)
    bar = bar[(bar < series.last[series.session[bar]]) & ~np.isnan(atr[bar])]
    direction = np.random.default_rng(spacing).choice([-1, 1], len(bar)).astype(np.int64)
    close = series.close[bar].astype(np.float64)
    return Entries(
        material,
        bar,
        direction,
        np.round(close - direction * RULE.stop_atr * atr[bar]),
        np.round(close + direction * RULE.target_atr * atr[bar]),
    )


def ours(entries: Entries) -> Trades:
    """Follow every trade as the scorer does."""
    return simulate(
        entries.material.series,
        entries.bar,
        entries.direction,
        entries.stop,
        entries.target,
        RULE,
        COMPILED,
    )


def measure(material: Material, rounds: int) -> list[dict[str, Any]]:
    """Return the contest at one size, once per number of entries."""
    return [_measure(make_entries(material, spacing), rounds) for spacing in SPACINGS]


def _measure(entries: Entries, rounds: int) -> dict[str, Any]:
    from benchmarks.peers import backtesting_side, vectorbt_side

    inputs = vectorbt_side.make_inputs(entries)
    strategy = backtesting_side.make_run(entries)
    calls: dict[str, Callable[[], Any]] = {
        OURS: partial(ours, entries),
        NUMBA: partial(vectorbt_side.from_signals, inputs, "numba"),
        RUST: partial(vectorbt_side.from_signals, inputs, "rust"),
        KERNEL: vectorbt_side.bare_kernel(inputs),
        BACKTESTING: strategy,
    }
    own = ours(entries)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        agreement = {
            NUMBA: _compare(own, vectorbt_side.trades(entries, calls[NUMBA]().order_records)),
            RUST: _compare(own, vectorbt_side.trades(entries, calls[RUST]().order_records)),
            KERNEL: _compare(own, vectorbt_side.trades(entries, calls[KERNEL]()[0])),
            BACKTESTING: _compare(own, backtesting_side.trades(entries, strategy())),
        }
        times = take_turns(calls, rounds, 1e9 / len(entries))
    return {
        "entries": len(entries),
        "columns_of_vectorbt": int(entries.lane.max()) + 1,
        "exits_of_ours": {
            reason: int((own.reason == i).sum()) for i, reason in enumerate(EXIT_REASONS)
        },
        "ns_per_entry": as_json(times),
        "agreement": agreement,
    }


def _compare(own: Trades, theirs: tuple[Ints, Floats]) -> dict[str, int]:
    """Return how many trades end at the same bar, and how many of those at the same price.

    ``theirs`` holds the bar (-1: no such trade) and the price of each exit.
    """
    bar, price = theirs
    same = bar == own.exit
    return {
        "trades": int((bar >= 0).sum()),
        "same exit bar": int(same.sum()),
        "same exit bar and price": int((same & (np.abs(price - own.exit_price) < 1e-6)).sum()),
        "stops and targets of ours at another bar": int((~same & (own.reason < 2)).sum()),
    }
