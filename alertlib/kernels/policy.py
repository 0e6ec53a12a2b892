"""Which alerts reach a trader: a pure state machine on bar time.

The same step decides in the backtest and on the live side, so what is scored is what would have
been delivered.
"""

from __future__ import annotations

from collections.abc import MutableSequence
from typing import NamedTuple

# Reasons, in the order in which they are tested. The first is a delivered alert.
# ``accept`` is a user's own filter, asked before all of them.
DELIVERED, SEVERITY, WINDOW, DUPLICATE, RATE_LIMIT, COOLDOWN, ACCEPT = range(7)
REASONS = ("delivered", "severity", "window", "duplicate", "rate_limit", "cooldown", "accept")

_LONG_AGO = -(1 << 40)


class Candidate(NamedTuple):
    """An alert that asks to be delivered, as integers.

    Attributes
    ----------
    severity : int
        0 ``MEDIO``, 1 ``ALTO``, 2 ``CRITICO``.
    minute : int
        Bar's close in minutes since 1970-01-01, exchange wall clock.
    bar : int
        Number of bars before it in the series.
    day : int
        Session, days since 1970-01-01.
    direction : int
        +1 or -1.
    pattern : int
        Number of the pattern among those of the stream.
    """

    severity: int
    minute: int
    bar: int
    day: int
    direction: int
    pattern: int


class PolicyParams(NamedTuple):
    """``policy`` as integers: severity rank, minutes of the day, counts."""

    min_severity: int
    window_start: int
    window_end: int
    per_minute: int
    cooldown_bars: int


class PolicyState(NamedTuple):
    """Session and the bar of the last delivered alert on each side."""

    day: int = -1
    up_at: int = _LONG_AGO
    down_at: int = _LONG_AGO


def memory_size(patterns: int) -> int:
    """Return the length of the memory :func:`policy_step` needs for so many patterns.

    Per pattern: the minute of its last delivery, the deliveries within it, and the last bar
    delivered on each side.
    """
    return 4 * patterns


def policy_step(
    state: PolicyState, memory: MutableSequence[int], candidate: Candidate, params: PolicyParams
) -> tuple[int, PolicyState]:
    """Decide about one candidate.

    Tested in this order, the first that applies is the reason: below ``min_severity``; close
    of the bar outside ``[window_start, window_end]``; the same pattern, direction and bar
    delivered before; ``per_minute`` alerts of the pattern in this minute already; an alert of
    the same direction delivered within the last ``cooldown_bars`` bars of this session. Only
    delivered alerts change the state: a suppressed one extends nothing.

    Parameters
    ----------
    state : PolicyState
        State to continue from; ``PolicyState()`` at the start of a stream.
    memory : sequence of int, length ``memory_size(patterns)``
        Updated in place; filled with -1 at the start of a stream.
    candidate : Candidate
        In order of time; of one bar, +1 before -1.
    params : PolicyParams

    Returns
    -------
    reason : int
        0 if delivered, otherwise the index of the reason in ``REASONS``.
    state : PolicyState
    """
    up_at, down_at = state.up_at, state.down_at
    if candidate.day != state.day:
        up_at = down_at = _LONG_AGO
    unchanged = PolicyState(candidate.day, up_at, down_at)
    if candidate.severity < params.min_severity:
        return SEVERITY, unchanged
    minute_of_day = candidate.minute % 1_440
    if minute_of_day < params.window_start or minute_of_day > params.window_end:
        return WINDOW, unchanged
    slot = 4 * candidate.pattern
    side = slot + 2 if candidate.direction > 0 else slot + 3
    if memory[side] == candidate.bar:
        return DUPLICATE, unchanged
    sent = memory[slot + 1] if memory[slot] == candidate.minute else 0
    if params.per_minute > 0 and sent >= params.per_minute:
        return RATE_LIMIT, unchanged
    last = up_at if candidate.direction > 0 else down_at
    if candidate.bar - last <= params.cooldown_bars:
        return COOLDOWN, unchanged
    memory[slot] = candidate.minute
    memory[slot + 1] = sent + 1
    memory[side] = candidate.bar
    if candidate.direction > 0:
        up_at = candidate.bar
    else:
        down_at = candidate.bar
    return DELIVERED, PolicyState(candidate.day, up_at, down_at)
