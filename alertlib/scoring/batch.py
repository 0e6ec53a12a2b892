"""From signals to alerts over a whole file: loops over the very kernels the live side calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from alertlib._typing import Bools, Floats, Ints, Signals
from alertlib.bars.series import Series
from alertlib.detection.ruleset import Rules
from alertlib.kernels.alerting import (
    confidence_of,
    merge,
    setup_levels,
    severity_of,
    stated_confidence,
)
from alertlib.kernels.policy import ACCEPT, Candidate, PolicyState, memory_size, policy_step
from alertlib.scoring.engine import INTERPRETED, Engine
from alertlib.scoring.signals import SignalTable

# Of the whole numbers of an alert, in the order of its columns.
KINDS = ("int64", "int64", "int8", "int64", "int8", "int8", "int8")


@dataclass(frozen=True)
class AlertColumns:
    """Alerts of a file as columns, delivered and suppressed, in order of delivery.

    Attributes
    ----------
    bar, direction, agreeing : int64
        Bar of the alert; direction; detectors that agree (bits).
    lead, confidence, severity, reason : int8
        Detector that names it (rank); hundredths; rank; 0 if delivered, otherwise the policy's
        reason.
    probability : float64
        As the leading detector states it; 0 where it states none.
    entry_min, entry_max, stop, target : float64
        Levels in quanta.
    """

    bar: Ints
    direction: Ints
    lead: Signals
    agreeing: Ints
    confidence: Signals
    severity: Signals
    reason: Signals
    probability: Floats
    entry_min: Floats
    entry_max: Floats
    stop: Floats
    target: Floats

    def __len__(self) -> int:
        return len(self.bar)

    def only(self, mask: Any) -> AlertColumns:
        """Return the rows of a boolean mask or of indices."""
        return AlertColumns(*(getattr(self, name)[mask] for name in self.__dataclass_fields__))


def make_alerts(
    series: Series,
    signals: SignalTable,
    atr: Floats,
    rules: Rules,
    engine: Engine = INTERPRETED,
    accepted: Callable[[AlertColumns], Bools] | None = None,
) -> AlertColumns:
    """Merge signals into alerts, pass them through the policy and set their levels.

    Parameters
    ----------
    series : Series
    signals : SignalTable
    atr : ndarray of float64
    rules : Rules
    engine : Engine
    accepted : callable, optional
        Which of the merged alerts go on to the policy; all of them when left out.

    Returns
    -------
    AlertColumns
        Of one bar, +1 before -1.
    """
    counted = signals.sign.copy("K")
    for i, detector in enumerate(rules.detectors):
        counted[: detector.warmup + 1, i] = 0
    bars = np.flatnonzero(np.bitwise_or.reduce(counted, axis=1) * ~np.isnan(atr))
    given = _Merged(series, rules, bars, counted[bars], _base_confidence(signals, rules, bars))
    found = given.decide(engine, np.zeros((len(bars), 2), dtype=np.int8))

    def columns(table: list[Any]) -> AlertColumns:
        bar, direction, lead, agreeing, confidence, severity, reason = table
        probability = np.zeros(len(bar))
        for i, stated in signals.probability.items():
            probability[lead == i] = stated[bar[lead == i]]
        levels = levels_at(series, atr, bar, direction, rules, engine)
        return AlertColumns(
            bar, direction, lead, agreeing, confidence, severity, reason, probability, *levels
        )

    if accepted is None:
        return columns(found)
    return columns(given.decide(engine, _refused(accepted(columns(found)), bars, *found[:2])))


def _refused(accepted: Bools, bars: Ints, bar: Ints, direction: Ints) -> Signals:
    """Return 1 for each bar and side whose alert the filter turned down."""
    refused = np.zeros((len(bars), 2), dtype=np.int8)
    no = ~accepted
    refused[np.searchsorted(bars, bar[no]), (direction[no] < 0).astype(np.int64)] = 1
    return refused


@dataclass(frozen=True)
class _Merged:
    """The bars with signals, ready to be merged and put before the policy."""

    series: Series
    rules: Rules
    bars: Ints
    sign: Signals
    base: npt.NDArray[np.int16]

    def decide(self, engine: Engine, refused: Signals) -> list[Any]:
        """Return bar, direction, lead, agreeing, confidence, severity and reason of each alert."""
        series, rules, bars = self.series, self.rules, self.bars
        patterns = np.array(
            [[rules.patterns.index(d.pattern(side)) for d in rules.detectors] for side in (1, -1)],
            dtype=np.int64,
        ).reshape(2, -1)
        scan = engine.build(_make_alert_scan, merge, confidence_of, severity_of, policy_step)
        most = sum(int(np.count_nonzero((self.sign == side).any(axis=1))) for side in (1, -1))
        table = [engine.out(most, kind) for kind in KINDS]
        count = scan(
            engine.column(bars),
            engine.column(self.sign),
            engine.column(series.minute[bars].astype(np.int64) + series.instrument.minutes),
            engine.column(series.day[bars].astype(np.int64)),
            engine.column(self.base),
            engine.column(patterns),
            engine.column(refused),
            rules.policy,
            PolicyState(),
            engine.ring(memory_size(len(rules.patterns)), -1),
            *table,
        )
        return [engine.array(c[:count], kind) for c, kind in zip(table, KINDS, strict=True)]


def _base_confidence(signals: SignalTable, rules: Rules, bars: Ints) -> npt.NDArray[np.int16]:
    """Return each detector's base confidence at some bars, in hundredths."""
    declared = np.array([d.confidence for d in rules.detectors], dtype=np.int16)
    base = np.tile(declared, (len(bars), 1))
    for i, stated in signals.probability.items():
        own = signals.sign[bars, i] != 0
        base[own, i] = [stated_confidence(p) for p in stated[bars[own]].tolist()]
    return base


