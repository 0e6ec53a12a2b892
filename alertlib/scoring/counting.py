"""Counts of one file under many settings: the stages of a score, without its details.

A parameter search asks for counts only, thousands of times, and most settings leave most stages
as they were. So each stage stands alone here, is given what the one before it found, and works on
whole columns with nothing converted in between. The rules are those of :mod:`alertlib.scoring`'s
other modules: the same kernels decide, and a law holds every count to theirs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from alertlib._typing import Floats, Ints, Signals
from alertlib.bars.series import Series
from alertlib.config.schema import Trade
from alertlib.detection.detectors import Detector
from alertlib.detection.ruleset import Rules
from alertlib.kernels.alerting import (
    SetupParams,
    confidence_of,
    merge,
    setup_levels,
    severity_of,
    stated_confidence,
)
from alertlib.kernels.first_touch import first_touch
from alertlib.kernels.policy import (
    PolicyParams,
    PolicyState,
    memory_size,
    policy_step,
)
from alertlib.scoring.counting_loops import (
    make_delivery_scan,
    make_match_scan,
    make_trade_scan,
)
from alertlib.scoring.engine import COMPILED, Engine
from alertlib.scoring.labels import Opportunities
from alertlib.scoring.matching import Validity
from alertlib.scoring.scored_sessions import Scope, is_censored
from alertlib.scoring.trade_walk import last_bars
from alertlib.scoring.trades import costs_in_quanta, session_fees

# Of each scored session; the last two in quanta, before fees.
MATCH_FIELDS = ("captured", "tp", "fp", "redundant")
TRADE_FIELDS = ("trades", "wins", "quanta", "squares")


@dataclass(frozen=True)
class Ground:
    """What all settings of a search have in common.

    Attributes
    ----------
    series : Series
    atr : float64, one per bar
        In quanta.
    scope : Scope
    moves : Opportunities
        Of the scored sessions.
    validity : Validity
    engine : Engine
    """

    series: Series
    atr: Floats
    scope: Scope
    moves: Opportunities
    validity: Validity
    engine: Engine = COMPILED
    _reaches: dict[tuple[int, int], Reach] = field(default_factory=dict, repr=False)

    @cached_property
    def begin(self) -> int:
        """First bar whose alerts matter: of a scored session, with a defined average true range."""
        if len(self.scope.sessions) == 0:
            return len(self.series)
        first = int(self.series.first[self.scope.sessions[0]])
        return max(first, int(np.count_nonzero(np.isnan(self.atr))))

    @cached_property
    def close_minute(self) -> Ints:
        """Close of each bar, minutes since 1970-01-01."""
        return self.series.minute.astype(np.int64) + self.series.instrument.minutes

    @cached_property
    def day(self) -> Ints:
        """Session of each bar, days since 1970-01-01."""
        return self.series.day.astype(np.int64)

    @cached_property
    def opportunities(self) -> Ints:
        """Moves of each scored session."""
        return np.bincount(
            self._rank[self.series.session[self.moves.start]], minlength=len(self.scope.sessions)
        )

    @cached_property
    def _rank(self) -> Ints:
        rank = np.full(len(self.series.first), -1, dtype=np.int64)
        rank[self.scope.sessions] = np.arange(len(self.scope.sessions))
        return rank

    def reach(self, trade: Trade) -> Reach:
        """Return how far the trades of each bar's alerts may run, worked out once a horizon."""
        key = (trade.horizon_bars, trade.horizon_minutes)
        if key not in self._reaches:
            bars, last = np.arange(len(self.series)), self.series.last[self.series.session]
            entry = np.minimum(bars + 1, last)
            counted = ~is_censored(self.scope, bars, trade.horizon_bars)
            self._reaches[key] = Reach(
                last_bars(self.series, bars, entry, last, trade)[0],
                np.where(counted, self._rank[self.series.session], -1).astype(np.int32),
            )
        return self._reaches[key]


@dataclass(frozen=True)
class Reach:
    """What the horizon of trades decides about each bar's alerts.

    Attributes
    ----------
    final : int64
        Last bar a trade may run to; the alert's own bar where none can be entered.
    session : int32
        Scored session the alert counts in; -1 where it does not.
    """

    final: Ints
    session: npt.NDArray[np.int32]


@dataclass(frozen=True)
class Delivered:
    """Alerts that reached the trader, in order of delivery.

    Attributes
    ----------
    bar : int32
    side : int8
        0 for +1, 1 for -1.
    """

    bar: npt.NDArray[np.int32]
    side: npt.NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.bar)


def counted_signals(sign: Signals, detector: Detector) -> Signals:
    """Return a detector's signals, those of its warm-up silenced."""
    found = np.ascontiguousarray(sign, dtype=np.int8).copy()
    found[: detector.warmup + 1] = 0
    return found


def stated_hundredths(sign: Signals, probability: Floats) -> npt.NDArray[np.int64]:
    """Return the base confidence a detector states at each of its signals, in hundredths."""
    stated = np.zeros(len(sign), dtype=np.int64)
    own = np.flatnonzero(sign)
    stated[own] = [stated_confidence(p) for p in probability[own].tolist()]
    return stated


