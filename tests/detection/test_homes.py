"""Detectors that are copied, pickled and found again by their names."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import alertlib as al
from alertlib.detection.builtin import BUILT_IN, breakout, volatility
from alertlib.detection.detectors import REGISTRY, Detector
from alertlib.detection.homes import is_importable
from alertlib.errors import ConfigError
from alertlib.scoring.signals import detect
from tests.support import user_detectors
from tests.support.synthetic import series_of, walk
from tests.support.user_detectors import rises

pytestmark = pytest.mark.usefixtures("own_registry")
ROOT = Path(__file__).parents[2]
USERS = (
    user_detectors.follow,
    user_detectors.metronome,
    user_detectors.peek,
    user_detectors.two,
)
each = pytest.mark.parametrize("one", [*BUILT_IN.values(), *USERS], ids=lambda d: d.name)


MADE: dict[str, Callable[[], Detector]] = {
    "only": lambda: al.only("volatility", between=("10:00", "16:00")),
    "where": lambda: al.only(user_detectors.follow, where=rises, name="rising"),
    "both": lambda: al.both(
        user_detectors.follow, "engulfing", patterns=("a", "b"), confidence=0.5
    ),
    "nested": lambda: al.both(
        al.only("directional_change", between=("10:00", "16:00")),
        al.only(breakout.with_params(breakout.params._replace(window=7)), where=rises),
        name="nested",
    ),
}


def again(value: Any) -> Any:
    return pickle.loads(pickle.dumps(value))


@each
def test_what_is_unpickled_is_equal(one: Detector) -> None:
    assert again(one) == one
    assert again(one).home == one.home
    assert {one: 1}[again(one)] == 1


@given(st.integers(2, 90), st.integers(0, 95))
def test_what_was_changed_travels_along(window: int, confidence: int) -> None:
    for one in (volatility, breakout):
        changed = one.with_params(one.params._replace(window=window))
        changed = replace(changed, confidence=confidence)
        assert again(changed) == changed
        assert again(changed).ring == changed.ring
        assert again(changed).warmup == changed.warmup


def test_a_detector_that_has_learned_learns_no_more() -> None:
    learner = user_detectors.learner
    assert learner.fit is not None
    assert again(learner).fit is learner.fit
    fitted = learner.fitted(learner.params._replace(every=3))
    assert again(fitted) == fitted
    assert again(fitted).fit is None


@each
def test_a_copy_is_the_detector_itself(one: Detector) -> None:
    assert copy.copy(one) is one
    assert copy.deepcopy([one])[0] is one


@pytest.mark.parametrize("make", MADE.values(), ids=MADE)
@pytest.mark.parametrize("known", [True, False])
def test_a_detector_made_of_detectors_signals_as_before(
    make: Callable[[], Detector], known: bool
) -> None:
    """Whether the registry still has it, or it has to be made again by its recipe."""
    made = make()
    series = series_of(walk(5, sessions=8), timeframe="M5")
    expected = detect(series, (made,))
    content = pickle.dumps(made)
    if not known:
        del REGISTRY[made.name]
    found = pickle.loads(content)

    assert (found == made) == known
    assert (found.name, found.home, found.patterns) == (made.name, made.home, made.patterns)
    assert found.params == made.params
    assert expected.sign.any()
    assert (detect(series, (found,)).sign == expected.sign).all()
    assert REGISTRY[made.name].name == made.name


def in_another_process(content: bytes, *before: str) -> str:
    """What unpickling says in a new interpreter: the repr, or the error's one line."""
    code = "\n".join(
        [
            "import pickle, sys",
            "from alertlib.errors import ConfigError",
            *before,
            "try:",
            "    print(repr(pickle.loads(sys.stdin.buffer.read())))",
            "except ConfigError as error:",
            "    print('refused:', error)",
        ]
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, input=content, capture_output=True, check=True
    )
    assert done.stderr == b""
    return done.stdout.decode().strip()


