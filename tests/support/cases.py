"""Small inputs that once went wrong, where they lie beside the project."""

from __future__ import annotations

from pathlib import Path

import pytest

CASES = Path(__file__).parents[3] / "shared" / "cases"


def case(number: str) -> Path:
    """Return the one file whose name begins with ``number``, or skip the test."""
    found = sorted(CASES.glob(f"{number}*")) if CASES.is_dir() else []
    if not found:
        pytest.skip("the collected cases are not beside the project")
    assert len(found) == 1, found
    return found[0]
