"""How a detector's parameters declare their limits.

A ``Params`` NamedTuple is at once what the kernel reads and the section of the configuration
file: its annotations carry the accepted range, so neither is written down twice.
"""

from __future__ import annotations

from typing import NamedTuple


class Range(NamedTuple):
    """Accepted values of a number, ends inclusive unless ``above`` is used.

    Attributes
    ----------
    low, high : float
        Smallest and largest accepted value.
    above : float
        Exclusive lower end; ``-inf`` for none.
    """

    low: float = float("-inf")
    high: float = float("inf")
    above: float = float("-inf")

    def __contains__(self, value: object) -> bool:
        if not isinstance(value, (int, float)):
            return False
        return self.low <= value <= self.high and value > self.above

    def __str__(self) -> str:
        parts = []
        if self.above > float("-inf"):
            parts.append(f"> {self.above:g}")
        elif self.low > float("-inf"):
            parts.append(f">= {self.low:g}")
        if self.high < float("inf"):
            parts.append(f"<= {self.high:g}")
        return " and ".join(parts) or "any number"
