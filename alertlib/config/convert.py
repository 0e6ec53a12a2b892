"""From texts to settings: the types of the schema decide what each text means."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache
from typing import (
    Annotated,
    Any,
    Literal,
    NamedTuple,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from alertlib.config.problem import Plain, Problem, nearest, show
from alertlib.config.scalars import MAX_TEXT, REFUSALS, scalar
from alertlib.config.schema import Settings
from alertlib.config.types import Alias, FrozenMap, Pattern
from alertlib.kernels.params import FIXED

Params = TypeVar("Params", bound=NamedTuple)


def convert(annotation: Any, value: Any, path: str) -> Any:
    """Return ``value`` as the type ``annotation`` asks for.

    Parameters
    ----------
    annotation : type or typing construct
        A section (dataclass or NamedTuple), ``tuple[X, ...]``, ``Mapping[K, V]``, or a scalar:
        ``bool int float str``, Enum, Literal or Any, with ``| None`` and with limits in
        ``Annotated``.
    value : object
        From a file or command line: a mapping, a list, ``Plain`` or quoted text. From a
        program: the typed value itself.
    path : str
        Dotted key, for the message.

    Raises
    ------
    Problem
        The first thing, in the order written, that cannot be accepted.
    """
    if is_section(annotation):
        return _section(annotation, value, path)
    origin = get_origin(annotation)
    if origin is tuple and ... in get_args(annotation):
        return _list(annotation, value, path)
    if annotation is Any and isinstance(value, (list, tuple)):
        return _list(tuple[Any, ...], value, path)
    if origin is Mapping:
        return _mapping(annotation, value, path)
    try:
        if type(value).__module__ == "numpy" and hasattr(value, "item"):
            value = value.item()
        return scalar(annotation, value)
    except REFUSALS:
        raise Problem(path, _got(annotation, value), describe(annotation)) from None


def fill(default: Params, values: Mapping[str, Any], path: str) -> Params:
    """Return ``default``, a NamedTuple of parameters, with ``values`` checked and put in.

    For parameters whose class is not part of the schema: those of a user's own detector. An
    annotation that cannot be resolved or is of no kind known here accepts any scalar.
    """
    given = convert(Mapping[str, Any], values, path)
    known = default._asdict()
    changed: dict[str, Any] = {}
    try:
        hints = get_type_hints(type(default), include_extras=True)
    except (NameError, AttributeError, TypeError, SyntaxError):
        hints = {}
    for key, value in given.items():
        if key not in known:
            raise unknown_key(f"{path}.{key}", key, known)
        if FIXED in getattr(hints.get(key), "__metadata__", ()):
            # No setting, but part of what a run puts on record.
            if value != known[key]:
                raise Problem(f"{path}.{key}", show(value), f"{known[key]}, which is fixed")
        elif hasattr(known[key], "_fields"):
            changed[key] = _record(known[key], value, f"{path}.{key}")
        else:
            changed[key] = convert(hints.get(key, Any), value, f"{path}.{key}")
    return default._replace(**changed)


def _record(default: Params, value: Any, path: str) -> Params:
    """Return parameters of a detector within a detector, given as a list in their order."""
    values = convert(tuple[Any, ...], value, path)
    names = list(default._asdict())
    if len(values) != len(names):
        raise Problem(path, show(value), f"a list of {len(names)}: {', '.join(names)}")
    return fill(default, dict(zip(names, values, strict=True)), path)


def is_section(annotation: Any) -> bool:
    """Whether ``annotation`` is a class with named fields: a dataclass or a NamedTuple."""
    return isinstance(annotation, type) and (
        is_dataclass(annotation) or hasattr(annotation, "_field_defaults")
    )


@cache
def hints_of(section: type) -> dict[str, Any]:
    """Annotation of each setting of a section, in order; a fixed field is none."""
    hints = get_type_hints(section, include_extras=True)
    return {
        name: annotation
        for name, annotation in hints.items()
        if FIXED not in getattr(annotation, "__metadata__", ())
    }


def unknown_key(path: str, key: str, known: Mapping[str, Any], elsewhere: str = "") -> Problem:
    """Return the problem of a key that a section does not have."""
    guess = nearest(key, known) or elsewhere
    meant = f"; did you mean {guess}?" if guess else ""
    keys = f"one of {', '.join(known)}" if known else "no keys here"
    return Problem(path, "an unknown key", keys + meant)


def describe(annotation: Any) -> str:
    """Return in words what ``annotation`` accepts."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        base, limits = arguments[0], [x for x in arguments[1:] if not isinstance(x, Alias)]
        words = ", ".join(str(limit) for limit in limits)
        return words if base is str else f"{describe(base)} {words}"
    if origin in (Union, types.UnionType):
        return " or ".join(describe(part) for part in arguments)
    if origin is Literal:
        return f"one of {', '.join(map(str, arguments))}"
    if origin is tuple:
        return f"a list, [] for none; each item: {describe(arguments[0])}"
    if origin is Mapping or is_section(annotation):
        keys = "" if origin is Mapping else f" with the keys {', '.join(hints_of(annotation))}"
        return f"a section{keys}"
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return f"one of {', '.join(annotation.__members__)}"
    return _WORDS.get(annotation, _WORDS[Any])


_WORDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: f"text of at most {MAX_TEXT:,} printable characters",
    type(None): "null",
    Any: "a number, true, false, null, a text (in quotes if it could be one of these) or a list",
}


def _section(section: Any, value: Any, path: str) -> Any:
    if isinstance(value, section):
        value = {name: getattr(value, name) for name in hints_of(section)}
    elif isinstance(value, Plain) and not value:
        value = {}  # a section whose every key is commented out
    if not isinstance(value, Mapping):
        raise Problem(path, show(value), describe(section))
    hints = hints_of(section)
    given: dict[str, Any] = {}
    for key, item in value.items():
        below = f"{path}.{key}" if path else str(key)
        name = field_name(section, str(key), path)
        if name in given:
            raise Problem(below, f"the key twice (also as {name})", "it once")
        given[name] = convert(hints[name], item, below)
    for name in _required(section):
        if name not in given:
            raise Problem(path, f"no {name}", f"the key {name}: {describe(hints[name])}")
    return section(**given)


def field_name(section: Any, key: str, path: str) -> str:
    """Return the field that ``key`` of the section at ``path`` stands for, aliases included."""
    hints = hints_of(section)
    name = getattr(section, "ALIASES", {}).get(key, key)
    if name not in hints:
        raise unknown_key(f"{path}.{key}" if path else key, key, hints, _elsewhere(key))
    return str(name)


@cache
def _required(section: Any) -> tuple[str, ...]:
    if is_dataclass(section):
        return tuple(
            f.name for f in fields(section) if f.default is MISSING and f.default_factory is MISSING
        )
    return tuple(name for name in section._fields if name not in section._field_defaults)


def _elsewhere(key: str) -> str:
    """Return the full name of the setting that ``key`` is the last part of, if there is one."""
    leaf = key.rpartition(".")[2]
    return next((path for path in paths_of(Settings) if path.rpartition(".")[2] == leaf), "")


def paths_of(section: Any, path: str = "") -> list[str]:
    """Return the dotted path of every section and setting."""
    found: list[str] = []
    for name, annotation in hints_of(section).items():
        below = f"{path}.{name}" if path else name
        found.append(below)
        if is_section(annotation):
            found += paths_of(annotation, below)
    return found


def _list(annotation: Any, value: Any, path: str) -> tuple[Any, ...]:
    item = get_args(annotation)[0]
    if not isinstance(value, (list, tuple)) or hasattr(value, "_fields"):
        raise Problem(path, show(value), describe(annotation))
    return tuple(convert(item, entry, f"{path}[{at}]") for at, entry in enumerate(value))


def _mapping(annotation: Any, value: Any, path: str) -> FrozenMap[Any, Any]:
    names, values = get_args(annotation)
    if isinstance(value, Plain) and not value:
        value = {}
    if not isinstance(value, Mapping):
        raise Problem(path, show(value), describe(annotation))
    return FrozenMap(
        {
            convert(names, key, f"{path}.{key}"): convert(values, entry, f"{path}.{key}")
            for key, entry in value.items()
        }
    )


def _got(annotation: Any, value: Any) -> str:
    parts = [annotation, *get_args(annotation)]
    limits = [limit for part in parts for limit in getattr(part, "__metadata__", ())]
    private = any(isinstance(limit, Pattern) and limit.private for limit in limits)
    return "a text that is not shown here" if private and isinstance(value, str) else show(value)
