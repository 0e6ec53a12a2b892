"""Plain Python and compiled: the same answers, and code that is never older than its sources."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from alertlib.detection.detectors import Detector, detector
from alertlib.errors import AlertlibWarning
from alertlib.kernels.atr import atr_step
from alertlib.kernels.bar import TickBar
from alertlib.kernels.volatility import VolatilityParams, VolatilityState, volatility_step
from alertlib.scoring import engine as engines
from alertlib.scoring.engine import (
    BREAK_EVEN,
    COMPILED,
    INTERPRETED,
    CompiledEngine,
    Engine,
    choose_engine,
)
from alertlib.scoring.signals import detect
from tests.support.compiling import needs_compiler
from tests.support.synthetic import series_of, walk


class Count(NamedTuple):
    seen: int = 0


def test_compiling_is_chosen_from_where_it_pays() -> None:
    assert BREAK_EVEN == 600_000
    assert choose_engine("auto", BREAK_EVEN) is COMPILED
    assert choose_engine("auto", BREAK_EVEN - 1) is INTERPRETED
    assert choose_engine("compiled", 1) is COMPILED
    assert choose_engine("interpreted", 10**12) is INTERPRETED
    with pytest.raises(KeyError):
        choose_engine("fast", 1)


def test_both_read_and_write_the_same(engine: Engine) -> None:
    columns = tuple(np.arange(3) + 10 * n for n in range(len(TickBar._fields)))

    assert engine.bar_of(engine.bars(columns), 1) == TickBar(*(10 * n + 1 for n in range(12)))
    assert list(engine.column(columns[0][::2])) == [0, 2]
    assert list(engine.ring(2)) == [0, 0]
    assert list(engine.ring(3, -1)) == [-1] * 3
    out = engine.out(2, "int8")
    out[1] = 1
    made = engine.array(out, "int8")
    assert (made.tolist(), made.dtype) == ([0, 1], np.int8)


def test_what_a_users_step_may_raise_is_only_that_of_the_compiler() -> None:
    assert INTERPRETED.failures() == ()
    assert COMPILED.failures() == (Exception,)


def make_loop(*functions: Any) -> Callable[[], tuple[Any, ...]]:
    return lambda: functions


def test_a_loop_is_built_once_around_the_same_functions(engine: Engine) -> None:
    first, second = engine.build(make_loop, atr_step), engine.build(make_loop, atr_step)

    assert first is second
    assert engine.build(make_loop) is not first


# --- the key of a loop's compiled code ----------------------------------------------------


def test_a_key_is_of_the_loop_and_of_what_it_calls() -> None:
    from alertlib.scoring import batch, true_ranges

    keys = {
        engines._cache_key(batch._make_level_scan, ()),
        engines._cache_key(batch._make_alert_scan, ()),
        engines._cache_key(batch._make_alert_scan, (atr_step,)),
        engines._cache_key(batch._make_alert_scan, (volatility_step,)),
        engines._cache_key(true_ranges._make_lane_loop, ()),
    }

    assert len(keys) == 5
    assert None not in keys


def test_a_users_code_has_no_key() -> None:
    """It may call anything, so that nothing says when it is another."""
    assert engines._cache_key(make_loop, ()) is None
    assert engines._cache_key(engines.choose_engine, (by_globals,)) is None  # type: ignore[arg-type]  # any of ours


@pytest.mark.parametrize("name", ["top.py", "inner/deep.py"])
def test_an_edit_in_any_of_our_files_is_another_key(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "PACKAGE", tmp_path)
    (tmp_path / "inner").mkdir()
    for other in ("top.py", "inner/deep.py"):
        (tmp_path / other).write_text("x = 1")
    hashed = engines._library_hash.__wrapped__
    before = hashed()
    assert hashed() == before

    (tmp_path / name).write_text("x = 2")
    edited = hashed()
    (tmp_path / name).write_text("x = 1")
    (tmp_path / name).rename(tmp_path / f"{name}.moved.py")

    assert len({before, edited, hashed()}) == 3


# --- what is compiled with a step ---------------------------------------------------------


def rising(bar: TickBar) -> bool:
    return is_above(bar.close, bar.open)


def is_above(one: int, other: int) -> bool:
    return one > other


def countdown(n: int) -> int:
    return countdown(n - 1) if n > 0 else 0


def around(asks: Callable[[TickBar], bool], step: Any, *, least: int) -> Any:
    """Made of functions: one of a user's, and a step of ours."""

    def made(state: VolatilityState, ring: Any, bar: TickBar, params: Any) -> Any:
        signal, state = step(state, ring, bar, params)
        return (signal if asks(bar) and state.seen >= least else 0), state

    return made


