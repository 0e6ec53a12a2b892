"""The steps of a run once more, bar by bar, and what each saw.

Batch keeps signals, not states. A detector is run in plain Python from where its memory begins,
once; its state at the first bar of each session is kept, so that any bar is a session away.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any, NamedTuple

from alertlib.bars.series import Series
from alertlib.detection.answers import checked, when
from alertlib.detection.blame import raised_at
from alertlib.detection.detectors import Detector
from alertlib.errors import DetectorError
from alertlib.kernels.bar import TickBar
from alertlib.kernels.reading import Reading
from alertlib.scoring.engine import INTERPRETED
from alertlib.scoring.scored import Detected
from alertlib.scoring.step_bars import StepBars


class Look(NamedTuple):
    """A detector at one bar.

    Attributes
    ----------
    bar : int
    signal : int
        As the step answered it, warm-up included.
    readings : tuple of Reading
        In points where they are prices or distances, prices as traded.
    before, after : NamedTuple
        Its states, in quanta of the gap-joined series.
    """

    bar: int
    signal: int
    readings: tuple[Reading, ...]
    before: Any
    after: Any


class Replay:
    """The detectors of a run, to be looked at bar by bar.

    What has been run is kept, but neither copied nor pickled: it is made again where it is needed.
    """

    def __init__(self, detected: Detected) -> None:
        self._detected = detected
        self._tracks: dict[tuple[int, int], _Track] = {}
        self._bars: list[TickBar] | None = None

    def __getstate__(self) -> Detected:
        return self._detected

    def __setstate__(self, detected: Detected) -> None:
        Replay.__init__(self, detected)

    def looks(self, place: int, first: int, stop: int) -> list[Look]:
        """Return what one detector saw at bars ``first`` to ``stop - 1``.

        Parameters
        ----------
        place : int
            Its place among the run's detectors.
        first, stop : int

        Returns
        -------
        list of Look
            Empty for a function of the whole frame, and where a detector that learns had not.

        Raises
        ------
        DetectorError
            If its evidence raises, or answers anything but readings.
        """
        track = self._track(place, first)
        return [] if track is None else track.looks(first, stop)

    def _track(self, place: int, bar: int) -> _Track | None:
        detected = self._detected
        detector, series = detected.rules.detectors[place], detected.series
        if detector.columns is not None:
            return None
        if detector.fit is None:
            if self._bars is None:
                self._bars = StepBars(series, detected.atr).by(INTERPRETED)
            key, begin, bars = (place, 0), 0, self._bars
        else:
            fitted = detected.refits.get(detector.name, ())
            number = next((n for n, r in enumerate(fitted) if r.start <= bar < r.stop), None)
            if number is None:
                return None
            refit = fitted[number]
            key, begin = (place, refit.begin), refit.begin
            if key in self._tracks:
                return self._tracks[key]
            series = series.tail(begin).head(refit.stop - begin)
            bars = StepBars(series, detected.atr[begin : refit.stop]).by(INTERPRETED)
            detector = detector.fitted(refit.params)
        if key not in self._tracks:
            self._tracks[key] = _Track(detector, series, bars, begin)
        return self._tracks[key]


class _Track:
    """One detector with one set of parameters, and its states at the first bars of sessions."""

    def __init__(
        self, detector: Detector, series: Series, bars: Sequence[TickBar], begin: int
    ) -> None:
        grid = series.instrument.grid
        assert grid is not None
        self._detector, self._series, self._bars, self._begin = detector, series, bars, begin
        self._step = checked(detector)
        self._params = detector.kernel_params(grid.per_tick)
        self._firsts: list[int] = series.first.tolist()
        # State and ring before the first bar of each session that was come by.
        self._kept: list[tuple[Any, list[int]]] = [(detector.state, [0] * detector.ring)]

    def looks(self, first: int, stop: int) -> list[Look]:
        """Return what it saw at bars ``first`` to ``stop - 1`` of the file."""
        first, stop = first - self._begin, min(stop - self._begin, len(self._bars))
        session = bisect_right(self._firsts, first) - 1
        while len(self._kept) <= session:
            at = len(self._kept)
            self._kept.append(self._run(self._firsts[at - 1], self._firsts[at], *self._kept[-1]))
        state, ring = self._run(self._firsts[session], first, *self._kept[session])
        found = []
        for at in range(first, stop):
            bar = self._bars[at]
            readings = self._readings(state, ring, bar, at)
            answer: Any = self._step(state, ring, bar, self._params)
            found.append(Look(at + self._begin, int(answer[0]), readings, state, answer[-1]))
            state = answer[-1]
        return found

    def _run(self, first: int, stop: int, state: Any, ring: Sequence[int]) -> tuple[Any, list[int]]:
        step, params, memory = self._step, self._params, list(ring)
        for bar in self._bars[first:stop]:
            state = step(state, memory, bar, params)[-1]
        return state, memory

    def _readings(self, state: Any, ring: list[int], bar: TickBar, at: int) -> tuple[Reading, ...]:
        evidence = self._detector.evidence
        if evidence is None:
            return ()
        where = f"detector {self._detector.name!r}: at {when(bar)} its evidence"
        try:
            # A copy: whoever is asked what a step would see may run that step.
            found: Any = evidence(state, list(ring), bar, self._params)
        except Exception as error:  # a user's code raises anything
            place = raised_at(error)
            raise DetectorError(
                f"{where} raised {type(error).__name__}{f' in {place}' if place else ''}: {error}; "
                "expected a tuple of alertlib.Reading; correct it"
            ) from error
        if not isinstance(found, (tuple, list)) or not all(isinstance(r, Reading) for r in found):
            raise DetectorError(
                f"{where} answered {type(found).__name__}; expected a tuple of alertlib.Reading; "
                "correct it"
            )
        nights = int(self._series.nights[self._series.session[at]])
        return tuple(_in_points(reading, nights, self._series) for reading in found)


def _in_points(reading: Reading, nights: int, series: Series) -> Reading:
    if not reading.unit:
        return reading
    shift = nights if reading.unit == "price" else 0
    limit = None if reading.limit is None else series.price(reading.limit + shift)
    return reading._replace(value=series.price(reading.value + shift), limit=limit)
