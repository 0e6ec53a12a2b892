"""What a block form is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from alertlib._typing import Signals
from alertlib.scoring.engine import Engine
from alertlib.scoring.step_bars import StepBars

# Bars whose scratch stays in the first-level cache.
BLOCK = 1_024


@dataclass(frozen=True)
class BlockForm:
    """A detector over whole columns, in the place of a loop over its step.

    Attributes
    ----------
    scan : callable
        ``(engine, bars, params) -> signals``, int8, one per bar.
    covers : callable
        Of kernel parameters and the largest price in quanta: whether it is made for them.
    """

    scan: Callable[[Engine, StepBars, Any], Signals]
    covers: Callable[[Any, int], bool] = lambda params, largest: True
