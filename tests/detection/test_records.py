"""NamedTuples in NamedTuples: declared, in quanta, written down and read again."""

from __future__ import annotations

import json
from math import inf
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertlib.config import Config
from alertlib.detection.bar import Bar
from alertlib.detection.detectors import REGISTRY, detector
from alertlib.detection.records import from_lists, in_quanta, to_lists
from alertlib.detection.stream import Stream
from alertlib.errors import ConfigError
from tests.support.synthetic import walk

pytestmark = pytest.mark.usefixtures("own_registry")


class Flat(NamedTuple):
    margin_ticks: int = 3
    share: float = 0.5


class Empty(NamedTuple):
    """Nothing in it."""


class Deep(NamedTuple):
    flat: Flat = Flat()
    stop_ticks: float = 1.0
    empty: Empty = Empty()


class Deeper(NamedTuple):
    one: Deep = Deep()
    best: float = -inf
    other: Flat = Flat()


numbers = st.integers(-(2**53), 2**53)
flats = st.builds(Flat, numbers, st.floats(allow_nan=False))
deepers = st.builds(
    Deeper, st.builds(Deep, flats, st.floats(allow_nan=False)), st.floats(allow_nan=False), flats
)


def types_of(record: Any) -> Any:
    return type(record), [types_of(v) if isinstance(v, tuple) else type(v) for v in record]


@given(deepers)
def test_a_record_survives_being_written_to_json(record: Deeper) -> None:
    read = from_lists(Deeper(), json.loads(json.dumps(to_lists(record))))

    assert read == record
    assert types_of(read) == types_of(record)


@given(flats)
def test_a_flat_record_is_written_as_its_list(record: Flat) -> None:
    assert to_lists(record) == list(record)


def test_fields_in_ticks_are_found_at_any_depth() -> None:
    given = Deeper(one=Deep(flat=Flat(2, 1), stop_ticks=4), best=7)

    assert repr(in_quanta(given, 5)) == repr(
        Deeper(one=Deep(flat=Flat(10, 1.0), stop_ticks=20.0), best=7.0, other=Flat(15, 0.5))
    )
    assert in_quanta(Flat(2, 0.5), 5) == Flat(10, 0.5)


def test_a_field_that_is_no_number_is_named_by_its_path() -> None:
    odd: Any = [1]
    with pytest.raises(ConfigError, match=r"'bad': state\.one\.flat\.margin_ticks: got \[1\], exp"):
        detector("bad", patterns=("a", "b"), state=Deeper(one=Deep(flat=Flat(odd))))


def test_a_stream_continues_from_a_nested_state() -> None:
    @detector("nested", patterns=("a", "b"), state=Deeper(), params=Deep())
    def nested(state: Deeper, ring: Any, bar: Any, params: Deep) -> tuple[int, Deeper]:
        seen = state.one.flat.margin_ticks + params.flat.margin_ticks
        signal = 1 if seen % 7 == 0 else 0
        return signal, state._replace(one=Deep(flat=Flat(seen, inf)))

    config = Config().set("detection.enabled", (nested.name,))
    rows = walk(43, sessions=2)
    whole, first, second = (Stream(config, symbol="WIN$N", timeframe="M5") for _ in range(3))
    expected = [whole.on_bar(Bar(*row)) for row in rows]
    for row in rows[:70]:
        first.on_bar(Bar(*row))

    second.restore(json.loads(json.dumps(first.snapshot())))

    assert [second.on_bar(Bar(*row)) for row in rows[70:]] == expected[70:]
    assert any(expected[70:])
    assert second.snapshot() == whole.snapshot()
    assert "nested" in REGISTRY
