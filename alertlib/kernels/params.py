"""How a detector's parameters declare their limits.

A ``Params`` NamedTuple is at once what the kernel reads and the section of the configuration
file: its annotations carry the accepted range, so neither is written down twice.
"""

from __future__ import annotations

from typing import NamedTuple

# Annotates a field that is no setting: the step reads it, nobody chooses it.
FIXED = "fixed"


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
        bounded = self.high < float("inf")
        if self.above > float("-inf"):
            words = f"above {_digits(self.above)}"
            return f"{words} and at most {_digits(self.high)}" if bounded else words
        if self.low > float("-inf"):
            low = _digits(self.low)
            return f"from {low} to {_digits(self.high)}" if bounded else f"of at least {low}"
        return f"of at most {_digits(self.high)}" if bounded else "of any size"


def _digits(limit: float) -> str:
    """Return every digit of a limit, which ``:g`` would round, and no ``.0``."""
    return str(int(limit)) if limit == int(limit) else repr(limit)
