"""What :mod:`benchmarks.search` has workers do; they import it by name."""

from __future__ import annotations

import pickle
import time
from pathlib import Path
from typing import Any


def memory(_: object) -> float:
    """Return what this process has had at most, in MiB (Linux)."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(float(line.split()[1]) / 1_024 for line in lines if line.startswith("VmHWM:"))


def timed(call: bytes) -> tuple[float, Any]:
    """Return the seconds a call takes, as the worker sees it, and what it came to."""
    begun = time.perf_counter()
    found = pickle.loads(call)
    return time.perf_counter() - begun, found
