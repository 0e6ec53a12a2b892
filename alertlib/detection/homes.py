"""Where a detector, or a function it is made of, can be imported from by another process."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

from alertlib.detection.blame import raised_at
from alertlib.errors import ConfigError

# The module of a program or a notebook: elsewhere that name is another program.
PROGRAM = "__main__"


def calling_module(callers: int = 1) -> str:
    """Return the module that called who asks, or one that many calls further out."""
    name: str = sys._getframe(1 + callers).f_globals.get("__name__", PROGRAM)
    return name


def is_importable(function: Any) -> bool:
    """Whether another process finds a function by its module and name: no lambda, no closure."""
    module = getattr(function, "__module__", None)
    found: Any = sys.modules.get(module) if module not in (None, PROGRAM) else None
    for name in getattr(function, "__qualname__", "").split("."):
        found = getattr(found, name, None)
    return function is not None and found is function


def import_home(name: str, home: str) -> ModuleType:
    """Return the module that declares a detector.

    Raises
    ------
    ConfigError
        If it cannot be imported, whatever it raises.
    """
    try:
        return importlib.import_module(home)
    except (Exception, SystemExit) as error:  # a module runs anything when it is imported
        at = raised_at(error) if not isinstance(error, ModuleNotFoundError) else None
        raise ConfigError(
            f"detector {name!r}: its module {home} cannot be imported here "
            f"({type(error).__name__}{f' at {at}' if at else ''}: {error}); expected the module "
            "that declared it; put it on the path"
        ) from error


def not_declared(name: str, home: str) -> ConfigError:
    """Return the error of a detector that its module does not declare."""
    if home == PROGRAM:
        return ConfigError(
            f"detector {name!r}: declared in the program or notebook it comes from, which cannot "
            "be imported; expected a module; move it into a file of its own and import that"
        )
    return ConfigError(
        f"detector {name!r}: {home} was imported and declares no such detector; expected the "
        "module that declared it; declare it where the module is imported, not within a function"
    )


def read_parts(name: str, content: bytes) -> Any:
    """Return what a detector was pickled with.

    Raises
    ------
    ConfigError
        If something of it cannot be imported here.
    """
    import pickle

    try:
        return pickle.loads(content)
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            f"detector {name!r}: what it is made of cannot be imported here "
            f"({type(error).__name__}: {error}); expected the modules it was made with; put them "
            "on the path"
        ) from error
