"""Steps made of steps: one that lets some signals pass, one that wants two to agree."""

from __future__ import annotations

from collections.abc import Callable, MutableSequence
from typing import Any, NamedTuple

from alertlib.kernels.bar import TickBar

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
