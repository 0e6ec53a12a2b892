"""The decisions of the live runner for one stream: a bar in, what follows from it out.

No clock, no socket, no file. What a bar leads to depends on the bars alone, so a replay, a
restart in mid-session and the backtest agree bit for bit. The shell stores and sends.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from alertlib.detection.alert import Alert
from alertlib.detection.answers import checked
from alertlib.detection.bar import Bar
from alertlib.detection.day_ranges import DayRanges
from alertlib.detection.detectors import Detector, Step
from alertlib.detection.memory import Memory, Revision
from alertlib.detection.ruleset import Accept, Rules, make_rules
from alertlib.detection.staleness import AHEAD_SECONDS, lies_ahead
from alertlib.detection.stream import Stream, Suppressed
from alertlib.errors import DataError
from alertlib.kernels.bar import TickBar
from alertlib.market.clock import day_number
from alertlib.market.instruments import Instrument, find_instrument

if TYPE_CHECKING:
    from alertlib.config.schema import Settings
    from alertlib.detection.models import Model

RECENT_BARS = 120
"""Bars kept for charts."""
MAX_ERRORS = 3
"""Errors in a row after which a detector is disabled."""
ACCEPT = "accept"
"""Stands among the disabled detectors for the user's filter, which then lets everything through."""
LATE_SECONDS = 30.0
"""How long after its close, and the feed's grace, a bar still counts as just closed."""

# Of a terminal whose clock runs ahead; more than a day of M1 bars never gets this far.
_REFUSED_BARS = 2_000


class Refusal(NamedTuple):
    """A bar that was not taken, and why."""

    time: datetime
    reason: str


class Gap(NamedTuple):
    """Bars missing within a session, between two that came."""

    after: datetime
    until: datetime
    missing: int


class Outcome(NamedTuple):
    """What one bar led to.

    Attributes
    ----------
    alerts, suppressed : tuple
    late : bool
        The bar came long after its close, and its alerts with it.
    revision : Revision or None
        The bar was known and has changed. It gives no alerts: what was sent stands.
    gap : Gap or None
    refused : Refusal or None
        The bar is none, or cannot be closed yet.
    """

    alerts: tuple[Alert, ...] = ()
    suppressed: tuple[Suppressed, ...] = ()
    late: bool = False
    revision: Revision | None = None
    gap: Gap | None = None
    refused: Refusal | None = None


NOTHING = Outcome()


