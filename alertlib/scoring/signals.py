"""Detectors over a whole file: loops over the very steps the live side calls."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from alertlib._typing import Floats, Signals
from alertlib.bars.series import Series
from alertlib.detection.answers import checked, is_ours, is_signal, state_fault
from alertlib.detection.blame import raised_at
from alertlib.detection.detectors import Detector
from alertlib.errors import AlertlibWarning, DetectorError
from alertlib.scoring.engine import COMPILED, INTERPRETED, Engine
from alertlib.scoring.scans.table import find_form
from alertlib.scoring.step_bars import StepBars
from alertlib.scoring.true_ranges import true_ranges

if TYPE_CHECKING:
    from alertlib.scoring.refits import Refits

# Sums of squares stay exact in 64 bits below this (window times price, in quanta).
EXACT_BELOW = 3.0e9


@dataclass(frozen=True)
class SignalTable:
    """What each detector says at each bar, warm-up included.

    Attributes
    ----------
    sign : ndarray of int8, shape (bars, detectors)
        -1, 0 or +1.
    probability : dict of int to float64, one per bar
        By the number of each detector that states one: that of its signal, 0 where it has none.
    """

    sign: Signals
    probability: Mapping[int, Floats]


def detect(
    series: Series,
    detectors: tuple[Detector, ...],
    engine: Engine = INTERPRETED,
    atr: Floats | None = None,
    refits: Refits | None = None,
) -> SignalTable:
    """Return the signals of each detector.

    Parameters
    ----------
    series : Series
    detectors : tuple of Detector
    engine : Engine
    atr : float64, one per bar
        Average true range in quanta, as the bars carry it; of 14 bars when left out.
    refits : mapping of str to tuple of Refit, optional
        Of the detectors that learn: each answers for its refits' bars only.
    """
    # Each detector's signals lie side by side in memory, as they are written.
    sign = np.zeros((len(detectors), len(series)), dtype=np.int8).T
    probability: dict[int, Floats] = {}
    if len(series) == 0:
        return SignalTable(sign, probability)
    atr = true_ranges(series, 14, engine) if atr is None else atr
    bars = StepBars(series, atr)
    for i, detector in enumerate(detectors):
        if detector.probability:
            probability[i] = np.zeros(len(series))
        if detector.fit is None:
            sign[:, i], stated = signals_of(detector, bars, engine)
            if detector.probability:
                probability[i] = stated
            continue
        for refit in (refits or {}).get(detector.name, ()):
            if refit.stop <= refit.start:
                continue  # a part of the file may hold none of its bars
            part = StepBars(
                series.tail(refit.begin).head(refit.stop - refit.begin),
                atr[refit.begin : refit.stop],
            )
            found, stated = signals_of(detector.fitted(refit.params), part, engine)
            own = slice(refit.start, refit.stop)
            sign[own, i] = found[refit.start - refit.begin :]
            if detector.probability:
                probability[i][own] = stated[refit.start - refit.begin :]
    return SignalTable(sign, probability)


def signals_of(detector: Detector, bars: StepBars, engine: Engine) -> tuple[Any, Floats]:
    """Return the signals of one detector and the probabilities it states, one per bar.

    The second is empty or zero where it states none.
    """
    if detector.columns is None:
        return _step_signals(detector, bars, engine)
    return _frame_signals(detector, bars), np.zeros(len(bars))


def _frame_signals(detector: Detector, bars: StepBars) -> Any:
    assert detector.columns is not None
    name, size = f"detector {detector.name!r}", len(bars)
    try:
        found = np.asarray(detector.columns(bars.frame(), detector.params))
    except Exception as error:  # a user's code raises anything
        at = raised_at(error)
        raise DetectorError(
            f"{name}: its function raised {type(error).__name__}{f' in {at}' if at else ''}: "
            f"{error}; expected -1, 0 or +1 for each of the {size} bars; correct the function"
        ) from error
    if found.shape != (size,):
        raise DetectorError(
            f"{name}: it answered an array of shape {found.shape}; expected -1, 0 or +1 for each "
            f"of the {size} bars"
        )
    numbers = found.dtype.kind in "biuf"
    if numbers and ((found == 0) | (np.abs(found) == 1)).all():
        return found
    odd = [i for i, signal in enumerate(found.tolist()) if not is_signal(signal)]
    if odd:
        raise DetectorError(
            f"{name}: at {bars.when(odd[0])} it answered {found[odd[0]]}; expected -1, 0 or +1"
        )
    return found


def _step_signals(detector: Detector, bars: StepBars, engine: Engine) -> tuple[Any, Floats]:
    # Plain Python's integers have no end: a series too fine for 64 bits runs there.
    # Gap-joined prices may have both signs, and then lie twice the largest apart.
    if 2 * max(detector.ring, 1) * bars.largest >= EXACT_BELOW:
        engine = INTERPRETED
    if is_ours(detector.step):
        params = detector.kernel_params(bars.quanta_per_tick)
        form = find_form(detector.step, bars, params) if engine is COMPILED else None
        if form is not None:
            return form.scan(engine, bars, params), np.zeros(0)
        scan = engine.build(make_scan(detector), detector.step, engine.bar_of)
        return _run(scan, detector, bars, engine)[:2]
    why: Exception | str | None = None
    if engine is not INTERPRETED and id(detector.step) not in _PLAIN:
        try:
            scan = engine.build(make_scan(detector), detector.step, engine.bar_of)
            sign, stated, state = _run(scan, detector, bars, engine)
            why = _odd(sign, stated, state, detector)
        except engine.failures() as error:
            why = error
        if why is None:
            return sign, stated
    # Names the bar where an answer is wrong.
    scan = make_scan(detector)(checked(detector), INTERPRETED.bar_of)
    found = _run(scan, detector, bars, INTERPRETED)[:2]
    if why is not None:
        _remember_plain(detector, why)
    return found


# The steps that numba cannot compile, by id and kept, so that no other takes its place. Trying
# again would take seconds in each of a gate's hundred reruns.
_PLAIN: dict[int, Any] = {}


def _remember_plain(detector: Detector, why: Exception | str) -> None:
    _PLAIN[id(detector.step)] = detector.step
    # Numba's first line names the stage, the next ones the reason; colours are for terminals.
    lines = re.sub(r"\x1b\[[0-9;]*m", "", str(why)).strip().splitlines()
    telling = [line.strip() for line in lines if not line.startswith("Failed in ")]
    reason = next(filter(None, telling), type(why).__name__)
    text = f"detector {detector.name!r} runs in plain Python: numba cannot compile it ({reason})"
    warnings.warn(AlertlibWarning(text), stacklevel=2)


def _odd(sign: Any, stated: Any, state: Any, detector: Detector) -> str | None:
    """Return what is no answer among those of a compiled step; plain Python says at which bar."""
    if not ((sign == 0) | (np.abs(sign) == 1)).all():
        return "a signal is none"
    if not ((stated >= 0.0) & (stated <= 1.0)).all():
        return "a probability is none"
    return state_fault(detector.state, state)


def _run(
    scan: Callable[..., Any], detector: Detector, bars: StepBars, engine: Engine
) -> tuple[Any, Floats, Any]:
    """Return signals, probabilities and the last state."""
    given = scan_arguments(detector, bars, engine)
    state = scan(*given)
    *_, sign, stated = given
    kind = "int8" if is_ours(detector.step) else "float64"
    return engine.array(sign, kind), engine.array(stated, "float64"), state


def make_scan(detector: Detector) -> Callable[..., Any]:
    """Return the factory of the loop that runs a detector's step."""
    return _make_odds_scan if detector.probability else _make_scan


