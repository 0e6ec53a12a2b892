"""Run a detector's step by hand, and the transformations its signals must respect."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from alertlib.bars.series import Series
from alertlib.detection.detectors import Detector
from alertlib.kernels.atr import AtrState, atr_step
from alertlib.kernels.bar import TickBar
from tests.naive import NaiveBar, in_units, joined
from tests.support.synthetic import Row, session, walk


def tick_bars(rows: Sequence[Row], tick: int = 5) -> list[TickBar]:
    """Gap-joined bars in ticks, made by the naive scorer's own joining."""
    bars, _ = in_units(list(rows))
    made: list[TickBar] = []
    place = 0
    for i, bar in enumerate(joined(bars)):
        place = 0 if i == 0 or bars[i - 1].date != bar.date else place + 1
        prices = (bar.open, bar.high, bar.low, bar.close)
        minute = bar.time.hour * 60 + bar.time.minute
        made.append(TickBar(*(x // tick for x in prices), 100 + i % 7, place, minute))
    return made


def in_ticks(rows: Sequence[Row], tick: int = 5) -> list[NaiveBar]:
    """The same bars for the naive detectors."""
    bars, _ = in_units(list(rows))
    series = joined(bars)
    return [
        replace(
            b, open=b.open // tick, high=b.high // tick, low=b.low // tick, close=b.close // tick
        )
        for b in series
    ]


def step_through(
    detector: Detector,
    bars: Iterable[TickBar],
    state: Any = None,
    ring: list[int] | None = None,
) -> tuple[list[int], Any, list[int]]:
    """Feed bars one by one; returns the signals, the last state and the ring."""
    state = detector.state if state is None else state
    ring = [0] * detector.ring if ring is None else ring
    params = detector.kernel_params(1)
    signals = []
    for bar in bars:
        signal, *_, state = detector.step(state, ring, bar, params)
        signals.append(int(signal))
    return signals, state, ring


def columns_of(series: Series) -> list[TickBar]:
    """The bars of a series as its steps see them, without the average range."""
    gaps = series.gaps
    columns = (
        series.open - gaps, series.high - gaps, series.low - gaps, series.close - gaps,
        series.volume, series.place, series.minute % 1_440,
    )  # fmt: skip
    return [TickBar(*(int(x) for x in values)) for values in zip(*columns, strict=True)]


def mirrored(rows: Sequence[Row], about: float = 400_000.0) -> list[Row]:
    """Turn every price upside down."""
    return [(t, about - o, about - low, about - h, about - c) for t, o, h, low, c in rows]


def rough_walk(seed: int, sessions: int = 4, bars: int = 60) -> list[Row]:
    """A walk of a seed's own temper: from flat to wild, with or without holes."""
    rng = random.Random(seed)
    return walk(
        seed,
        sessions,
        bars=bars,
        size=rng.choice((0.0, 0.5, 1.5, 8.0)),
        missing=rng.choice((0.0, 0.0, 0.15)),
    )


def coarse_walk(seed: int, sessions: int = 4, bars: int = 25) -> list[Row]:
    """Bars on a handful of prices: what is equal, and what meets its limit, is met all the time."""
    rng = random.Random(seed)
    prices = range(rng.choice((2, 4, 7)))
    rows: list[Row] = []
    for day in range(sessions):
        made = []
        for _ in range(rng.randint(1, bars)):
            low, first, last, high = sorted(rng.choices(prices, k=4))
            ends = (first, last) if rng.random() < 0.5 else (last, first)
            made.append((ends[0], high, low, ends[1]))
        points = [tuple(100_000.0 + 5.0 * price for price in bar) for bar in made]
        rows += session(points, date(2021, 4, 5 + day))  # type: ignore[arg-type]  # of four
    return rows


def signs(signals: Iterable[tuple[Any, ...]], size: int) -> list[int]:
    """Naive signals of one detector as one number per bar."""
    column = [0] * size
    for i, direction, *_ in signals:
        column[i] += direction
    return column


def average_ranges(bars: list[NaiveBar], window: int = 14) -> list[float]:
    """The average true range at every bar, stepped through by hand."""
    state = AtrState()
    values = []
    place = 0
    for i, b in enumerate(bars):
        place = 0 if i == 0 or bars[i - 1].date != b.date else place + 1
        value, state = atr_step(state, b.high, b.low, b.close, place, window)
        values.append(value)
    return values
