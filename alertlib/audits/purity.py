"""Does a step remember anything outside its state and its ring, or what a ring cannot hold?

Parity cannot tell: what a step keeps in a list of its module, batch and stream fill alike, until a
second symbol is streamed beside the first or the daemon starts again from a snapshot.
"""

from __future__ import annotations

import json
from numbers import Real
from typing import Any

import numpy as np

from alertlib.audits.report import REMEMBER, WHOLE, AuditItem
from alertlib.detection.answers import checked, when
from alertlib.detection.declaration import quoted
from alertlib.detection.detectors import Detector
from alertlib.detection.records import from_lists, plain, to_lists
from alertlib.errors import DetectorError
from alertlib.kernels.bar import TickBar
from alertlib.scoring.engine import INTERPRETED
from alertlib.scoring.scored import Detected
from alertlib.scoring.step_bars import StepBars

# Past a detector's warm-up. The four built-in ones then take some 40 ms, in plain Python.
PURITY_BARS = 600
DOUBLE_CALLS = 30


def purity(whole: Detected, rng: np.random.Generator) -> AuditItem | None:
    """Run every step alone, beside a stream of other prices, twice, and from a snapshot.

    Returns
    -------
    AuditItem or None
        None where no detector has a step, or none has learned its parameters yet.
    """
    series = whole.series
    size = PURITY_BARS + max((d.warmup for d in whole.rules.detectors), default=0)
    start = int(rng.integers(0, max(1, len(series) - size + 1)))
    part = series.tail(start).head(min(size, len(series) - start))
    given = StepBars(part, whole.atr[start : start + len(part)])
    bars: list[TickBar] = given.by(INTERPRETED)
    steps = [d for d in map(_learned(whole), whole.rules.detectors) if d is not None]
    for detector in steps:
        own = bars[: PURITY_BARS + detector.warmup]
        twice = set(rng.integers(0, len(own), size=DOUBLE_CALLS).tolist())
        try:
            found = _Trial(detector, given.quanta_per_tick).difference(own, mirrored(own), twice)
        except DetectorError as error:
            return AuditItem("purity", False, len(steps), f"on bars upside down: {error}")
        if found is not None:
            detail = f"{detector.name}: {'; '.join(found)}"
            return AuditItem("purity", False, len(steps), detail)
    if not steps:
        return None
    return AuditItem(
        "purity", True, len(steps),
        "each step answers the same beside another stream, called twice and from a snapshot",
    )  # fmt: skip


def _learned(whole: Detected) -> Any:
    """Return what gives a detector as it ran: with what it last learned, None without a step."""

    def learned(detector: Detector) -> Detector | None:
        if detector.columns is not None:
            return None
        if detector.fit is None:
            return detector
        refits = whole.refits.get(detector.name, ())
        return detector.fitted(refits[-1].params) if refits else None

    return learned


def mirrored(bars: list[TickBar]) -> list[TickBar]:
    """Return the bars upside down, in the same range of prices: another symbol's."""
    both = max(bar.high for bar in bars) + min(bar.low for bar in bars)
    return [
        bar._replace(
            open=both - bar.open,
            high=both - bar.low,
            low=both - bar.high,
            close=both - bar.close,
            gap=-bar.gap,
        )
        for bar in bars
    ]


class _Trial:
    """One step and the streams it is tried in."""

    def __init__(self, detector: Detector, quanta_per_tick: int) -> None:
        self._detector = detector
        self._step: Any = checked(detector)
        self._params = detector.kernel_params(quanta_per_tick)

    def difference(
        self, bars: list[TickBar], others: list[TickBar], twice: set[int]
    ) -> tuple[str, str] | None:
        """Return where the step contradicts itself, or would once compiled, and what to do."""
        alone, other_alone = self._alone(bars), self._alone(others)
        states, rings = [self._detector.state] * 2, [self._new_ring(), self._new_ring()]
        for i, pair in enumerate(zip(bars, others, strict=True)):
            if i in twice and self._differs_twice(states[0], rings[0], pair[0]):
                return (
                    f"called twice with the bar of {when(pair[0])} it answers differently",
                    REMEMBER,
                )
            if i == len(bars) // 2:
                try:
                    states[0], rings[0] = self._kept(states[0], rings[0])
                except TypeError as error:
                    return (
                        f"its state at {when(pair[0])} cannot be kept as JSON ({error})",
                        REMEMBER,
                    )
            for j, expected in enumerate((alone, other_alone)):
                answer = self._step(states[j], rings[j], pair[j], self._params)
                states[j] = answer[-1]
                if not _same(answer, expected[i]):
                    return (
                        f"beside a second stream it answers differently at {when(pair[j])}",
                        REMEMBER,
                    )
                for value in rings[j]:
                    if not _is_whole(value):
                        return f"its ring holds {quoted(value)} at {when(pair[j])}", WHOLE
        return None

    def _alone(self, bars: list[TickBar]) -> list[Any]:
        step, params = self._step, self._params
        state, ring, answers = self._detector.state, self._new_ring(), []
        for bar in bars:
            answer = step(state, ring, bar, params)
            state = answer[-1]
            answers.append(answer)
        return answers

    def _differs_twice(self, state: Any, ring: list[int], bar: TickBar) -> bool:
        first, second = list(ring), list(ring)
        answers = [self._step(state, own, bar, self._params) for own in (first, second)]
        return not (_same(*answers) and _same(first, second))

    def _kept(self, state: Any, ring: list[int]) -> tuple[Any, list[int]]:
        values, kept = json.loads(json.dumps([to_lists(state), list(map(plain, ring))]))
        return from_lists(self._detector.state, values), kept

    def _new_ring(self) -> list[int]:
        return [0] * self._detector.ring


def _is_whole(value: Any) -> bool:
    if type(value) is int:
        return True  # nearly always
    return isinstance(value, Real) and bool(value % 1 == 0)


def _same(one: Any, other: Any) -> bool:
    # In words where they are not equal: NaN is itself.
    return bool(one == other) or repr(one) == repr(other)
