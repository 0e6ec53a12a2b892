"""What a detector compared at a bar: readings, for people who ask why it signalled or did not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from alertlib.kernels.bar import TickBar


class Reading(NamedTuple):
    """One number a detector saw at a bar and, where it compared it, the limit and the answer.

    Attributes
    ----------
    name : str
        What was read, such as ``z`` or ``close``.
    value : float
    limit : float or None
        What the value was compared with; None for a fact that decides nothing.
    met : bool
        Whether the comparison held, by the step's own arithmetic: a quotient shown here may be
        rounded onto its limit where the step's comparison was not.
    side : {-1, 0, 1}
        Signal that wants it; 0 for either.
    unit : {"", "price", "distance"}
        ``price`` is a level of the gap-joined series in quanta, ``distance`` a difference of such
        levels; both are shown in points. Anything else is shown as it is.
    """

    name: str
    value: float
    limit: float | None = None
    met: bool = True
    side: int = 0
    unit: str = ""


# As a step is about to be given them: state, ring (left as it is), bar and parameters.
Evidence = Callable[[Any, Sequence[int], TickBar, Any], Sequence[Reading]]


def of_side(readings: Sequence[Reading], side: int) -> tuple[Reading, ...]:
    """Return the readings that concern a signal of ``side``."""
    return tuple(r for r in readings if r.side in (0, side))


def is_met(readings: Sequence[Reading], side: int) -> bool:
    """Whether something was compared for a signal of ``side``, and all of it held."""
    compared = [r.met for r in of_side(readings, side) if r.limit is not None]
    return bool(compared) and all(compared)
