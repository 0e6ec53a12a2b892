"""How detectors are declared, found and ranked."""

from __future__ import annotations

import datetime
import re
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from alertlib.config.schema import Detection
from alertlib.detection.builtin import (
    breakout,
    directional_change,
    engulfing,
    rsi_divergence,
    volatility,
)
from alertlib.detection.detectors import Detector, detector, frame_detector
from alertlib.detection.fitting import Fit
from alertlib.detection.registry import enabled_detectors, find_detector, registered
from alertlib.errors import ConfigError
from alertlib.kernels.bar import TickBar
from alertlib.kernels.breakout import BreakoutParams
from tests.support import user_detectors

BUILT_IN = (volatility, engulfing, rsi_divergence, breakout, directional_change)
EVERY = (*BUILT_IN, user_detectors.follow, user_detectors.metronome)


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
        "directional_change": (("mudanca_direcional_alta", "mudanca_direcional_baixa"), 82),
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


def test_the_help_of_detector_names_every_field_of_the_bar() -> None:
    words = set(re.findall(r"\w+", detector.__doc__ or ""))

    assert set(TickBar._fields) <= words


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
        ({"patterns": ("a b", "b")}, r"patterns: got 'a b', expected 1-64 letters of any script"),
        ({"patterns": ("a", "x" * 65)}, r"patterns: got 'x+', expected 1-64 letters"),
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


NONE_OF_THEM = (5, "x", object(), float("nan"), [1], np.zeros((3, 3)), datetime.time(10))
# What each argument takes of these all the same.
TAKEN: dict[str, tuple[Any, ...]] = {"ring": (5,), "warmup": (5,), "name": ("x",)}


def declares(what: str, value: Any) -> Detector:
    made: Detector
    if what == "step":
        return detector("bad", patterns=("a", "b"), state=Seen())(value)
    if what == "columns":
        return frame_detector("bad", patterns=("a", "b"))(value)
    if what.startswith("frame "):
        given = {"patterns": ("a", "b"), what.removeprefix("frame "): value}
        made = frame_detector("bad", **given)(lambda frame: frame)
    else:
        given = {"name": "bad", "patterns": ("a", "b"), "state": Seen(), what: value}
        made = detector(given.pop("name"), **given)(silent)
    assert made.ring + made.warmup >= 0
    return made


@pytest.mark.usefixtures("own_registry")
@pytest.mark.parametrize(
    "what",
    [
        "name", "patterns", "state", "params", "ring", "warmup", "confidence", "probability", "fit",
        "fitted_until", "evidence", "step", "columns", "frame patterns", "frame params",
        "frame warmup", "frame confidence", "frame fit", "frame fitted_until",
    ],
)  # fmt: skip
def test_every_argument_of_a_declaration_is_refused_in_one_line(what: str) -> None:
    """Found: ``fitted_until=5`` was taken and failed in the scorecard, ``patterns=5`` raw."""
    for value in NONE_OF_THEM:
        taken = TAKEN.get(what.removeprefix("frame "), ())
        if any(value is one for one in taken):
            declares(what, value)
            continue
        with pytest.raises(ConfigError, match=r"^detector .*got .*expected") as raised:
            declares(what, value)
        assert "\n" not in str(raised.value)


@pytest.mark.parametrize("what", ["learn", "train", "every", "max_age_days"])
def test_every_argument_of_a_fit_is_refused_in_one_line(what: str) -> None:
    """Found: ``Fit(train="a")`` raised what Python says of two types compared."""
    given: dict[str, Any] = {"learn": lambda *_: None}
    for value in (0, -1, 2.5, "a", None, True, [1], np.zeros((3, 3))):
        with pytest.raises(ConfigError, match=f"^Fit: {what}: got .*[;,] expected a") as raised:
            Fit(**{**given, what: value})
        assert "\n" not in str(raised.value)
    assert Fit(given["learn"], train=np.int64(3)).train == 3


@pytest.mark.parametrize(
    "until", [datetime.date(2021, 3, 31), "2021-03-31", datetime.datetime(2021, 3, 31, 17)]
)
def test_a_date_is_a_day_in_whatever_form_it_is_given(until: Any) -> None:
    """Found: a moment and a day of two parts could not be compared."""
    made = detector("dated", patterns=("a", "b"), state=Seen(), fitted_until=until)(silent)

    assert made.fitted_until == datetime.date(2021, 3, 31)
    assert type(made.fitted_until) is datetime.date


