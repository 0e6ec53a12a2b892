"""Detectors made of detectors: what passes, live as in batch, plain as compiled."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import alertlib as al
from alertlib.bars.series import Series
from alertlib.config import Config
from alertlib.detection.bar import Bar
from alertlib.detection.builtin import BUILT_IN, breakout, directional_change, volatility
from alertlib.detection.detectors import REGISTRY, Detector
from alertlib.detection.registry import find_detector
from alertlib.detection.stream import Stream
from alertlib.errors import ConfigError
from alertlib.kernels.bar import TickBar
from alertlib.kernels.filters import everywhere, make_only_evidence
from alertlib.kernels.reading import Reading
from alertlib.scoring.engine import COMPILED, INTERPRETED, CompiledEngine, Engine
from alertlib.scoring.signals import SignalTable, detect
from tests.support import user_detectors
from tests.support.steps import rough_walk
from tests.support.synthetic import bars_of, series_of, walk

pytestmark = pytest.mark.usefixtures("own_registry")
seeds = st.integers(0, 10**6)
names = st.sampled_from(sorted(BUILT_IN))


def rises(bar: TickBar) -> bool:
    return bar.close > bar.open


def always(bar: TickBar) -> bool:
    return True


def found(series: Series, one: Detector, engine: Engine = INTERPRETED) -> SignalTable:
    return detect(series, (one,), engine)


def signs(series: Series, one: Detector) -> list[int]:
    return [int(sign) for sign in found(series, one).sign[:, 0]]


def nested() -> Detector:
    inner = al.only("directional_change", between=("10:00", "16:00"))
    return al.both(inner, al.both(breakout, directional_change), name="nested")


MADE = {
    "between": lambda: al.only("volatility", between=("10:00", "16:00")),
    "where": lambda: al.only(user_detectors.follow, where=rises),
    "odds": lambda: al.only("directional_change", between=("09:30", "17:00"), where=rises),
    "both": lambda: al.both(user_detectors.follow, "engulfing"),
    "rings": lambda: al.both(volatility, breakout),
    "nested": nested,
}
each = pytest.mark.parametrize("make", MADE.values(), ids=MADE)


# --- laws ---------------------------------------------------------------------------------


@given(seeds, names)
def test_only_everything_is_the_detector_itself(seed: int, name: str) -> None:
    series = series_of(rough_walk(seed), timeframe="M5")
    inner, made = found(series, find_detector(name)), found(series, al.only(name, where=always))

    assert np.array_equal(made.sign, inner.sign)
    assert all(np.array_equal(made.probability[i], inner.probability[i]) for i in inner.probability)


@given(seeds, names, st.integers(9, 13), st.integers(14, 18))
def test_only_is_the_detector_where_the_filter_holds(
    seed: int, name: str, first: int, last: int
) -> None:
    series = series_of(rough_walk(seed), timeframe="M5")
    made = al.only(name, between=(f"{first:02}:00", f"{last:02}:00"), where=rises)

    minute = series.minute % 1_440
    holds = (60 * first <= minute) & (minute < 60 * last) & (series.close > series.open)
    assert signs(series, made) == (found(series, find_detector(name)).sign[:, 0] * holds).tolist()


@given(seeds, names)
def test_both_of_one_detector_is_that_detector(seed: int, name: str) -> None:
    series = series_of(rough_walk(seed), timeframe="M5")

    assert signs(series, al.both(name, name)) == signs(series, find_detector(name))


@given(seeds, names, names)
def test_both_signals_where_two_agree_in_either_order(seed: int, a: str, b: str) -> None:
    series = series_of(rough_walk(seed), timeframe="M5")
    one, other = signs(series, find_detector(a)), signs(series, find_detector(b))
    agreed = [x if x == y else 0 for x, y in zip(one, other, strict=True)]

    assert signs(series, al.both(a, b)) == signs(series, al.both(b, a)) == agreed


# --- everywhere a detector runs -----------------------------------------------------------


@each
def test_plain_python_and_compiled_agree(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    made, series = make(), series_of(walk(4, sessions=20), timeframe="M5")
    monkeypatch.setattr(CompiledEngine, "failures", lambda self: ())  # nothing to fall back for

    plain, compiled = found(series, made), found(series, made, COMPILED)

    assert np.array_equal(plain.sign, compiled.sign)
    assert plain.sign.any()
    for i in plain.probability:
        assert np.array_equal(plain.probability[i], compiled.probability[i])
        assert not plain.probability[i][plain.sign[:, i] == 0].any()


def test_a_filter_that_cannot_be_compiled_falls_back() -> None:
    made = al.only("volatility", where=lambda bar: str(bar.close).endswith("5"), name="odd")
    series = series_of(walk(4, sessions=6), timeframe="M5")

    assert np.array_equal(found(series, made).sign, found(series, made, COMPILED).sign)


@each
def test_a_stream_continues_from_its_snapshot(make: Any) -> None:
    config = Config().set("detection.enabled", (make().name,))
    rows = walk(43, sessions=4)
    whole, first, second = (Stream(config, symbol="WIN$N", timeframe="M5") for _ in range(3))
    expected = [whole.on_bar(Bar(*row)) for row in rows]
    for row in rows[:150]:
        first.on_bar(Bar(*row))

    second.restore(json.loads(json.dumps(first.snapshot())))

    assert [second.on_bar(Bar(*row)) for row in rows[150:]] == expected[150:]
    assert second.snapshot() == whole.snapshot()


@each
def test_the_audits_find_nothing(make: Any) -> None:
    report = al.check(make(), bars_of(walk(9, sessions=20), timeframe="M5"), compiled=False)

    assert report.clean, report


# --- what they are ------------------------------------------------------------------------


def test_only_is_its_detector_but_for_the_filter() -> None:
    inner = directional_change.with_params(directional_change.params._replace(k=2.0))
    made = al.only(inner, between=("10:00", "16:00"), where=rises)

    kept = ("patterns", "params", "state", "ring", "warmup", "confidence", "probability")
    assert [getattr(made, k) for k in kept] == [getattr(inner, k) for k in kept]
    assert made.name == "directional_change.1000-1600.rises"
    assert find_detector(made.name) is made


def test_both_takes_what_it_is_not_given_from_its_parts() -> None:
    made = al.both(breakout, directional_change)
    assert (made.name, made.patterns) == ("breakout.and.directional_change", breakout.patterns)
    assert (made.ring, made.warmup, made.confidence) == (breakout.ring, 600, 82)
    assert not made.probability

    given = al.both(breakout, volatility, name="b", patterns=("x", "y"), confidence=0.9)
    assert (given.name, given.patterns, given.confidence) == ("b", ("x", "y"), 90)


def test_parameters_of_only_come_from_the_configuration_as_of_a_users_own() -> None:
    made = al.only("volatility", between=("10:00", "16:00"))
    config = Config().set("detection.enabled", (made.name,))
    stream = Stream(
        config.set(f"detection.custom.{made.name}.window", 7), symbol="WIN$N", timeframe="M5"
    )

    (used,) = stream.rules.detectors
    assert (used.params.window, used.ring) == (7, 7)


def test_detectors_of_detectors_can_be_handed_to_a_backtest_and_run_again() -> None:
    """Found: parameters within parameters could not stand in the settings of the run."""
    bars = bars_of(walk(5, sessions=10), timeframe="M5")
    inner = breakout.with_params(breakout.params._replace(window=7))
    made = al.both(nested(), al.both(inner, "directional_change", name="inner"), name="outer")

    run = al.backtest(bars, detectors=[made], audits="none", chance=False)
    again = al.backtest(bars, run.config, audits="none", chance=False)

    assert run.config.detection.custom["outer"]["second"][0] == (7, 1, "extremes")
    assert again.scored.detected.rules.detectors[0].params == made.params
    assert again.alerts.equals(run.alerts)
    wrong = run.config.set("detection.custom.outer.second", [1])
    with pytest.raises(ConfigError, match=r"outer\.second: .*expected a list of 2: first, second"):
        al.backtest(bars, wrong)


def test_parameters_of_both_may_not_move_its_rings() -> None:
    made = al.both(volatility, breakout)
    wide = made.params._replace(second=breakout.params._replace(window=40))
    assert made.with_params(wide).ring == 20 + 80
    moved = made.params._replace(first=volatility.params._replace(window=7))
    with pytest.raises(ConfigError, match="change the ring of 'volatility'; give it them before"):
        _ = made.with_params(moved).ring


def test_a_frame_detector_is_filtered_and_not_joined() -> None:
    series = series_of(walk(4, sessions=3), timeframe="M5")
    made = al.only(user_detectors.since, between=("10:00", "12:00"), where=rises)

    minute = series.minute % 1_440
    holds = (minute >= 600) & (minute < 720) & (series.close > series.open)
    inner = found(series, user_detectors.since).sign[:, 0]
    assert signs(series, made) == (inner * holds).tolist()
    with pytest.raises(ConfigError, match=r"^both: detector 'since' is a function of a whole fra"):
        al.both("volatility", user_detectors.since)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "got neither between nor where, expected at least one"),
        ({"between": ("10:00", "25:00")}, r'between\[1\]: got "25:00", expected a time of day'),
        ({"between": ("16:00", "10:00")}, "expected two times of day, the later last"),
        ({"between": ("16:00",)}, "expected two times of day, the later last"),
        ({"between": "10:00"}, "between: got"),
        ({"where": 3}, "where: got 3, expected a function of a bar"),
        ({"where": np.zeros((3, 3))}, r"where: got array\(.*, expected a function of a bar"),
        ({"between": 5}, "between: got 5, expected a list"),
        ({"where": rises, "name": 5}, "name: got 5, expected 1-64"),
        (
            {"where": rises, "name": "my own"},
            "name: got 'my own', expected 1-64 letters of any script",
        ),
        ({"where": rises, "name": ""}, "name: got '', expected 1-64"),
        ({"where": rises, "name": "x" * 65}, "expected 1-64"),
    ],
)
def test_a_filter_that_is_none_is_refused_in_one_line(given: Any, message: str) -> None:
    before = set(REGISTRY)
    with pytest.raises(ConfigError, match=message) as raised:
        al.only("volatility", **given)

    assert "\n" not in str(raised.value)
    assert set(REGISTRY) == before


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"patterns": 5}, "patterns: got 5, expected two names"),
        ({"confidence": "x"}, "confidence: got 'x', expected 0 to 0.95"),
        ({"name": 5}, "name: got 5, expected 1-64"),
    ],
)
def test_both_refuses_in_one_line_what_a_declaration_does(given: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as raised:
        al.both("volatility", "breakout", **given)

    assert "\n" not in str(raised.value)


def test_a_derived_name_obeys_the_rule_for_names() -> None:
    assert al.only("volatility", where=lambda bar: True).name == "volatility.lambda"


# --- what a filter says it saw ------------------------------------------------------------


@pytest.mark.parametrize(
    ("minute", "bound", "inside"),
    [(599, 600, False), (600, 960, True), (959, 960, True), (960, 960, False)],
)
def test_the_hour_is_compared_with_the_first_before_it_and_with_the_last_from_then_on(
    minute: int, bound: int, inside: bool
) -> None:
    bar = TickBar(9, 12, 4, 11, 0, 1, minute)
    inner = Reading("close", 11, 10, True, 1, "price")

    def said(where: Any) -> tuple[Reading, ...]:
        evidence = make_only_evidence(lambda *_: (inner,), 600, 960, where, "rises")
        return evidence(None, [], bar, None)

    hour = Reading("minute of the day", minute, bound, inside)
    assert said(everywhere) == (hour, inner)
    assert said(rises) == (hour, Reading("rises", 1, 1, True), inner)
    assert make_only_evidence(lambda *_: (), 600, 960, rises, "rises")(None, [], bar, None) == ()
