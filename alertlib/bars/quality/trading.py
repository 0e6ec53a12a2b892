"""What the prices and volumes say about a feed: locks, changes of source, rolls."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from datetime import date
from math import log
from statistics import median

import numpy as np
import polars as pl
from numpy.typing import NDArray

from alertlib.bars.quality.coverage import Coverage
from alertlib.bars.quality.findings import Finding, finding
from alertlib.bars.quality.hours import first_bars, minutes_of
from alertlib.market.calendar import roll_days
from alertlib.market.clock import MINUTES_PER_DAY
from alertlib.market.instruments import Instrument

# A market that trades at one price for ten minutes is locked at its limit or halted. In quiet
# ones a flat bar holds a trade or two; where trades are not known three bars in a row are asked.
_LOCK_MINUTES = 10
_LOCK_TRADES = 5
_LOCK_BARS = 3

# Contracts per trade drift by a fifth from one session to the next and have stayed within twice
# their usual level in all series seen; another feed counts trades differently by three times.
_FEED_FACTOR = 2.5
_FEED_MEMORY = 10
_FEED_MEMORY_LEAST = 3
_CONSTANT_SHARE = 0.9

# Bars grouped at once, to the end of their day.
BLOCK = 65_536


def is_flat(frame: pl.DataFrame) -> NDArray[np.bool_]:
    """Return which bars have one price."""
    flat: NDArray[np.bool_] = frame["high"].to_numpy() == frame["low"].to_numpy()
    return flat


def locks(frame: pl.DataFrame, coverage: Coverage) -> Iterator[Finding]:
    """Report stretches at one price within a session: limit locks and halts."""
    at = np.flatnonzero(is_flat(frame) & coverage.inside)
    close, opening = frame["close"].to_numpy(), frame["open"].to_numpy()
    another = np.diff(at) > 1
    another |= (close[at] != close[at - 1])[1:]
    another |= np.diff(coverage.session[at]) != 0
    trades = frame["tick_volume"]
    if 2 * trades.null_count() < trades.len():
        trades = trades.fill_null(0)  # of a series that has trades: filled in
    for which in np.split(at, np.flatnonzero(another) + 1) if at.size else []:
        start, stop = int(which[0]), int(which[-1]) + 1
        minutes = (stop - start) * coverage.length
        if minutes < _LOCK_MINUTES or not _is_traded(trades[start:stop]):
            continue
        jump = ""
        if stop < len(close) and coverage.session[stop] == coverage.session[start]:
            jump = f"; the next bar opens {opening[stop] / close[start] - 1:+.2%} away"
        price = f"{close[start]:.10g}"
        message = f"{minutes} minutes at {price}: locked at a limit, halted or stale{jump}"
        yield finding("limit_lock", "warning", frame["time"][start], stop - start, message)


def _is_traded(trades: pl.Series) -> bool:
    if trades.null_count():
        return trades.len() >= _LOCK_BARS
    return int(trades.sum()) >= _LOCK_TRADES * trades.len()


def feed_changes(frame: pl.DataFrame) -> Iterator[Finding]:
    """Report sessions from which on volume or spread is counted in another way."""
    daily = pl.concat(map(_daily, _by_days(frame)))
    memory: list[float] = []
    before: dict[str, object] | None = None
    for now in daily.iter_rows(named=True):
        changes = [] if before is None else list(_state_changes(before, now))
        ratio = now["ratio"]
        if ratio:
            usual = median(memory) if len(memory) >= _FEED_MEMORY_LEAST else None
            if usual and abs(log(ratio / usual)) > log(_FEED_FACTOR):
                changes.append(f"contracts per trade {usual:.3g} -> {ratio:.3g}")
                memory = []
            memory = [*memory[-_FEED_MEMORY + 1 :], ratio]
        if changes:
            message = f"another feed from here on? {', '.join(changes)}"
            yield finding("feed_change", "warning", now["time"], now["bars"], message)
        before = now


def _by_days(frame: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Cut a frame between days, so that grouping takes no more memory the longer the file."""
    starts = first_bars(minutes_of(frame["time"]) // MINUTES_PER_DAY)
    start = 0
    while start < frame.height:
        later = starts[np.searchsorted(starts, start + BLOCK) :]
        stop = int(later[0]) if later.size else frame.height
        yield frame[start:stop]
        start = stop


def _daily(frame: pl.DataFrame) -> pl.DataFrame:
    def state(name: str) -> pl.Expr:
        column = pl.col(name)
        return (
            pl.when(column.null_count() == pl.len())
            .then(pl.lit("none"))
            .when(column.sum() == 0)
            .then(pl.lit("all zero"))
            .otherwise(pl.lit("present"))
        )

    ticks, real = pl.col("tick_volume").sum(), pl.col("real_volume").sum()
    spread = pl.col("spread").mode().min()
    return (
        frame.lazy()
        .group_by(pl.col("time").dt.date().alias("date"), maintain_order=True)
        .agg(
            pl.col("time").first(),
            pl.len().alias("bars"),
            state("tick_volume").alias("tick_volume"),
            state("real_volume").alias("real_volume"),
            pl.when((ticks > 0) & (real > 0)).then(real / ticks).alias("ratio"),
            pl.when((pl.col("spread") == spread).mean() >= _CONSTANT_SHARE)
            .then(spread)
            .alias("spread"),
        )
        .collect()
    )


def _state_changes(before: dict[str, object], now: dict[str, object]) -> Iterator[str]:
    for name in ("tick_volume", "real_volume"):
        if before[name] != now[name]:
            yield f"{name} {before[name]} -> {now[name]}"
    if None not in (before["spread"], now["spread"]) and before["spread"] != now["spread"]:
        yield f"spread {before['spread']} -> {now['spread']}"


def rolls(frame: pl.DataFrame, coverage: Coverage, instrument: Instrument) -> Iterator[Finding]:
    """Report the overnight step on the days an unadjusted continuous series changes contract."""
    if instrument.grid is None or not instrument.grid.on_tick:
        return
    starts = first_bars(coverage.session)
    stops = np.append(starts[1:], frame.height) - 1
    starts, stops = starts[coverage.trades], stops[coverage.trades]
    dates = [day for day, trades in zip(coverage.dates(), coverage.trades, strict=True) if trades]
    if not dates:
        return
    opens, closes = frame["open"].to_numpy()[starts], frame["close"].to_numpy()[stops]
    steps = dict(zip(dates[1:], opens[1:] / closes[:-1] - 1, strict=True))
    days = [_session_on(day, dates) for day in roll_days(instrument.symbol, dates[0], dates[-1])]
    rolled = [day for day in days if day is not None and day in steps]
    ordinary = [abs(step) for day, step in steps.items() if day not in rolled]
    usual = f"; other nights {median(ordinary):.2%} up or down" if ordinary else ""
    for day in rolled:
        at = int(starts[bisect_left(dates, day)])
        message = f"contract roll: opens {steps[day]:+.2%} from the last close{usual}"
        yield Finding("roll", "info", frame["time"][at], day, 1, message)


def _session_on(day: date, dates: list[date]) -> date | None:
    """Return the file's first session on or after ``day``."""
    place = bisect_left(dates, day)
    return dates[place] if place < len(dates) else None
