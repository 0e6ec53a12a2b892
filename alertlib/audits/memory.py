"""Does a detector know these very bars by heart?

A table of the moves to come, keyed by their time or by their prices, sees no later bar and keeps
nothing outside its state: every other audit calls it clean. On the same market at other dates, at
other prices, or with a tick of noise it finds nothing.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from alertlib._typing import Floats, Signals
from alertlib.audits.report import AuditItem
from alertlib.bars.series import Series
from alertlib.detection.builtin import is_built_in
from alertlib.errors import DetectorError
from alertlib.market.clock import MINUTES_PER_DAY
from alertlib.scoring.engine import Engine
from alertlib.scoring.scored import Detected
from alertlib.scoring.signals import detect
from alertlib.scoring.true_ranges import true_ranges

# A year of whole weeks, so that weekdays stay; ticks that leave round numbers round.
LATER_DAYS = 52 * 7
HIGHER_TICKS = 200
# Least shares of its signals. A table by time or by price keeps 0-29 % where the built-in detectors
# and those of the README keep all.
KEPT_MOVED = 0.5
# Noise also costs an honest detector: engulfing keeps 61-68 %, one of exact round numbers 17-45 %;
# a table by open and close 4-9 %.
KEPT_NOISY = 0.1

ADVICE = "it knows these bars by heart; state fitted_until= or learn with fit="


def memory(
    whole: Detected, engine: Engine, rng: np.random.Generator, *, every: bool
) -> AuditItem | None:
    """Count which signals stay on the same bars moved in time, in price, and by a tick of noise.

    Parameters
    ----------
    whole : Detected
    engine : Engine
    rng : Generator
        Of the noise.
    every : bool
        Look at the built-in detectors, too, which know no bars.

    Returns
    -------
    AuditItem or None
        None where there is no detector to look at.
    """
    detectors = tuple(d for d in whole.rules.detectors if every or not is_built_in(d))
    if not detectors:
        return None

    def signs(series: Series) -> Signals:
        atr = true_ranges(series, whole.rules.atr_window, engine)
        found = detect(series, detectors, engine, atr, whole.refits).sign
        for i, detector in enumerate(detectors):
            found[: detector.warmup + 1, i] = 0  # they do not count
        return found

    series = whole.series
    before = signs(series)
    kept = []
    for what, moved, near, least in (
        ("on shifted dates", later(series), 0, KEPT_MOVED),
        ("on shifted prices", higher(series), 0, KEPT_MOVED),
        ("with one tick of jitter", jittered(series, rng), 1, KEPT_NOISY),
    ):
        try:
            kept.append((what, shares(before, signs(moved), near), least))
        except DetectorError as error:
            return AuditItem("memory", False, len(detectors), f"{what}: {error}")
    clean, seen = True, []
    for i, detector in enumerate(detectors):
        if not before[:, i].any():
            seen.append(f"{detector.name} gives no signal")
            continue
        words = ", ".join(f"{round(100 * share[i])} % {what}" for what, share, _ in kept)
        by_heart = any(share[i] < least for _, share, least in kept)
        clean = clean and not by_heart
        found = f"{detector.name} keeps {words.replace(' % ', ' % of its signals ', 1)}"
        seen.append(f"{found}: {ADVICE}" if by_heart else found)
    return AuditItem("memory", clean, len(detectors), "; ".join(seen))


def later(series: Series) -> Series:
    """Return the same bars a year on, on the same weekdays."""
    minute = series.minute + LATER_DAYS * MINUTES_PER_DAY
    return replace(series, minute=minute, day=series.day + LATER_DAYS)


def higher(series: Series) -> Series:
    """Return the same bars at prices higher by a constant."""
    more = HIGHER_TICKS * _tick(series)
    return series.with_prices(
        series.open + more, series.high + more, series.low + more, series.close + more
    )


def jittered(series: Series, rng: np.random.Generator) -> Series:
    """Return the bars with every price moved by up to a tick, still bars."""
    tick, prices = _tick(series), (series.open, series.high, series.low, series.close)
    noise = tick * rng.integers(-1, 2, size=(4, len(series)))
    opened, high, low, close = (np.maximum(p + n, tick) for p, n in zip(prices, noise, strict=True))
    return series.with_prices(
        opened,
        np.maximum.reduce([high, opened, close]),
        np.minimum.reduce([low, opened, close]),
        close,
    )


def shares(before: Signals, after: Signals, near: int) -> Floats:
    """Return the share of each column's signals found again up to ``near`` bars off."""
    padded = np.pad(after, ((near, near), (0, 0)))
    size = len(before)
    found = np.zeros(before.shape, dtype=bool)
    for start in range(2 * near + 1):
        found |= padded[start : start + size] == before
    there = before != 0
    share: Floats = (there & found).sum(axis=0) / np.maximum(there.sum(axis=0), 1)
    return share


def _tick(series: Series) -> int:
    grid = series.instrument.grid
    assert grid is not None
    return grid.per_tick
