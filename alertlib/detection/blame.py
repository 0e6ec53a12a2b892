"""Where in a user's own code something went wrong: a file and a line."""

from __future__ import annotations

import sysconfig
import traceback

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
