"""Plain Python or compiled, from the same source.

Importing numba and loading a compiled kernel costs some 0.5 s, the price of 1.5 million detector
steps in plain Python: a gate over 60 sessions is faster without it. A loop is written once, as a
factory that takes the scalar functions it calls, and an engine builds it either way.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import lru_cache
from inspect import isfunction
from operator import getitem
from pathlib import Path
from types import CellType, CodeType, FunctionType
from typing import Any

import numpy as np

import alertlib
from alertlib.detection.answers import is_ours
from alertlib.kernels.bar import TickBar, bar_of
from alertlib.scoring.compiler_cache import keyed_cache

# Bars times detectors from which compiling pays, even when nothing has been compiled before.
BREAK_EVEN = 600_000

PACKAGE = Path(alertlib.__file__).parent


class Engine:
    """Plain Python: functions as they are, columns as lists (four times faster than arrays)."""

    name = "interpreted"

    def build(self, factory: Callable[..., Callable[..., Any]], *functions: Any) -> Any:
        """Return the loop that ``factory`` makes around ``functions``."""
        return _build(factory, functions)

    def failures(self) -> tuple[type[Exception], ...]:
        """Return what running a user's step may raise because this engine cannot build it."""
        return ()

    def column(self, values: np.ndarray[Any, Any]) -> Any:
        """Return a column in the form the loops read fastest."""
        return values.tolist()

    # Reads one bar of what `bars` returns.
    bar_of: Callable[..., Any] = staticmethod(getitem)

    def bars(self, columns: tuple[np.ndarray[Any, Any], ...]) -> Any:
        """Return columns as bars, for :attr:`bar_of`; all detectors read the same ones."""
        return list(map(TickBar, *(column.tolist() for column in columns)))

    def ring(self, size: int, value: int = 0) -> Any:
        """Return a new ring of ``size`` integers."""
        return [value] * size

    def out(self, size: int, dtype: str) -> Any:
        """Return a column to write into."""
        return [0] * size

    def array(self, values: Any, dtype: str) -> np.ndarray[Any, Any]:
        """Return a column that was written into as an array."""
        return np.array(values, dtype=dtype)


class CompiledEngine(Engine):
    """Numba: every function compiled and inlined, columns as arrays."""

    name = "compiled"

    def build(self, factory: Callable[..., Callable[..., Any]], *functions: Any) -> Any:
        """Return the compiled loop that ``factory`` makes around ``functions``."""
        return _compile(factory, functions)

    def failures(self) -> tuple[type[Exception], ...]:
        """Return everything: what plain Python takes numba may refuse in any way."""
        return (Exception,)

    def column(self, values: np.ndarray[Any, Any]) -> Any:
        """Return the array itself."""
        return np.ascontiguousarray(values)

    bar_of = staticmethod(bar_of)

    def bars(self, columns: tuple[np.ndarray[Any, Any], ...]) -> Any:
        """Return the columns themselves."""
        return tuple(map(np.ascontiguousarray, columns))

    def ring(self, size: int, value: int = 0) -> Any:
        """Return a new ring of ``size`` integers."""
        return np.full(size, value, dtype=np.int64)

    def out(self, size: int, dtype: str) -> Any:
        """Return a column to write into."""
        return np.zeros(size, dtype=dtype)

    def array(self, values: Any, dtype: str) -> np.ndarray[Any, Any]:
        """Return the array itself."""
        return np.asarray(values, dtype=dtype)


INTERPRETED = Engine()
COMPILED = CompiledEngine()


def choose_engine(name: str, steps: int) -> Engine:
    """Return the engine called ``name``; ``auto`` weighs the number of steps ahead."""
    if name == "auto":
        return COMPILED if steps >= BREAK_EVEN else INTERPRETED
    return {"interpreted": INTERPRETED, "compiled": COMPILED}[name]


@lru_cache(maxsize=256)
def _build(factory: Callable[..., Any], functions: tuple[Any, ...]) -> Any:
    return factory(*functions)


def _compile(factory: Callable[..., Any], functions: tuple[Any, ...]) -> Any:
    return _compile_for(factory, functions, tuple(_values_read(f, ()) for f in functions))


