"""What only a run with the compiler can show."""

from __future__ import annotations

import os

import pytest

needs_compiler = pytest.mark.skipif(
    os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0"),
    reason="NUMBA_DISABLE_JIT: the compiler is switched off",
)
