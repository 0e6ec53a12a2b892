"""What chance alone would score: the same alerts at other times, or the other way round.

The outcome of every bar and direction is computed once; every run of a null is then a gather.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alertlib._typing import Floats, Ints, Signals
from alertlib.bars.series import Series
from alertlib.market.clock import MINUTES_PER_DAY
from alertlib.scoring.matching import Validity, first_alerts

# Bars from its own on that the timing null may move an alert to.
LATER = 6
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

    def first(self, runs: int) -> Schedule:
        """Return the first runs only."""
        return Schedule(self.bar[:runs], self.direction[:runs])


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

    def of(self, statistic: str) -> Floats:
        """Return the runs' values of a statistic by its name."""
        drawn: Floats = getattr(self, statistic)
        return drawn


@dataclass(frozen=True)
class CoinFlipRates(NullRates):
    """What detectors score on coin-flip bars; NaN where undefined.

    Attributes
    ----------
    expectancy_points : float64, one per run
        Net points per trade.
    alerts : int64, one per run
    """

    expectancy_points: Floats
    alerts: Ints

    @property
    def capture_less_false(self) -> Floats:
        """Capture rate less false-positive share."""
        pair: Floats = self.capture_rate - self.false_positive_share
        return pair

    @property
    def runs(self) -> int:
        """Number of runs."""
        return len(self.alerts)


def permuted_sessions(
    series: Series, scored: Ints, bar: Ints, direction: Ints, runs: int, rng: np.random.Generator
) -> Schedule:
    """Give each scored session the alert schedule of another, same clock times and directions."""
    moved = exchanged_bars(series, scored, bar, runs, rng)
    return Schedule(moved, np.broadcast_to(direction, moved.shape))


def exchanged_bars(
    series: Series, scored: Ints, bar: Ints, runs: int, rng: np.random.Generator
) -> Ints:
    """Return where bars of scored sessions lie when the sessions change places.

    Returns
    -------
    int64, shape (runs, bars)
        The bar of the same clock time, -1 where the other session has none.
    """
    slot = np.full((len(scored), MINUTES_PER_DAY), -1, dtype=np.int64)
    rank = np.full(len(series.first), -1, dtype=np.int64)
    rank[scored] = np.arange(len(scored))
    member = rank[series.session]
    inside = np.flatnonzero(member >= 0)
    clock = series.minute % MINUTES_PER_DAY
    slot[member[inside], clock[inside]] = inside
    order = rng.permuted(np.tile(np.arange(len(scored)), (runs, 1)), axis=1)
    moved: Ints = slot[order[:, member[bar]], clock[bar]]
    return moved


def flipped_directions(bar: Ints, direction: Ints, runs: int, rng: np.random.Generator) -> Schedule:
    """Toss a coin for each bar with alerts: all of them keep their direction, or turn round."""
    _, place = np.unique(bar, return_inverse=True)
    sign = 2 * rng.integers(0, 2, size=(runs, place.max(initial=-1) + 1)) - 1
    return Schedule(np.broadcast_to(bar, (runs, len(bar))), sign[:, place] * direction)


def later_entries(
    series: Series, bar: Ints, direction: Ints, runs: int, rng: np.random.Generator
) -> Schedule:
    """Move every alert to one of the ``LATER`` bars of its session from its own on.

    Never earlier: its direction was learned from its own bar.
    """
    left = series.last[series.session[bar]] - bar + 1
    moved = bar + rng.integers(0, np.minimum(left, LATER), size=(runs, len(bar)))
    return Schedule(moved, np.broadcast_to(direction, moved.shape))


def null_rates(schedule: Schedule, validity: Validity, wins: Signals) -> NullRates:
    """Score every run of a schedule.

    Parameters
    ----------
    schedule : Schedule
    validity : Validity
    wins : int8, shape (2, bars + 1)
        1 where a trade entered after the bar wins, 0 where it does not, -1 where it cannot be
        entered and in the spare last bar; row 0 is direction +1.

    Returns
    -------
    NullRates
    """
    runs, alerts = schedule.bar.shape
    opportunities, rows = validity.opportunities, validity.table.shape[1]
    table = validity.table.reshape(2 * rows, -1)
    won_at = wins.reshape(-1)
    counts = np.zeros((5, runs), dtype=np.int64)
    for start in range(0, runs, CHUNK):
        part = slice(start, start + CHUNK)
        bar = schedule.bar[part]
        # Bar -1 is the spare last row of either side.
        cell = np.where(bar < 0, rows - 1, bar) + rows * (schedule.direction[part] < 0)
        found, won = table[cell], won_at[cell]
        first = first_alerts(found, opportunities)
        counts[:, part] = (
            np.count_nonzero(first >= 0, axis=1),
            _distinct(first, alerts),
            np.count_nonzero((found[..., 0] == opportunities) & (bar >= 0), axis=1),
            np.count_nonzero(won == 1, axis=1),
            np.count_nonzero(won >= 0, axis=1),
        )
    captured, true, false, winning, trades = counts
    return NullRates(
        _ratio(captured, np.full(runs, opportunities)),
        _ratio(false, true + false),
        _ratio(winning, trades),
        dropped=int(np.count_nonzero(schedule.bar < 0)),
    )


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
