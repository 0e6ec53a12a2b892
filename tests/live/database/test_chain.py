"""Laws of the chain's text: one form for every value, numbered and unnumbered without loss."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertlib.market.clock import utc_stamp
from runners.live.database.chain import (
    canonical_json,
    event_hash,
    parse_canonical,
    split_object,
    without_seq,
)
from tests.support.audit_data import independent_hash

TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
SCALAR = st.none() | st.booleans() | st.integers() | FINITE
VALUE = st.recursive(
    SCALAR | TEXT | st.just('"seq":1'),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT | st.just("seq"), inner),
    max_leaves=8,
)
PAYLOAD = st.dictionaries(TEXT.filter(lambda key: key != "seq"), VALUE, min_size=1, max_size=6)


@given(PAYLOAD, st.integers(1, 10**12))
def test_numbering_puts_the_key_in_and_takes_it_out_again(
    payload: dict[str, Any], seq: int
) -> None:
    body = split_object(payload)
    numbered = body.numbered(seq)
    assert body.plain() == canonical_json(payload)
    assert numbered == canonical_json({**payload, "seq": seq})
    assert without_seq(numbered, seq) == body.plain()


@given(PAYLOAD, TEXT, st.integers(1, 2**62))
def test_the_hash_is_the_documented_one(data: dict[str, Any], actor: str, seq: int) -> None:
    ts = "2026-07-28T13:00:00.000000Z"
    ours = event_hash("0" * 64, seq, ts, "alert", actor, canonical_json(data))
    assert ours == independent_hash("0" * 64, seq, ts, "alert", actor, json.loads(json.dumps(data)))


@given(PAYLOAD)
def test_canonical_text_is_read_back_as_itself_and_nothing_else_is(data: dict[str, Any]) -> None:
    text = canonical_json(data)
    assert parse_canonical(text) == data
    assert parse_canonical(f" {text}") is None
    assert parse_canonical(text[:-1]) is None


@pytest.mark.parametrize("text", ["[]", "1", "null", '{"b":1,"a":2}', '{"a":1,"a":1}', "[" * 9_999])
def test_what_is_no_canonical_object_is_refused(text: str) -> None:
    assert parse_canonical(text) is None


@pytest.mark.parametrize("value", [float("inf"), {1: 2}, {"a": [{None: 1}]}, {"a": {1, 2}}, b"x"])
def test_what_is_no_json_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="JSON"):
        canonical_json(value)


def test_a_time_always_has_six_decimals() -> None:
    assert utc_stamp(1_785_240_000.0) == "2026-07-28T12:00:00.000000Z"
    assert utc_stamp(1_785_240_000.25) == "2026-07-28T12:00:00.250000Z"
