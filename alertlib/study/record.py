"""What detectors and policy did on every bar of a run, as explanations read it."""

from __future__ import annotations

from datetime import timedelta
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from alertlib._typing import Ints
from alertlib.detection.bar import wall_time
from alertlib.detection.detectors import Detector
from alertlib.detection.records import leaves
from alertlib.kernels.policy import COOLDOWN, REASONS, WINDOW
from alertlib.kernels.reading import Reading
from alertlib.scoring.batch import AlertColumns
from alertlib.scoring.scored import Scored
from alertlib.study.replay import Look, Replay


class Seen(NamedTuple):
    """What one detector saw at one bar.

    Attributes
    ----------
    detector : Detector
    signal : int
        As it counted.
    readings : tuple of Reading
        In points where they are prices or distances.
    note : str
        Why the readings are not the whole story; empty where they are.
    """

    detector: Detector
    signal: int
    readings: tuple[Reading, ...]
    note: str


class Merged(NamedTuple):
    """Every alert that was made, delivered or held back, by bar; of one bar up before down."""

    bar: Ints
    direction: Ints
    lead: Ints
    agreeing: Ints
    reason: Ints


class Record:
    """A scored run with its detectors at hand.

    Parameters
    ----------
    scored : Scored
    """

    def __init__(self, scored: Scored) -> None:
        self.scored = scored
        self.replay = Replay(scored.detected)

    @property
    def detectors(self) -> tuple[Detector, ...]:
        """The run's detectors, in order of rank."""
        return self.scored.detected.rules.detectors

    @property
    def early(self) -> timedelta:
        """How long before a move's start an alert may come."""
        bars = self.scored.settings.scoring.early_bars
        return timedelta(minutes=bars * self.scored.detected.series.instrument.minutes)

    @cached_property
    def alerts(self) -> Merged:
        """Every alert of the file."""
        detected = self.scored.detected
        parts = (detected.delivered, detected.suppressed)

        def column(name: str) -> Ints:
            return np.concatenate([_column(part, name) for part in parts])

        found = Merged(*(column(name) for name in Merged._fields))
        order = np.lexsort((-found.direction, found.bar))
        return Merged(*(values[order] for values in found))

    def rows(self, first: int, stop: int) -> range:
        """Return the rows of :attr:`alerts` at bars ``first`` to ``stop - 1``."""
        bar = self.alerts.bar
        return range(*np.searchsorted(bar, (first, stop)).tolist())

    def pattern(self, row: int) -> str:
        """Return what an alert of :attr:`alerts` is called."""
        alerts = self.alerts
        return self.detectors[int(alerts.lead[row])].pattern(int(alerts.direction[row]))

    def signals(self, bar: int) -> dict[int, int]:
        """Return the signals that counted at a bar, by the place of their detector."""
        found = {}
        for row in self.rows(bar, bar + 1):
            mask = int(self.alerts.agreeing[row]) | 1 << int(self.alerts.lead[row])
            for place in range(len(self.detectors)):
                if mask >> place & 1:
                    found[place] = int(self.alerts.direction[row])
        return found

    def time(self, bar: int) -> str:
        """Return the time of day of a bar's open."""
        return clock(int(self.scored.detected.series.minute[bar]))

    def seen(self, bar: int) -> list[Seen]:
        """Return what every detector saw at a bar."""
        counted = self.signals(bar)
        return [
            self._seen(place, bar, counted.get(place, 0)) for place in range(len(self.detectors))
        ]

    def _seen(self, place: int, bar: int, counted: int) -> Seen:
        detector = self.detectors[place]
        looks = self.replay.looks(place, bar, bar + 1)
        if not looks:
            return Seen(detector, counted, (), self.silence(place, bar))
        (look,) = looks
        note = self.silence(place, bar)
        if not note and look.signal != counted:
            note = "no alert without an average true range"
        readings = look.readings
        if not readings:
            readings = _state_readings(look) if detector.evidence is None else ()
            note = note or ("" if readings else "has seen too few bars to compare anything")
        return Seen(detector, counted, readings, note)

    def silence(self, place: int, bar: int) -> str:
        """Return why a detector compares nothing, or does not count, at a bar; empty if it does."""
        detector = self.detectors[place]
        if bar <= detector.warmup:
            return (
                f"in its warm-up: signals count after {detector.warmup + 1} bars, this is {bar + 1}"
            )
        if detector.columns is not None:
            return "a function of the whole frame: what it compares is its own"
        refits = self.scored.detected.refits.get(detector.name, ())
        if detector.fit is not None and not any(r.start <= bar < r.stop for r in refits):
            return "has learned nothing that answers for this bar"
        return ""

    def policy(self, row: int) -> str:
        """Return what the policy did with an alert of :attr:`alerts`, and why."""
        reason = int(self.alerts.reason[row])
        rules, name = self.scored.detected.rules.policy, REASONS[reason]
        if reason == 0:
            return name
        if reason == WINDOW:
            bounds = (clock(m) for m in (rules.window_start, rules.window_end))
            return f"held back: its bar closed outside {'-'.join(bounds)}"
        if reason == COOLDOWN:
            blocking = self._blocking(row)
            return (
                f"held back: cool-down of {rules.cooldown_bars} bars after "
                f"{self.pattern(blocking)} at {self.time(int(self.alerts.bar[blocking]))}"
            )
        return f"held back: {_WORDS[name]}"

    def blocked(self, row: int) -> list[int]:
        """Return the rows of the alerts that the cool-down of a delivered one held back."""
        alerts, bars = self.alerts, self.scored.detected.rules.policy.cooldown_bars
        bar = int(alerts.bar[row])
        return [
            other
            for other in self.rows(bar + 1, bar + bars + 1)
            if alerts.reason[other] == COOLDOWN
            and alerts.direction[other] == alerts.direction[row]
            and self._blocking(other) == row
        ]

    def _blocking(self, row: int) -> int:
        alerts = self.alerts
        before = np.flatnonzero(
            (alerts.reason[:row] == 0) & (alerts.direction[:row] == alerts.direction[row])
        )
        return int(before[-1])


_WORDS = {
    "severity": "below policy.min_severity",
    "duplicate": "the same pattern, direction and bar was delivered before",
    "rate_limit": "policy.rate_limit_per_minute of its pattern were delivered that minute",
    "accept": "the accept filter turned it down",
}


def _column(part: AlertColumns, name: str) -> Any:
    return getattr(part, name).astype(np.int64)


def _state_readings(look: Look) -> tuple[Reading, ...]:
    """Return the fields of a state after the bar, for a step that does not say what it compares."""
    pairs = zip(leaves(look.before, "state"), leaves(look.after, "state"), strict=True)
    return tuple(
        Reading(name if before == after else f"{name} (was {before:g})", float(after))
        for (name, before), (_, after) in pairs
    )


def clock(minute: int) -> str:
    """Return the time of day of minutes since midnight, or since 1970-01-01."""
    return f"{wall_time(minute):%H:%M}"
