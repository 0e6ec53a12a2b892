"""The registry, and the contract every detector keeps: built-in or a user's own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import user_detectors
from hypothesis import given
from hypothesis import strategies as st
from steps import columns_of, mirrored, rough_walk, step_through
from synthetic import Row, series_of, session, shared_rows, walk

from alertlib._numba import COMPILED, INTERPRETED, Engine, choose_engine
from alertlib.batch import detect
from alertlib.config import Config
from alertlib.detectors import (
    Detector,
    breakout,
    detector,
    enabled_detectors,
    engulfing,
    find_detector,
    frame_detector,
    registered,
    rsi_divergence,
    volatility,
)
from alertlib.errors import ConfigError
from alertlib.kernels.breakout import BreakoutParams
from alertlib.series import Series

BUILT_IN = (volatility, engulfing, rsi_divergence, breakout)
EVERY = (*BUILT_IN, user_detectors.fade, user_detectors.metronome)
# Upside-down prices change the other two: `fade` calls an unchanged close a fall, and
# `metronome` does not look at prices at all.
SYMMETRIC = BUILT_IN

seeds = st.integers(0, 10**6)
each = pytest.mark.parametrize("one", EVERY, ids=lambda d: d.name)
each_built_in = pytest.mark.parametrize("one", BUILT_IN, ids=lambda d: d.name)


def signals(series: Series, one: Detector, engine: Engine = INTERPRETED) -> list[int]:
    found = detect(series, (one,), engine)
    assert found.dtype == np.int8
    assert found.shape == (len(series), 1)
    return [int(s) for s in found[:, 0]]


# --- the contract -------------------------------------------------------------------------


@each
def test_batch_is_the_step_loop_bit_for_bit(one: Detector, engine: Engine) -> None:
    series = series_of(walk(31, sessions=12, missing=0.03))

    assert signals(series, one, engine) == step_through(one, columns_of(series))[0]


@each
@given(seed=seeds)
def test_plain_python_and_compiled_agree_bit_for_bit(one: Detector, seed: int) -> None:
    series = series_of(rough_walk(seed), timeframe="M5")

    assert signals(series, one, INTERPRETED) == signals(series, one, COMPILED)


@each
def test_both_engines_agree_on_recorded_bars(one: Detector) -> None:
    series = series_of(shared_rows("win_n_m5_2020-11_2021-03"))

    interpreted = signals(series, one, INTERPRETED)

    assert interpreted == signals(series, one, COMPILED)
    assert {-1, 1} <= set(interpreted)


@each
@given(seed=seeds, cut=st.floats(0, 1))
def test_any_split_equals_the_whole(one: Detector, seed: int, cut: float) -> None:
    bars = columns_of(series_of(rough_walk(seed), timeframe="M5"))
    at = int(cut * len(bars))

    head, state, ring = step_through(one, bars[:at])
    # The state survives being written down and read again.
    stored = json.dumps({"state": list(state), "ring": ring})
    read = json.loads(stored)
    tail, _, _ = step_through(one, bars[at:], type(one.state)(*read["state"]), read["ring"])

    assert head + tail == step_through(one, bars)[0]


@each
@given(seed=seeds, cut=st.floats(0, 1))
def test_signals_of_a_prefix_are_a_prefix_of_the_signals(
    one: Detector, seed: int, cut: float
) -> None:
    series = series_of(rough_walk(seed), timeframe="M5")
    at = int(cut * len(series))

    assert signals(series.head(at), one) == signals(series, one)[:at]


@pytest.mark.parametrize("one", SYMMETRIC, ids=lambda d: d.name)
@given(seed=seeds)
def test_mirrored_prices_give_mirrored_signals(one: Detector, seed: int) -> None:
    rows = rough_walk(seed)

    upright = signals(series_of(rows, timeframe="M5"), one)
    upside_down = signals(series_of(mirrored(rows), timeframe="M5"), one)

    assert upside_down == [-s for s in upright]


@each
@given(seed=seeds, shift=st.integers(1, 10_000))
def test_adding_a_constant_to_every_price_changes_nothing(
    one: Detector, seed: int, shift: int
) -> None:
    rows = rough_walk(seed)
    higher: list[Row] = [(t, *(p + 5.0 * shift for p in prices)) for t, *prices in rows]

    before = series_of(rows, timeframe="M5")
    assert signals(series_of(higher, timeframe="M5"), one) == signals(before, one)


@each
@given(seed=seeds, factor=st.sampled_from((2, 3, 10, 100)))
def test_scaling_prices_and_tick_together_changes_nothing(
    one: Detector, seed: int, factor: int
) -> None:
    bars = columns_of(series_of(rough_walk(seed), timeframe="M5"))
    coarse, _, _ = step_through(one, bars)

    params = one.kernel_params(factor)
    state, ring, fine = one.state, [0] * one.ring, []
    for bar in bars:
        prices = (factor * x for x in bar[:4])
        signal, state = one.step(state, ring, bar._replace(**dict(zip(
            ("open", "high", "low", "close"), prices, strict=True))), params)  # fmt: skip
        fine.append(signal)

    assert fine == coarse


@each_built_in
def test_a_constant_market_is_silent(one: Detector, engine: Engine) -> None:
    rows = session([(100_000.0,) * 4] * 100)

    assert not any(signals(series_of(rows), one, engine))


@each
@pytest.mark.parametrize("size", [0, 1, 2])
def test_hardly_any_bars_are_no_trouble(one: Detector, size: int, engine: Engine) -> None:
    series = series_of(walk(1, sessions=1)).head(size)

    found = signals(series, one, engine)

    assert len(found) == size
    if one in BUILT_IN and one is not engulfing:
        assert not any(found)


@each
def test_holes_in_the_bars_are_no_trouble(one: Detector, engine: Engine) -> None:
    series = series_of(walk(5, sessions=8, missing=0.4))
    assert len(series) < 600

    assert signals(series, one, engine) == step_through(one, columns_of(series))[0]


@each
def test_a_bad_print_leaves_no_trace(one: Detector) -> None:
    """One absurd bar in mid-session; after the warm-up its signals are the clean ones."""
    series = series_of(walk(8, sessions=12))
    at = 200
    high, close = series.high.copy(), series.close.copy()
    close[at] = high[at] = 10 * close[at]
    struck = series.with_prices(series.open, high, series.low, close)

    clean, dirty = signals(series, one), signals(struck, one)

    recovered = at + 1 + one.warmup + 1
    assert recovered < len(series) - 100
    assert dirty[recovered:] == clean[recovered:]
    assert any(clean[recovered:])


@each
def test_detection_leaves_its_input_as_it_was(one: Detector, engine: Engine) -> None:
    series = series_of(walk(2, sessions=3))
    columns = ("open", "high", "low", "close", "gaps", "volume", "place", "minute")
    before = {name: getattr(series, name).copy() for name in columns}

    signals(series, one, engine)

    for name, column in before.items():
        assert np.array_equal(getattr(series, name), column), name


@each
def test_memory_is_bounded_and_plain(one: Detector) -> None:
    bars = columns_of(series_of(walk(4, sessions=10)))

    _, state, ring = step_through(one, bars)

    assert len(ring) == one.ring
    assert len(state) == len(one.state)
    assert all(type(value) in (int, float) for value in (*state, *ring))


@each_built_in
def test_the_declared_warmup_is_long_enough_for_signals_to_be_the_same(one: Detector) -> None:
    series = series_of(walk(9, sessions=12))
    whole = signals(series, one)

    for start in (1, 50, 107, 321, 500):
        late = signals(series.tail(start), one)
        assert late[one.warmup + 1 :] == whole[start + one.warmup + 1 :], start


# --- the registry -------------------------------------------------------------------------


class Numbers(NamedTuple):
    n: int = 3
    share: float = 0.5


class Seen(NamedTuple):
    seen: int = 0


def silent(state, ring, bar, params):  # type: ignore[no-untyped-def]  # as a user writes it
    return 0, Seen(state.seen + 1)


def test_the_built_in_detectors_are_declared_as_the_interface_names_them() -> None:
    assert {d.name: (d.patterns, d.confidence) for d in BUILT_IN} == {
        "volatility": (("volatilidade_extrema", "volatilidade_extrema"), 85),
        "engulfing": (("engulfing_bullish", "engulfing_bearish"), 65),
        "rsi_divergence": (("divergencia_rsi_alta", "divergencia_rsi_baixa"), 60),
        "breakout": (("break_resistencia", "break_suporte"), 70),
    }
    assert set(registered()) >= {d.name for d in EVERY}


def test_a_decorated_step_is_a_detector_and_still_a_function() -> None:
    made = detector(
        "quiet", patterns=("up", "down"), state=Seen(), params=Numbers(), ring=lambda p: 2 * p.n,
        warmup=7, confidence=0.29,
    )(silent)  # fmt: skip

    assert (made.ring, made.warmup, made.confidence) == (6, 7, 29)  # 0.29 * 100 is 28.999…
    assert made.pattern(1) == "up"
    assert made.pattern(-1) == "down"
    assert made(Seen(4), [], None, Numbers()) == (0, Seen(5))
    assert repr(made) == "Detector('quiet', n=3, share=0.5)"
    assert find_detector("quiet") is made
    wider = made.with_params(Numbers(n=10))
    assert wider.ring == 20
    assert made.ring == 6
    assert repr(engulfing) == "Detector('engulfing')"


def test_a_later_detector_of_the_same_name_replaces_the_earlier() -> None:
    for warmup in (1, 2):
        detector("again", patterns=("a", "b"), state=Seen(), warmup=warmup)(silent)

    assert find_detector("again").warmup == 2


def test_parameters_in_ticks_reach_the_step_in_quanta() -> None:
    assert breakout.kernel_params(500) == BreakoutParams(margin_ticks=500)
    assert volatility.kernel_params(500) == volatility.params


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"patterns": ("one",)}, r"detector 'bad': patterns: got \('one',\), expected two names"),
        ({"patterns": ("", "b")}, r"patterns: got \('', 'b'\), expected two names"),
        ({"state": {"seen": 0}}, r"state: got dict, expected a NamedTuple instance"),
        ({"params": (1, 2)}, r"params: got tuple, expected a NamedTuple instance"),
        ({"state": Numbers(n=[1])}, r"state\.n: got \[1\], expected an int or a float"),
        ({"state": Numbers(n=True)}, r"state\.n: got True, expected an int or a float; write 0/1"),
        ({"confidence": 0.96}, r"confidence: got 0\.96, expected 0 to 0\.95"),
        ({"confidence": -0.1}, r"confidence: got -0\.1, expected 0 to 0\.95"),
        ({"confidence": float("nan")}, r"confidence: got nan, expected 0 to 0\.95"),
    ],
)
def test_a_bad_declaration_is_refused_with_what_was_got(change: dict, message: str) -> None:
    declared = {"patterns": ("a", "b"), "state": Seen()} | change

    with pytest.raises(ConfigError, match=message):
        detector("bad", **declared)
    assert "bad" not in registered()


def test_a_frame_detector_is_declared_and_has_no_step() -> None:
    @frame_detector("whole", patterns=("a", "b"), warmup=3, confidence=0.5)
    def whole(frame):  # type: ignore[no-untyped-def]  # as a user writes it
        return np.zeros(frame.height, dtype=int)

    assert (whole.warmup, whole.ring, whole.confidence) == (3, 0, 50)
    with pytest.raises(ConfigError, match="a frame detector has no step; decorate one with"):
        whole(None, [], None, None)
    with pytest.raises(ConfigError, match="patterns: got"):
        frame_detector("whole", patterns=("a", ""))


def test_an_unknown_detector_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ConfigError, match=r"'volatilty' is unknown.*did you mean 'volatility'\?"):
        find_detector("volatilty")
    with pytest.raises(ConfigError, match=r"'zzz' is unknown; expected one of volatility, "):
        find_detector("zzz")


def test_a_users_detector_is_found_by_module_and_name() -> None:
    assert find_detector("user_detectors:fade") is user_detectors.fade
    with pytest.raises(ConfigError, match=r"module 'no_such_module' cannot be imported"):
        find_detector("no_such_module:x")
    with pytest.raises(ConfigError, match=r"user_detectors has no detector 'nothing'"):
        find_detector("user_detectors:nothing")
    with pytest.raises(ConfigError, match=r"no detector 'FadeParams'; expected a step decorated"):
        find_detector("user_detectors:FadeParams")


def enabled(names: tuple[str, ...], custom: dict | None = None) -> list[Detector]:
    detection = Config().detection
    sections = {d.name: getattr(detection, d.name) for d in BUILT_IN}
    return list(enabled_detectors(names, sections, custom or {}))


def test_detectors_rank_by_confidence_whatever_the_order_they_are_enabled_in() -> None:
    names = ("metronome", "rsi_divergence", "fade", "breakout", "engulfing", "volatility")

    # engulfing and fade share 0.65: names of the interface come before users' own.
    assert [d.name for d in enabled(names)] == [
        "volatility", "breakout", "engulfing", "fade", "rsi_divergence", "metronome",
    ]  # fmt: skip


def test_a_users_parameters_come_from_the_configuration() -> None:
    (found,) = enabled(("fade",), {"fade": {"n": 7}})
    assert found.params.n == 7
    (found,) = enabled(("user_detectors:fade",), {"user_detectors:fade": {"n": 8}})
    assert found.params.n == 8
    (found,) = enabled(("user_detectors:fade",), {"fade": {"n": 9}})
    assert found.params.n == 9


# --- engines ------------------------------------------------------------------------------


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

    with pytest.raises(IndexError):
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
