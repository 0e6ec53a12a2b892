"""Conditions on the combinations of a grid, as SQL expressions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
import polars as pl

from alertlib._typing import Bools, Ints
from alertlib.config.problem import nearest
from alertlib.errors import ConfigError
from alertlib.search.grid.axes import Axis
from alertlib.search.grid.keys import ending_in

# Texts, quoted names, numbers, names with dots; a name before a bracket is a function.
_TOKENS = re.compile(
    r"""(?P<text>'(?:[^']|'')*')
      | "(?P<quoted>(?:[^"]|"")*)"
      | (?P<number>\d[\w.]*)
      | (?P<over>\bover\s*\()
      | (?P<name>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)(?!\w|\s*\()""",
    re.VERBOSE | re.IGNORECASE,
)
_OTHERS = "got a comparison with other combinations"
_ALONE = "one within a single combination"
# Words of the language; a parameter called like one of them is meant where it stands in quotes.
_WORDS = {
    "and", "between", "case", "else", "end", "false", "from", "ilike", "in", "is", "like", "not",
    "null", "or", "then", "true", "when", "xor",
}  # fmt: skip


@dataclass(frozen=True)
class Condition:
    """Which values of some axes go together.

    Attributes
    ----------
    axes : tuple of int
        Numbers of the axes it reads, ascending.
    holds : bool, shape (product of their lengths,)
        Whether it holds, the last axis fastest.
    """

    axes: tuple[int, ...]
    holds: Bools

    def at(self, codes: Sequence[Ints], sizes: Sequence[int]) -> Bools:
        """Return whether it holds for each row of ``codes``, one array an axis of the grid."""
        place: Ints = np.zeros_like(codes[0])
        for axis in self.axes:
            place = place * sizes[axis] + codes[axis]
        held: Bools = self.holds[place]
        return held


def read_condition(text: str, axes: Sequence[Axis]) -> Condition:
    """Return the condition that a ``--where`` states.

    It is worked out once for the values of the axes it names, whatever the size of the grid.

    Parameters
    ----------
    text : str
        A Polars SQL expression that is true or false of one combination, as ``target_atr >=
        stop_atr``. Names are full keys or their unambiguous last parts, in double quotes where
        they have signs of their own. Where it is null the combination is left out.
    axes : sequence of Axis

    Raises
    ------
    ConfigError
        It cannot be read, names what is not an axis, or is not true or false of each combination.
    """
    named: dict[str, int] = {}
    expression = _read(_with_columns(text, axes, named), text, axes)
    numbers = tuple(sorted(named.values()))
    if not numbers:
        raise _wrong(text, "got no key of the grid", f"at least one of {_names(axes)}")
    frame = product_frame([axes[number] for number in numbers])
    frame.columns = [f"c{number}" for number in numbers]
    held = _answer(expression, frame, text, axes)
    # Whatever looks at other rows, such as max(), answers otherwise for each row by itself.
    alone = _answer(expression.over("row"), frame.with_row_index("row"), text, axes)
    if not held.equals(alone):
        raise _wrong(text, _OTHERS, _ALONE)
    return Condition(numbers, held.to_numpy())


def product_frame(axes: Sequence[Axis]) -> pl.DataFrame:
    """Return every combination of some axes, the last fastest."""
    sizes = [len(axis) for axis in axes]
    codes = codes_of(np.arange(prod(sizes)), sizes)
    return frame_of(axes, codes)


def codes_of(rows: Ints, sizes: Sequence[int]) -> list[Ints]:
    """Return for each axis the number of its value at rows of the product, the last fastest."""
    return list(np.unravel_index(rows, sizes))


def frame_of(axes: Sequence[Axis], codes: Sequence[Ints]) -> pl.DataFrame:
    """Return the values of each axis, by its key, at the numbers of them."""
    return pl.DataFrame([axis.column.gather(at) for axis, at in zip(axes, codes, strict=True)])


def _with_columns(text: str, axes: Sequence[Axis], named: dict[str, int]) -> str:
    """Return the expression with ``c0``, ``c1`` … for the keys, and note which it names."""
    keys = {axis.key: number for number, axis in enumerate(axes)}

    def column(token: re.Match[str]) -> str:
        quoted, name = token["quoted"], token["name"]
        if token["over"] is not None:
            raise _wrong(text, _OTHERS, _ALONE)
        if quoted is None and (name is None or name.lower() in _WORDS):
            return token[0]
        asked = name if quoted is None else quoted.replace('""', '"')
        meant = ending_in(asked, keys)
        if len(meant) > 1 and asked not in keys:
            raise _wrong(text, f"got {asked}, an ambiguous key", f"one of {', '.join(meant)}")
        if not meant:
            endings = {key.rpartition(".")[2] for key in keys}
            guess = nearest(asked, [*endings, *keys])
            hint = f"; did you mean {guess}?" if guess else ""
            raise _wrong(
                text, f"got {asked}, which is not searched", f"a key of {_names(axes)}{hint}"
            )
        number = keys[asked if asked in keys else meant[0]]
        named[f"c{number}"] = number
        return f'"c{number}"'

    return _TOKENS.sub(column, text)


def _read(translated: str, text: str, axes: Sequence[Axis]) -> pl.Expr:
    try:
        return pl.sql_expr(translated)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, TypeError) as error:
        got = f"got what cannot be read ({_line(error, axes)})"
        raise _wrong(text, got, "an SQL expression such as target_atr >= stop_atr") from None


def _answer(expression: pl.Expr, frame: pl.DataFrame, text: str, axes: Sequence[Axis]) -> pl.Series:
    try:
        answer = frame.select(expression.alias("held")).to_series()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        got = f"got what cannot be worked out ({_line(error, axes)})"
        raise _wrong(text, got, "a comparison of values of one kind") from None
    if answer.dtype != pl.Boolean or len(answer) != frame.height:
        got = f"got an expression of type {answer.dtype}, {len(answer):,} values"
        raise _wrong(text, got, f"true or false for each of {frame.height:,}")
    return answer.fill_null(False)


def _names(axes: Sequence[Axis]) -> str:
    return ", ".join(axis.key for axis in axes)


def _line(error: BaseException, axes: Sequence[Axis]) -> str:
    """Return the first line of an error of Polars, with the keys where it has our columns."""
    line = str(error).strip().partition("\n")[0]
    for number, axis in reversed([*enumerate(axes)]):
        line = line.replace(f'"c{number}"', axis.key)
    return line


def _wrong(text: str, got: str, expected: str) -> ConfigError:
    return ConfigError(f"--where {text!r}: {got}, expected {expected}")
