"""The detectors as plain NumPy: whole columns, no loop over bars, no compiler.

What the steps of ``alertlib.kernels`` define, written once more. Rolling sums are of integers and
exact. Wilder's recursion is a product of each block of bars with a triangle of weights.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from alertlib._typing import Floats, Ints, Narrow, Signals
from alertlib.kernels.breakout import BreakoutParams
from alertlib.kernels.rsi_divergence import RsiDivergenceParams
from alertlib.kernels.volatility import VolatilityParams

# Bars of a recursion done in one product.
BLOCK = 64


def confirmed(side: Signals, confirm: int) -> Signals:
    """Return the side at bars where it has held exactly ``confirm`` bars in a row."""
    bars = np.arange(len(side))
    changed = np.concatenate([[True], side[1:] != side[:-1]])
    held = bars - np.maximum.accumulate(np.where(changed, bars, 0)) + 1
    return np.asarray(np.where(held == confirm, side, 0), dtype=np.int8)


def fresh(side: Signals) -> Signals:
    """Return the side at bars whose predecessor had another."""
    return np.asarray(side * np.concatenate([[True], side[1:] != side[:-1]]))


def volatility(close: Ints, params: VolatilityParams) -> Signals:
    """Return what :func:`alertlib.kernels.volatility.volatility_step` signals."""
    n, limit, confirm = params
    side = np.zeros(len(close), dtype=np.int8)
    total = _rolling_sum(close, n)
    squares = _rolling_sum(close * close, n)
    distance = n * close[n - 1 :] - total
    spread = n * squares - total * total
    far = (spread > 0) & ((distance * distance).astype(np.float64) >= limit * limit * spread)
    side[n - 1 :] = np.where(far, np.sign(distance), 0)
    return confirmed(side, confirm)


def _rolling_sum(values: Ints, n: int) -> Ints:
    sums = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(values)])
    return np.asarray(sums[n:] - sums[:-n])


def engulfing(columns: dict[str, Any], place: Ints | Narrow) -> Signals:
    """Return what :func:`alertlib.kernels.engulfing.engulfing_step` signals."""
    opened, closed = columns["open"], columns["close"]
    body, before = (closed - opened)[1:], (closed - opened)[:-1]
    o, c, o1, c1 = opened[1:], closed[1:], opened[:-1], closed[:-1]
    up = (body > 0) & (before < 0) & (o <= c1) & (c >= o1)
    down = (body < 0) & (before > 0) & (o >= c1) & (c <= o1)
    sign = np.zeros(len(opened), dtype=np.int8)
    sign[1:] = (up.astype(np.int8) - down.astype(np.int8)) * (place[1:] > 0)
    return sign


def breakout(columns: dict[str, Any], params: BreakoutParams) -> Signals:
    """Return what :func:`alertlib.kernels.breakout.breakout_step` signals (``extremes``)."""
    n, beyond = int(params.window), max(int(params.margin_ticks), 1)
    high, low, close = columns["high"], columns["low"], columns["close"]
    size = len(close) - n
    top, bottom = high[:size], low[:size]
    for k in range(1, n):
        top = np.maximum(top, high[k : k + size])
        bottom = np.minimum(bottom, low[k : k + size])
    side = np.zeros(len(close), dtype=np.int8)
    above, below = close[n:] >= top + beyond, close[n:] <= bottom - beyond
    side[n:] = above.astype(np.int8) - below.astype(np.int8)
    return fresh(side)


def wilder(values: Floats, n: int, first: float) -> Floats:
    """Return ``y[i] = y[i-1] * (1 - 1/n) + values[i] / n`` with ``first`` before the first."""
    keep = 1.0 - 1.0 / n
    rows = -(-len(values) // BLOCK)
    padded = np.zeros(rows * BLOCK)
    padded[: len(values)] = values
    away = np.subtract.outer(np.arange(BLOCK), np.arange(BLOCK))
    weights = np.where(away >= 0, keep ** np.maximum(away, 0), 0.0) / n
    own = padded.reshape(rows, BLOCK) @ weights.T
    carried, across = [first], keep**BLOCK
    for last in own[:-1, -1].tolist():
        carried.append(carried[-1] * across + last)
    fading = keep ** np.arange(1, BLOCK + 1)
    whole = own + np.multiply.outer(np.array(carried), fading)
    return np.asarray(whole.reshape(-1)[: len(values)])


def rsi(close: Ints, n: int) -> Floats:
    """Return Wilder's RSI, 50 where it is not defined yet or nothing moved."""
    change = np.diff(close).astype(np.float64)
    rise, fall = np.maximum(change, 0.0), np.maximum(-change, 0.0)
    gain = wilder(rise[n:], n, rise[:n].mean())
    loss = wilder(fall[n:], n, fall[:n].mean())
    gain = np.concatenate([[rise[:n].mean()], gain])
    loss = np.concatenate([[fall[:n].mean()], loss])
    out = np.full(len(close), 50.0)
    moved = gain + loss
    np.divide(100.0 * gain, moved, out=out[n:], where=moved > 0.0)
    return out


def divergence(
    columns: dict[str, Any], place: Ints | Narrow, strength: Floats, params: RsiDivergenceParams
) -> Signals:
    """Return what :func:`alertlib.kernels.rsi_divergence.rsi_divergence_step` signals.

    Parameters
    ----------
    columns : dict of str to ndarray
        ``high`` and ``low``.
    place : int64
    strength : float64
        The RSI at each bar.
    params : RsiDivergenceParams
    """
    sign = np.zeros(len(place), dtype=np.int8)
    for levels, way in ((columns["high"], -1), (-columns["low"], 1)):
        at = levels[2:-2]
        peak = (at > levels[4:]) & (at > levels[3:-1]) & (at > levels[1:-3]) & (at > levels[:-4])
        pivot = np.flatnonzero(peak) + 2
        was, now = pivot[:-1], pivot[1:]
        # All bars of both windows in one session, as known two bars after the second pivot.
        inside = was >= now + 2 - place[now + 2] + 2
        apart = (now - was >= params.min_bars) & (now - was <= params.max_bars)
        further = levels[now] > levels[was]
        weaker = strength[was] - strength[now] if way < 0 else strength[now] - strength[was]
        found = inside & apart & further & (weaker >= params.min_points) & (was >= params.window)
        sign[now[found] + 2] += np.int8(way)
    return sign


def true_range(columns: dict[str, Any], place: Ints | Narrow) -> Ints:
    """Return each bar's true range; a session's first bar has its own range."""
    high, low, close = columns["high"], columns["low"], columns["close"]
    reach = high - low
    joined = np.maximum(np.maximum(high[1:] - close[:-1], close[:-1] - low[1:]), reach[1:])
    return np.concatenate([reach[:1], np.where(place[1:] > 0, joined, reach[1:])])


def atr(columns: dict[str, Any], place: Ints | Narrow, n: int) -> Floats:
    """Return what :func:`alertlib.kernels.atr.atr_step` gives."""
    ranges = true_range(columns, place).astype(np.float64)
    first = ranges[:n].mean()
    return np.concatenate([np.full(n - 1, np.nan), [first], wilder(ranges[n:], n, first)])
