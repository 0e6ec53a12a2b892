"""RSI divergence: the pivots of a file, the RSI at each of them, then the pairs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from alertlib._typing import Floats, Signals
from alertlib.kernels.rsi_divergence import RsiDivergenceParams
from alertlib.scoring.engine import Engine
from alertlib.scoring.scans.form import BLOCK
from alertlib.scoring.scans.lanes import LANES, STEPS, run_in_lanes
from alertlib.scoring.step_bars import StepBars

# A pivot is a number of 32 bits: its bar, then two bits that say whether it is a high, a low or
# both. That is enough for a billion bars.
HIGH, LOW, KIND_BITS = 1, 2, 2
# Ends the list.
NO_PIVOT = 2**32 - 1


def scan(engine: Engine, bars: StepBars, params: RsiDivergenceParams) -> Signals:
    """Return the signals of :func:`alertlib.kernels.rsi_divergence.rsi_divergence_step`."""
    n, min_bars, max_bars, min_points = params
    sign: Signals = engine.out(len(bars), "int8")
    # A pair's first pivot comes when the RSI is defined, the second is known two bars later.
    if len(bars) < n + 4:
        return sign
    high, low = bars.narrow["high"], bars.narrow["low"]
    # Strict extremes of a kind are at least three bars apart.
    pivots = np.empty(2 * (len(bars) // 3) + 4, dtype=np.uint32)
    count = engine.build(_make_pivots)(high, low, np.empty(BLOCK, dtype=np.int8), pivots)
    rsi = _rsi_at(engine, bars.narrow["close"], n, pivots, count)
    engine.build(_make_pairs)(
        high, low, bars.place, n, min_bars, max_bars, float(min_points), pivots, count, rsi, sign
    )
    return sign


def _rsi_at(engine: Engine, close: Any, n: int, pivots: Any, count: int) -> Floats:
    """Return the RSI at each pivot; at those before it is defined, anything."""
    rsi = np.empty(count)
    loop = engine.build(_make_rsi)
    changes = np.diff(close[: n + 1].astype(np.int64))
    states = np.empty((2, (STEPS + 1) * LANES))
    # Sums of integers: exact in any order.
    states[:, 0] = changes[changes > 0].sum() / n, -changes[changes < 0].sum() / n
    closes = np.empty((STEPS + 1) * LANES, dtype=close.dtype)

    def advance(first: int, apart: int, steps: int, silent: int, begun: Floats) -> None:
        starts = first + apart * np.arange(LANES)
        # The first lane's pivot on `first` itself is the one on which the RSI begins.
        starts[1:] += silent + 1 if apart else 0
        # Of the pivots' own type: others would have all of them converted.
        cursor = np.searchsorted(pivots[:count], (starts << KIND_BITS).astype(np.uint32))
        loop(
            close, n, first, apart, steps, silent, *states, closes, begun[0], begun[1],
            pivots, cursor, rsi,
        )  # fmt: skip

    run_in_lanes(advance, states, n, len(close) - 1, n)
    return rsi


def _make_pivots() -> Callable[..., int]:
    def loop(high: Any, low: Any, kinds: Any, pivots: Any) -> int:
        count: Any = 0
        bars = len(high) - 4
        for start in range(0, bars, BLOCK):
            size = BLOCK if bars - start > BLOCK else bars - start
            highs, lows = high[start:], low[start:]
            for i in range(size):
                top, bottom = highs[i + 2], lows[i + 2]
                is_high = (
                    (top > highs[i + 4]) & (top > highs[i + 3])
                    & (top > highs[i + 1]) & (top > highs[i])
                )  # fmt: skip
                is_low = (
                    (bottom < lows[i + 4]) & (bottom < lows[i + 3])
                    & (bottom < lows[i + 1]) & (bottom < lows[i])
                )  # fmt: skip
                kinds[i] = HIGH * np.int8(is_high) + LOW * np.int8(is_low)
            for i in range(size):
                # Written at every bar, kept where there is one.
                pivots[count] = ((start + i + 2) << KIND_BITS) + int(kinds[i])
                count += kinds[i] != 0
        pivots[count] = NO_PIVOT
        return int(count)

    return loop


def _make_rsi() -> Callable[..., None]:
    def loop(
        close: Any, n: Any, first: Any, apart: Any, steps: Any, silent: Any,
        gains: Any, losses: Any, closes: Any, begun_gains: Any, begun_losses: Any,
        pivots: Any, cursor: Any, rsi: Any,
    ) -> None:  # fmt: skip
        weight = 1.0 / n
        keep = 1.0 - weight
        done = 0
        while done < steps:
            goal = silent if done < silent else steps
            size = STEPS if goal - done > STEPS else goal - done
            if done == silent:
                for lane in range(LANES):
                    begun_gains[lane] = gains[lane]
                    begun_losses[lane] = losses[lane]
            # All four at once: the compiler then shuffles registers instead of storing one by one.
            before = first + done
            a, b = close[before:], close[before + apart :]
            c, d = close[before + 2 * apart :], close[before + 3 * apart :]
            for i in range(size + 1):
                closes[LANES * i] = a[i]
                closes[LANES * i + 1] = b[i]
                closes[LANES * i + 2] = c[i]
                closes[LANES * i + 3] = d[i]
            for i in range(size * LANES):
                change = float(closes[i + LANES]) - float(closes[i])
                rise = change if change > 0.0 else 0.0
                fall = -change if change < 0.0 else 0.0
                gains[i + LANES] = gains[i] * keep + rise * weight
                losses[i + LANES] = losses[i] * keep + fall * weight
            for lane in range(LANES):
                if lane == 0 or done >= silent:
                    before = first + lane * apart + done
                    after = (before + size + 1) << KIND_BITS
                    at = cursor[lane]
                    while pivots[at] < after:
                        slot = ((np.int64(pivots[at]) >> KIND_BITS) - before) * LANES + lane
                        moved = gains[slot] + losses[slot]
                        rsi[at] = 100.0 * gains[slot] / moved if moved > 0.0 else 50.0
                        at += 1
                    cursor[lane] = at
            for lane in range(LANES):
                gains[lane] = gains[size * LANES + lane]
                losses[lane] = losses[size * LANES + lane]
            done += size

    return loop


def _make_pairs() -> Callable[..., None]:
    def loop(
        high: Any, low: Any, place: Any, n: Any, min_bars: Any, max_bars: Any, min_points: Any,
        pivots: Any, count: Any, rsi: Any, sign: Any,
    ) -> None:  # fmt: skip
        high_at: Any = -1
        low_at: Any = -1
        top: Any = 0
        bottom: Any = 0
        high_rsi = 0.0
        low_rsi = 0.0
        for i in range(count):
            code = np.int64(pivots[i])
            at = code >> KIND_BITS
            is_high = (code & HIGH) != 0
            is_low = (code & LOW) != 0
            now = rsi[i]
            # Earliest pivot whose window lies in this session, and whose RSI is defined.
            first = at + 4 - place[at + 2]
            first = first if first > n else n

            level = np.int64(high[at])
            apart = at - high_at
            falls = is_high & (high_at >= first) & (apart >= min_bars) & (apart <= max_bars)
            falls = falls & (level > top) & (now <= high_rsi - min_points)
            high_at = at if is_high else high_at
            top = level if is_high else top
            high_rsi = now if is_high else high_rsi

            level = np.int64(low[at])
            apart = at - low_at
            rises = is_low & (low_at >= first) & (apart >= min_bars) & (apart <= max_bars)
            rises = rises & (level < bottom) & (now >= low_rsi + min_points)
            low_at = at if is_low else low_at
            bottom = level if is_low else bottom
            low_rsi = now if is_low else low_rsi
            sign[at + 2] = np.int8(rises) - np.int8(falls)

    return loop
