"""Values that are each accepted and may not stand together, such as a least above a most."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any

import numpy as np

from alertlib.config.constraints import check
from alertlib.config.problem import Problem
from alertlib.config.schema import Settings
from alertlib.search.grid.axes import Axis, Value
from alertlib.search.grid.keys import with_values
from alertlib.search.grid.where import Condition


@dataclass(frozen=True)
class Clash:
    """What the values of some axes may not be.

    Attributes
    ----------
    pairs : Condition
        Holds where they clash.
    base : Settings
    axes : tuple of Axis
        The axes it reads.
    """

    pairs: Condition
    base: Settings
    axes: tuple[Axis, ...]

    def problem(self, combination: Mapping[str, Value]) -> Problem:
        """Return what is wrong with a combination that clashes."""
        typed = {a.key: a.typed[a.values.index(combination[a.key])] for a in self.axes}
        found = _problem(self.base, typed)
        assert found is not None
        got, expected = found.halves
        return Problem(found.path, got, f"{expected}; leave such combinations out by a --where")


def find_clashes(settings: Settings, axes: Sequence[Axis]) -> Iterator[Clash]:
    """Yield the clashes of values of one axis with the base, and of two axes of one section.

    The rules between settings are that one of two is not above the other. So the least and the
    greatest values tell whether any two clash, and few grids need a closer look.
    """
    keys = {axis.key for axis in axes}
    alone = [(number,) for number in range(len(axes))]
    pairs = [pair for pair in combinations(range(len(axes)), 2) if _one_section(axes, pair)]
    for numbers in [*alone, *pairs]:
        some = tuple(axes[number] for number in numbers)
        if any(_clash(settings, some, keys, ends) for ends in product(*map(_ends, some))):
            every = product(*(axis.typed for axis in some))
            held = np.array([_clash(settings, some, keys, values) for values in every])
            yield Clash(Condition(numbers, held), settings, some)


def _clash(settings: Settings, some: Sequence[Axis], keys: set[str], values: Sequence[Any]) -> bool:
    """Whether values of some axes clash, with none of the other axes' keys taking part."""
    own = [axis.key for axis in some]
    found = _problem(settings, dict(zip(own, values, strict=True)))
    return found is not None and {found.path, *found.also} & keys == set(own)


def _problem(settings: Settings, typed: Mapping[str, Any]) -> Problem | None:
    try:
        check(with_values(settings, typed))
    except Problem as problem:
        return problem
    return None


def _one_section(axes: Sequence[Axis], pair: tuple[int, ...]) -> bool:
    return len({axes[number].key.rpartition(".")[0] for number in pair}) == 1


def _ends(axis: Axis) -> Sequence[Any]:
    try:
        return min(axis.typed), max(axis.typed)
    except TypeError:  # choices, or null among numbers: in no order
        return axis.typed
