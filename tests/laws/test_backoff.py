"""The wait before trying again: grows, and has an end."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from alertlib._backoff import capped_wait


@given(
    st.integers(0, 10_000), st.floats(0.01, 10.0), st.floats(1.1, 10.0), st.floats(10.0, 1_000.0)
)
def test_a_wait_grows_by_its_factor_up_to_the_cap(
    step: int, first: float, factor: float, cap: float
) -> None:
    now, later = (capped_wait(n, first=first, factor=factor, cap=cap) for n in (step, step + 1))

    assert first <= now <= later <= cap
    assert later == min(cap, now * factor)


def test_the_first_waits_of_a_terminal() -> None:
    waits = [capped_wait(step, first=1.0, factor=2.0, cap=60.0) for step in range(8)]
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]