def test_patterns_in_a_list_are_two_names_and_in_a_text_none() -> None:
    listed = detector("listed", patterns=["a", "b"], state=Seen())(silent)  # type: ignore[arg-type]
    assert listed.patterns == ("a", "b")
    with pytest.raises(ConfigError, match="patterns: got 'ab', expected two names"):
        detector("spelt", patterns="ab", state=Seen())  # type: ignore[arg-type]


def test_a_detector_is_no_step_of_another() -> None:
    """Found: what it had to learn, and had seen, was lost without a word."""
    for declare in (
        detector("outer", patterns=("a", "b"), state=Seen()),
        frame_detector("outer", patterns=("a", "b")),
    ):
        with pytest.raises(ConfigError, match=r"'engulfing', .* of detectors with only and both$"):
            declare(engulfing)


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
    assert find_detector("tests.support.user_detectors:follow") is user_detectors.follow
    with pytest.raises(ConfigError, match=r"module 'no_such_module' cannot be imported"):
        find_detector("no_such_module:x")
    with pytest.raises(ConfigError, match=r"user_detectors has no detector 'absent'"):
        find_detector("tests.support.user_detectors:absent")
    with pytest.raises(ConfigError, match=r"no detector 'FollowParams'; expected a step decorated"):
        find_detector("tests.support.user_detectors:FollowParams")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\ndef x(:\n", r"SyntaxError at \S+/broken.py:2: invalid syntax"),
        ("\n\nlimit = absent\n", r"NameError at \S+/broken.py:3: name 'absent' is not defined"),
        ("import json\njson.loads('x')\n", r"JSONDecodeError at \S+/broken.py:2: Expecting value"),
        ("import not_installed\n", r"ModuleNotFoundError at \S+/broken.py:1: No module named"),
        ("import sys\nsys.exit(9)\n", r"SystemExit at \S+/broken.py:2: 9"),
    ],
)
def test_a_module_that_does_not_import_is_refused_with_its_line(
    text: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "broken", raising=False)

    with pytest.raises(ConfigError, match=r"module 'broken' cannot be imported: " + message):
        find_detector("broken:step")


@pytest.mark.parametrize("what", ["ring", "warmup"])
@pytest.mark.parametrize("size", [-5, 2.5, 20.0, "20", None, True, lambda p: -5, lambda p: p.none])
def test_a_size_that_is_no_count_is_refused_when_it_is_used(what: str, size: Any) -> None:
    made = detector("sized", patterns=("a", "b"), state=Seen(), **{what: size})(silent)

    said = rf"detector 'sized': {what}: (got|raised) .*[,;] expected a whole number >= 0"
    with pytest.raises(ConfigError, match=said):
        getattr(made, what)


def test_a_negative_warmup_is_refused_in_these_words() -> None:
    made = detector("negative", patterns=("a", "b"), state=Seen(), warmup=-5)(silent)

    said = "detector 'negative': warmup: got -5, expected a whole number >= 0"
    with pytest.raises(ConfigError, match=f"^{said}$"):
        _ = made.warmup
    assert detector("n", patterns=("a", "b"), state=Seen(), ring=np.int64(3))(silent).ring == 3


def enabled(names: tuple[str, ...], custom: dict | None = None) -> list[Detector]:
    return list(enabled_detectors(Detection(enabled=names, custom=custom or {})))


def test_detectors_rank_by_confidence_whatever_the_order_they_are_enabled_in() -> None:
    names = ("metronome", "rsi_divergence", "follow", "breakout", "engulfing", "volatility")

    # engulfing and follow share 0.65: names of the interface come before users' own.
    assert [d.name for d in enabled(names)] == [
        "volatility", "breakout", "engulfing", "follow", "rsi_divergence", "metronome",
    ]  # fmt: skip


def test_a_users_parameters_come_from_the_configuration() -> None:
    (found,) = enabled(("follow",), {"follow": {"n": 7}})
    assert found.params.n == 7
    (found,) = enabled(
        ("tests.support.user_detectors:follow",), {"tests.support.user_detectors:follow": {"n": 8}}
    )
    assert found.params.n == 8
    (found,) = enabled(("tests.support.user_detectors:follow",), {"follow": {"n": 9}})
    assert found.params.n == 9
    # An empty section says that nothing is changed; it was a KeyError.
    empty: dict[str, dict[str, int]] = {"tests.support.user_detectors:follow": {}}
    (found,) = enabled(("tests.support.user_detectors:follow",), empty)
    assert found.params.n == 20
