"""The decisions of the live runner for one stream: a bar in, what follows from it out.

No clock, no socket, no file. What a bar leads to depends on the bars alone, so a replay, a
restart in mid-session and the backtest agree bit for bit. The shell stores and sends.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from alertlib.detection.alert import Alert
from alertlib.detection.answers import checked
from alertlib.detection.bar import Bar
from alertlib.detection.day_ranges import DayRanges
from alertlib.detection.detectors import Detector, Step
from alertlib.detection.ruleset import Accept, Rules, make_rules
from alertlib.detection.stream import Stream, Suppressed
from alertlib.errors import DataError
from alertlib.kernels.bar import TickBar
from alertlib.market.clock import day_number
from alertlib.market.instruments import Instrument, find_instrument

if TYPE_CHECKING:
    from alertlib.config.schema import Settings
    from alertlib.detection.models import Model

REMEMBERED_BARS = 8
"""How far back a revision is noticed."""
RECENT_BARS = 120
"""Bars kept for charts."""
MAX_ERRORS = 3
"""Errors in a row after which a detector is disabled."""
ACCEPT = "accept"
"""Stands among the disabled detectors for the user's filter, which then lets everything through."""
LATE_SECONDS = 30.0
"""How long after its close, and the feed's grace, a bar still counts as just closed."""

_PRICES = ("open", "high", "low", "close")


class Revision(NamedTuple):
    """A bar that was changed after it had been taken as closed.

    Attributes
    ----------
    number : int
        Counts the revisions of this bar, from 1.
    alerts : tuple of str
        Identities of the alerts the bar had given.
    """

    before: Bar
    after: Bar
    number: int
    alerts: tuple[str, ...]

    def changes(self) -> dict[str, list[float]]:
        """Return the prices that differ: ``{name: [before, after]}``."""
        pairs = ((name, getattr(self.before, name), getattr(self.after, name)) for name in _PRICES)
        return {name: [old, new] for name, old, new in pairs if not _same(old, new)}


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
    refused : str or None
        Why the bar is none.
    """

    alerts: tuple[Alert, ...] = ()
    suppressed: tuple[Suppressed, ...] = ()
    late: bool = False
    revision: Revision | None = None
    gap: Gap | None = None
    refused: str | None = None


NOTHING = Outcome()


class _Taken(NamedTuple):
    """A bar that was taken, its revisions so far, and the alerts it gave."""

    bar: Bar
    revisions: int = 0
    alerts: tuple[str, ...] = ()


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
        self._taken: deque[_Taken] = deque(maxlen=REMEMBERED_BARS)
        self._warm_until: datetime | None = None
        self.days = DayRanges()
        self.recent: dict[datetime, Bar] = {}
        """Newest bars by their open, in order, as last revised; few after a restart."""

    @property
    def last(self) -> datetime | None:
        """Open of the newest bar taken; None before the first."""
        return self._taken[-1].bar.time if self._taken else None

    @property
    def known_since(self) -> datetime | None:
        """Open of a bar shortly before the newest: where to read on so that revisions show."""
        return self._taken[max(0, len(self._taken) - 3)].bar.time if self._taken else None

    def take(self, bar: Bar, now: datetime | None = None) -> Outcome:
        """Take one closed bar.

        Parameters
        ----------
        bar : Bar
            ``time`` is naive exchange wall clock. One that is known is looked at for a
            revision; an older one is passed over.
        now : datetime, optional
            Exchange wall clock when the bar was seen; without it nothing is late.
        """
        last = self.last
        if last is not None and bar.time <= last:
            return self._compare(bar)
        if self._warm_until is not None and bar.time <= self._warm_until:
            self._decide(bar)
            return NOTHING
        gap = self._gap(last, bar.time)
        try:
            alerts, suppressed = self._decide(bar)
        except DataError as error:
            return Outcome(gap=gap, refused=str(error))
        late = now is not None and now - (bar.time + self._length) > self._patience
        return Outcome(alerts, suppressed, late=late, gap=gap)

    def warm_up(self, bar: Bar) -> None:
        """Run a bar of history through the detectors; nobody is told what it gives."""
        last = self.last
        if last is None or bar.time > last:
            try:
                self._decide(bar)
            except DataError:
                return  # not a bar; as in a file, the others count without it

    def warm_up_until(self, last: datetime) -> None:
        """Say that alerts up to the bar at ``last`` were dealt with in an earlier run."""
        self._warm_until = last

    def snapshot(self) -> bytes:
        """Return the whole state, for :meth:`restore`."""
        return json.dumps(
            {
                "stream": self._stream.snapshot(),
                "taken": [
                    [one.bar.time.isoformat(), *one.bar[1:], one.revisions, one.alerts]
                    for one in self._taken
                ],
                "days": self.days.snapshot(),
            },
            separators=(",", ":"),
        ).encode()

    def restore(self, snapshot: bytes) -> None:
        """Continue from a :meth:`snapshot`.

        Raises
        ------
        DataError
            It was taken under another configuration, or cannot be read.
        """
        try:
            state = json.loads(snapshot)
            taken = [_remembered(row) for row in state["taken"]]
            stream: Mapping[str, Any] = state["stream"]
            days = DayRanges.restored(state.get("days", ()))
            self._stream.restore(stream)
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise DataError(
                f"snapshot of {self.symbol} {self.timeframe} cannot be read ({error}); "
                "replay the bars instead"
            ) from error
        self._taken = deque(taken, REMEMBERED_BARS)
        self.days = days
        self.recent = {one.bar.time: one.bar for one in taken}

    def _decide(self, bar: Bar) -> tuple[tuple[Alert, ...], tuple[Suppressed, ...]]:
        # Remembered even if it is refused, so that it is told of once and not at every look.
        self._taken.append(_Taken(bar))
        decision = self._stream.decide(bar)
        self.recent[bar.time] = bar
        self.days.add(bar)
        if len(self.recent) > RECENT_BARS:
            del self.recent[next(iter(self.recent))]
        if decision.alerts:
            ids = tuple(alert.id for alert in decision.alerts)
            self._taken[-1] = _Taken(bar, 0, ids)
        return decision.alerts, decision.suppressed

    def _compare(self, bar: Bar) -> Outcome:
        times = [known.bar.time for known in self._taken]
        if bar.time not in times:
            return NOTHING
        place = times.index(bar.time)
        known = self._taken[place]
        if all(_same(getattr(known.bar, name), getattr(bar, name)) for name in _PRICES):
            return NOTHING
        number = known.revisions + 1
        self._taken[place] = _Taken(bar, number, known.alerts)
        if bar.time in self.recent:
            self.recent[bar.time] = bar
        return Outcome(revision=Revision(known.bar, bar, number, known.alerts))

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


def _remembered(row: list[Any]) -> _Taken:
    time, *prices, revisions, alerts = row
    return _Taken(Bar(datetime.fromisoformat(time), *prices), revisions, tuple(alerts))


def _same(old: Any, new: Any) -> bool:
    return bool(old == new or (old != old and new != new))
