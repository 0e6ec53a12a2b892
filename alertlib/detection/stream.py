"""The live core: one bar in, the alerts it gives out.

No I/O, no clock, no numpy: it can be embedded in anybody's loop. The batch backtester reaches the
same alerts by another road (:mod:`alertlib.scoring.batch`), and the audits compare the two.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from copy import deepcopy
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

from alertlib._arguments import expect, shown
from alertlib.config import settings_of
from alertlib.config.types import Timeframe
from alertlib.detection.alert import KERNEL_VERSION, Alert, alert_id
from alertlib.detection.answers import checked
from alertlib.detection.bar import read_bar, wall_time
from alertlib.detection.detectors import Detector, Step
from alertlib.detection.lineage import lineage
from alertlib.detection.records import from_lists, plain, to_lists
from alertlib.detection.ruleset import ACCEPT_BARS, Rules, make_rules
from alertlib.errors import ConfigError, DataError
from alertlib.kernels.alerting import (
    SEVERITIES,
    confidence_of,
    merge,
    setup_levels,
    severity_of,
    stated_confidence,
)
from alertlib.kernels.atr import AtrState, atr_step
from alertlib.kernels.bar import TickBar, weekday_of
from alertlib.kernels.policy import (
    ACCEPT,
    REASONS,
    Candidate,
    PolicyState,
    memory_size,
    policy_step,
)
from alertlib.market.instruments import Instrument, find_instrument
from alertlib.market.sessions import NO_SESSION

if TYPE_CHECKING:
    from alertlib.config.schema import Settings


_TIMEFRAMES = get_args(Timeframe)[1]


class Suppressed(NamedTuple):
    """An alert the policy held back, and why."""

    alert: Alert
    reason: str


class Decision(NamedTuple):
    """What one bar led to."""

    alerts: tuple[Alert, ...]
    suppressed: tuple[Suppressed, ...]


class Stream:
    """Detectors and policy of one symbol at one timeframe, bar by bar.

    Parameters
    ----------
    config : Settings
    symbol, timeframe : str
    instrument : Instrument, optional
        Grid and hours, where the symbol's family does not say them.
    guard : callable, optional
        Returns the step to call in a detector's place, such as one that survives its errors.
    rules : Rules, optional
        Detectors, policy and trade set-up; those of ``config`` when left out.

    Notes
    -----
    A copy, or one that was pickled, goes on by itself from the same bar.

    Raises
    ------
    ConfigError
        If the symbol's tick or hours are neither in its family's table, nor in ``data.symbols``,
        nor given.

    Examples
    --------
    >>> from datetime import datetime
    >>> import alertlib as al
    >>> stream = al.Stream(al.load_config(), symbol="WIN$N", timeframe="M5")
    >>> stream.on_bar(al.Bar(datetime(2026, 1, 5, 9, 0), 160000, 160100, 159950, 160050))
    []
    """

    def __init__(
        self,
        config: Settings,
        *,
        symbol: str,
        timeframe: str,
        instrument: Instrument | None = None,
        guard: Callable[[Detector], Step] | None = None,
        rules: Rules | None = None,
    ) -> None:
        settings_of(config)
        expect("symbol", symbol, str, "a text such as WIN$N")
        if timeframe not in _TIMEFRAMES:
            raise ConfigError(f"timeframe: got {shown(timeframe)}; expected {_TIMEFRAMES}")
        known = instrument or find_instrument(symbol, timeframe, config.data.symbols)
        if known.grid is None or known.sessions is None:
            missing = "tick" if known.grid is None else "session_open and session_close"
            raise ConfigError(
                f"data.symbols: {missing} of {symbol!r} is not known; "
                "add the symbol there and state it"
            )
        rules = rules or make_rules(config, known.grid)
        for detector in rules.detectors:
            if detector.fit is not None:
                raise ConfigError(
                    f"detector {detector.name!r} has to be fitted before it can be streamed; load "
                    "its model and hand over rules with detector.fitted(params)"
                )
            if detector.columns is not None:
                raise ConfigError(
                    f"detector {detector.name!r} is a function of a whole frame and cannot be "
                    "streamed; write it as a step with @alertlib.detector"
                )
        self.instrument = known
        self._symbol, self._timeframe = symbol, timeframe
        self._grid = known.grid
        self._length = known.minutes
        self.rules = rules
        self._guard = guard
        self._steps = self._made_steps()
        self._states: list[Any] = [d.state for d in rules.detectors]
        self._rings = [[0] * d.ring for d in rules.detectors]
        self._atr = AtrState()
        self._policy = PolicyState()
        self._memory = [-1] * memory_size(len(rules.patterns))
        # Kept for the filter alone.
        self._recent: deque[TickBar] = deque(maxlen=ACCEPT_BARS)
        self._bars = 0
        self._day = -1
        self._place = 0
        self._hours = NO_SESSION
        self._last_minute = -1
        self._last_close = 0
        self._gaps = 0

    def _made_steps(self) -> list[tuple[Step, Any, int, bool]]:
        wrap = self._guard or checked
        return [
            (wrap(d), d.kernel_params(self._grid.per_tick), d.warmup, d.probability)
            for d in self.rules.detectors
        ]

    def __getstate__(self) -> dict[str, Any]:
        # Steps are functions made here; they are made again.
        return {name: value for name, value in self.__dict__.items() if name != "_steps"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._steps = self._made_steps()

    def __copy__(self) -> Stream:
        # Two streams must not write into the same rings.
        return deepcopy(self)

    @property
    def bars(self) -> int:
        """Number of bars taken so far, those outside the session not counted."""
        return self._bars

    def on_bar(self, bar: Any) -> list[Alert]:
        """Take one closed bar and return the alerts to deliver.

        Parameters
        ----------
        bar : Bar, object or mapping
            ``time`` (open of the bar; naive exchange wall clock, or zoned), ``open high low
            close`` in points, optionally ``tick_volume real_volume``. Bars come in order.

        Returns
        -------
        list of Alert
            Of one bar, +1 before -1. Empty for a bar outside the session, which is passed over.

        Raises
        ------
        DataError
            If the bar is not a bar (NaN, high < low, off the grid …), does not open on the
            timeframe, or is not later than the last one. The stream is then as it was before.
        """
        return list(self.decide(bar).alerts)

    def decide(self, bar: Any) -> Decision:
        """Take one closed bar as :meth:`on_bar` does; return what was held back, too."""
        minute, opened, high, low, close, volume, contracts = read_bar(
            bar, self._grid, self._symbol, self._last_minute
        )
        day, minute_in_day = divmod(minute, 1_440)
        hours = self._hours if day == self._day else self.instrument.hours(day)
        length = self._length
        if minute_in_day % length and (minute_in_day - hours.open) % length:
            raise self._off_timeframe(minute)
        if not hours.overlap(minute_in_day, length):
            return _NOTHING
        gap = 0
        if day != self._day:
            self._day, self._hours, self._place = day, hours, 0
            if self._bars > 0:
                gap = opened - self._last_close
                self._gaps += gap
        else:
            self._place += 1
        self._last_minute, self._last_close = minute, close

        atr, self._atr = atr_step(self._atr, high, low, close, self._place, self.rules.atr_window)
        gaps = self._gaps
        tick_bar = TickBar(
            opened - gaps,
            high - gaps,
            low - gaps,
            close - gaps,
            volume,
            self._place,
            minute_in_day,
            gap,
            day,
            weekday_of(day),
            contracts,
            atr,
        )
        if self.rules.accept is not None:
            self._recent.append(tick_bar)
        number = self._bars
        self._bars += 1
        states, rings = self._states, self._rings
        signals = None
        for i, (step, params, warmup, states_probability) in enumerate(self._steps):
            answer: Any = step(states[i], rings[i], tick_bar, params)
            if states_probability:
                signal, probability, states[i] = answer
            else:
                signal, states[i] = answer
            if signal != 0 and number > warmup:
                if signals is None:
                    signals = [0] * len(states)
                    confidence = [d.confidence for d in self.rules.detectors]
                signals[i] = signal
                if states_probability:
                    confidence[i] = stated_confidence(probability)
        if signals is None or atr != atr:
            return _NOTHING
        return self._deliver(signals, confidence, number, minute, close, atr)

    def check(self, bar: Any) -> None:
        """Raise the DataError of :meth:`on_bar` if a bar is none, whatever bars came before."""
        day, minute = divmod(read_bar(bar, self._grid, self._symbol, -1)[0], 1_440)
        if minute % self._length and (minute - self.instrument.hours(day).open) % self._length:
            raise self._off_timeframe(day * 1_440 + minute)

    def _off_timeframe(self, minute: int) -> DataError:
        return DataError(
            f"bar of {self._symbol} at {wall_time(minute)} does not open on {self._timeframe}; "
            "expected the open of a bar; hand over closed bars of the stream's own timeframe"
        )

    def _deliver(
        self,
        signals: list[int],
        base: list[int],
        number: int,
        minute: int,
        close: int,
        atr: float,
    ) -> Decision:
        alerts, held = [], []
        rules = self.rules
        for direction in (1, -1):
            lead, others, mask = merge(signals, direction)
            if lead < 0:
                continue
            detector = rules.detectors[lead]
            confidence = confidence_of(base[lead], others)
            severity = severity_of(confidence)
            pattern = detector.pattern(direction)
            agreeing = tuple(
                d.pattern(direction) for i, d in enumerate(rules.detectors) if mask >> i & 1
            )
            alert = self._alert(
                pattern, direction, severity, confidence, minute, close, atr, agreeing
            )
            candidate = Candidate(
                severity=severity,
                minute=minute + self.instrument.minutes,
                bar=number,
                day=self._day,
                direction=direction,
                pattern=rules.patterns.index(pattern),
            )
            reason = ACCEPT
            if rules.accept is None or rules.accept(alert, list(self._recent)):
                reason, self._policy = policy_step(
                    self._policy, self._memory, candidate, rules.policy
                )
            if reason == 0:
                alerts.append(alert)
            else:
                held.append(Suppressed(alert, REASONS[reason]))
        return Decision(tuple(alerts), tuple(held))

    def _alert(
        self,
        pattern: str,
        direction: int,
        severity: int,
        confidence: int,
        minute: int,
        close: int,
        atr: float,
        agreeing: tuple[str, ...],
    ) -> Alert:
        levels = setup_levels(close, atr, direction, self.rules.setup)
        price = self._grid.price
        opened = wall_time(minute)
        return Alert(
            id=alert_id(
                self._symbol, self._timeframe, pattern, direction,
                opened.isoformat(timespec="minutes"),
            ),
            time=opened + timedelta(minutes=self.instrument.minutes),
            bar_time=opened,
            symbol=self._symbol,
            timeframe=self._timeframe,
            pattern=pattern,
            direction=direction,
            severity=SEVERITIES[severity],
            confidence=confidence / 100,
            price=price(close),
            entry_min=price(levels.entry_min),
            entry_max=price(levels.entry_max),
            stop=price(levels.stop),
            target=price(levels.target),
            risk_reward=abs(levels.target - close) / abs(close - levels.stop),
            agreeing=agreeing,
        )  # fmt: skip

    def snapshot(self) -> dict[str, Any]:
        """Return the whole state as JSON-able values, for :meth:`restore`."""
        return {
            "fingerprint": self._lineage,
            "states": [to_lists(state) for state in self._states],
            "rings": [list(map(plain, ring)) for ring in self._rings],
            "atr": list(self._atr),
            "policy": list(map(plain, self._policy)),
            "memory": list(self._memory),
            "recent": [list(bar) for bar in self._recent],
            "cursor": [
                self._bars, self._day, self._place, self._last_minute, self._last_close,
                self._gaps,
            ],
        }  # fmt: skip

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Continue from a :meth:`snapshot` of a stream with the same rules.

        Raises
        ------
        DataError
            If it was taken under other detectors, parameters, policy or hours, or a detector's
            code has changed since.
        """
        if snapshot.get("fingerprint") != self._lineage:
            raise DataError(
                f"snapshot of {self._symbol} {self._timeframe} was taken under another "
                "configuration, other hours or an earlier version of a detector; replay the bars "
                "instead"
            )
        self._states = [
            from_lists(d.state, values)
            for d, values in zip(self.rules.detectors, snapshot["states"], strict=True)
        ]
        self._rings = [list(ring) for ring in snapshot["rings"]]
        self._atr = AtrState(*snapshot["atr"])
        self._policy = PolicyState(*snapshot["policy"])
        self._memory = list(snapshot["memory"])
        self._recent.clear()
        self._recent.extend(TickBar(*values) for values in snapshot.get("recent", ()))
        (
            self._bars, self._day, self._place, self._last_minute, self._last_close, self._gaps,
        ) = snapshot["cursor"]  # fmt: skip
        if self._day >= 0:
            self._hours = self.instrument.hours(self._day)

    @cached_property
    def _lineage(self) -> str:
        """Hash of all that the state depends on, beside the bars."""
        rules, sessions = self.rules, self.instrument.sessions
        detectors = [
            (d.name, d.patterns, d.params, d.state, d.ring, d.warmup, d.confidence, d.step)
            for d in rules.detectors
        ]
        return lineage(
            KERNEL_VERSION, self._symbol, self._timeframe, self._grid, detectors, rules.policy,
            rules.atr_window, rules.accept, None if sessions is None else sessions.rule(),
        )  # fmt: skip

    def __repr__(self) -> str:
        names = ", ".join(d.name for d in self.rules.detectors)
        return f"Stream({self._symbol} {self._timeframe}, {self._bars} bars, {names})"


_NOTHING = Decision((), ())
