"""Volatility: a run of closes far from their rolling mean."""

from __future__ import annotations

from collections.abc import MutableSequence, Sequence
from math import sqrt
from typing import Annotated, NamedTuple

from alertlib.kernels.bar import TickBar
from alertlib.kernels.params import Range
from alertlib.kernels.reading import Reading


class VolatilityParams(NamedTuple):
    """``detection.volatility``."""

    window: Annotated[int, Range(2, 10_000)] = 20
    threshold_sigma: Annotated[float, Range(above=0.0, high=100.0)] = 2.0
    confirm_bars: Annotated[int, Range(1, 1_000)] = 2


class VolatilityState(NamedTuple):
    """Sums of the window and the length of the present run (signed by its side)."""

    seen: int = 0
    total: int = 0
    squares: int = 0
    run: int = 0


def volatility_step(
    state: VolatilityState, ring: MutableSequence[int], bar: TickBar, params: VolatilityParams
) -> tuple[int, VolatilityState]:
    """Signal a run of closes far from their rolling mean.

    ``z = (close - mean) / std`` over the last ``window`` closes, the current one included,
    with the population divisor. Fires on the bar at which ``|z| >= threshold_sigma`` on one
    side has held exactly ``confirm_bars`` bars in a row: once per excursion.

    Parameters
    ----------
    state : VolatilityState
        State to continue from; ``VolatilityState()`` at the start of a series.
    ring : sequence of int, length ``params.window``
        The window's closes, updated in place; zeros at the start of a series.
    bar : TickBar
        One closed bar, prices in quanta of the gap-joined series.
    params : VolatilityParams
        ``window`` (bars), ``threshold_sigma`` (standard deviations), ``confirm_bars`` (bars).

    Returns
    -------
    signal : {-1, 0, 1}
        Side of the excursion. 0 while fewer than ``window`` bars have been seen and where the
        window is constant.
    state : VolatilityState
        Stepping through two halves in turn gives the same signals as the whole.

    Notes
    -----
    O(1) per bar. The sums are integers, hence exact: no drift, and no trace of a bad print
    once it has left the window. Neither mean nor deviation is formed: with ``S`` and ``Q`` the
    sums of closes and squares, ``|z| >= k`` is ``(n*x - S)^2 >= k^2 * (n*Q - S^2)``. Exact
    while ``window * price < 3.0e9`` quanta.

    References
    ----------
    Chan, Golub & LeVeque (1983), The American Statistician 37(3), 242-247, on why the same
    sums lose their digits in floating point.
    """
    # Unpacked once: in plain Python an attribute costs more than the arithmetic on it.
    n, limit, confirm = params
    seen, total, squares, held = state
    close = bar.close
    slot = seen % n
    old = ring[slot]
    ring[slot] = close
    seen += 1
    total += close - old
    squares += close * close - old * old
    if seen < n:
        return 0, VolatilityState(seen, total, squares, 0)
    distance = n * close - total
    spread = n * squares - total * total
    run = 0
    if spread > 0 and float(distance * distance) >= limit * limit * float(spread):
        if distance > 0:
            run = held + 1 if held > 0 else 1
        else:
            run = held - 1 if held < 0 else -1
    signal = 0
    if run == confirm:
        signal = 1
    elif run == -confirm:
        signal = -1
    return signal, VolatilityState(seen, total, squares, run)


def volatility_evidence(
    state: VolatilityState, ring: Sequence[int], bar: TickBar, params: VolatilityParams
) -> tuple[Reading, ...]:
    """Return what the step compares at ``bar``: ``z``, and for how many bars it has held.

    Parameters
    ----------
    state, ring, bar, params
        As the step is about to be given them; the ring is left as it is.

    Returns
    -------
    tuple of Reading
        Empty while fewer than ``window`` bars have been seen.
    """
    n, limit, confirm = params
    _, after = volatility_step(state, list(ring), bar, params)
    if after.seen < n:
        return ()
    spread = n * after.squares - after.total * after.total
    z = (n * bar.close - after.total) / sqrt(spread) if spread > 0 else 0.0
    found = [
        Reading(f"mean({n})", after.total / n, unit="price"),
        Reading("deviation", sqrt(spread) / n, unit="distance"),
    ]
    for side in (1, -1):
        run = after.run * side
        found.append(Reading("z", z, side * limit, run > 0, side))
        found.append(Reading("confirming bars", max(run, 0), confirm, run == confirm, side))
    return tuple(found)
