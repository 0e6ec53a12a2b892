"""Detectors and policy over a whole file: loops over the very steps the live side calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from alertlib._typing import Floats, Ints, Signals
from alertlib.bars.series import Series
from alertlib.detection.detectors import Detector
from alertlib.detection.ruleset import Rules
from alertlib.errors import ConfigError
from alertlib.kernels.alerting import (
    confidence_of,
    merge,
    setup_levels,
    severity_of,
)
from alertlib.kernels.atr import AtrState, atr_step
from alertlib.kernels.bar import TickBar
from alertlib.kernels.policy import Candidate, PolicyState, memory_size, policy_step
from alertlib.scoring.engine import INTERPRETED, Engine, is_ours

# Sums of squares stay exact in 64 bits below this (window times price, in quanta).
EXACT_BELOW = 3.0e9


@dataclass(frozen=True)
class AlertColumns:
    """Alerts of a file as columns, delivered and suppressed, in order of delivery.

    Attributes
    ----------
    bar : int64
        Bar of the alert.
    direction, lead, agreeing, confidence, severity, reason : int64
        Direction; detector that names it (rank); others that agree (bits); hundredths; rank;
        0 if delivered, otherwise the policy's reason.
    entry_min, entry_max, stop, target : float64
        Levels in quanta.
    """

    bar: Ints
    direction: Ints
    lead: Ints
    agreeing: Ints
    confidence: Ints
    severity: Ints
    reason: Ints
    entry_min: Floats
    entry_max: Floats
    stop: Floats
    target: Floats

    def __len__(self) -> int:
        return len(self.bar)

    def only(self, mask: Any) -> AlertColumns:
        """Return the rows of a boolean mask or of indices."""
        return AlertColumns(*(getattr(self, name)[mask] for name in self.__dataclass_fields__))


def detect(
    series: Series, detectors: tuple[Detector, ...], engine: Engine = INTERPRETED
) -> Signals:
    """Return the signals of each detector, warm-up included.

    Parameters
    ----------
    series : Series
    detectors : tuple of Detector
    engine : Engine

    Returns
    -------
    ndarray of int8, shape (bars, detectors)
        -1, 0 or +1.
    """
    columns = (
        series.open - series.gaps, series.high - series.gaps, series.low - series.gaps,
        series.close - series.gaps, series.volume, series.place, series.minute % 1_440,
    )  # fmt: skip
    signals = np.zeros((len(series), len(detectors)), dtype=np.int8)
    if len(series) == 0:
        return signals
    grid = series.instrument.grid
    assert grid is not None
    largest = max(abs(int(columns[1].max())), abs(int(columns[2].min())))
    read = _Read(columns)
    for i, detector in enumerate(detectors):
        if detector.columns is not None:
            signals[:, i] = _frame_signals(series, detector)
            continue
        # Plain Python's integers have no end: a series too fine for 64 bits runs there.
        fits = max(detector.ring, 1) * largest < EXACT_BELOW
        params = detector.kernel_params(grid.per_tick)
        try:
            found = _scan(engine if fits else INTERPRETED, detector, read, params)
        except engine.failures():
            # A user's step that numba cannot compile gives the same signals, slowly.
            found = _scan(INTERPRETED, detector, read, params)
        signals[:, i] = _checked(found, detector, len(series))
    return signals


class _Read:
    """The columns in the form each engine reads them, converted once."""

    def __init__(self, columns: tuple[Ints, ...]) -> None:
        self._columns = columns
        self._forms: dict[Engine, list[Any]] = {}

    def by(self, engine: Engine) -> list[Any]:
        if engine not in self._forms:
            self._forms[engine] = [engine.column(c) for c in self._columns]
        return self._forms[engine]


def _scan(engine: Engine, detector: Detector, read: _Read, params: Any) -> Signals:
    columns = read.by(engine)
    out = engine.out(len(columns[0]), "int8")
    scan = engine.build(_make_scan, detector.step)
    try:
        scan(*columns, engine.ring(detector.ring), params, detector.state, out)
        return engine.array(out, "int8")
    except engine.failures():
        raise
    except Exception as error:
        if is_ours(detector.step):
            raise
        raise ConfigError(
            f"detector {detector.name!r}: its step raised {type(error).__name__}: {error}; "
            "expected (signal, state) for every bar; correct the step"
        ) from error


def _frame_signals(series: Series, detector: Detector) -> Any:
    assert detector.columns is not None
    return _checked(np.asarray(detector.columns(series.frame())), detector, len(series))


def _checked(signals: Any, detector: Detector, bars: int) -> Any:
    if signals.shape != (bars,) or not ((signals == 0) | (np.abs(signals) == 1)).all():
        odd = "" if signals.shape != (bars,) else f", among them {signals[np.abs(signals) > 1][:1]}"
        raise ConfigError(
            f"detector {detector.name!r}: got signals of shape {signals.shape}{odd}; expected one "
            f"of -1, 0 and +1 for each of the {bars} bars"
        )
    return signals


def true_ranges(series: Series, window: int, engine: Engine = INTERPRETED) -> Floats:
    """Return the average true range at each bar in quanta, NaN where it is not defined yet."""
    scan = engine.build(_make_atr_scan, atr_step)
    out = engine.out(len(series), "float64")
    columns = [engine.column(c) for c in (series.high, series.low, series.close, series.place)]
    scan(*columns, window, AtrState(), out)
    return engine.array(out, "float64")


def make_alerts(
    series: Series, signals: Signals, atr: Floats, rules: Rules, engine: Engine = INTERPRETED
) -> AlertColumns:
    """Merge signals into alerts, pass them through the policy and set their levels.

    Parameters
    ----------
    series : Series
    signals : ndarray of int8, shape (bars, detectors)
    atr : ndarray of float64
    rules : Rules
    engine : Engine

    Returns
    -------
    AlertColumns
        Of one bar, +1 before -1.
    """
    counted = signals.copy()
    for i, detector in enumerate(rules.detectors):
        counted[: detector.warmup + 1, i] = 0
    bars = np.flatnonzero(counted.any(axis=1) & ~np.isnan(atr))
    patterns = np.array(
        [[rules.patterns.index(d.pattern(side)) for d in rules.detectors] for side in (1, -1)],
        dtype=np.int64,
    ).reshape(2, -1)
    scan = engine.build(_make_alert_scan, merge, confidence_of, severity_of, policy_step)
    size = 2 * len(bars)
    table = [engine.out(size, "int64") for _ in range(7)]
    count = scan(
        engine.column(bars),
        engine.column(counted[bars]),
        engine.column(series.minute[bars] + series.instrument.minutes),
        engine.column(series.day[bars]),
        engine.column(np.array([d.confidence for d in rules.detectors], dtype=np.int64)),
        engine.column(patterns),
        rules.policy,
        PolicyState(),
        engine.ring(memory_size(len(rules.patterns)), -1),
        *table,
    )
    bar, direction, lead, agreeing, confidence, severity, reason = (
        engine.array(c, "int64")[:count] for c in table
    )
    levels = levels_at(series, atr, bar, direction, rules, engine)
    return AlertColumns(bar, direction, lead, agreeing, confidence, severity, reason, *levels)


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


def _make_scan(step: Any) -> Callable[..., Any]:
    def scan(
        open_: Any, high: Any, low: Any, close: Any, volume: Any, place: Any, minute: Any,
        ring: Any, params: Any, state: Any, out: Any,
    ) -> None:  # fmt: skip
        for i in range(len(open_)):
            bar = TickBar(open_[i], high[i], low[i], close[i], volume[i], place[i], minute[i])
            signal, state = step(state, ring, bar, params)
            out[i] = signal

    return scan


def _make_atr_scan(step: Any) -> Callable[..., Any]:
    def scan(
        high: Any, low: Any, close: Any, place: Any, window: Any, state: Any, out: Any
    ) -> None:
        for i in range(len(high)):
            out[i], state = step(state, high[i], low[i], close[i], place[i], window)

    return scan


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
        bars: Any, signals: Any, minute: Any, day: Any, base: Any, pattern: Any,
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
                confidence = confidence_of(base[lead], others)
                severity = severity_of(confidence)
                candidate = Candidate(
                    severity, minute[i], bars[i], day[i], direction, pattern[side][lead]
                )
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
