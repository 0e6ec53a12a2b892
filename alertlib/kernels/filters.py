"""Steps made of steps: one that lets some signals pass, one that wants two to agree."""

from __future__ import annotations

from collections.abc import Callable, MutableSequence, Sequence
from typing import Any, NamedTuple

from alertlib.kernels.bar import TickBar
from alertlib.kernels.reading import Evidence, Reading

Where = Callable[[TickBar], bool]
Step = Callable[[Any, MutableSequence[int], TickBar, Any], Any]


class BothParams(NamedTuple):
    """Parameters of two steps."""

    first: Any
    second: Any


class BothState(NamedTuple):
    """States of two steps."""

    first: Any
    second: Any


def everywhere(bar: TickBar) -> bool:
    """Let every bar pass."""
    return True


def make_only(step: Step, first: int, last: int, where: Where) -> Step:
    """Return ``step`` with signals only on bars in ``[first, last)`` for which ``where`` holds.

    Parameters
    ----------
    step : callable
        Runs on every bar: its state is that without the filter.
    first, last : int
        Minutes since midnight of a bar's open.
    where : callable
        Asked only about bars with a signal.
    """

    def only_step(state: Any, ring: MutableSequence[int], bar: TickBar, params: Any) -> Any:
        signal, state = step(state, ring, bar, params)
        if signal != 0 and not (first <= bar.minute < last and where(bar)):
            signal = 0
        return signal, state

    return only_step


def make_only_with_odds(step: Step, first: int, last: int, where: Where) -> Step:
    """Return what :func:`make_only` does, of a step that states a probability."""

    def only_step(state: Any, ring: MutableSequence[int], bar: TickBar, params: Any) -> Any:
        signal, probability, state = step(state, ring, bar, params)
        if signal != 0 and not (first <= bar.minute < last and where(bar)):
            signal, probability = 0, 0.0
        return signal, probability, state

    return only_step


def without_odds(step: Step) -> Step:
    """Return a step that keeps the probability of ``step`` to itself."""

    def bare_step(state: Any, ring: MutableSequence[int], bar: TickBar, params: Any) -> Any:
        signal, _, state = step(state, ring, bar, params)
        return signal, state

    return bare_step


def make_both(one: Step, other: Step, split: int) -> Step:
    """Return a step that signals where both do, in one direction.

    Parameters
    ----------
    one, other : callable
        Each answers ``(signal, state)`` and runs on every bar.
    split : int
        Length of the ring of ``one``, in front of that of ``other``.
    """

    def both_step(
        state: BothState, ring: MutableSequence[int], bar: TickBar, params: BothParams
    ) -> Any:
        front, back = ring[:split], ring[split:]
        signal, first = one(state.first, front, bar, params.first)
        second_signal, second = other(state.second, back, bar, params.second)
        # A list's slices are copies; those of a compiled step's array are not, and lose nothing.
        ring[:split] = front
        ring[split:] = back
        return (signal if signal == second_signal else 0), BothState(first, second)

    return both_step


def make_only_evidence(
    evidence: Evidence, first: int, last: int, where: Where, name: str
) -> Evidence:
    """Return ``evidence`` and, before it, whether the filter of :func:`make_only` would pass."""

    def only_evidence(
        state: Any, ring: Sequence[int], bar: TickBar, params: Any
    ) -> tuple[Reading, ...]:
        inner = evidence(state, ring, bar, params)
        if not inner:
            return ()
        minute = bar.minute
        bound = first if minute < first else last
        passed = bool(where(bar))
        return (
            Reading("minute of the day", minute, bound, first <= minute < last),
            *([Reading(name, int(passed), 1, passed)] if where is not everywhere else []),
            *inner,
        )

    return only_evidence


def make_both_evidence(
    one: Evidence, other: Evidence, split: int, names: Sequence[str]
) -> Evidence:
    """Return the evidence of a step of :func:`make_both`, each reading under its part's name.

    Nothing while either part compares nothing yet.
    """

    def both_evidence(
        state: BothState, ring: Sequence[int], bar: TickBar, params: BothParams
    ) -> tuple[Reading, ...]:
        parts = (
            one(state.first, ring[:split], bar, params.first),
            other(state.second, ring[split:], bar, params.second),
        )
        if not all(parts):
            return ()
        return tuple(
            reading._replace(name=f"{name}: {reading.name}")
            for name, readings in zip(names, parts, strict=True)
            for reading in readings
        )

    return both_evidence


def signal_evidence(step: Step) -> Evidence:
    """Return the evidence of a step without any: whether it signals, either way."""

    def evidence(state: Any, ring: Sequence[int], bar: TickBar, params: Any) -> tuple[Reading, ...]:
        signal = step(state, list(ring), bar, params)[0]
        return tuple(Reading("signal", signal, side, signal == side, side) for side in (1, -1))

    return evidence
