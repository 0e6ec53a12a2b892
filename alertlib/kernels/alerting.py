"""From the signals of one bar to an alert's confidence, severity and levels."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor
from typing import NamedTuple

AGREEMENT = 10  # hundredths added per agreeing detector
CONFIDENCE_CAP = 95
CRITICO, ALTO = 80, 65  # lowest confidence of each, in hundredths
SEVERITIES = ("MEDIO", "ALTO", "CRITICO")


def merge(signals: Sequence[int], direction: int) -> tuple[int, int, int]:
    """Merge the signals of one bar and direction into one alert.

    Parameters
    ----------
    signals : sequence of int, length D <= 62
        -1, 0 or +1 of each detector, highest base confidence first.
    direction : int
        +1 or -1.

    Returns
    -------
    lead : int
        Detector that names the alert; -1 if none signals this direction.
    others : int
        Number of further detectors that agree.
    mask : int
        Those detectors, as bits.
    """
    lead = -1
    others = 0
    mask = 0
    for place in range(len(signals)):
        if signals[place] == direction:
            if lead < 0:
                lead = place
            else:
                others += 1
                mask |= 1 << place
    return lead, others, mask


def stated_confidence(probability: float) -> int:
    """Return a stated probability as a base confidence: whole hundredths, down, at most the cap."""
    hundredths = int(100.0 * probability)
    return hundredths if hundredths < CONFIDENCE_CAP else CONFIDENCE_CAP


def confidence_of(base: int, others: int) -> int:
    """Return the confidence in hundredths of a base with so many agreeing detectors."""
    confidence = base + AGREEMENT * others
    return confidence if confidence < CONFIDENCE_CAP else CONFIDENCE_CAP


def severity_of(confidence: int) -> int:
    """Return the severity's rank: 2 ``CRITICO``, 1 ``ALTO``, 0 ``MEDIO``."""
    if confidence >= CRITICO:
        return 2
    return 1 if confidence >= ALTO else 0


class SetupParams(NamedTuple):
    """Distances in ATR, the tick in quanta, and whether levels are rounded to it."""

    entry_band_atr: float
    stop_atr: float
    target_atr: float
    tick: int
    rounded: int


class Setup(NamedTuple):
    """Levels of the proposed trade, in quanta."""

    entry_min: float
    entry_max: float
    stop: float
    target: float


def setup_levels(price: int, atr: float, direction: int, params: SetupParams) -> Setup:
    """Return the levels of the trade an alert proposes.

    The entry band is rounded outward. Stop and target are at least one tick away before they
    are rounded: the stop toward the price, the target away from it. They are fixed here and
    never moved.

    Parameters
    ----------
    price : int
        Close of the alert's bar, in quanta.
    atr : float
        Average true range at that bar, in quanta, >= 0.
    direction : int
        +1 or -1.
    params : SetupParams
    """
    tick = float(params.tick)
    band = params.entry_band_atr * atr
    stop = params.stop_atr * atr
    target = params.target_atr * atr
    if stop < tick:
        stop = tick
    if target < tick:
        target = tick
    at = float(price)
    low = at - band
    high = at + band
    if direction > 0:
        stop_at = at - stop
        target_at = at + target
    else:
        stop_at = at + stop
        target_at = at - target
    if params.rounded:
        low = floor(low / tick) * tick
        high = ceil(high / tick) * tick
        if direction > 0:
            stop_at = ceil(stop_at / tick) * tick
            target_at = ceil(target_at / tick) * tick
        else:
            stop_at = floor(stop_at / tick) * tick
            target_at = floor(target_at / tick) * tick
    return Setup(low, high, stop_at, target_at)