def test_another_process_imports_the_module() -> None:
    changed = user_detectors.follow.with_params(user_detectors.FollowParams(7))
    made = MADE["where"]()

    assert in_another_process(pickle.dumps(changed)) == "Detector('follow', n=7)"
    assert in_another_process(pickle.dumps(made)) == "Detector('rising', n=20)"
    assert in_another_process(pickle.dumps(volatility)) == repr(volatility)


PROGRAM = """
import pickle, sys
import alertlib as al
from typing import NamedTuple
class S(NamedTuple):
    n: int = 0
@al.detector("mine", patterns=("a", "b"), state=S())
def mine(state, ring, bar, p):
    return 0, state
from tests.support.user_detectors import rises
rising = al.only("volatility", where=rises, name="rising")
made = al.only("volatility", between=("10:00", "16:00"))
of_mine = al.only(mine, between=("10:00", "16:00"))
lambdas = al.only("volatility", where=lambda bar: True, name="lambdas")
print(mine.lost, made.lost, of_mine.lost, lambdas.lost, file=sys.stderr)
sys.stdout.buffer.write(pickle.dumps(globals()[sys.argv[1]]))
"""


def program(name: str) -> tuple[bytes, str]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, name], cwd=ROOT, capture_output=True, check=True
    )
    return done.stdout, done.stderr.decode()


def test_of_a_program_only_what_is_made_of_importable_parts_travels() -> None:
    made, lost = program("made")
    assert lost.split() == ["mine", "None", "mine", "lambdas"]
    assert in_another_process(made).startswith("Detector('volatility.1000-1600', window=")
    for name in ("mine", "of_mine", "lambdas"):
        assert in_another_process(program(name)[0]).startswith("refused: detector '")


def test_what_a_program_declared_is_refused_in_one_line() -> None:
    assert in_another_process(program("mine")[0]) == (
        "refused: detector 'mine': declared in the program or notebook it comes from, which cannot "
        "be imported; expected a module; move it into a file of its own and import that"
    )


def test_a_module_that_is_not_there_or_breaks_is_named() -> None:
    content = pickle.dumps(user_detectors.follow)
    blocked = in_another_process(content, "sys.modules['tests.support.user_detectors'] = None")
    assert blocked.startswith(
        "refused: detector 'follow': its module tests.support.user_detectors cannot be imported "
        "here (ModuleNotFoundError: "
    )
    assert blocked.endswith("; expected the module that declared it; put it on the path")


def test_a_part_that_is_not_there_is_named() -> None:
    blocked = "sys.modules['tests.support.user_detectors'] = None"
    said = in_another_process(program("rising")[0], blocked)
    assert said.startswith(
        "refused: detector 'rising': what it is made of cannot be imported here "
        "(ModuleNotFoundError: "
    )


def test_a_detector_that_its_module_does_not_declare_is_refused() -> None:
    made = MADE["only"]()
    REGISTRY.pop(made.name)
    object.__setattr__(made, "recipe", None)
    with pytest.raises(ConfigError, match="was imported and declares no such detector"):
        again(made)


def test_of_two_modules_with_one_name_each_keeps_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    other = ModuleType("tests.other_follow")
    source = Path(user_detectors.__file__).read_text(encoding="utf-8")
    monkeypatch.setitem(sys.modules, other.__name__, other)
    exec(compile(source, "other_follow", "exec"), vars(other))

    assert REGISTRY["follow"] is other.follow
    assert again(user_detectors.follow) == user_detectors.follow
    assert again(other.follow) == other.follow
    assert again(user_detectors.follow) != again(other.follow)


def test_what_is_importable() -> None:
    assert is_importable(rises)
    assert is_importable(Path.read_text)
    assert not is_importable(lambda bar: True)
    assert not is_importable(MADE)
    assert not is_importable(None)
    assert not is_importable(lambda: rises)
