"""A step that remembers outside its state and its ring is caught, one that does not is not."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import pytest

from alertlib.audits.purity import mirrored, purity
from alertlib.audits.report import AuditItem
from alertlib.bars.bars import Bars
from alertlib.bars.series import make_series
from alertlib.config import Config
from alertlib.detection.builtin import BUILT_IN
from alertlib.detection.detectors import Step, detector
from alertlib.scoring.engine import INTERPRETED
from alertlib.scoring.step_bars import StepBars
from tests.support.detected import detected_on
from tests.support.synthetic import bars_of, series_of, walk

pytestmark = pytest.mark.usefixtures("own_registry")


class Seen(NamedTuple):
    bars: int = 0


@pytest.fixture(scope="module")
def bars() -> Bars:
    return bars_of(walk(91, sessions=8))


def item_of(bars: Bars, *names: str, seed: int = 0) -> AuditItem:
    config = Config().set("detection.enabled", names)
    found = purity(detected_on(make_series(bars), config), np.random.default_rng((seed, 6)))
    assert found is not None
    return found


def made(step: Step, ring: int = 0) -> str:
    detector("tried", patterns=("up", "down"), state=Seen(), ring=ring)(step)
    return "tried"


def test_the_built_in_detectors_are_pure(bars: Bars) -> None:
    for name in BUILT_IN:
        assert item_of(bars, name).clean, name


@pytest.mark.parametrize("seed", range(5))
def test_closes_kept_in_a_list_of_the_module_are_caught(bars: Bars, seed: int) -> None:
    closes: list[int] = []

    def step(state: Any, ring: Any, bar: Any, params: Any) -> tuple[int, Seen]:
        closes.append(bar.close)
        mean = sum(closes[-20:]) / 20
        return int(bar.close > mean + 5), Seen(state.bars + 1)

    item = item_of(bars, made(step), seed=seed)

    assert not item.clean
    assert "keep what the step remembers in its state or its ring" in item.detail


def test_a_count_kept_outside_is_caught_when_called_twice(bars: Bars) -> None:
    calls = [0]

    def step(state: Any, ring: Any, bar: Any, params: Any) -> tuple[int, Seen]:
        calls[0] += 1
        return 0, Seen(calls[0])

    assert not item_of(bars, made(step)).clean


def test_a_cache_by_what_the_answer_depends_on_is_not_accused(bars: Bars) -> None:
    known: dict[tuple[int, int], int] = {}

    def step(state: Any, ring: Any, bar: Any, params: Any) -> tuple[int, Seen]:
        key = bar.open, bar.close
        return known.setdefault(key, int(bar.close > bar.open)), Seen(state.bars + 1)

    assert item_of(bars, made(step)).clean


def test_a_state_that_is_nan_is_itself(bars: Bars) -> None:
    def step(state: Any, ring: Any, bar: Any, params: Any) -> tuple[int, Seen]:
        ring[state.bars % 3] = bar.close
        return 0, Seen(state.bars)._replace(bars=state.bars + 1)

    class Mean(NamedTuple):
        value: float = float("nan")

    def undefined(state: Any, ring: Any, bar: Any, params: Any) -> tuple[int, Mean]:
        return 0, Mean(float("nan"))

    detector("undefined", patterns=("up", "down"), state=Mean())(undefined)
    assert item_of(bars, made(step, ring=3), "undefined").clean


def test_a_state_that_no_snapshot_can_keep_is_named(bars: Bars) -> None:
    def step(state: Any, ring: Any, bar: Any, params: Any) -> tuple[int, Seen]:
        return 0, Seen(Fraction(state.bars + 1))

    item = item_of(bars, made(step))

    assert not item.clean
    assert "cannot be kept as JSON (Object of type Fraction" in item.detail


def test_numbers_of_numpy_in_a_state_are_kept(bars: Bars) -> None:
    def step(state: Any, ring: Any, bar: Any, params: Any) -> tuple[int, Seen]:
        return 0, Seen(np.int64(state.bars) + 1)

    assert item_of(bars, made(step)).clean


@pytest.mark.parametrize(
    "put", [lambda c: c + 0.5, lambda c: -c / 7, lambda c: float("nan"), lambda c: None]
)
def test_what_a_ring_cannot_hold_is_caught(bars: Bars, put: Any) -> None:
    def step(state: Any, ring: Any, bar: Any, params: Any) -> tuple[int, Seen]:
        ring[state.bars % 3] = put(bar.close)
        return 0, Seen(state.bars + 1)

    item = item_of(bars, made(step, ring=3))

    assert not item.clean
    assert "tried: its ring holds " in item.detail


@pytest.mark.parametrize("put", [float, np.int64, np.float64, bool, lambda c: -c])
def test_a_whole_number_of_any_type_is_one_in_a_ring(bars: Bars, put: Any) -> None:
    def step(state: Any, ring: Any, bar: Any, params: Any) -> tuple[int, Seen]:
        ring[state.bars % 3] = put(bar.close)
        return 0, Seen(state.bars + 1)

    assert item_of(bars, made(step, ring=3)).clean


def test_frame_functions_have_no_step_to_try(bars: Bars) -> None:
    config = Config().set("detection.enabled", ("tests.support.user_detectors:since",))

    whole = detected_on(make_series(bars), config)

    assert purity(whole, np.random.default_rng(0)) is None


def test_a_mirrored_market_is_a_market_of_the_same_range() -> None:
    series = series_of(walk(92, sessions=3))
    bars = StepBars(series, np.zeros(len(series))).by(INTERPRETED)

    other = mirrored(bars)

    assert all(b.low <= b.open <= b.high and b.low <= b.close <= b.high for b in other)
    assert min(b.low for b in other) == min(b.low for b in bars)
    assert max(b.high for b in other) == max(b.high for b in bars)
    assert mirrored(other) == bars
