"""How long to wait before trying again."""

from __future__ import annotations


def capped_wait(step: int, *, first: float, factor: float, cap: float) -> float:
    """Return ``min(cap, first * factor ** step)``; jitter is the caller's.

    Parameters
    ----------
    step : int
        Failures before this one, from 0; as many as there are: the power stays finite.
    first, cap : float
        Shortest and longest wait, in seconds.
    factor : float
        Above 1.
    """
    wait = first
    for _ in range(step):
        if wait >= cap:
            break
        wait *= factor
    return min(cap, wait)
