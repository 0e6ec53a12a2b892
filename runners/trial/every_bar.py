"""A detector that signals on every bar."""

from __future__ import annotations

from typing import Any, NamedTuple

import alertlib as al


class P(NamedTuple):
    """No parameters."""


class S(NamedTuple):
    """Bars seen."""

    seen: int = 0


@al.detector("every", patterns=("every_up", "every_down"), params=P(), state=S())
def every(state: Any, ring: Any, bar: Any, p: Any) -> tuple[int, Any]:
    """Signal on every bar, one way and the other in turn."""
    return (1 if state.seen % 2 else -1), S(state.seen + 1)
