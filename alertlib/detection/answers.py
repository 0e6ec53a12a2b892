"""What a user's step answers, looked at on every bar."""

from __future__ import annotations

from collections.abc import Callable, MutableSequence
from datetime import datetime, timedelta
from numbers import Real
from typing import Any

from alertlib.detection.blame import defined_at, raised_at
from alertlib.detection.declaration import quoted
from alertlib.detection.detectors import Detector, Step
from alertlib.detection.records import is_record
from alertlib.errors import DetectorError
from alertlib.kernels.bar import TickBar


def is_ours(function: Callable[..., Any]) -> bool:
    """Whether a function is the library's alone: one with a closure is made of what it holds."""
    module = getattr(function, "__module__", None) or ""
    return module.startswith("alertlib.") and not getattr(function, "__closure__", None)


def checked(detector: Detector) -> Step:
    """Return a detector's step, made to refuse answers that are none; a step of ours as it is.

    Raises
    ------
    DetectorError
        By the step that is returned: with the bar's time, and the file and the line.
    """
    step: Any = detector.step
    if is_ours(step):
        return detector.step

    def checked_step(
        state: Any, ring: MutableSequence[int], bar: TickBar, params: Any
    ) -> tuple[Any, ...]:
        try:
            answer: tuple[Any, ...] = step(state, ring, bar, params)
        except Exception as error:  # a user's code raises anything
            raise DetectorError(_raised(detector, bar, error)) from error
        fault = _fault(detector, answer)
        if fault is not None:
            raise DetectorError(_wrong(detector, bar, fault))
        return answer

    return checked_step


def is_signal(value: Any) -> bool:
    """Whether a value is -1, 0 or +1, of whatever type."""
    try:
        return bool(value in (-1, 0, 1))
    except Exception:  # an array has no single truth
        return False


def when(bar: TickBar) -> str:
    """Return the time of a bar's open, to the minute."""
    opened = datetime(1970, 1, 1) + timedelta(days=int(bar.day), minutes=int(bar.minute))
    return opened.isoformat(" ", timespec="minutes")


def _fault(detector: Detector, answer: Any) -> str | None:
    """Return what is wrong with an answer, and what was expected."""
    form = "(signal, probability, state)" if detector.probability else "(signal, state)"
    if not isinstance(answer, (tuple, list)) or len(answer) != form.count(",") + 1:
        return f"answered {quoted(answer)}; expected {form}"
    if not is_signal(answer[0]):
        return f"answered the signal {quoted(answer[0])}; expected -1, 0 or +1"
    if detector.probability and not _is_share(answer[1]):
        return f"answered the probability {quoted(answer[1])}; expected a number from 0 to 1"
    return state_fault(detector.state, answer[-1])


def state_fault(like: Any, state: Any) -> str | None:
    """Return in what a state is not one of the form of ``like``, and what was expected."""
    if type(state) is not type(like):
        return f"answered the state {quoted(state)}; expected one of type {type(like).__name__}"
    for before, value in zip(like, state, strict=True):
        if type(value) is int or type(value) is float:
            continue  # nearly always
        fault = state_fault(before, value) if is_record(before) else None
        if fault is not None:
            return fault
        if not is_record(before) and not isinstance(value, Real):
            return f"answered the state {quoted(state)}; expected numbers in its fields"
    return None


def _is_share(value: Any) -> bool:
    return isinstance(value, Real) and 0.0 <= float(value) <= 1.0


def _raised(detector: Detector, bar: TickBar, error: Exception) -> str:
    at = raised_at(error) or defined_at(detector.step)
    return (
        f"detector {detector.name!r}: at {when(bar)} its step raised {type(error).__name__}"
        f"{f' in {at}' if at else ''}: {error}; expected an answer for every bar; correct the step"
    )


def _wrong(detector: Detector, bar: TickBar, fault: str) -> str:
    at = defined_at(detector.step)
    return f"detector {detector.name!r}: at {when(bar)} its step{f' ({at})' if at else ''} {fault}"
