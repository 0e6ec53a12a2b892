"""Points of trials that have no skill: fat tails, clusters of volatility, trials that are alike."""

from __future__ import annotations

import numpy as np

from alertlib._typing import Floats

BURN_IN = 50


def noise(rng: np.random.Generator, trials: int = 30, sessions: int = 60) -> Floats:
    """Return what trials without skill earn: half of each session is common to all of them."""
    steps = sessions + BURN_IN
    log_volatility = np.zeros(steps)
    for step in range(1, steps):
        log_volatility[step] = 0.9 * log_volatility[step - 1] + 0.25 * rng.standard_normal()
    common, own = rng.standard_t(4, size=(1, steps)), rng.standard_t(4, size=(trials, steps))
    points: Floats = (common + own) * np.exp(log_volatility)
    return points[:, BURN_IN:]


def planted(rng: np.random.Generator, row: int, trials: int = 30, sessions: int = 60) -> Floats:
    """Return noise in which one trial earns 0.7 standard deviations per session."""
    points = noise(rng, trials, sessions)
    points[row] += 0.7 * points[row].std()
    return points
