"""A grid of parameters: every combination of their values, or those that meet conditions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from math import prod

import numpy as np
import polars as pl

from alertlib._arguments import expect
from alertlib._typing import Ints
from alertlib.config.schema import Settings
from alertlib.errors import ConfigError
from alertlib.search.grid.axes import MAX_COMBINATIONS, Axis, Value, make_axes
from alertlib.search.grid.clashes import find_clashes
from alertlib.search.grid.keys import with_values
from alertlib.search.grid.where import Condition, codes_of, frame_of, read_condition

# More than these are kept as totals: their counts a session would fill memory and disk.
MAX_PER_SESSION = 100_000
# Rows handled at once: a few megabytes whatever the size of the grid.
_BLOCK = 1 << 18
_CONDITIONS = "a condition, or a list of them, such as 'target_atr >= stop_atr'"


class Grid:
    """The combinations of some parameters' values.

    They are numbered from 0 in the order of the product, the last key fastest, with those that
    do not meet the conditions left out. Nothing is laid out before it is asked for.

    Parameters
    ----------
    given : mapping
        Key, or its unambiguous last parts, -> values; see :func:`make_axes`.
    settings : Settings
        What the values are put into.
    where : str or sequence of str
        Conditions, all of which have to hold; see :func:`read_condition`.

    Attributes
    ----------
    axes : tuple of Axis
    keys : tuple of str
        Full keys, in the order given.
    base : Settings
    where : tuple of str
    per_session : bool
        Whether there are few enough to keep their counts by session.

    Raises
    ------
    ConfigError
        A key, value or condition that cannot be accepted, more than 10,000,000 combinations, or
        none.
    """

    def __init__(
        self, given: Mapping[str, object], settings: Settings, where: str | Sequence[str] = ()
    ) -> None:
        self.base = settings
        self.axes = make_axes(given, settings)
        self.keys = tuple(axis.key for axis in self.axes)
        self._sizes = [len(axis) for axis in self.axes]
        self._product = prod(self._sizes)
        if self._product > MAX_COMBINATIONS:
            raise ConfigError(
                f"grid: got {self._product:,} combinations of {', '.join(self.keys)}, expected at "
                f"most {MAX_COMBINATIONS:,}; give fewer values"
            )
        texts = [where] if isinstance(where, str) else where
        expect("where", texts, Sequence, _CONDITIONS)
        for text in texts:
            expect("where", text, str, _CONDITIONS)
        self.where = tuple(texts)
        # Rows of the product, ascending; None for all of them.
        self._rows = self._kept([read_condition(text, self.axes) for text in texts])
        if len(self) == 0:
            raise ConfigError(
                f"--where {' and '.join(map(repr, texts))}: got none of {self._product:,} "
                "combinations, expected at least one; relax it"
            )
        self._check_clashes()

    def __len__(self) -> int:
        return self._product if self._rows is None else len(self._rows)

    def __repr__(self) -> str:
        sizes = ", ".join(f"{axis.key} x{len(axis)}" for axis in self.axes)
        return f"<Grid {len(self):,} combinations: {sizes}>"

    @property
    def per_session(self) -> bool:
        """Whether there are few enough to keep their counts by session."""
        return len(self) <= MAX_PER_SESSION

    @cached_property
    def frame(self) -> pl.DataFrame:
        """Every combination: one row each, one column a full key."""
        return pl.concat(list(self.blocks()))

    def blocks(self, rows: int = _BLOCK) -> Iterator[pl.DataFrame]:
        """Yield the rows of :attr:`frame` in order, at most so many at once."""
        for start in range(0, len(self), rows):
            yield frame_of(self.axes, self._codes(np.arange(start, min(start + rows, len(self)))))

    def codes(self, at: Ints) -> Ints:
        """Return the numbers of the values of some combinations, shape (combinations, axes)."""
        return np.stack(self._codes(at), axis=-1)

    def combination(self, i: int) -> dict[str, Value]:
        """Return the values of combination ``i`` by full key."""
        return {axis.key: axis.values[code] for axis, code in self._cells(i)}

    def settings(self, i: int) -> Settings:
        """Return the base settings with combination ``i`` put in."""
        return with_values(self.base, {axis.key: axis.typed[code] for axis, code in self._cells(i)})

    def find(self, values: Mapping[str, Value]) -> int | None:
        """Return the number of the combination with these values by full key, None if left out.

        Raises
        ------
        KeyError
            A key is missing, or a value is none of its axis.
        """
        codes = []
        for axis in self.axes:
            if values[axis.key] not in axis.values:
                raise KeyError(f"{axis.key}: {values[axis.key]}")
            codes.append(axis.values.index(values[axis.key]))
        return self._place(codes)

    def sample(self, trials: int, seed: int) -> Ints:
        """Return the numbers of combinations drawn at random, each at most once.

        A longer sample of the same seed begins with the shorter one, so that a search can go on.

        Returns
        -------
        ndarray of int64, shape (min(trials, len(self)),)
        """
        drawn: Ints = np.random.default_rng(seed).permutation(len(self))[: max(trials, 0)]
        return drawn

    def neighbours(self, i: int) -> list[int]:
        """Return the combinations that differ from ``i`` by one step on one axis.

        A step leads to the next greater or smaller value; of texts and switches, to the next in
        the order given. Combinations that do not meet the conditions are none.
        """
        codes = [code for _, code in self._cells(i)]
        found = []
        for number, axis in enumerate(self.axes):
            rank = axis.ranks[codes[number]]
            for step in (rank - 1, rank + 1):
                if 0 <= step < len(axis):
                    moved = [*codes[:number], axis.ranks.index(step), *codes[number + 1 :]]
                    place = self._place(moved)
                    found += [] if place is None else [place]
        return sorted(found)

    def _cells(self, i: int) -> list[tuple[Axis, int]]:
        if not 0 <= i < len(self):
            raise IndexError(f"combination {i} of {len(self):,}")
        codes = self._codes(np.array([i]))
        return [(axis, int(code[0])) for axis, code in zip(self.axes, codes, strict=True)]

    def _codes(self, at: Ints) -> list[Ints]:
        return codes_of(at if self._rows is None else self._rows[at], self._sizes)

    def _place(self, codes: Sequence[int]) -> int | None:
        row = int(np.ravel_multi_index(codes, self._sizes))
        if self._rows is None:
            return row
        place = int(np.searchsorted(self._rows, row))
        return place if place < len(self._rows) and self._rows[place] == row else None

    def _kept(self, conditions: Sequence[Condition]) -> Ints | None:
        if not conditions:
            return None
        kept = []
        for start in range(0, self._product, _BLOCK):
            rows: Ints = np.arange(start, min(start + _BLOCK, self._product))
            codes = codes_of(rows, self._sizes)
            held = np.ones(len(rows), dtype=bool)
            for condition in conditions:
                held &= condition.at(codes, self._sizes)
            kept.append(rows[held])
        return np.concatenate(kept)

    def _check_clashes(self) -> None:
        """Refuse combinations of values that may not stand together."""
        for clash in find_clashes(self.base, self.axes):
            for start in range(0, len(self), _BLOCK):
                at: Ints = np.arange(start, min(start + _BLOCK, len(self)))
                hit = np.flatnonzero(clash.pairs.at(self._codes(at), self._sizes))
                if len(hit):
                    raise clash.problem(self.combination(start + int(hit[0])))
