"""Parameters of a user's own detector, checked by the annotations of their class."""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated, Any, Literal, NamedTuple

import pytest

from alertlib.config import load_config
from alertlib.config.convert import fill
from alertlib.errors import ConfigError
from alertlib.kernels.params import Range


class Speed(IntEnum):
    slow = 0
    fast = 1


class Params(NamedTuple):
    n: Annotated[int, Range(2, 50)] = 20
    share: float = 0.5
    speed: Speed = Speed.slow
    levels: tuple[int, ...] = ()
    anything: Any = None
    step: Literal[1, 5] = 1
    either: int | float | None = 1
    odd: dict[str, int] | list[int] = []  # noqa: RUF012 - a kind the reader does not know


def test_what_is_stated_replaces_the_default() -> None:
    given = {
        "n": 5,
        "share": 1,
        "speed": "fast",
        "levels": [1, 2],
        "step": 5,
        "anything": "x",
        "odd": 3,
    }
    filled = fill(Params(share=0.1), given, "p")
    assert filled == Params(5, 1.0, Speed.fast, (1, 2), "x", step=5, odd=3)  # type: ignore[arg-type]  # as said
    assert isinstance(filled.share, float)
    assert fill(Params(share=0.1), {}, "p") == Params(share=0.1)
    assert [fill(Params(), {"either": x}, "p").either for x in (2, 2.5, None)] == [2, 2.5, None]


def test_the_way_from_the_file() -> None:
    config = load_config(overrides=["detection.custom.m:d={n: 7, speed: fast}"])
    assert fill(Params(), config.detection.custom["m:d"], "p") == Params(n=7, speed=Speed.fast)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"n": 51}, r"^p\.n: got 51, expected a whole number from 2 to 50$"),
        ({"n": 5.5}, r"^p\.n: got 5\.5, expected a whole number from 2 to 50$"),
        ({"speed": "medium"}, r'^p\.speed: got "medium", expected one of slow, fast$'),
        ({"levels": [1, "x"]}, r'^p\.levels\[1\]: got "x", expected a whole number$'),
        ({"step": 2}, r"^p\.step: got 2, expected one of 1, 5$"),
        ({"m": 5}, r"^p\.m: got an unknown key, expected one of n, share"),
        ({"share": None}, r"^p\.share: got null, expected a number$"),
        ([1], r"^p: got a list, expected a section$"),
    ],
)
def test_a_wrong_one_is_refused(given: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        fill(Params(), given, "p")


def test_a_class_whose_annotations_cannot_be_resolved_takes_any_scalar() -> None:
    class Local(NamedTuple):
        n: Missing = 3  # type: ignore[name-defined]  # noqa: F821 - what is being tested

    assert fill(Local(), {"n": 4}, "p").n == 4