@dataclass(frozen=True)
class Ranks:
    """The enabled detectors as the loop reads them, in order of rank.

    Attributes
    ----------
    base : int64, one per detector
        Declared confidence in hundredths.
    pattern : int64, shape (2, detectors)
        Number of the pattern; row 0 for +1.
    patterns : int
    """

    base: Ints
    pattern: Ints
    patterns: int


def ranks_of(rules: Rules) -> Ranks:
    """Return the detectors of ``rules`` as the loop reads them."""
    numbers = {name: i for i, name in enumerate(rules.patterns)}
    pattern = [[numbers[d.pattern(way)] for d in rules.detectors] for way in (1, -1)]
    return Ranks(
        np.array([d.confidence for d in rules.detectors], dtype=np.int64),
        np.array(pattern, dtype=np.int64).reshape(2, -1),
        len(numbers),
    )


def deliver(
    ground: Ground, signs: Signals, ranks: Ranks, policy: PolicyParams, stated: Mapping[int, Ints]
) -> Delivered:
    """Merge signals into alerts and pass them through the policy.

    Parameters
    ----------
    ground : Ground
    signs : int8, shape (detectors, bars)
        In order of rank, as :func:`counted_signals` returns them.
    ranks : Ranks
    policy : PolicyParams
    stated : mapping of int to int64
        By the number of each detector that states its confidence: that of each bar.

    Returns
    -------
    Delivered
    """
    series, engine, detectors = ground.series, ground.engine, len(ranks.base)
    slot = np.full(detectors, -1, dtype=np.int64)
    slot[list(stated)] = np.arange(len(stated))
    table = np.array(list(stated.values()), dtype=np.int64).reshape(-1, len(series))
    # Nothing the policy remembers outlives a session.
    begin = ground.begin
    rows = begin + np.flatnonzero(np.bitwise_or.reduce(signs[:, begin:], axis=0))
    bar, side = np.empty(2 * len(rows), dtype=np.int32), np.empty(2 * len(rows), dtype=np.int8)
    scan = engine.build(make_delivery_scan, merge, confidence_of, severity_of, policy_step)
    count = scan(
        rows, signs, np.zeros(detectors, dtype=np.int8), ranks.base, slot, table, ranks.pattern,
        ground.close_minute, ground.day, policy, PolicyState(),
        engine.ring(memory_size(ranks.patterns), -1), bar, side,
    )  # fmt: skip
    return Delivered(bar[:count], side[:count])


def count_matches(ground: Ground, delivered: Delivered, reach: Reach) -> Ints:
    """Return ``MATCH_FIELDS`` of each scored session: int64, shape (sessions, 4).

    Parameters
    ----------
    ground : Ground
    delivered : Delivered
    reach : Reach
    """
    counts = np.zeros((len(ground.scope.sessions), len(MATCH_FIELDS)), dtype=np.int64)
    taken = np.zeros(ground.validity.opportunities, dtype=np.int8)
    scan = ground.engine.build(make_match_scan)
    scan(delivered.bar, delivered.side, reach.session, ground.validity.table, taken, counts)
    return counts


class Outcomes:
    """What a trade at each bar and side comes to, worked out when first asked for."""

    def __init__(self, ground: Ground, setup: SetupParams, trade: Trade) -> None:
        series, grid = ground.series, ground.series.instrument.grid
        assert grid is not None
        self._ground, self._setup = ground, setup
        self.reach = ground.reach(trade)
        self._fees = session_fees(series, trade)[ground.scope.sessions]
        self._costs = (
            *costs_in_quanta(series, trade),
            grid.numerator,
            grid.denominator,
        )
        self._complete = False
        # By side and bar: what is known of the trade, and its result in quanta before fees, there
        # where one is known: a page of the table that no trade is on is never touched.
        self.known = np.zeros((2, len(series)), dtype=np.int8)
        self.result = np.empty((2, len(series)))

    def know_all(self) -> None:
        """Work out every trade that an alert of a scored session could lead to."""
        if not self._complete:
            scored = self.reach.session >= 0
            scored[: self._ground.begin] = False
            bars = np.flatnonzero(scored).astype(np.int32)
            for side in (0, 1):
                self.count(Delivered(bars, np.full(len(bars), side, dtype=np.int8)))
            self._complete = True

    def count(self, delivered: Delivered) -> Floats:
        """Return ``TRADE_FIELDS`` of each scored session: float64, shape (sessions, 4).

        On the tick grid all of them are whole numbers.
        """
        series, engine = self._ground.series, self._ground.engine
        counts = np.zeros((len(self._fees), len(TRADE_FIELDS)))
        scan = engine.build(make_trade_scan, setup_levels, first_touch)
        scan(
            delivered.bar, delivered.side, self.reach.session, series.open, series.high, series.low,
            series.close, self._ground.atr, self.reach.final, self._fees, self._setup, self._costs,
            self.known, self.result, counts,
        )  # fmt: skip
        return counts
