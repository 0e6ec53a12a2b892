"""Counts of one file under many settings: the stages of a score, without its details.

A parameter search asks for counts only, thousands of times, and most settings leave most stages
as they were. So each stage stands alone here, is given what the one before it found, and works on
whole columns with nothing converted in between. The rules are those of :mod:`alertlib.scoring`'s
other modules: the same kernels decide, and a law holds every count to theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

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
from alertlib.kernels.policy import PolicyState, memory_size, policy_step
from alertlib.scoring.engine import COMPILED, Engine
from alertlib.scoring.labels import Opportunities
from alertlib.scoring.matching import Validity
from alertlib.scoring.scored_sessions import Scope, is_censored
from alertlib.scoring.trades import last_bars, session_fees

# Of each scored session; the last two in quanta, before fees.
MATCH_FIELDS = ("captured", "tp", "fp", "redundant")
TRADE_FIELDS = ("trades", "wins", "quanta", "squares")
CAPTURED, TRUE, FALSE, REDUNDANT = range(4)
TRADES, WINS, QUANTA, SQUARES = range(4)
UNKNOWN, UNFILLED, LOST, WON = range(4)


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
        return self.series.minute + self.series.instrument.minutes

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

    def session_of(self, horizon_bars: int) -> npt.NDArray[np.int32]:
        """Return the scored session each bar's alerts count in; -1 where they do not."""
        bars = np.arange(len(self.series))
        counted = ~is_censored(self.scope, bars, horizon_bars)
        return np.where(counted, self._rank[self.series.session], -1).astype(np.int32)


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


def deliver(
    ground: Ground, signs: Signals, rules: Rules, stated: Mapping[int, Ints] | None = None
) -> Delivered:
    """Merge signals into alerts and pass them through the policy.

    Parameters
    ----------
    ground : Ground
    signs : int8, shape (detectors, bars)
        In order of rank, as :func:`counted_signals` returns them.
    rules : Rules
        Their policy; no ``accept``.
    stated : mapping of int to int64, optional
        By the number of each detector that states its confidence: that of each bar.

    Returns
    -------
    Delivered
    """
    series, engine = ground.series, ground.engine
    base = np.array([d.confidence for d in rules.detectors], dtype=np.int64)
    slot = np.full(len(base), -1, dtype=np.int64)
    slot[list(stated or ())] = np.arange(len(stated or ()))
    table = np.array(list((stated or {}).values()), dtype=np.int64).reshape(-1, len(series))
    # Nothing the policy remembers outlives a session.
    rows = ground.begin + np.flatnonzero(np.bitwise_or.reduce(signs[:, ground.begin :], axis=0))
    room = 2 * len(rows)
    bar, side = np.empty(room, dtype=np.int32), np.empty(room, dtype=np.int8)
    scan = engine.build(_make_delivery_scan, merge, confidence_of, severity_of, policy_step)
    count = scan(
        rows, signs, np.zeros(len(base), dtype=np.int8), base, slot, table,
        _pattern_numbers(rules), ground.close_minute, series.day, rules.policy, PolicyState(),
        engine.ring(memory_size(len(rules.patterns)), -1), bar, side,
    )  # fmt: skip
    return Delivered(bar[:count], side[:count])


def _pattern_numbers(rules: Rules) -> Ints:
    """Return the number of each detector's pattern: shape (2, detectors), row 0 for +1."""
    numbers = {name: i for i, name in enumerate(rules.patterns)}
    return np.array(
        [[numbers[d.pattern(way)] for d in rules.detectors] for way in (1, -1)], dtype=np.int64
    ).reshape(2, -1)


def count_matches(ground: Ground, delivered: Delivered, session: Any) -> Ints:
    """Return ``MATCH_FIELDS`` of each scored session: int64, shape (sessions, 4).

    Parameters
    ----------
    ground : Ground
    delivered : Delivered
    session : int32, one per bar
        As :meth:`Ground.session_of` returns it.
    """
    counts = np.zeros((len(ground.scope.sessions), len(MATCH_FIELDS)), dtype=np.int64)
    taken = np.zeros(ground.validity.opportunities, dtype=np.int8)
    scan = ground.engine.build(_make_match_scan)
    scan(delivered.bar, delivered.side, session, ground.validity.table, taken, counts)
    return counts


