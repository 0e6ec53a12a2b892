"""Loops over columns: both engines, frame detectors, alerts."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertlib.config import Config
from alertlib.detection.builtin import breakout, volatility
from alertlib.detection.detectors import detector, frame_detector
from alertlib.detection.ruleset import make_rules
from alertlib.errors import ConfigError
from alertlib.kernels.atr import AtrState, atr_step
from alertlib.kernels.policy import ACCEPT, DELIVERED
from alertlib.scoring.batch import AlertColumns, levels_at, make_alerts
from alertlib.scoring.engine import COMPILED, INTERPRETED, CompiledEngine, Engine
from alertlib.scoring.labels import directional_changes
from alertlib.scoring.signals import SignalTable, detect
from alertlib.scoring.true_ranges import true_ranges
from tests import naive
from tests.naive import Rules
from tests.support.detected import detected_on
from tests.support.steps import rough_walk
from tests.support.synthetic import series_of, walk

# --- both engines, to the last bit --------------------------------------------------------


def assert_equal_columns(a: object, b: object) -> None:
    for field in fields(a):  # type: ignore[arg-type]  # any dataclass of arrays
        ours, theirs = getattr(a, field.name), getattr(b, field.name)
        assert ours.dtype == theirs.dtype, field.name
        assert np.array_equal(ours, theirs), field.name


@given(st.integers(0, 10**6))
def test_every_loop_gives_the_same_bits_compiled_and_interpreted(seed: int) -> None:
    series = series_of(rough_walk(seed, sessions=6), timeframe="M5")

    a, b = (detected_on(series, Config(), engine) for engine in (INTERPRETED, COMPILED))

    assert np.array_equal(a.atr, b.atr, equal_nan=True)
    assert_equal_columns(a.delivered, b.delivered)
    assert_equal_columns(a.suppressed, b.suppressed)
    for k in (2.0, 3.0):
        legs = (directional_changes(series, x.atr, k, x.engine) for x in (a, b))
        assert_equal_columns(*legs)


def test_prices_too_large_for_64_bits_are_run_in_plain_python() -> None:
    """Window times price beyond 3e9 quanta would overflow the sum of squares."""
    rows = walk(1, sessions=3, tick=0.01)
    above = [(t, *(round(p + 4.0e7, 2) for p in prices)) for t, *prices in rows]
    series = series_of(above, "PETR4")
    assert int(series.high.max()) * volatility.ring > 3.0e9

    low = detect(series_of(rows, "PETR4"), (volatility, breakout), COMPILED).sign
    high = detect(series, (volatility, breakout), COMPILED).sign

    assert np.array_equal(low, high)
    assert low.any()


@pytest.mark.parametrize(
    "answer",
    [
        lambda frame: np.zeros(frame.height - 1),
        lambda frame: np.zeros((frame.height, 2)),
        lambda frame: np.full(frame.height, 2),
        lambda frame: np.full(frame.height, np.nan),
    ],
    ids=["short", "two columns", "two", "nan"],
)
def test_a_frame_detector_must_answer_for_each_bar(answer: object) -> None:
    made = frame_detector("odd", patterns=("a", "b"))(answer)  # type: ignore[arg-type]  # as a user

    with pytest.raises(ConfigError, match=r"detector 'odd': .*it answered .*; expected -1, 0 or"):
        detect(series_of(walk(1, sessions=1)), (made,))


# --- steps --------------------------------------------------------------------------------


class Range(NamedTuple):
    seen: int = 0
    average: float = 0.0
    close: int = 0


def test_a_step_that_calls_a_kernel_is_compiled_with_it(
    own_registry: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    @detector("wide", patterns=("a", "b"), state=Range())
    def wide(state, ring, bar, params):  # type: ignore[no-untyped-def]  # as a user writes it
        before = AtrState(state.seen, state.average, state.close)
        atr, after = atr_step(before, bar.high, bar.low, bar.close, bar.place, 14)
        return int(bar.high - bar.low > atr), Range(after.seen, after.average, after.close)

    series = series_of(walk(4, sessions=2))
    plain = detect(series, (wide,), INTERPRETED).sign
    monkeypatch.setattr(CompiledEngine, "failures", lambda self: ())  # nothing to fall back for

    assert np.array_equal(detect(series, (wide,), COMPILED).sign, plain)
    assert plain.any()


# --- alerts -------------------------------------------------------------------------------


def test_signals_before_the_warmup_do_not_count(engine: Engine) -> None:
    series = series_of(walk(3, sessions=2))
    rules = make_rules(Config().set("detection.enabled", ("breakout",)), series.instrument.grid)
    atr = true_ranges(series, 14)
    signals = SignalTable(np.ones((len(series), 1), dtype=np.int8), {})
    silent = SignalTable(0 * signals.sign, {})

    alerts = make_alerts(series, signals, atr, rules, engine)

    # Breakout needs 6 bars, the average range 14: whichever is later.
    assert alerts.bar.tolist() == list(range(13, len(series)))
    assert make_alerts(series, silent, atr, rules, engine).bar.tolist() == []


@given(st.integers(0, 10**6), st.sampled_from((1, -1)))
def test_levels_equal_the_naive_alerts(seed: int, direction: int) -> None:
    series = series_of(walk(seed, sessions=1))
    rules = make_rules(Config(), series.instrument.grid)
    atr = true_ranges(series, 14)
    bars = np.arange(20, 100, 7)

    levels = levels_at(series, atr, bars, np.full(len(bars), direction), rules, INTERPRETED)

    for i, t in enumerate(bars.tolist()):
        twin = naive.make_alert(
            t, direction, {"break_suporte": 70}, int(series.close[t]), float(atr[t]), Rules(tick=1)
        )
        expected = (twin.entry_min, twin.entry_max, twin.stop, twin.target)
        assert tuple(float(level[i]) for level in levels) == expected


@pytest.mark.parametrize("name", ["volatility", "breakout"])
def test_a_signal_counts_once_its_warm_up_lies_before_it(name: str, engine: Engine) -> None:
    series = series_of(walk(3, sessions=1))
    rules = make_rules(Config().set("detection.enabled", (name,)), series.instrument.grid)
    signals = SignalTable(np.ones((len(series), 1), dtype=np.int8), {})
    known = np.ones(len(series))

    first = make_alerts(series, signals, known, rules, engine).bar[0]

    assert first == {"volatility": 20, "breakout": 5}[name] + 1


@given(st.integers(0, 10**6))
def test_alerts_are_what_is_counted_bar_by_bar(seed: int) -> None:
    rng = np.random.default_rng(seed)
    series = series_of(walk(seed, sessions=1, bars=60))
    rules = make_rules(Config(), series.instrument.grid)
    sign = rng.integers(-1, 2, size=(len(series), len(rules.detectors))).astype(np.int8)
    atr = np.where(rng.random(len(series)) < 0.2, np.nan, 4.0)
    stated = {i: rng.random(len(series)) for i in (0, 2)}

    alerts = make_alerts(series, SignalTable(sign, stated), atr, rules)

    expected = []
    for t in range(len(series)):
        for direction in (1, -1):
            agreed = [
                i
                for i, d in enumerate(rules.detectors)
                if sign[t, i] == direction and t > d.warmup and not np.isnan(atr[t])
            ]
            if agreed:
                first, *others = agreed
                probability = stated[first][t] if first in stated else 0.0
                base = rules.detectors[first].confidence
                base = min(int(100.0 * probability), 95) if first in stated else base
                confidence = min(base + 10 * len(others), 95)
                severity = 2 if confidence >= 80 else 1 if confidence >= 65 else 0
                bits = sum(1 << i for i in others)
                expected.append((t, direction, first, bits, confidence, severity, probability))
    names = ("bar", "direction", "lead", "agreeing", "confidence", "severity", "probability")
    columns = [getattr(alerts, name).tolist() for name in names]
    assert list(zip(*columns, strict=True)) == expected


def sign_of(bars: int) -> Any:
    """Two detectors of which one is for it and one against it, at ten bars."""
    sign = np.zeros((bars, 2), dtype=np.int8)
    sign[30:40] = (1, -1)
    return sign


def test_a_filter_turns_its_own_alerts_down_before_the_policy_and_no_others(engine: Engine) -> None:
    series = series_of(walk(3, sessions=1))
    config = Config().set("detection.enabled", ("breakout", "volatility"))
    rules = make_rules(config.set("policy.cooldown_bars", 0), series.instrument.grid)
    signals, atr = SignalTable(sign_of(len(series)), {}), true_ranges(series, 14)
    asked: list[AlertColumns] = []

    def accepted(alerts: AlertColumns) -> Any:
        asked.append(alerts)
        return (alerts.direction < 0) | (alerts.bar == 33)

    made = make_alerts(series, signals, atr, rules, engine, accepted)

    (before,) = asked
    assert made.bar.tolist() == before.bar.tolist() == sorted([*range(30, 40)] * 2)
    refused = (made.direction > 0) & (made.bar != 33)
    assert (made.reason == ACCEPT).tolist() == refused.tolist()
    assert (made.reason[~refused] == DELIVERED).all()
