"""Learned parameters and the bars they answer for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any


@dataclass(frozen=True)
class Refit:
    """Parameters learned once, and the bars they answer for.

    Attributes
    ----------
    start, stop : int
        First bar they answer for, and the one after the last.
    begin : int
        Bar from which the detector runs, to warm up.
    params : object
    first, last : date
        First and last session learned from.
    """

    start: int
    stop: int
    begin: int
    params: Any
    first: date
    last: date

    def part(self, start: int, stop: int) -> Refit:
        """Return the refit as bars ``start`` to ``stop`` of its file see it."""
        return replace(
            self,
            start=min(max(self.start, start), stop) - start,
            stop=min(max(self.stop, start), stop) - start,
            begin=max(self.begin, start) - start,
        )


# By detector, in order of time.
Refits = Mapping[str, tuple[Refit, ...]]


def part_of(refits: Refits, start: int, stop: int) -> Refits:
    """Return refits as bars ``start`` to ``stop`` of their file see them."""
    return {name: tuple(r.part(start, stop) for r in each) for name, each in refits.items()}
