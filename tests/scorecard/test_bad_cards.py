"""What is no scorecard, or no longer one, is told in one line."""

from __future__ import annotations

import json
from typing import Any

import pytest

from alertlib.errors import DataError
from alertlib.scorecard.card import Scorecard
from tests.support import report_cards


def broken(**changes: Any) -> str:
    return json.dumps(report_cards.failed() | changes)


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "null", "3", b"\xff\xfe", "{}", '{"schema": "scorecard.v3"}',
        '{"schema": "scorecard.v2"}', '{"schema": ["scorecard.v2"]}',
        "[" * 100_000,
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
        {"trade": None}, {"settings": 3}, {"verdict": 3}, {"coin_flip": 3}, {"calibration": []},
    ],
)  # fmt: skip
def test_a_section_of_the_wrong_kind_is_told_in_one_line(changes: dict[str, Any]) -> None:
    """Found on edited cards: they were read, and fell over where they were rendered."""
    with pytest.raises(DataError, match=rf"^scorecard: {next(iter(changes))} is not .*; expected"):
        Scorecard.from_json(broken(**changes))
