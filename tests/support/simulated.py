"""Bars whose chance is known: coins for every bar, or coins that favour an alert's side."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from alertlib.backtesting.chance import OneConfiguration, measure_chance
from alertlib.bars.series import Series
from alertlib.config.schema import Settings
from alertlib.detection.bar import Bar
from alertlib.detection.stream import Stream
from alertlib.scorecard import gate
from alertlib.scoring.engine import COMPILED
from alertlib.scoring.scored import score
from alertlib.stats.intervals import p_value
from alertlib.stats.surrogates import coin_flips, mirror
from tests.support.detected import detected_on

# Bars after an alert for which the coin favours its side.
FAVOURED = 24


def coin_flip_file(series: Series, rng: np.random.Generator) -> Series:
    """The same bars without direction."""
    return mirror(series, coin_flips(len(series), rng))


def planted_edge(
    series: Series, config: Settings, favour: float, rng: np.random.Generator
) -> Series:
    """Coin-flip bars in which, after each alert, the coin favours its side.

    The live core runs along, since where the next coin is loaded depends on the bars so far.
    """
    before = np.concatenate([series.open[:1], series.close[:-1]])
    move, up, down = series.close - before, series.high - before, series.low - before
    gap = series.open - before
    stream = Stream(
        config, symbol=series.instrument.symbol, timeframe=series.instrument.timeframe,
        instrument=series.instrument,
    )  # fmt: skip
    toss = rng.random(len(series))
    columns = np.empty((4, len(series)), dtype=np.int64)
    # A file's length of coins may drift far: high enough that no price reaches zero.
    base, side, until = int(series.open[0]) + 10**7, 0, -1
    for i, minute in enumerate(series.minute.tolist()):
        sign = 1 if toss[i] < 0.5 else -1
        if i <= until and move[i] != 0:
            sign = (side if toss[i] < favour else -side) * (1 if move[i] > 0 else -1)
        high, low = (up[i], down[i]) if sign > 0 else (-down[i], -up[i])
        prices = (base + sign * gap[i], base + high, base + low, base + sign * move[i])
        columns[:, i] = prices
        base = int(prices[3])
        time = datetime(1970, 1, 1) + timedelta(minutes=minute)
        for alert in stream.on_bar(Bar(time, *(float(series.price(int(x))) for x in prices))):
            side, until = alert.direction, i + FAVOURED
    return series.with_prices(*columns)


@dataclass(frozen=True)
class Seen:
    """What the gate would have seen of a file."""

    rates: tuple[float, float, float]
    p_values: dict[str, float]
    by_placement: float
    """The win rate's p by session permutation and direction flip alone."""


def seen_by_gate(series: Series, config: Settings, name: str) -> Seen:
    """Score a file and test it against chance; ``name`` stands for its hash."""
    scored = score(detected_on(series, config, COMPILED), config)
    chance = measure_chance(scored, name, OneConfiguration(scored, COMPILED), lambda *_: None)
    evidence = gate.Evidence(chance.rates, chance.observed, "", (), 0, 0)
    rails = {c.name: c.p_value for c in gate.guard_rails(scored, config.gate, evidence)}
    p_values = {name: p for name, p in rails.items() if p is not None}
    value = scored.win_rate
    assert value is not None
    placement = [
        p_value(chance.rates[null].win_rate, value, larger_is_better=True)
        for null in ("session_permutation", "direction_flip")
    ]
    coins = chance.rates["coin_flip"]
    p_values["win_rate_by_coins"] = p_value(coins.win_rate, value, larger_is_better=True)
    assert scored.capture_rate is not None
    assert scored.false_positive_share is not None
    rates = (scored.capture_rate, scored.false_positive_share, value)
    return Seen(rates, p_values, max(placement))