def levels_at(
    series: Series, atr: Floats, bar: Ints, direction: Ints, rules: Rules, engine: Engine
) -> tuple[Floats, Floats, Floats, Floats]:
    """Return ``entry_min, entry_max, stop, target`` of alerts at ``bar``, in quanta."""
    scan = engine.build(_make_level_scan, setup_levels)
    out = [engine.out(len(bar), "float64") for _ in range(4)]
    columns = (engine.column(c) for c in (series.close[bar], atr[bar], direction))
    scan(*columns, rules.setup, *out)
    a, b, c, d = (engine.array(column, "float64") for column in out)
    return a, b, c, d


# Each factory takes the functions its loop calls, plain or compiled, and returns the loop.


def _make_level_scan(levels: Any) -> Callable[..., Any]:
    def scan(
        price: Any, atr: Any, direction: Any, params: Any,
        entry_min: Any, entry_max: Any, stop: Any, target: Any,
    ) -> None:  # fmt: skip
        for i in range(len(price)):
            entry_min[i], entry_max[i], stop[i], target[i] = levels(
                price[i], atr[i], direction[i], params
            )

    return scan


def _make_alert_scan(merge: Any, confidence_of: Any, severity_of: Any, policy: Any) -> Any:
    def scan(
        bars: Any, signals: Any, minute: Any, day: Any, base: Any, pattern: Any, refused: Any,
        params: Any, state: Any, memory: Any,
        out_bar: Any, out_direction: Any, out_lead: Any, out_agreeing: Any,
        out_confidence: Any, out_severity: Any, out_reason: Any,
    ) -> int:  # fmt: skip
        n = 0
        for i in range(len(bars)):
            for side in range(2):
                direction = 1 if side == 0 else -1
                lead, others, mask = merge(signals[i], direction)
                if lead < 0:
                    continue
                confidence = confidence_of(base[i][lead], others)
                severity = severity_of(confidence)
                candidate = Candidate(
                    severity, minute[i], bars[i], day[i], direction, pattern[side][lead]
                )
                reason = ACCEPT
                if not refused[i][side]:
                    reason, state = policy(state, memory, candidate, params)
                out_bar[n] = bars[i]
                out_direction[n] = direction
                out_lead[n] = lead
                out_agreeing[n] = mask
                out_confidence[n] = confidence
                out_severity[n] = severity
                out_reason[n] = reason
                n += 1
        return n

    return scan
