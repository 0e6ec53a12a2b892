"""Detectors as a user writes them: a step of state, and a frame function that peeks."""

from __future__ import annotations

from typing import Any, NamedTuple

import alertlib as al


def rises(bar: al.TickBar) -> bool:
    return bar.close > bar.open


class FollowParams(NamedTuple):
    n: int = 20


class FollowState(NamedTuple):
    seen: int = 0
    side: int = 0


@al.detector(
    "follow",
    patterns=("follow_up", "follow_down"),
    ring=lambda p: p.n,
    warmup=lambda p: p.n,
    params=FollowParams(),
    state=FollowState(),
)
def follow(state: Any, ring: Any, bar: Any, p: Any) -> Any:
    old = ring[state.seen % p.n]
    ring[state.seen % p.n] = bar.close
    side = 1 if bar.close > old else -1
    return (side if state.seen >= p.n and side != state.side else 0), FollowState(
        state.seen + 1, side
    )


class MetronomeParams(NamedTuple):
    every: int = 10


class MetronomeState(NamedTuple):
    seen: int = 0


@al.detector(
    "metronome",
    patterns=("tick", "tick"),
    params=MetronomeParams(),
    state=MetronomeState(),
    confidence=0.5,
)
def metronome(state: Any, ring: Any, bar: Any, p: Any) -> Any:
    """Up and down in turn, every so many bars, whatever the prices."""
    due = state.seen % p.every == 0
    side = 1 if state.seen % (2 * p.every) == 0 else -1
    return (side if due else 0), MetronomeState(state.seen + 1)


def always_seven(bars: Any, moves: Any, outcomes: Any) -> MetronomeParams:
    return MetronomeParams(7)


@al.detector(
    "learner", patterns=("due", "due"), params=MetronomeParams(), state=MetronomeState(),
    fit=always_seven,
)  # fmt: skip
def learner(state: Any, ring: Any, bar: Any, p: Any) -> Any:
    """A metronome that learns its interval."""
    return (1 if state.seen % p.every == 0 else 0), MetronomeState(state.seen + 1)


@al.frame_detector("peek", patterns=("peek_up", "peek_down"), warmup=1)
def peek(frame: Any) -> Any:
    """Knows the next close: what the audits are there to catch."""
    change = frame["close"].diff().shift(-1)
    return change.sign().fill_null(0).cast(int).to_numpy()


@al.frame_detector("since", patterns=("since_up", "since_down"), warmup=1)
def since(frame: Any) -> Any:
    """The sign of the last change: the same idea without the future."""
    return frame["close"].diff().sign().fill_null(0).cast(int).to_numpy()


class Seen(NamedTuple):
    """Bars seen."""

    seen: int = 0


@al.detector("two", patterns=("two_up", "two_down"), state=Seen())
def two(state: Seen, ring: Any, bar: Any, params: Any) -> tuple[int, Seen]:
    """Signal with a number that is no direction."""
    return 2, Seen(state.seen + 1)


@al.detector("nothing", patterns=("nothing_up", "nothing_down"), state=Seen())
def nothing(state: Seen, ring: Any, bar: Any, params: Any) -> Any:
    """Return no pair at all."""
    return None


@al.detector("divides", patterns=("divides_up", "divides_down"), state=Seen())
def divides(state: Seen, ring: Any, bar: Any, params: Any) -> tuple[int, Seen]:
    """Divide by zero in mid-file."""
    return 0 * (1 // (state.seen - 5_000)), Seen(state.seen + 1)
