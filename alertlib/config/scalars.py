"""What one text or value means under the type of its key."""

from __future__ import annotations

import math
import re
import types
from collections.abc import Callable, Mapping
from enum import Enum
from numbers import Integral, Real
from pathlib import PurePath
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from alertlib.config.problem import Plain
from alertlib.config.types import Alias, FilePath

MAX_TEXT = 4_096
REFUSALS = (TypeError, ValueError, OverflowError)
_INT = re.compile(r"-?(0|[1-9][0-9]{0,99})")
_FLOAT = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
# Not the empty text: `source:` or `--set data.source=$FILE` with nothing behind it is more often
# something forgotten than a choice.
_NULL = ("~", "null")
# What YAML 1.1 or a hurried reader takes for a number, a switch or null, and what is not written
# the one way accepted here. Where no type says what is meant, it has to be put in quotes.
_DOUBTFUL = re.compile(
    r"[-+]?(\.?[0-9][0-9_]*(\.[0-9_]*)?(e[-+]?[0-9]+)?|0[xob][0-9a-f_]+|\.?inf|\.?nan)"
    r"|y|n|yes|no|on|off|true|false|null",
    re.IGNORECASE,
)


def scalar(annotation: Any, value: Any) -> Any:
    """Return one value as the type ``annotation`` asks for.

    Raises
    ------
    REFUSALS
        Where it cannot be; the caller knows the key and says so.
    """
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation == FilePath and isinstance(value, PurePath):
        value = str(value)
    if origin is Annotated:
        result = scalar(arguments[0], value)
        for limit in arguments[1:]:
            if isinstance(limit, Alias):
                result = limit.name if result == limit.spelling else result
            elif result not in limit:
                raise ValueError
        return result
    if origin in (Union, types.UnionType):
        return _first_that_fits(arguments, value)
    if origin is Literal:
        result = _first_that_fits(tuple(map(type, arguments)), value)
        return _member({choice: choice for choice in arguments}, result)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        if isinstance(value, annotation):
            return value
        return _member(annotation.__members__, _text(value))
    return _CONVERTERS.get(annotation, _anything)(value)


def _first_that_fits(annotations: tuple[Any, ...], value: Any) -> Any:
    for annotation in annotations:
        try:
            return scalar(annotation, value)
        except REFUSALS:
            continue
    raise ValueError


def _null(value: Any) -> None:
    if value is not None and not (isinstance(value, Plain) and value in _NULL):
        raise TypeError


def _member(choices: Mapping[Any, Any], name: Any) -> Any:
    if name not in choices:
        raise ValueError
    return choices[name]


def _bool(value: Any) -> bool:
    if isinstance(value, Plain):
        return bool(_member({"true": True, "false": False}, value))
    if not isinstance(value, bool):
        raise TypeError
    return value


def _int(value: Any) -> int:
    if isinstance(value, Plain) and _INT.fullmatch(value):
        return int(value)
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError
    return int(value)


def _float(value: Any) -> float:
    if isinstance(value, Plain) and _FLOAT.fullmatch(value):
        number = float(value)
    elif isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError
    else:
        number = float(value)
    if not math.isfinite(number):
        raise ValueError
    return number + 0.0  # -0.0 and 0.0 are one value, and have to have one hash


def _text(value: Any) -> str:
    if not isinstance(value, str) or (isinstance(value, Plain) and value in ("", *_NULL)):
        raise TypeError
    if len(value) > MAX_TEXT or not value.isprintable():
        raise ValueError
    return str(value)


def _anything(value: Any) -> Any:
    """Give a value of no declared type the one type its spelling can have."""
    if not isinstance(value, Plain):
        return value if value is None or isinstance(value, bool) else _typed(value)
    if not value:
        raise ValueError
    if value in _NULL:
        return None
    if value in ("true", "false"):
        return _bool(value)
    if _INT.fullmatch(value):
        return int(value)
    if _FLOAT.fullmatch(value):
        return _float(value)
    if _DOUBTFUL.fullmatch(value):
        raise ValueError
    return _text(value)


def _typed(value: Any) -> str | int | float:
    for kind in (_text, _int, _float):
        try:
            return kind(value)
        except TypeError:
            continue
    raise TypeError


_CONVERTERS: dict[Any, Callable[[Any], Any]] = {
    bool: _bool,
    int: _int,
    float: _float,
    str: _text,
    type(None): _null,
    Any: _anything,
}
