"""Plain Python or compiled: which is chosen, cached, and safe."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import user_detectors
from synthetic import series_of, walk

from alertlib._numba import COMPILED, INTERPRETED, Engine, choose_engine
from alertlib.batch import detect
from alertlib.detectors import (
    Detector,
    breakout,
    detector,
    engulfing,
    rsi_divergence,
    volatility,
)
from alertlib.errors import ConfigError
from alertlib.series import Series

BUILT_IN = (volatility, engulfing, rsi_divergence, breakout)


def signals(series: Series, one: Detector, engine: Engine = INTERPRETED) -> list[int]:
    found = detect(series, (one,), engine)
    assert found.dtype == np.int8
    assert found.shape == (len(series), 1)
    return [int(s) for s in found[:, 0]]


class Numbers(NamedTuple):
    n: int = 3
    share: float = 0.5


class Seen(NamedTuple):
    seen: int = 0


def test_the_engine_is_chosen_by_the_work_ahead() -> None:
    assert choose_engine("auto", 42_000) is INTERPRETED
    assert choose_engine("auto", 4_000_000) is COMPILED
    assert choose_engine("compiled", 1) is COMPILED
    assert choose_engine("interpreted", 10**9) is INTERPRETED


PROGRAM = """
import sys
sys.path[:0] = [{library!r}, {tests!r}]
from synthetic import series_of, walk
from alertlib._numba import COMPILED
from alertlib.batch import _make_scan, detect
from alertlib.detectors import engulfing
found = detect(series_of(walk(1, sessions=2)), (engulfing,), COMPILED)
scan = COMPILED.build(_make_scan, engulfing.step)
stats = getattr(scan, "stats", None)
counts = [stats.cache_hits, stats.cache_misses] if stats else [{{}}, {{}}]
print(int(abs(found).sum()), *(sum(c.values()) for c in counts))
"""


def run_program(library: Path, cache: Path, **environment: str) -> list[int]:
    program = PROGRAM.format(library=str(library), tests=str(Path(__file__).parent))
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "NUMBA_CACHE_DIR": str(cache), **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return [int(word) for word in done.stdout.split()]


def copy_of_the_library(target: Path) -> Path:
    import shutil

    import alertlib

    source = Path(alertlib.__file__).parent
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(source, target / "alertlib", ignore=ignored)
    return target


@pytest.mark.skipif(os.environ.get("NUMBA_DISABLE_JIT") == "1", reason="nothing is compiled")
def test_a_compiled_loop_is_found_again_until_any_kernel_source_changes(tmp_path: Path) -> None:
    """Guards the private interface of numba that the cache key hangs on."""
    library, cache = copy_of_the_library(tmp_path / "library"), tmp_path / "cache"

    signals_seen, hits, misses = run_program(library, cache)
    assert (hits, misses) == (0, 1)
    assert run_program(library, cache) == [signals_seen, 1, 0]

    other_kernel = library / "alertlib" / "kernels" / "volatility.py"
    other_kernel.write_text(other_kernel.read_text() + "\n# changed\n")
    assert run_program(library, cache) == [signals_seen, 0, 1]

    deep = library / "alertlib" / "readers" / "numbers.py"
    deep.write_text(deep.read_text() + "\n# changed\n")
    assert run_program(library, cache) == [signals_seen, 0, 1], "a sub-package is not in the key"


def test_everything_runs_where_nothing_can_be_compiled(tmp_path: Path) -> None:
    """Found on the first try: without a compiler numba returns the function itself."""
    root = Path(__file__).parents[1]

    found, hits, misses = run_program(root, tmp_path, NUMBA_DISABLE_JIT="1")

    assert found > 0
    assert (hits, misses) == (0, 0)


def test_a_step_that_leaves_its_ring_is_stopped_compiled_and_interpreted(engine: Engine) -> None:
    """Compiled without bounds it wrote over other memory and took the process with it."""

    @detector("outside", patterns=("a", "b"), state=Seen(), ring=2)
    def outside(state, ring, bar, params):  # type: ignore[no-untyped-def]  # as a user writes it
        ring[2] = bar.close
        return 0, Seen(state.seen + 1)

    with pytest.raises(ConfigError, match=r"detector 'outside': its step raised IndexError"):
        detect(series_of(walk(1, sessions=1)), (outside,), engine)


def test_a_step_that_cannot_be_compiled_runs_in_plain_python() -> None:
    """Its state turns from an integer into a float, which numba refuses."""

    @detector("drifting", patterns=("a", "b"), state=Numbers(n=0), warmup=20)
    def drifting(state, ring, bar, params):  # type: ignore[no-untyped-def]  # as a user writes it
        mean = state.n + (bar.close - state.n) / 8
        return (1 if bar.close > mean + 10 else 0), Numbers(n=mean)

    series = series_of(walk(1, sessions=4))

    compiled = signals(series, drifting, COMPILED)

    assert compiled == signals(series, drifting, INTERPRETED)
    assert any(compiled)


def test_a_users_step_is_never_taken_from_the_cache() -> None:
    """It may call anything, so no hash of sources can stand for it."""
    from alertlib._numba import _cache_key
    from alertlib.batch import _make_scan

    assert _cache_key(_make_scan, (user_detectors.fade.step,)) is None
    assert _cache_key(_make_scan, (volatility.step,)) is not None
    keys = {_cache_key(_make_scan, (d.step,)) for d in BUILT_IN}
    assert len(keys) == len(BUILT_IN)
