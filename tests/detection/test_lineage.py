"""State goes on only under the code it came from."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from itertools import combinations
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import alertlib as al
from alertlib.detection.lineage import lineage
from alertlib.detection.registry import find_detector
from alertlib.errors import DataError

SOURCE = """
import math
from typing import NamedTuple
import alertlib as al

LIMIT = 10

class P(NamedTuple):
    n: int = 3

class S(NamedTuple):
    seen: int = 0

def helper(bar):
    return bar.close > LIMIT

@al.detector("tests_lineage", patterns=("up", "down"), ring=lambda p: p.n, warmup=lambda p: p.n,
             params=P(), state=S())
def step(state, ring, bar, p):
    above = [one for one in (bar.open, bar.high) if helper(bar) and math.floor(one)]
    return (1 if above else 0), S(state.seen + 1)
"""
EDITS = {
    "as it was": ("", ""),
    "a constant": ("LIMIT = 10", "LIMIT = 11"),
    "a function it uses": ("bar.close > LIMIT", "bar.close >= LIMIT"),
    "the step": ("state.seen + 1", "state.seen + 2"),
    "its inner loop": ("math.floor(one)", "math.ceil(one)"),
    "the ring": ("ring=lambda p: p.n", "ring=lambda p: p.n + 1"),
    "the warm-up": ("warmup=lambda p: p.n", "warmup=lambda p: p.n + 1"),
    "the initial state": ("seen: int = 0", "seen: int = 5"),
    "a parameter": ("n: int = 3", "n: int = 4"),
}


def stream(source: str) -> al.Stream:
    module = ModuleType("tests_lineage_module")
    sys.modules[module.__name__] = module
    exec(source, vars(module))
    config = al.load_config(None, {"detection.enabled": ["tests_lineage"]})
    return al.Stream(config, symbol="WIN$N", timeframe="M5")


def edited(edit: str) -> al.Stream:
    before, after = EDITS[edit]
    assert before in SOURCE
    return stream(SOURCE.replace(before, after))


@pytest.mark.parametrize("edit", [edit for edit in EDITS if edit != "as it was"])
def test_an_edited_detector_does_not_go_on_from_old_state(edit: str) -> None:
    snapshot = edited("as it was").snapshot()
    with pytest.raises(DataError, match="an earlier version of a detector"):
        edited(edit).restore(snapshot)


def test_what_changes_no_answer_keeps_the_state() -> None:
    snapshot = edited("as it was").snapshot()
    stream(
        "# A remark\n" + SOURCE.replace("return (1 if", "# and another\n    return (1 if")
    ).restore(snapshot)


def test_other_session_hours_do_not_go_on_from_old_state() -> None:
    def with_hours(close: str) -> al.Stream:
        hours = {"symbol": "XYZ", "tick": 1.0, "session_open": "09:00", "session_close": close}
        config = al.load_config(None, {"data.symbols": [hours]})
        return al.Stream(config, symbol="XYZ", timeframe="M5")

    with_hours("17:00").restore(with_hours("17:00").snapshot())
    with pytest.raises(DataError, match="other hours"):
        with_hours("18:00").restore(with_hours("17:00").snapshot())


def test_it_is_the_same_in_every_process() -> None:
    program = (
        "import alertlib as al;"
        "print(al.Stream(al.load_config(None), symbol='WIN$N', timeframe='M5')"
        ".snapshot()['fingerprint'])"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", program], env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2],
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(found) == 1


def test_parts_of_every_kind_count() -> None:
    def made(number: int) -> Any:
        return lambda: number

    class Rule:
        def limit(self) -> int:
            return 1

    class Other:
        def limit(self) -> int:
            return 2

    Other.__qualname__ = Rule.__qualname__
    kinds = [
        1, 1.0, True, None, "1", b"1", (1,), [1], {1}, {1: 2}, {1: 3}, made(1), made(2),
        partial(made, 1), partial(made, 2), len, Rule, Other, find_detector("volatility"),
        find_detector("breakout"),
    ]  # fmt: skip
    for one, other in combinations(kinds, 2):
        assert lineage(one) != lineage(other), (one, other)
    assert lineage({"a": 1, "b": {2, 1}}) == lineage({"b": {1, 2}, "a": 1})


def test_functions_that_call_each_other_end() -> None:
    def even(n: int) -> bool:
        return n == 0 or odd(n - 1)

    def odd(n: int) -> bool:
        return n != 0 and even(n - 1)

    assert lineage(even) != lineage(odd)
