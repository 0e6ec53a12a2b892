"""Recurrences run in four parts of a file at once, and verified.

An average such as Wilder's is a chain: each bar waits for the one before, and the processor idles.
Four parts of a file are four chains that wait together. A part starts early from a guess; since
the average forgets, what it says from its own bars on is, as a rule, what the whole chain would
say, to the last bit. Whether it is, is looked at: where a part does not begin with exactly the
value at which the one before it ends, it is run again from there. Nothing is left to the rule.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from alertlib._typing import Floats

LANES = 4
# Bars of each lane whose scratch stays in the first-level cache.
STEPS = 128


def silent_steps(window: int) -> int:
    """Return how many bars early a part starts.

    A guess weighs ``(1 - 1/window)^(45 * window)``, less than 2^-64, after the first term; the
    last bit may take some hundreds of bars more to settle.
    """
    return 45 * window + 300


def run_in_lanes(
    advance: Callable[[int, int, int, int, Floats], None],
    states: Floats,
    first: int,
    last: int,
    window: int,
) -> None:
    """Run a recurrence over the bars after ``first``, up to and including ``last``.

    Parameters
    ----------
    advance : callable
        ``(first, apart, steps, silent, begun)``: runs lane ``i`` over the ``steps`` bars after
        ``first + i * apart``. It writes no result in the first ``silent`` steps of any lane but
        the first, after them it puts the lanes' states into ``begun``, shape (values, lanes).
    states : float64, shape (values, (STEPS + 1) * LANES)
        Scratch of the loop: state of lane ``i`` at ``i``, before and after. The first lane's is
        the true one at bar ``first``.
    first, last : int
        Bars; nothing is done unless ``first < last``.
    window : int
        Of the average, in bars.
    """

    def run(
        true: list[float], first: int, apart: int, steps: int, silent: int
    ) -> tuple[list[list[float]], list[list[float]]]:
        begun = np.empty((len(states), LANES))
        states[:, :LANES] = np.array(true)[:, None]
        advance(first, apart, steps, silent, begun)
        return begun.T.tolist(), states[:, :LANES].T.tolist()

    true: list[float] = states[:, 0].tolist()
    silent = silent_steps(window)
    own = (last - first - silent) // LANES
    if own > 0:
        begun, ended = run(true, first, own, silent + own, silent)
        true = ended[0]
        first += silent + own
        for lane in range(1, LANES):
            if begun[lane] == true:
                true = ended[lane]
            else:
                # All lanes over the same bars: no loop has to be compiled for one alone.
                true = run(true, first, 0, own, 0)[1][0]
            first += own
    if first < last:
        run(true, first, 0, last - first, 0)