def scan_arguments(detector: Detector, bars: StepBars, engine: Engine) -> tuple[Any, ...]:
    """Return what that loop is called with: bars, where to start from, where to write.

    A user's signals are written as they are: an integer would hide the half of a signal.
    """
    size = len(bars)
    return (
        bars.by(engine), size, engine.ring(detector.ring),
        detector.kernel_params(bars.quanta_per_tick), detector.state,
        engine.out(size, "int8" if is_ours(detector.step) else "float64"),
        engine.out(size, "float64"),
    )  # fmt: skip


# Each factory takes the functions its loop calls, plain or compiled, and returns the loop.


def _make_scan(step: Any, bar_of: Any) -> Callable[..., Any]:
    def scan(
        bars: Any, size: int, ring: Any, params: Any, state: Any, sign: Any, stated: Any
    ) -> Any:
        for i in range(size):
            sign[i], state = step(state, ring, bar_of(bars, i), params)
        return state

    return scan


def _make_odds_scan(step: Any, bar_of: Any) -> Callable[..., Any]:
    def scan(
        bars: Any, size: int, ring: Any, params: Any, state: Any, sign: Any, stated: Any
    ) -> Any:
        for i in range(size):
            sign[i], stated[i], state = step(state, ring, bar_of(bars, i), params)
        return state

    return scan
