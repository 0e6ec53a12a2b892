"""Where in a user's own code something went wrong: a file and a line."""

from __future__ import annotations

import sysconfig
import traceback
from collections.abc import Callable
from inspect import isfunction
from typing import Any

# Frames of Python itself and of installed packages are not where a user looks for a mistake.
_INSTALLED = tuple({sysconfig.get_path(kind) for kind in ("stdlib", "purelib", "platlib")})


def raised_at(error: BaseException) -> str | None:
    """Return ``file:line`` of the deepest line of the user's own that an error passed through."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}"
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename[:1] != "<"]
    own = [f for f in frames if not f.filename.startswith(_INSTALLED)]
    last = (own or frames)[-1:]
    return f"{last[0].filename}:{last[0].lineno}" if last else None


def defined_at(function: Callable[..., Any]) -> str | None:
    """Return ``file:line`` of a user's function, also of one held by a partial or a method.

    None for the library's own, which calls a user's, and for what has no source.
    """
    held: Any = function
    while hasattr(held, "func") or hasattr(held, "__func__"):
        held = held.func if hasattr(held, "func") else held.__func__
    # An object that can be called is defined where its method is.
    method = held if isfunction(held) else vars(type(held)).get("__call__")
    code = getattr(method, "__code__", None)
    if code is None or (getattr(held, "__module__", None) or "").startswith("alertlib."):
        return None
    return f"{code.co_filename}:{code.co_firstlineno}"