class Outcomes:
    """What a trade at each bar and side comes to, worked out when first asked for."""

    def __init__(self, ground: Ground, setup: SetupParams, trade: Trade) -> None:
        series, grid = ground.series, ground.series.instrument.grid
        assert grid is not None
        self._ground, self._setup = ground, setup
        bars = np.arange(len(series))
        last = series.last[series.session]
        entry = np.minimum(bars + 1, last)
        self._final = last_bars(series, bars, entry, last, trade)[0]
        self.session = ground.session_of(trade.horizon_bars)
        self._fees = session_fees(series, trade)[ground.scope.sessions]
        self._costs = (
            float(trade.slippage_ticks * grid.per_tick),
            0.0 if trade.touch else float(grid.per_tick),
            grid.numerator,
            grid.denominator,
        )
        self._known = np.zeros((2, len(series)), dtype=np.int8)
        self._result = np.zeros((2, len(series)))

    def count(self, delivered: Delivered) -> Floats:
        """Return ``TRADE_FIELDS`` of each scored session: float64, shape (sessions, 4).

        On the tick grid all of them are whole numbers.
        """
        series, engine = self._ground.series, self._ground.engine
        counts = np.zeros((len(self._fees), len(TRADE_FIELDS)))
        scan = engine.build(_make_trade_scan, setup_levels, first_touch)
        scan(
            delivered.bar, delivered.side, self.session, series.open, series.high, series.low,
            series.close, self._ground.atr, self._final, self._fees, self._setup, self._costs,
            self._known, self._result, counts,
        )  # fmt: skip
        return counts


# Each factory takes the functions its loop calls, plain or compiled, and returns the loop.


def _make_delivery_scan(merge: Any, confidence_of: Any, severity_of: Any, policy: Any) -> Any:
    from alertlib.kernels.policy import DELIVERED, Candidate

    def scan(
        rows: Any, signs: Any, now: Any, base: Any, slot: Any, stated: Any, pattern: Any,
        minute: Any, day: Any, params: Any, state: Any, memory: Any, out_bar: Any, out_side: Any,
    ) -> int:  # fmt: skip
        n = 0
        for row in range(len(rows)):
            i = rows[row]
            ups = 0
            downs = 0
            for d in range(len(now)):
                now[d] = signs[d, i]
                ups += now[d] > 0
                downs += now[d] < 0
            for side in range(2):
                if (ups if side == 0 else downs) == 0:
                    continue
                direction = 1 if side == 0 else -1
                lead, others, _ = merge(now, direction)
                own = base[lead] if slot[lead] < 0 else stated[slot[lead], i]
                severity = severity_of(confidence_of(own, others))
                candidate = Candidate(severity, minute[i], i, day[i], direction, pattern[side, lead])
                reason, state = policy(state, memory, candidate, params)
                if reason == DELIVERED:
                    out_bar[n] = i
                    out_side[n] = side
                    n += 1
        return n

    return scan


def _make_match_scan() -> Callable[..., None]:
    def scan(bar: Any, side: Any, session: Any, table: Any, taken: Any, counts: Any) -> None:
        opportunities = len(taken)
        for a in range(len(bar)):
            i = bar[a]
            s = session[i]
            if s < 0:
                continue
            if table[side[a], i, 0] == opportunities:
                counts[s, FALSE] += 1
                continue
            fresh = 0
            for m in range(table.shape[2]):
                o = table[side[a], i, m]
                if o == opportunities:
                    break
                if taken[o] == 0:
                    taken[o] = 1
                    fresh += 1
            counts[s, CAPTURED] += fresh
            counts[s, TRUE if fresh > 0 else REDUNDANT] += 1

    return scan


def _make_trade_scan(levels: Any, first_touch: Any) -> Callable[..., None]:
    def scan(
        bar: Any, side: Any, session: Any, open_: Any, high: Any, low: Any, close: Any, atr: Any,
        final: Any, fees: Any, setup: Any, costs: Any, known: Any, result: Any, counts: Any,
    ) -> None:  # fmt: skip
        slip, margin, numerator, denominator = costs
        for a in range(len(bar)):
            i, way = bar[a], side[a]
            s = session[i]
            if s < 0:
                continue
            if known[way, i] == UNKNOWN:
                known[way, i] = UNFILLED
                # The last bar of a session is its own last possible one: there is no next.
                if final[i] > i:
                    direction = 1 if way == 0 else -1
                    _, _, stop, target = levels(close[i], atr[i], direction, setup)
                    touch = first_touch(
                        open_, high, low, close, i + 1, final[i], direction,
                        direction * stop, direction * target, slip, margin,
                    )  # fmt: skip
                    quanta = touch.up_exit - (direction * open_[i + 1] + slip)
                    won = quanta * numerator / denominator - fees[s] > 0.0
                    result[way, i] = quanta
                    known[way, i] = WON if won else LOST
            if known[way, i] != UNFILLED:
                counts[s, TRADES] += 1
                counts[s, WINS] += known[way, i] == WON
                counts[s, QUANTA] += result[way, i]
                counts[s, SQUARES] += result[way, i] * result[way, i]

    return scan
