"""A compiler cache that is empty, damaged or nowhere: time, never a result."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from alertlib.errors import AlertlibWarning
from alertlib.scoring import compiler_cache
from alertlib.scoring.compiler_cache import COMPILING, keyed_cache
from tests.support.compiling import needs_compiler
from tests.support.running import ROOT

PROGRAM = """
import warnings
import alertlib as al
from alertlib.bars.series import make_series
from alertlib.scoring.engine import COMPILED
from alertlib.scoring.true_ranges import true_ranges
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    atr = true_ranges(make_series(al.read_bars(al.sample_path())), 14, COMPILED)
    again = true_ranges(make_series(al.read_bars(al.sample_path())), 15, COMPILED)
print(len(said), *{str(w.message) for w in said}, atr[-1], sep="|")
"""


def run_with(cache: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=True,
        env={**os.environ, "NUMBA_CACHE_DIR": cache},
    )  # fmt: skip
    return done.stdout.strip().split("|")


@needs_compiler
def test_an_empty_cache_is_told_of_once_and_a_full_one_not(tmp_path: Path) -> None:
    first = run_with(str(tmp_path))
    second = run_with(str(tmp_path))

    assert first[:2] == ["1", COMPILING]
    assert second[0] == "0"
    assert first[-1] == second[-1]


def flipped(content: bytes) -> bytes:
    """Machine code with some bytes changed, which unpickles as well as before."""
    middle = len(content) // 2
    return content[:middle] + bytes(b ^ 0xFF for b in content[middle : middle + 400]) + (
        content[middle + 400 :]
    )  # fmt: skip


DAMAGE = {
    "cut": lambda content: content[: len(content) // 2],
    "cut to a stub": lambda content: content[:40] + b"damaged",
    "empty": lambda content: b"",
    "flipped": flipped,
    "zeros": lambda content: bytes(len(content)),
}


@needs_compiler
@pytest.mark.parametrize(("ending", "how"), [("nbi", "cut"), ("nbc", "flipped")])
def test_a_damaged_cache_is_compiled_again(tmp_path: Path, ending: str, how: str) -> None:
    """Numba runs flipped machine code: signals 4, 6 and 11 in 3 of 20 files."""
    first = run_with(str(tmp_path))
    damaged = list(tmp_path.rglob(f"*.{ending}"))
    assert damaged
    for path in damaged:
        path.write_bytes(DAMAGE[how](path.read_bytes()))

    again, mended = run_with(str(tmp_path)), run_with(str(tmp_path))

    assert again[:2] == ["1", COMPILING]
    assert mended[0] == "0"
    assert again[-1] == mended[-1] == first[-1]


@needs_compiler
@pytest.mark.parametrize("ending", ["nbi", "nbc"])
@pytest.mark.parametrize("how", DAMAGE)
def test_whatever_the_damage_the_loop_is_compiled_and_kept_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str, how: str
) -> None:
    from numba import njit

    monkeypatch.setattr("numba.core.config.CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(compiler_cache, "_told", [True])

    def doubled_again() -> bool:
        """Compute with a dispatcher that knows the cache alone; say whether it was found there."""
        loop = njit(_doubled)
        loop._cache = keyed_cache(_doubled, "key")
        assert loop(21.0) == 42.0
        return bool(loop.stats.cache_hits)

    assert [doubled_again(), doubled_again()] == [False, True]
    for path in tmp_path.rglob(f"*.{ending}"):
        path.write_bytes(DAMAGE[how](path.read_bytes()))
    assert [doubled_again(), doubled_again()] == [False, True]


def _doubled(number: float) -> float:
    return 2 * number


def test_code_kept_for_another_signature_is_not_run(tmp_path: Path) -> None:
    from alertlib.scoring.compiler_cache import _sealed_file

    file = _sealed_file()(str(tmp_path), "loop", "stamp")
    file.save("one signature", ("code", 1))
    file._save_index({"one signature": file._data_name(1), "another": file._data_name(1)})

    assert file.load("one signature") == ("code", 1)
    assert file.load("another") is None
    assert file.load("a third") is None


@needs_compiler
def test_a_folder_that_cannot_be_made_is_done_without(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("no folder")

    assert run_with(str(file / "below"))[-1] == run_with(str(tmp_path))[-1]


def test_a_loop_that_numba_can_keep_nowhere_has_no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """Numba finds no folder for the source of a function that has none; that is told, once."""
    monkeypatch.setattr(compiler_cache, "_told", [])
    with pytest.warns(AlertlibWarning, match="name one that can in NUMBA_CACHE_DIR"):
        assert keyed_cache(eval("lambda x: x"), "key") is None
    assert keyed_cache(eval("lambda x: x"), "key") is None
