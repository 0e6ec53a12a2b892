"""What is no scorecard, or no longer one, is told in one line."""

from __future__ import annotations

import copy
import io
import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from alertlib.errors import DataError
from alertlib.report.terminal.terminal import print_difference
from alertlib.scorecard.card import Scorecard, Verdict, read_card
from alertlib.scorecard.difference import compare_scorecards
from alertlib.scorecard.form import VERDICTS
from tests.support import report_cards


def broken(**changes: Any) -> str:
    return json.dumps(report_cards.failed() | changes)


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "null", "3", b"\xff\xfe", "{}", '{"schema": "scorecard.v3"}',
        '{"schema": "scorecard.v2"}', '{"schema": ["scorecard.v2"]}',
        "[" * 100_000, '{"schema": "scorecard.v2", "seed": NaN}', "\x00" * 400,
    ],
)  # fmt: skip
def test_what_is_no_card_is_told_in_one_line(text: str | bytes) -> None:
    with pytest.raises(DataError) as caught:
        Scorecard.from_json(text)

    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("scorecard: ")


@pytest.mark.parametrize(
    "changes",
    [
        {"criteria": [{}]}, {"criteria": [3]}, {"criteria": {}}, {"criteria": None},
        {"data": None}, {"data": []}, {"data": {}}, {"counts": 3}, {"criteria": 3},
        {"per_session": {}}, {"reasons": "x"},
        {"sensitivity": [{}]}, {"sensitivity": [{"k": "2", "min_move_left": 0}]},
        {"per_detector": [1]}, {"per_detector": [{"name": "a"}]}, {"warnings": [3]}, {"spec": None},
        {"trade": None}, {"settings": 3}, {"verdict": 3}, {"verdict": "MAYBE"},
        {"coin_flip": 3}, {"calibration": []},
        *(
            {"counts": {k: v for k, v in report_cards.passed()["counts"].items() if k != needed}}
            for needed in ("alerts", "opportunities", "trades", "ambiguous")
        ),
    ],
)  # fmt: skip
def test_a_section_of_the_wrong_kind_is_told_in_one_line(changes: dict[str, Any]) -> None:
    """Found on edited cards: they were read, and fell over where they were rendered."""
    with pytest.raises(DataError, match=rf"^scorecard: {next(iter(changes))} is not .*; expected"):
        Scorecard.from_json(broken(**changes))


def nodes(tree: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place of a JSON tree, of long lists the first two."""
    yield path
    items = tree.items() if isinstance(tree, dict) else ()
    for name, value in items or (enumerate(tree[:2]) if isinstance(tree, list) else ()):
        yield from nodes(value, (*path, name))


GOOD = report_cards.failed()
VALUES = [None, "text", -1, 0.5, [], {}, [1], [{}], {"a": 1}, True]


@given(where=st.sampled_from([path for path in nodes(GOOD) if path]), value=st.sampled_from(VALUES))
def test_an_edited_card_is_refused_or_compared(where: tuple[Any, ...], value: Any) -> None:
    """Of 3,552 such edits 110 ended in a traceback."""
    *above, last = where
    card = copy.deepcopy(GOOD)
    inner = card
    for name in above:
        inner = inner[name]
    inner[last] = value

    with suppress(DataError):
        read = read_card(json.dumps(card), "edited")
        print_difference(compare_scorecards(read, GOOD), Console(file=io.StringIO()))
        assert repr(Scorecard.from_json(json.dumps(card))).startswith("<Scorecard ")


def test_the_verdicts_of_the_form_are_those_of_the_card() -> None:
    assert get_args(Verdict) == VERDICTS