@lru_cache(maxsize=256)
def _compile_for(factory: Callable[..., Any], functions: tuple[Any, ...], values: Any) -> Any:
    """Compile a loop for the ``values`` its functions read; other values, another loop."""
    from numba import config, njit

    # Inlining matters more than anything else: a step's state then stays in registers.
    inner = [_compile_function(f) for f in functions]
    loop: Any = njit(factory(*inner), nogil=True, error_model="numpy", **_NOT_FROM_C)
    key = _cache_key(factory, functions)
    # With the compiler switched off njit returns the function itself.
    if key is not None and not getattr(config, "DISABLE_JIT", False):
        cache = keyed_cache(loop.py_func, key)
        if cache is not None:
            loop._cache = cache
    return loop


# Ways in that nobody takes, from C and, for what only compiled loops call, from Python: code that
# takes a NamedTuple apart, and a sixth of the time that compiling takes.
_NOT_FROM_C: Any = {"no_cfunc_wrapper": True}
_NOT_FROM_PYTHON: Any = {"no_cpython_wrapper": True, **_NOT_FROM_C}


def _compile_function(
    function: Callable[..., Any], around: tuple[Callable[..., Any], ...] = ()
) -> Any:
    """Compile a scalar function and, with it, the plain functions it calls.

    Those are found among its module's globals and in its closure. One that leads back to itself
    (``around``: what is being compiled around it) is left as it is; numba then refuses the whole.
    """
    from numba import njit

    around = (*around, function)

    def compiled(value: Any) -> Any:
        return _compile_function(value, around) if _is_plain(value, around) else value

    code, names = function.__code__, function.__globals__
    called = {name: compiled(names[name]) for name in code.co_names if name in names}
    held = tuple(CellType(compiled(cell.cell_contents)) for cell in function.__closure__ or ())
    # Numba calls no plain function; the copy sees compiled ones under the same names.
    copy = FunctionType(code, names | called, function.__name__, function.__defaults__, held)
    copy.__kwdefaults__ = function.__kwdefaults__
    # A user's step that leaves its ring has to fail, not to write over other memory, and one that
    # divides by zero has to fail as plain Python does.
    ours = is_ours(function)
    checks: Any = {"error_model": "numpy" if ours else "python", "boundscheck": not ours}
    return njit(copy, forceinline=True, **checks, **_NOT_FROM_PYTHON)


def _is_plain(value: Any, around: tuple[Callable[..., Any], ...]) -> bool:
    # Numba knows NumPy's functions as what they are, not by their source.
    known = (getattr(value, "__module__", None) or "").startswith("numpy")
    return isfunction(value) and not known and value not in around


def _values_read(function: Any, within: tuple[Any, ...]) -> Any:
    """Return what numba freezes of a user's function: globals, closure and those of its helpers."""
    if not isfunction(function) or is_ours(function) or function in within:
        return ()
    found: list[Any] = [cell.cell_contents for cell in function.__closure__ or ()]
    known = function.__globals__
    found += [known[name] for name in _names(function.__code__) if name in known]
    return tuple(_frozen(value, (*within, function)) for value in found)


def _names(code: CodeType) -> list[str]:
    inner = [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return [*code.co_names, *(name for one in inner for name in _names(one))]


def _frozen(value: Any, within: tuple[Any, ...]) -> Any:
    """Return something hashable that changes when a frozen value does."""
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, hashlib.sha256(value.tobytes()).digest()
    if isinstance(value, tuple):
        return type(value), tuple(_frozen(item, within) for item in value)
    if isinstance(value, (bool, int, float, str, np.generic)):
        return type(value), repr(value)  # in words: NaN equals itself, 0.0 is not -0.0
    return id(value), _values_read(value, within)


def _cache_key(factory: Callable[..., Any], functions: tuple[Any, ...]) -> str | None:
    """Hash of all sources a compiled loop depends on; None when one is not a file's.

    Numba's own key sees the loop's file only, and its closure by a number that changes with
    every process: it would both miss changes and never hit.
    """
    digest = hashlib.sha256(_library_hash())
    for function in (factory, *functions):
        digest.update(f"{function.__module__}.{function.__qualname__}".encode())
        if not is_ours(function):
            # A user's step may call anything: compiled anew in every process.
            return None
    return digest.hexdigest()


@lru_cache(maxsize=1)
def _library_hash() -> bytes:
    digest = hashlib.sha256()
    for path in sorted(PACKAGE.rglob("*.py")):
        digest.update(path.relative_to(PACKAGE).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.digest()