def by_globals(state: Count, ring: Any, bar: TickBar, params: Any) -> tuple[int, Count]:
    return (1 if rising(bar) else -1), Count(state.seen + 1)


def recursive(state: Count, ring: Any, bar: TickBar, params: Any) -> tuple[int, Count]:
    return 1 + countdown(state.seen % 5), Count(state.seen + 1)


def both_ways(made: Detector) -> tuple[list[int], list[int]]:
    series = series_of(walk(4, sessions=6), timeframe="M5")
    found = [detect(series, (made,), engine).sign[:, 0] for engine in (INTERPRETED, COMPILED)]
    return found[0].tolist(), found[1].tolist()


def test_helpers_of_a_users_module_are_compiled_with_a_step(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(CompiledEngine, "failures", lambda self: ())  # nothing to fall back for
    plain, compiled = both_ways(detector("g", patterns=("a", "b"), state=Count())(by_globals))

    assert plain == compiled
    assert set(plain) == {-1, 1}


def test_functions_a_step_was_made_around_are_compiled_with_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(CompiledEngine, "failures", lambda self: ())  # nothing to fall back for
    declare = detector(
        "c", patterns=("a", "b"), state=VolatilityState(), params=VolatilityParams(),
        ring=lambda p: p.window,
    )  # fmt: skip
    ways = [both_ways(declare(around(rising, volatility_step, least=n))) for n in (0, 300)]

    assert [plain == compiled for plain, compiled in ways] == [True, True]
    # Made by one factory, and yet two functions.
    assert ways[0] != ways[1]
    assert {-1, 1} <= set(ways[0][0])


@needs_compiler
def test_a_function_that_calls_itself_falls_back() -> None:
    with pytest.warns(AlertlibWarning, match="'r' runs in plain Python: numba cannot compile it"):
        plain, compiled = both_ways(detector("r", patterns=("a", "b"), state=Count())(recursive))

    assert plain == compiled
    assert set(plain) == {1}


LIMIT = 40


def above_limit(bar: TickBar) -> bool:
    return bar.close > bar.open + LIMIT


def limited(state: Count, ring: Any, bar: TickBar, params: Any) -> tuple[int, Count]:
    return (1 if bar.close > bar.open + LIMIT else 0), Count(state.seen + 1)


def limited_by_helper(state: Count, ring: Any, bar: TickBar, params: Any) -> tuple[int, Count]:
    return (1 if above_limit(bar) else 0), Count(state.seen + 1)


@pytest.mark.parametrize("step", [limited, limited_by_helper])
def test_a_global_that_changes_between_compiled_runs_is_noticed(
    step: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = detector("limited", patterns=("t", "t"), state=Count())(step)
    series = series_of(walk(4, sessions=3), timeframe="M5")
    counts = []
    for limit in (0, 3, 0, 1_000_000):
        monkeypatch.setattr("tests.scoring.test_engine.LIMIT", limit)
        compiled = detect(series, (made,), COMPILED).sign

        assert np.array_equal(compiled, detect(series, (made,), INTERPRETED).sign)
        counts.append(int(compiled.sum()))
    assert counts[0] == counts[2] > counts[1] > counts[3] == 0
