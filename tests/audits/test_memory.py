"""A table of the moves to come is caught, whatever its key; a detector of the market is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertlib.audits.memory import ADVICE, higher, jittered, later, memory, shares
from alertlib.audits.report import AuditItem
from alertlib.bars.bars import Bars
from alertlib.bars.series import make_series
from alertlib.config import Config
from alertlib.detection.builtin import BUILT_IN
from alertlib.detection.combinators import only
from alertlib.detection.detectors import Detector, detector
from alertlib.kernels.bar import TickBar, weekday_of
from alertlib.scoring.engine import INTERPRETED
from alertlib.scoring.step_bars import StepBars
from tests.support.detected import detected_on
from tests.support.synthetic import bars_of, series_of, walk

pytestmark = pytest.mark.usefixtures("own_registry")


class Seen(NamedTuple):
    bars: int = 0


@pytest.fixture(scope="module")
def bars() -> Bars:
    return bars_of(walk(81, sessions=8))


def item_of(bars: Bars, *names: str) -> AuditItem:
    config = Config().set("detection.enabled", names)
    whole = detected_on(make_series(bars), config)
    found = memory(whole, INTERPRETED, np.random.default_rng((0, 7)), every=True)
    assert found is not None
    return found


def made(signal: Callable[[TickBar], int]) -> Detector:
    def step(state: Any, ring: Any, bar: TickBar, params: Any) -> tuple[int, Seen]:
        return signal(bar), Seen(state.bars + 1)

    return detector("tried", patterns=("up", "down"), state=Seen(), warmup=1)(step)


KEYS: dict[str, Callable[[TickBar], Any]] = {
    "time": lambda bar: (bar.day, bar.minute),
    "open and close": lambda bar: (bar.open, bar.close),
    "prices": lambda bar: bar[:4],
}


@pytest.mark.parametrize("key", KEYS)
def test_moves_known_by_heart_are_caught(key: str, bars: Bars) -> None:
    series = make_series(bars)
    given = StepBars(series, np.zeros(len(series))).by(INTERPRETED)
    closes = [bar.close for bar in given]
    known = {
        KEYS[key](given[i]): (closes[i + 6] > closes[i]) - (closes[i + 6] < closes[i])
        for i in range(0, len(given) - 6, 5)
    }
    made(lambda bar: known.get(KEYS[key](bar), 0))

    item = item_of(bars, "tried")

    assert not item.clean
    assert item.detail.endswith(ADVICE)
    assert item.detail.startswith("tried keeps ")


def test_no_built_in_detector_is_accused(bars: Bars) -> None:
    item = item_of(bars, *BUILT_IN, "tests.support.user_detectors:follow")

    assert item.clean, item
    assert "volatility keeps 100 % of its signals on shifted dates, 100 % on" in item.detail


def test_detectors_of_weekday_hour_and_round_numbers_are_not_accused(bars: Bars) -> None:
    only("volatility", where=lambda bar: bar.weekday == 2, name="midweek")
    only("volatility", between=("10:00", "12:00"), name="late")
    made(lambda bar: int(bar.close % 20 == 0))

    assert item_of(bars, "midweek", "late", "tried").clean


def test_a_detector_without_signals_knows_nothing(bars: Bars) -> None:
    made(lambda bar: 0)

    item = item_of(bars, "tried")

    assert (item.clean, item.detail) == (True, "tried gives no signal")


def test_a_gate_of_built_in_detectors_need_not_ask(bars: Bars) -> None:
    whole = detected_on(make_series(bars), Config())

    assert memory(whole, INTERPRETED, np.random.default_rng(0), every=False) is None


def test_a_step_that_raises_on_moved_bars_says_on_which(bars: Bars) -> None:
    last = int(make_series(bars).day[-1])
    made(lambda bar: 1 // int(bar.day <= last))

    item = item_of(bars, "tried")

    assert not item.clean
    assert item.detail.startswith("on shifted dates: detector 'tried': at 2022-04-04 09:00 ")


@given(st.integers(0, 1_000))
def test_moved_bars_are_bars(seed: int) -> None:
    series = series_of(walk(seed % 7, sessions=2, bars=30), timeframe="M5")

    noisy, above, after = (
        jittered(series, np.random.default_rng(seed)),
        higher(series),
        later(series),
    )

    assert (noisy.low <= np.minimum(noisy.open, noisy.close)).all()
    assert (noisy.high >= np.maximum(noisy.open, noisy.close)).all()
    assert np.abs(noisy.close - series.close).max() <= 1
    assert (above.gaps == series.gaps).all()
    assert (weekday_of(after.day) == weekday_of(series.day)).all()
    assert (after.minute % 1_440 == series.minute % 1_440).all()


def test_a_signal_is_found_again_in_its_direction_nearby() -> None:
    before = np.array([[1], [0], [-1], [0], [1]], dtype=np.int8)
    after = np.array([[0], [1], [1], [0], [1]], dtype=np.int8)

    assert shares(before, after, 0).tolist() == [1 / 3]
    assert shares(before, after, 1).tolist() == [2 / 3]
