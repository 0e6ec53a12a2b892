"""The axes of a grid: parameters, and the values each takes in turn."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, localcontext
from enum import Enum
from functools import cached_property
from typing import Any

import polars as pl

from alertlib.config.convert import convert
from alertlib.config.problem import Plain, Problem, show
from alertlib.config.schema import Settings
from alertlib.errors import ConfigError
from alertlib.search.grid.keys import parameters, resolve_key

# What a value is once it is written down.
Value = int | float | bool | str | None

MAX_COMBINATIONS = 10_000_000
_NUMBER = re.compile(
    r"-?((0|[1-9][0-9]{0,19})(\.[0-9]{1,20})?|\.[0-9]{1,20})([eE][-+]?[0-9]{1,2})?"
)
_DIGITS = 300  # of decimal arithmetic: more than any three such numbers need
_EXAMPLE = "KEY=A,B,C or KEY=FROM:TO:STEP, such as detection.volatility.window=10:30:5"
_LONGEST = 2**63
_DTYPES: dict[frozenset[type], pl.DataType] = {
    frozenset({bool}): pl.Boolean(),
    frozenset({int}): pl.Int64(),
    frozenset({float}): pl.Float64(),
    frozenset({int, float}): pl.Float64(),
    frozenset({str}): pl.String(),
    frozenset(): pl.Null(),
}


@dataclass(frozen=True)
class Axis:
    """One parameter of a grid.

    Attributes
    ----------
    key : str
        Full dotted key.
    values : tuple
        As they are written down, in the order given: numbers, switches, texts, null; a choice by
        its name. To a search that suggests they are ordered categories.
    typed : tuple
        The same as the settings hold them.
    """

    key: str
    values: tuple[Value, ...]
    typed: tuple[Any, ...]

    def __len__(self) -> int:
        return len(self.values)

    @property
    def column(self) -> pl.Series:
        """The values as a Polars column named by the key."""
        return pl.Series(self.key, self.values, dtype=_DTYPES[_kinds(self.values)], strict=False)

    @cached_property
    def ranks(self) -> tuple[int, ...]:
        """Place of each value by size; texts and the like stand in the order given."""
        if _kinds(self.values) <= {int, float} and None not in self.values:
            order = sorted(range(len(self)), key=self.typed.__getitem__)
        else:
            order = list(range(len(self)))
        places = [0] * len(self)
        for place, at in enumerate(order):
            places[at] = place
        return tuple(places)


def parse_grid(text: str) -> tuple[str, tuple[object, ...]]:
    """Return key and values of ``KEY=A,B,C`` or ``KEY=FROM:TO:STEP``.

    The values of a list mean what the key's type says, as in ``--set``. Those of a range are
    reckoned in decimals and rounded once each, so that 0.1:0.5:0.1 holds 0.3. TO is included
    where a step reaches it, and never passed; three whole numbers give whole numbers.

    Raises
    ------
    ConfigError
        There is no key, no value, no step, or one that leads away from TO.
    """
    key, equals, values = text.partition("=")
    if not equals or not key.strip():
        raise ConfigError(f"--grid {text!r}: got no key or no '=', expected {_EXAMPLE}")
    return key.strip(), _values_of(values.strip(), key.strip())


def parse_grids(texts: Iterable[str]) -> dict[str, tuple[object, ...]]:
    """Return the values by key of several ``--grid`` options, each key once."""
    found: dict[str, tuple[object, ...]] = {}
    for text in texts:
        key, values = parse_grid(text)
        if key in found:
            raise Problem(key, "the key twice", "one --grid with all of its values")
        found[key] = values
    return found


def make_axes(given: Mapping[str, object], settings: Settings) -> tuple[Axis, ...]:
    """Return the axes of a grid, every value checked as the configuration checks it.

    Parameters
    ----------
    given : mapping
        Key, or its unambiguous last parts, -> values: a list or the like, or a text as
        :func:`parse_grid` reads it after the ``=``.
    settings : Settings

    Raises
    ------
    ConfigError
        A key that may not be searched or occurs twice; a value that is out of range or occurs
        twice; no key or no value at all.
    """
    if not given:
        raise ConfigError(f"grid: got no key, expected at least one {_EXAMPLE}")
    known = parameters(settings)
    axes: dict[str, Axis] = {}
    for short, values in given.items():
        key = resolve_key(str(short), settings)
        if key in axes:
            raise Problem(key, f"the key twice (also as {short})", "it once, with all its values")
        axes[key] = _axis(key, known[key], values)
    return tuple(axes.values())


def _axis(key: str, annotation: Any, given: object) -> Axis:
    if isinstance(given, str):
        given = _values_of(given.strip(), key)
    if isinstance(given, Mapping) or not isinstance(given, Iterable):
        raise Problem(key, show(given), "a list of values")
    typed = tuple(_typed(annotation, value, key) for value in given)
    if not typed:
        raise Problem(key, "an empty list", "at least one value")
    values = tuple(map(_plain, typed))
    if _kinds(values) not in _DTYPES:
        raise Problem(key, "values of several kinds", "numbers, switches or texts alone")
    seen: set[Value] = set()
    for value in values:
        if value in seen:
            raise Problem(key, f"{show(value)} twice", "each value once")
        seen.add(value)
    return Axis(key, values, typed)


def _typed(annotation: Any, value: object, key: str) -> Any:
    typed = convert(annotation, Plain(value) if isinstance(value, str) else value, key)
    if isinstance(typed, tuple):
        raise Problem(key, "a list in the list", "one number, switch or text each")
    if isinstance(typed, int) and abs(typed) >= _LONGEST:
        raise Problem(key, show(typed), "a whole number of 64 bits")
    return typed


def _plain(value: Any) -> Value:
    return value.name if isinstance(value, Enum) else value


def _kinds(values: Iterable[Value]) -> frozenset[type]:
    return frozenset(type(value) for value in values if value is not None)


def _values_of(text: str, key: str) -> tuple[object, ...]:
    if "," not in text and text.count(":") == 2:
        return _range(text, key)
    values = [part.strip() for part in text.split(",")]
    if not all(values):
        got = "an empty value" if len(values) > 1 else "no value"
        raise Problem(key, got, "values such as 10,20,30 or FROM:TO:STEP")
    return tuple(map(Plain, values))


def _range(text: str, key: str) -> tuple[object, ...]:
    parts = [part.strip() for part in text.split(":")]
    if not all(map(_NUMBER.fullmatch, parts)):
        raise Problem(key, show(Plain(text)), "three numbers FROM:TO:STEP")
    with localcontext() as context:
        context.prec = _DIGITS
        first, last, step = map(Decimal, parts)
        if not step:
            raise Problem(key, f"{text}, a step of 0", "FROM:TO:STEP with a step that leads to TO")
        if (last - first) * step < 0:
            raise Problem(key, f"{text}, which leads away from TO", f"a step of {-step}")
        steps = int((last - first) // step)
        if steps >= MAX_COMBINATIONS:
            raise Problem(key, f"{text}, {steps + 1:,} values", f"at most {MAX_COMBINATIONS:,}")
        kind = int if all(part.lstrip("-").isdigit() for part in parts) else float
        return tuple(kind(first + at * step) for at in range(steps + 1))