class Core:
    """Everything that is decided about one symbol at one timeframe.

    Parameters
    ----------
    config : Settings
    symbol, timeframe : str
    instrument : Instrument, optional
        Grid and hours as read off a file.
    models : mapping of str to Model, optional
        Learned parameters of the detectors that are fitted; one without is off.
    on_error : callable
        Told ``(detector, error, disabled)`` whenever a detector raises.
    """

    def __init__(
        self,
        config: Settings,
        symbol: str,
        timeframe: str,
        *,
        instrument: Instrument | None = None,
        models: Mapping[str, Model] | None = None,
        on_error: Callable[[str, Exception, bool], None] = lambda name, error, disabled: None,
    ) -> None:
        self.symbol, self.timeframe = symbol, timeframe
        self.disabled: list[str] = []
        self.off: dict[str, str] = {}
        """Detectors that are off for want of a model young enough, and why."""
        self._on_error = on_error
        self._models = models or {}
        self._oldest: dict[str, int] = {}
        self._stream = Stream(
            config, symbol=symbol, timeframe=timeframe, instrument=instrument, guard=self._guard,
            rules=self._rules(
                config, instrument or find_instrument(symbol, timeframe, config.data.symbols)
            ),
        )  # fmt: skip
        self.instrument = self._stream.instrument
        self._length = timedelta(minutes=self.instrument.minutes)
        self._patience = timedelta(seconds=LATE_SECONDS + config.live.grace_seconds)
        self._tolerated = config.live.stale_after_bars
        self._memory = Memory()
        self._earlier = Memory()
        self._warm_until: datetime | None = None
        self.days = DayRanges()
        self._ahead: dict[datetime, Bar] = {}
        self.recent: dict[datetime, Bar] = {}
        """Newest bars by their open, in order, as last revised; few after a restart."""

    @property
    def last(self) -> datetime | None:
        """Open of the newest bar taken; None before the first."""
        return self._memory.last

    @property
    def known_since(self) -> datetime | None:
        """Open of a bar shortly before the newest: where to read on so that revisions show."""
        return self._memory.since

    def take(self, bar: Bar, now: datetime | None = None) -> Outcome:
        """Take one closed bar.

        Parameters
        ----------
        bar : Bar
            ``time`` is naive exchange wall clock. One that is known is looked at for a
            revision; an older one is passed over.
        now : datetime, optional
            Exchange wall clock when the bar was seen; without it nothing is late, nor ahead.
        """
        if now is not None and lies_ahead(bar.time + self._length, now):
            return self._refuse_ahead(bar, now)
        if self._ahead.get(bar.time) == bar:
            # What a clock that ran ahead called the bar of this time.
            return NOTHING
        last = self.last
        if last is not None and bar.time <= last:
            return self._compare(bar)
        if self._warm_until is not None and bar.time <= self._warm_until:
            return self._take_again(bar)
        gap = self._gap(last, bar.time)
        try:
            alerts, suppressed = self._decide(bar)
        except DataError as error:
            return Outcome(gap=gap, refused=Refusal(bar.time, str(error)))
        self._ahead.clear()
        late = now is not None and now - (bar.time + self._length) > self._patience
        return Outcome(alerts, suppressed, late=late, gap=gap)

    def warm_up(self, bar: Bar, now: datetime | None = None) -> Outcome:
        """Run a bar of history through the detectors; nobody is told what it gives.

        A bar that lies ahead of ``now`` is refused as :meth:`take` does.
        """
        if now is not None and lies_ahead(bar.time + self._length, now):
            return self._refuse_ahead(bar, now)
        last = self.last
        if last is None or bar.time > last:
            with suppress(DataError):  # not a bar; as in a file, the others count without it
                self._decide(bar)
        return NOTHING

    def warm_up_until(self, last: datetime) -> None:
        """Say that alerts up to the bar at ``last`` were dealt with in an earlier run."""
        self._warm_until = last

    @property
    def is_catching_up(self) -> bool:
        """Whether bars that an earlier run dealt with are still to come: where that run stood
        must not be forgotten before."""
        last, until = self.last, self._warm_until
        return until is not None and (last is None or last < until)

    def snapshot(self) -> bytes:
        """Return the whole state, for :meth:`restore`."""
        return json.dumps(
            {
                "stream": self._stream.snapshot(),
                "taken": self._memory.to_rows(),
                "days": self.days.snapshot(),
            },
            separators=(",", ":"),
        ).encode()

    def restore(self, snapshot: bytes) -> None:
        """Continue from a :meth:`snapshot`.

        Raises
        ------
        DataError
            It was taken under another configuration or code, or cannot be read. Bars have to
            be run again then; what is known of those it remembers is kept for that.
        """
        try:
            state = json.loads(snapshot)
            memory = self._earlier = Memory.from_rows(state["taken"])
            stream: Mapping[str, Any] = state["stream"]
            days = DayRanges.restored(state.get("days", ()))
            self._stream.restore(stream)
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise DataError(
                f"snapshot of {self.symbol} {self.timeframe} cannot be read ({error}); "
                "replay the bars instead"
            ) from error
        self._memory, self.days = memory, days
        self.recent = memory.bars()

    def _decide(self, bar: Bar) -> tuple[tuple[Alert, ...], tuple[Suppressed, ...]]:
        # Remembered even if it is refused, so that it is told of once and not at every look.
        self._memory.add(bar)
        decision = self._stream.decide(bar)
        self.recent[bar.time] = bar
        self.days.add(bar)
        if len(self.recent) > RECENT_BARS:
            del self.recent[next(iter(self.recent))]
        if decision.alerts:
            self._memory.note(tuple(alert.id for alert in decision.alerts))
        return decision.alerts, decision.suppressed

    def _take_again(self, bar: Bar) -> Outcome:
        """Run a bar through that an earlier run dealt with; only if it was revised since is there
        something to tell."""
        self.warm_up(bar)
        self._memory.recall(bar.time, self._earlier)
        return self._compare(bar)

    def _compare(self, bar: Bar) -> Outcome:
        try:
            revision = self._memory.compare(bar, self._stream.check)
        except DataError as error:
            return Outcome(refused=Refusal(bar.time, f"revision: {error}"))
        if revision is None:
            return NOTHING
        if bar.time in self.recent:
            self.recent[bar.time] = bar
        return Outcome(revision=revision)

    def _refuse_ahead(self, bar: Bar, now: datetime) -> Outcome:
        """Refuse a bar that would put the cursor ahead of the clock, and silence all after it."""
        is_told = bar.time in self._ahead
        self._ahead[bar.time] = bar
        if len(self._ahead) > _REFUSED_BARS:
            del self._ahead[next(iter(self._ahead))]
        if is_told:
            return NOTHING
        reason = (
            f"bar of {self.symbol} at {bar.time} closes after {now:%Y-%m-%d %H:%M:%S}, the "
            f"exchange's clock; expected one that has closed, to within {AHEAD_SECONDS:g} s; "
            "correct the clock of the terminal's server or of this machine"
        )
        return Outcome(refused=Refusal(bar.time, reason))

    def _gap(self, last: datetime | None, time: datetime) -> Gap | None:
        if last is None or last.date() != time.date():
            return None
        missing = (time - last) // self._length - 1
        return Gap(last, time, missing) if missing >= self._tolerated else None

    def _rules(self, config: Settings, instrument: Instrument) -> Rules | None:
        """Return rules whose detectors have learned what their models say; None without a grid."""
        if instrument.grid is None:
            return None
        rules = make_rules(config, instrument.grid)
        ready = []
        for detector in rules.detectors:
            if detector.fit is None:
                ready.append(detector)
            elif model := self._models.get(detector.name):
                self._oldest[detector.name] = day_number(model.last) + detector.fit.max_age_days
                ready.append(detector.fitted(model.params))
            else:
                self.off[detector.name] = "it has not been fitted"
        accept = None if rules.accept is None else self._guarded_accept(rules.accept)
        names = tuple(dict.fromkeys(name for d in ready for name in d.patterns))
        return replace(rules, detectors=tuple(ready), patterns=names, accept=accept)

    def _guarded_accept(self, accept: Accept) -> Accept:
        """Return a filter that lets everything through once it raises: it must not silence."""

        def guarded(alert: Alert, bars: Sequence[TickBar]) -> bool:
            if ACCEPT in self.disabled:
                return True
            try:
                return bool(accept(alert, bars))
            except Exception as error:
                self.disabled.append(ACCEPT)
                self._on_error(ACCEPT, error, True)
                return True

        return guarded

    def _is_too_old(self, name: str, day: int) -> bool:
        """Whether a detector's model may not be used any more on a day."""
        oldest = self._oldest.get(name)
        if oldest is None or day <= oldest:
            self.off.pop(name, None)
            return False
        self.off[name] = f"its model ended {self._models[name].last}, which is too long ago"
        return True

    def _guard(self, detector: Detector) -> Step:
        step, errors = checked(detector), 0
        silence = (0, 0.0) if detector.probability else (0,)

        def guarded(state: Any, ring: Any, bar: Any, params: Any) -> tuple[Any, ...]:
            nonlocal errors
            if errors >= MAX_ERRORS or self._is_too_old(detector.name, bar.day):
                return *silence, state
            try:
                answer = step(state, ring, bar, params)
            except Exception as error:
                errors += 1
                if errors >= MAX_ERRORS:
                    self.disabled.append(detector.name)
                self._on_error(detector.name, error, errors >= MAX_ERRORS)
                return *silence, state
            errors = 0
            return answer

        return guarded
