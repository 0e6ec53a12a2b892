"""What a detector's answers come from, as one hash: edited code must not go on from old state.

The hash is of the compiled step, not of its text, so that a comment changes nothing; of the
functions and constants it uses, wherever they are declared, and of those that they use.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import partial
from hashlib import sha256
from types import CodeType, FunctionType, ModuleType
from typing import Any

_PLAIN = (bool, int, float, complex, str, bytes, type(None), type(Ellipsis))
# Their functions count by name: a new version of one of them is not an edited detector.
_LIBRARIES = sys.stdlib_module_names | {"numba", "numpy", "pandas", "polars", "scipy"}


def lineage(*parts: Any) -> str:
    """Return a hash that changes with any of ``parts``.

    Parameters
    ----------
    parts : anything
        Numbers, texts, records, containers, functions; of an object of another kind only its
        type counts.

    Returns
    -------
    str
        64 hex digits; equal in every process that runs the same code on the same Python.
    """
    return sha256(repr(_Walk().of(parts)).encode()).hexdigest()


class _Walk:
    """Turns values into nested tuples of plain ones; a function met again is not entered again."""

    def __init__(self) -> None:
        self._met: set[int] = set()
        self._kept: list[Any] = []

    def of(self, value: Any) -> Any:
        if isinstance(value, _PLAIN):
            return (type(value).__name__, repr(value))
        if isinstance(value, CodeType):
            return self._of_code(value)
        if isinstance(value, tuple | list):
            return (type(value).__qualname__, *map(self.of, value))
        if isinstance(value, set | frozenset):
            return ("set", *sorted(repr(self.of(one)) for one in value))
        if id(value) in self._met:
            return ("again", _name(value))
        self._met.add(id(value))
        self._kept.append(value)  # an object made on the way must not hand its id to another
        return self._of_object(value)

    def _of_object(self, value: Any) -> Any:
        # A compiled function has the one it was compiled from.
        value = getattr(value, "py_func", value)
        kind = type(value).__qualname__
        if isinstance(value, Mapping):
            return ("map", *sorted(repr((self.of(k), self.of(v))) for k, v in value.items()))
        if isinstance(value, partial):
            return (kind, *map(self.of, (value.func, value.args, value.keywords)))
        if hasattr(value, "tobytes"):
            return (kind, repr(value.tobytes()))
        if is_dataclass(value) and not isinstance(value, type):
            inner = (getattr(value, f.name) for f in fields(value) if f.name not in _PLACES)
            return (kind, *map(self.of, inner))
        if not _is_of_library(value):
            if isinstance(value, FunctionType):
                return self._of_function(value)
            if isinstance(value, type):
                return self._of_class(value)
        return (kind, _name(value))

    def _of_class(self, kind: type) -> Any:
        functions = (one for one in vars(kind).values() if isinstance(one, FunctionType))
        own = (self.of(one) for one in functions if one.__module__ == kind.__module__)
        return ("class", _name(kind), *own)

    def _of_function(self, function: FunctionType) -> Any:
        cells = [_content(cell) for cell in function.__closure__ or ()]
        used = _globals_of(function.__code__, function.__globals__)
        defaults = (function.__defaults__, function.__kwdefaults__ or {})
        return ("function", *map(self.of, (function.__code__, *defaults, cells, used)))

    def _of_code(self, code: CodeType) -> Any:
        names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
        return ("code", repr(code.co_code), names, *map(self.of, code.co_consts))


# Of a detector: where it is declared, and what only explains it.
_PLACES = frozenset({"home", "evidence", "recipe"})


def _globals_of(code: CodeType, namespace: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return what a function's code uses of its module, and of modules of that module's."""
    found = [(name, namespace[name]) for name in code.co_names if name in namespace]
    for _, module in list(found):
        if isinstance(module, ModuleType) and not _is_of_library(module):
            attributes = vars(module)
            found += [(name, attributes[name]) for name in code.co_names if name in attributes]
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            found += _globals_of(inner, namespace)
    return found


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not filled yet
        return None


def _name(value: Any) -> str:
    """Return the name of a function, class or module; nothing of what has none."""
    return str(getattr(value, "__qualname__", getattr(value, "__name__", "")))


def _is_of_library(value: Any) -> bool:
    module = getattr(value, "__name__" if isinstance(value, ModuleType) else "__module__", None)
    return str(module).partition(".")[0] in _LIBRARIES
