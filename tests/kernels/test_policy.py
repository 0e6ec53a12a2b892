"""The policy against a reading of its rules that remembers everything."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertlib.kernels.policy import (
    REASONS,
    Candidate,
    PolicyParams,
    PolicyState,
    memory_size,
    policy_step,
)

PARAMS = PolicyParams(
    min_severity=0, window_start=9 * 60 + 5, window_end=17 * 60 + 30, per_minute=1, cooldown_bars=6
)
DAY = 18_722
TEN = 10 * 60


def decide(candidates: list[Candidate], params: PolicyParams = PARAMS) -> list[str]:
    state = PolicyState()
    memory = [-1] * memory_size(8)
    reasons = []
    for candidate in candidates:
        reason, state = policy_step(state, memory, candidate, params)
        reasons.append(REASONS[reason])
    return reasons


def at(
    bar: int,
    direction: int = 1,
    *,
    pattern: int = 0,
    severity: int = 2,
    day: int = DAY,
    clock: int | None = None,
) -> Candidate:
    """A candidate on a bar of five minutes; bar 0 closes at 10:00."""
    minute = TEN + 5 * bar if clock is None else clock
    return Candidate(severity, day * 1_440 + minute, bar, day, direction, pattern)


def naive_decisions(candidates: list[Candidate], params: PolicyParams) -> list[str]:
    """Look through the whole history for every candidate."""
    reasons: list[str] = []
    for n, c in enumerate(candidates):
        delivered = [d for d, r in zip(candidates[:n], reasons, strict=True) if r == "delivered"]
        clock = c.minute % 1_440
        same = [d for d in delivered if d.direction == c.direction]
        in_minute = [d for d in delivered if (d.pattern, d.minute) == (c.pattern, c.minute)]
        recent = [d for d in same if d.day == c.day and c.bar - d.bar <= params.cooldown_bars]
        if c.severity < params.min_severity:
            reasons.append("severity")
        elif not params.window_start <= clock <= params.window_end:
            reasons.append("window")
        elif any((d.pattern, d.bar) == (c.pattern, c.bar) for d in same):
            reasons.append("duplicate")
        elif params.per_minute > 0 and len(in_minute) >= params.per_minute:
            reasons.append("rate_limit")
        elif recent:
            reasons.append("cooldown")
        else:
            reasons.append("delivered")
    return reasons


@st.composite
def histories(draw: st.DrawFn) -> list[Candidate]:
    """Candidates in order of time, several to a bar, over a few short days."""
    bar = 0
    made = []
    for day in range(draw(st.integers(1, 3))):
        minute = 9 * 60
        for _ in range(draw(st.integers(0, 25))):
            step = draw(st.integers(0, 4))
            bar, minute = bar + step, minute + step * draw(st.sampled_from((1, 5, 15)))
            candidate = Candidate(
                severity=draw(st.integers(0, 2)),
                minute=(DAY + day) * 1_440 + min(minute, 1_439),
                bar=bar,
                day=DAY + day,
                direction=draw(st.sampled_from((1, -1))),
                pattern=draw(st.integers(0, 2)),
            )
            made.append(candidate)
        bar += 1
    # Of one bar, +1 comes before -1.
    return sorted(made, key=lambda c: (c.bar, -c.direction))


parameters = st.builds(
    PolicyParams,
    min_severity=st.integers(0, 2),
    window_start=st.sampled_from((0, 545)),
    window_end=st.sampled_from((600, 1_439)),
    per_minute=st.integers(0, 2),
    cooldown_bars=st.integers(0, 6),
)


@given(histories(), parameters)
def test_the_state_machine_equals_the_whole_history(
    candidates: list[Candidate], params: PolicyParams
) -> None:
    assert decide(candidates, params) == naive_decisions(candidates, params)


def test_each_reason_in_its_order() -> None:
    """A candidate that every rule would refuse, then the next rule's turn, and so on.

    After the first delivery a copy of it is a duplicate, in the same minute, and in cooldown.
    """
    strict = PARAMS._replace(min_severity=1)
    late = 17 * 60 + 31

    assert decide([at(0, severity=0, clock=late)], strict) == ["severity"]
    assert decide([at(0, clock=late)], strict) == ["window"]
    assert decide([at(0), at(0)], strict) == ["delivered", "duplicate"]
    # Another bar with the same minute (two feeds' clocks, say): rate limit before cooldown.
    assert decide([at(0), at(1, clock=TEN)], strict) == ["delivered", "rate_limit"]
    assert decide([at(0), at(1)], strict) == ["delivered", "cooldown"]


def test_the_entry_window_includes_both_ends() -> None:
    clocks = [9 * 60 + 4, 9 * 60 + 5, 17 * 60 + 30, 17 * 60 + 31]
    candidates = [at(100 * n, clock=c) for n, c in enumerate(clocks)]

    assert decide(candidates) == ["window", "delivered", "delivered", "window"]


def test_cooldown_blocks_six_bars_of_the_same_direction() -> None:
    reasons = decide([at(0), *(at(n, pattern=n) for n in range(1, 8))])

    assert reasons == ["delivered"] + ["cooldown"] * 6 + ["delivered"]
    assert decide([at(0, 1), at(0, -1, pattern=1), at(3, -1), at(7, -1)]) == [
        "delivered", "delivered", "cooldown", "delivered",
    ]  # fmt: skip


def test_suppressed_alerts_do_not_extend_the_cooldown() -> None:
    # Bar 6 is suppressed; had it counted, bar 7 would be, too.
    assert decide([at(0), at(6), at(7)]) == ["delivered", "cooldown", "delivered"]


def test_the_session_open_clears_the_cooldown() -> None:
    assert decide([at(10), at(11, day=DAY + 1, clock=9 * 60 + 5)]) == ["delivered", "delivered"]


def test_a_suppressed_alert_of_the_new_day_clears_it_as_well() -> None:
    """The day changes with the first candidate, delivered or not."""
    early = at(11, day=DAY + 1, clock=9 * 60)
    assert decide([at(10), early, at(12, day=DAY + 1)]) == ["delivered", "window", "delivered"]


def test_the_rate_limit_counts_deliveries_of_one_pattern_and_minute() -> None:
    free = PARAMS._replace(cooldown_bars=0)
    same_minute = [at(n, (-1) ** n, clock=TEN) for n in range(4)]

    assert decide(same_minute, free) == ["delivered", "rate_limit", "rate_limit", "rate_limit"]
    two = free._replace(per_minute=2)
    assert decide(same_minute, two) == ["delivered", "delivered", "rate_limit", "rate_limit"]
    unlimited = free._replace(per_minute=0)
    assert decide(same_minute, unlimited) == ["delivered"] * 4
    others = [at(n, (-1) ** n, pattern=n, clock=TEN) for n in range(4)]
    assert decide(others, free) == ["delivered"] * 4


def test_both_directions_of_one_bar_stand() -> None:
    assert decide([at(0, 1, pattern=1), at(0, -1, pattern=2)]) == ["delivered", "delivered"]


@pytest.mark.parametrize("cut", range(0, 40, 7))
def test_the_state_can_be_carried_over(cut: int) -> None:
    candidates = [at(n, (-1) ** (n // 3), pattern=n % 3) for n in range(40)]
    state, memory = PolicyState(), [-1] * memory_size(8)
    reasons = []
    for n, candidate in enumerate(candidates):
        if n == cut:
            state, memory = PolicyState(*list(state)), list(memory)
        reason, state = policy_step(state, memory, candidate, PARAMS)
        reasons.append(REASONS[reason])

    assert reasons == naive_decisions(candidates, PARAMS)
