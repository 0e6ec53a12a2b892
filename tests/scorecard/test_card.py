"""Scorecards read back: of this version, of the one before, and what is none."""

from __future__ import annotations

import copy
import json
import pickle
from hashlib import sha256
from typing import Any

import pytest

from alertlib.errors import DataError
from alertlib.report import formats, tables
from alertlib.report.ci.annotations import annotation_lines
from alertlib.report.ci.junit import junit_xml
from alertlib.report.page.page import scorecard_fragment, scorecard_page
from alertlib.report.plain import run_text
from alertlib.scorecard.card import Scorecard, canonical_hash
from alertlib.scorecard.difference import compare_scorecards
from tests.support import report_cards
from tests.support.old_cards import as_v1
from tests.support.renderings import printed, suite_of


@pytest.mark.parametrize("name", ["passed", "failed", "silent", "insufficient"])
def test_a_card_comes_back_from_its_json_as_it_was(name: str) -> None:
    values = report_cards.every()[name]
    text = json.dumps(values)

    card = Scorecard.from_json(text)

    assert card.to_dict() == values
    assert Scorecard.from_json(card.to_json().encode()) == card
    assert card.criterion("win_rate").value == values["criteria"][2]["value"]


def test_a_card_shows_its_verdict_and_the_three_criteria_of_the_customer() -> None:
    values = report_cards.passed()
    values["data"]["synthetic"] = False
    for line, value in zip(values["criteria"], (0.8754, None, 0.61), strict=False):
        line["value"] = value

    assert repr(Scorecard.from_json(json.dumps(values))) == (
        "<Scorecard PASS: capture_rate 0.875, false_positive_share undefined, win_rate 0.610>"
    )


@pytest.mark.parametrize("name", ["passed", "failed", "silent", "insufficient"])
def test_copies_of_a_card_are_equal(name: str) -> None:
    card = Scorecard.from_json(json.dumps(report_cards.every()[name]))

    for twin in (copy.copy(card), copy.deepcopy(card), pickle.loads(pickle.dumps(card))):
        assert twin == card
        assert twin.to_json() == card.to_json()


@pytest.mark.parametrize("name", ["passed", "failed", "silent", "insufficient"])
def test_a_card_of_the_version_before_is_read_with_what_it_has(name: str) -> None:
    old = as_v1(report_cards.every()[name])

    card = Scorecard.from_json(json.dumps(old))

    assert card.schema == "scorecard.v1"
    assert (card.coin_flip, card.calibration, card.in_sample_possible) == (None, {}, False)
    assert card.changed_settings == {}
    assert all(c.reason is None for c in card.criteria)
    known = card.to_dict()
    assert {k: v for k, v in known.items() if k in old and k != "criteria"} == {
        k: v for k, v in old.items() if k != "criteria"
    }
    for was, criterion in zip(old["criteria"], known["criteria"], strict=True):
        assert criterion == was | {"reason": None}
    assert repr(card).startswith(f"<Scorecard {old['verdict']}")


@pytest.mark.parametrize("name", ["passed", "failed", "silent", "insufficient"])
def test_a_card_of_the_version_before_is_rendered_everywhere(name: str) -> None:
    old = as_v1(report_cards.every()[name])

    texts = [
        printed(old, 200), scorecard_page(old), scorecard_fragment(old), run_text(old),
        junit_xml(old), "\n".join(annotation_lines(old, "github")),
    ]  # fmt: skip

    for text in texts:
        assert old["verdict"] in text
        assert "bars without direction" not in text  # it did not measure them
        assert "in-sample" not in text
    for cell in (cell for row in tables.rail_rows(old) for cell in row):
        assert cell in " ".join(texts[0].split())
    assert "win rate by chance" in texts[0]
    assert [c.attrib["name"] for c in suite_of(old).findall("testcase")] == [
        c["name"] for c in old["criteria"]
    ]
    if name != "silent":
        assert "half hour" in texts[1]
        assert formats.deciding_null(old["criteria"][0])


def test_the_two_versions_are_compared_and_said_to_be_incomparable() -> None:
    new = report_cards.failed()
    difference = compare_scorecards(as_v1(new), new)

    assert not difference.comparable
    paths = {change.path for change in difference.changes}
    assert "spec" in paths
    assert "criteria.more_than_geometry.value" in paths
    assert "criteria.capture_rate.value" not in paths  # the same figure
    assert difference.settings == {"scoring.sessions": (60, None)}


def test_letters_of_any_script_stand_in_the_json_as_they_are() -> None:
    values = report_cards.passed()
    values["data"]["source"] = "índice ação.csv"

    assert '"índice ação.csv"' in Scorecard.from_json(json.dumps(values)).to_json()


@pytest.mark.parametrize("given", [3, None, {"schema": "scorecard.v2"}])
def test_what_is_no_text_is_told_in_one_line(given: Any) -> None:
    with pytest.raises(DataError, match="expected the JSON text of a scorecard") as caught:
        Scorecard.from_json(given)

    assert "\n" not in str(caught.value)


def test_a_hash_is_of_the_values_whatever_order_they_were_put_down_in() -> None:
    text = '{"a":[1,2.5],"ç":null}'

    assert canonical_hash({"ç": None, "a": (1, 2.5)}) == sha256(text.encode()).hexdigest()
