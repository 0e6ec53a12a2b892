"""Wrong answers are refused with detector, bar and line; unusual steps run, compiled or not."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pytest

from alertlib.config import Config
from alertlib.detection.answers import checked
from alertlib.detection.bar import Bar
from alertlib.detection.builtin import BUILT_IN
from alertlib.detection.detectors import Detector, detector
from alertlib.detection.registry import find_detector
from alertlib.detection.stream import Stream
from alertlib.errors import AlertlibWarning, ConfigError, DetectorError
from alertlib.scoring.engine import COMPILED, INTERPRETED, Engine
from alertlib.scoring.signals import detect
from tests.support.compiling import needs_compiler
from tests.support.synthetic import series_of, walk

pytestmark = pytest.mark.usefixtures("own_registry")


class Seen(NamedTuple):
    bars: int = 0


class Other(NamedTuple):
    bars: int = 0


@pytest.fixture(params=[INTERPRETED, COMPILED], ids=lambda e: str(e.name))
def engine(request: pytest.FixtureRequest) -> Engine:
    return request.param  # type: ignore[no-any-return]  # of params


def made(step: Callable[..., Any], *, probability: bool = False) -> Detector:
    return detector("tried", patterns=("up", "down"), state=Seen(), probability=probability)(step)


def signals(tried: Detector, engine: Engine) -> list[int]:
    series = series_of(walk(4, sessions=2), timeframe="M5")
    return [int(s) for s in detect(series, (tried,), engine).sign[:, 0]]


# The fifth bar is the first to be wrong: 2021-04-05 09:20.
FIFTH = "2021-04-05 09:20"


def half(state: Any, ring: Any, bar: Any, params: Any) -> Any:
    return (0.5 if state.bars >= 4 else 0.0), Seen(state.bars + 1)


def big(state: Any, ring: Any, bar: Any, params: Any) -> Any:
    return (256 if state.bars >= 4 else 0), Seen(state.bars + 1)


def undefined(state: Any, ring: Any, bar: Any, params: Any) -> Any:
    return (np.nan if state.bars >= 4 else 0.0), Seen(state.bars + 1)


def other_state(state: Any, ring: Any, bar: Any, params: Any) -> Any:
    return 0, (Other(state.bars + 1) if state.bars >= 4 else Seen(state.bars + 1))


def no_pair(state: Any, ring: Any, bar: Any, params: Any) -> Any:
    return (0, Seen(state.bars + 1)) if state.bars < 4 else None


def words(state: Any, ring: Any, bar: Any, params: Any) -> Any:
    return 0, Seen(state.bars + 1 if state.bars < 4 else "many")  # type: ignore[arg-type]  # wrong


def divides(state: Any, ring: Any, bar: Any, params: Any) -> Any:
    return int(0 * (1 / (4 - state.bars))), Seen(state.bars + 1)


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (half, r"answered the signal 0\.5; expected -1, 0 or \+1"),
        (big, r"answered the signal 256; expected -1, 0 or \+1"),
        (undefined, "answered the signal nan; expected -1"),
        (other_state, r"answered the state Other\(bars=5\); expected one of type Seen"),
        (no_pair, r"answered None; expected \(signal, state\)"),
        (words, "answered the state Seen.bars='many'.; expected numbers in its fields"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_wrong_answer_is_named_with_its_bar_and_line(
    step: Callable[..., Any], said: str, engine: Engine
) -> None:
    line = step.__code__.co_firstlineno
    with pytest.raises(
        DetectorError,
        match=rf"detector 'tried': at {FIFTH} its step \(.*test_answers.py:{line}\) {said}",
    ):
        signals(made(step), engine)


def test_an_error_is_named_with_the_line_that_raised(engine: Engine) -> None:
    line = divides.__code__.co_firstlineno + 1
    with pytest.raises(
        DetectorError, match=rf"at {FIFTH} its step raised ZeroDivisionError in .*py:{line}: "
    ):
        signals(made(divides), engine)


@pytest.mark.parametrize("stated", [-0.1, 1.5, np.nan])
def test_a_probability_is_a_share(stated: float, engine: Engine) -> None:
    def step(state: Any, ring: Any, bar: Any, params: Any) -> Any:
        return 0, (stated if state.bars >= 4 else 0.5), Seen(state.bars + 1)

    with pytest.raises(DetectorError, match=f"{FIFTH}.*probability {stated}; expected a number"):
        signals(made(step, probability=True), engine)


def test_flags_and_numbers_of_numpy_are_signals(engine: Engine) -> None:
    def flag(state: Any, ring: Any, bar: Any, params: Any) -> Any:
        return bar.close > bar.open, Seen(state.bars + 1)

    def of_numpy(state: Any, ring: Any, bar: Any, params: Any) -> Any:
        return np.sign(bar.close - bar.open), Seen(state.bars + 1)

    assert set(signals(made(flag), engine)) == {0, 1}
    assert set(signals(made(of_numpy), engine)) == {-1, 0, 1}


def above(points: int, state: Any, ring: Any, bar: Any, params: Any) -> Any:
    return (1 if bar.close > bar.open + points else 0), Seen(state.bars + 1)


class Rule:
    def step(self, state: Any, ring: Any, bar: Any, params: Any) -> Any:
        return above(1, state, ring, bar, params)

    __call__ = step
    __hash__ = None  # type: ignore[assignment]  # as of a data class


UNUSUAL = {
    "partial": lambda: partial(above, 1),
    "method": lambda: Rule().step,
    "object": Rule,
    "words": lambda: lambda s, r, b, p: (int(b._asdict()["close"] > b.open + 1), Seen(s.bars)),
}


@pytest.mark.parametrize("kind", [*list(UNUSUAL)[:-1], pytest.param("words", marks=needs_compiler)])
def test_an_unusual_step_runs_and_says_once_that_it_is_slow(kind: str) -> None:
    tried = made(UNUSUAL[kind]())
    plain = signals(tried, INTERPRETED)

    with pytest.warns(AlertlibWarning, match="'tried' runs in plain Python: numba") as told:
        first = signals(tried, COMPILED)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = signals(tried, COMPILED)

    assert plain == first == again
    assert 1 in plain
    (said,) = [str(one.message) for one in told if "compiling once" not in str(one.message)]
    assert "\n" not in said


def test_the_stream_refuses_what_the_batch_refuses() -> None:
    made(half)
    config = Config().set("detection.enabled", ("tried",))
    stream = Stream(config, symbol="WIN$N", timeframe="M5")
    rows = walk(4, sessions=1)
    for row in rows[:4]:
        stream.on_bar(Bar(*row))

    with pytest.raises(ConfigError, match=f"detector 'tried': at {FIFTH} .*signal 0.5"):
        stream.on_bar(Bar(*rows[4]))


def test_the_librarys_own_steps_are_called_as_they_are() -> None:
    for name in BUILT_IN:
        assert checked(find_detector(name)) is find_detector(name).step
