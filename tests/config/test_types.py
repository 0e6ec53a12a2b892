"""The kinds of text, and the mapping that cannot be changed."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from alertlib.config.types import (
    CallUrl,
    FrozenMap,
    Origin,
    PageUrl,
    SocketUrl,
    is_loopback,
    is_name,
    minute_of_day,
    minutes,
)
from alertlib.kernels.params import Range


def test_lengths_and_times_in_minutes() -> None:
    assert [minutes(text) for text in ("M1", "M30", "H4", "D1")] == [1, 30, 240, 1440]
    assert [minute_of_day(text) for text in ("00:00", "09:05", "23:59")] == [0, 545, 1439]


@pytest.mark.parametrize(
    "name", ["volatility", "exaustão_de_alta", "動量", "हिन्दी", "a.b:c-1", "x" * 64]
)
def test_a_name(name: str) -> None:
    assert is_name(name)


@pytest.mark.parametrize(
    "name",
    ["", "a b", "a\n", "x" * 65, "exausta\u0303o", "a/b", "a|b", "<b>", "a\u00a0b", "a,b", None, 1],
)
def test_not_a_name(name: object) -> None:
    assert not is_name(name)


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST",
        "127.0.0.1",
        "127.1.2.3",
        "::1",
        "[::1]",
        "localhost.",
        "::ffff:127.0.0.1",
    ],
)
def test_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    ["0.0.0.0", "::", "128.0.0.1", "127.0.0.1.example.com", "127.1", "fe80::1%eth0", "", "a"],
)
def test_another_machine(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize("host", ["[::1]", "[2001:db8::7]", "a" * 63 + ".example", "10.0.0.7"])
@pytest.mark.parametrize("kind", [CallUrl, Origin, PageUrl, SocketUrl])
def test_an_address_has_a_host_that_can_be_one(kind: Any, host: str) -> None:
    def address(host: str) -> str:
        return f"{'ws' if kind is SocketUrl else 'http'}s://{host}:8765"

    (pattern,) = kind.__metadata__
    assert address(host) in pattern
    for wrong in ("[12345::]", "[1.2.3.4]", "[:::1]", "a" * 64 + ".example", "[::1"):
        assert address(wrong) not in pattern


def test_a_frozen_map_is_a_value() -> None:
    entries = {"a": 1, "b": 2}
    frozen = FrozenMap(entries)
    entries["c"] = 3
    assert frozen == {"b": 2, "a": 1}
    assert len(frozen) == 2
    assert repr(frozen) == "{'a': 1, 'b': 2}"
    assert hash(frozen) == hash(FrozenMap({"b": 2, "a": 1}))
    assert copy.deepcopy(frozen) == pickle.loads(pickle.dumps(frozen)) == frozen
    with pytest.raises(TypeError):
        frozen["a"] = 2  # type: ignore[index]  # what is being tested


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (Range(2, 10_000_000), "from 2 to 10000000"),
        (Range(0.25, 2**63 - 1), "from 0.25 to 9223372036854775807"),
        (Range(above=0.0, high=100.0), "above 0 and at most 100"),
        (Range(above=0.5), "above 0.5"),
        (Range(low=0), "of at least 0"),
        (Range(high=5), "of at most 5"),
        (Range(), "of any size"),
    ],
)
def test_limits_in_words_lose_no_digit(limits: Range, words: str) -> None:
    """Found in a message: 1048576 was shown as 1.04858e+06."""
    assert str(limits) == words
