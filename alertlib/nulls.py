"""What chance alone would score: the same alerts at other times, or the other way round.

The outcome of every bar and direction is computed once; every run of a null is then a gather.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alertlib.matching import Validity, first_alerts
from alertlib.series import Floats, Ints, Series

HALF_HOUR = 30
# Runs evaluated at once: the working set stays in the cache.
CHUNK = 64


@dataclass(frozen=True)
class Schedule:
    """Alerts as a null moves them about.

    Attributes
    ----------
    bar, direction : int64, shape (runs, alerts)
        Bar is -1 for an alert whose slot the other day does not have.
    """

    bar: Ints
    direction: Ints


@dataclass(frozen=True)
class NullRates:
    """The three rates in every run of a null; NaN where undefined.

    Attributes
    ----------
    capture_rate, false_positive_share, win_rate : float64, one per run
    dropped : int
        Alerts without a slot, over all runs.
    """

    capture_rate: Floats
    false_positive_share: Floats
    win_rate: Floats
    dropped: int

    def of(self, criterion: str) -> Floats:
        """Return the runs' values of a criterion by its name."""
        drawn: Floats = getattr(self, criterion)
        return drawn


def permuted_sessions(
    series: Series, scored: Ints, bar: Ints, direction: Ints, runs: int, rng: np.random.Generator
) -> Schedule:
    """Give each scored session the alert schedule of another, same clock times and directions."""
    clocks = np.unique(series.minute % 1_440)
    slot = np.full((len(scored), len(clocks)), -1, dtype=np.int64)
    rank = np.full(len(series.first), -1, dtype=np.int64)
    rank[scored] = np.arange(len(scored))
    member = rank[series.session]
    inside = np.flatnonzero(member >= 0)
    clock = np.searchsorted(clocks, series.minute % 1_440)
    slot[member[inside], clock[inside]] = inside
    order = rng.permuted(np.tile(np.arange(len(scored)), (runs, 1)), axis=1)
    moved = slot[order[:, member[bar]], clock[bar]]
    return Schedule(moved, np.broadcast_to(direction, moved.shape))


def flipped_directions(bar: Ints, direction: Ints, runs: int, rng: np.random.Generator) -> Schedule:
    """Toss a coin for the direction of every alert."""
    sign = 2 * rng.integers(0, 2, size=(runs, len(bar))) - 1
    return Schedule(np.broadcast_to(bar, sign.shape), sign * direction)


def random_entries(
    series: Series, bar: Ints, direction: Ints, runs: int, rng: np.random.Generator
) -> Schedule:
    """Move every alert to a random bar of the same half hour of its session."""
    block = series.minute // HALF_HOUR
    begin = np.searchsorted(block, block[bar], side="left")
    size = np.searchsorted(block, block[bar], side="right") - begin
    moved = begin + rng.integers(0, size, size=(runs, len(bar)))
    return Schedule(moved, np.broadcast_to(direction, moved.shape))


def null_rates(schedule: Schedule, validity: Validity, wins: Ints) -> NullRates:
    """Score every run of a schedule.

    Parameters
    ----------
    schedule : Schedule
    validity : Validity
    wins : int64, shape (2, bars)
        1 where a trade entered after the bar wins, 0 where it does not, -1 where it cannot be
        entered; row 0 is direction +1.

    Returns
    -------
    NullRates
    """
    runs = len(schedule.bar)
    rates = np.full((3, runs), np.nan)
    for start in range(0, runs, CHUNK):
        part = slice(start, start + CHUNK)
        bar, direction = schedule.bar[part], schedule.direction[part]
        present = bar >= 0
        side = (direction < 0).astype(np.int64)
        found = np.where(present[..., None], validity.table[side, bar], -1)
        won = np.where(present, wins[side, bar], -1)
        first = first_alerts(found, validity.opportunities)
        captured = np.count_nonzero(first >= 0, axis=1)
        true = _distinct(first, bar.shape[1])
        false = np.count_nonzero(present & (found < 0).all(axis=2), axis=1)
        rates[:, part] = (
            _ratio(captured, np.full(len(bar), validity.opportunities)),
            _ratio(false, true + false),
            _ratio(np.count_nonzero(won == 1, axis=1), np.count_nonzero(won >= 0, axis=1)),
        )
    dropped = int(np.count_nonzero(schedule.bar < 0))
    return NullRates(rates[0], rates[1], rates[2], dropped)


def _distinct(first: Ints, alerts: int) -> Ints:
    """Number of alerts per run that are the first of at least one opportunity."""
    leads = np.zeros((len(first), alerts + 1), dtype=bool)
    leads[np.arange(len(first))[:, None], first] = True
    counts: Ints = np.count_nonzero(leads[:, :alerts], axis=1)
    return counts


def _ratio(part: Ints, whole: Ints) -> Floats:
    ratio: Floats = np.full(len(whole), np.nan)
    np.divide(part, whole, out=ratio, where=whole > 0)
    return ratio
