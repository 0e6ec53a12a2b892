"""What a scorecard is worth by the plan, whatever gate it was made with."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from alertlib.scorecard import plan
from alertlib.scorecard.plan import Standing
from tests.support import report_cards
from tests.support.old_cards import as_v1

Card = dict[str, Any]


def card(**changes: Any) -> Card:
    return copy.deepcopy(report_cards.passed()) | changes


def line(of: Card, name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(line for line in of["criteria"] if line["name"] == name)
    return found


@pytest.mark.parametrize(
    ("changes", "standing"),
    [
        ({}, Standing.PROVEN),
        ({"proven": False}, Standing.UNPROVEN),
        ({"in_sample_possible": True}, Standing.IN_SAMPLE),
        ({"verdict": "UNTESTED"}, Standing.UNTESTED),
        ({"verdict": "INSUFFICIENT"}, Standing.SHORT),
        ({"verdict": "FAIL"}, Standing.FAILED),
    ],
)
def test_each_verdict_has_its_standing(changes: Card, standing: Standing) -> None:
    assert plan.standing(card(**changes)) is standing


def test_no_gate_of_the_plan_may_be_left_out_or_made_laxer() -> None:
    rails = [line["name"] for line in card()["criteria"] if line["name"] not in plan.CRITERIA]
    assert len(rails) == 13
    for name in rails:
        missing, laxer, stricter = card(), card(), card()
        missing["criteria"] = [one for one in missing["criteria"] if one["name"] != name]
        step = 0.01 if line(laxer, name)["op"].startswith("<") else -0.01
        line(laxer, name)["threshold"] += step
        line(stricter, name)["threshold"] -= step
        assert plan.standing(missing) is Standing.RELAXED
        assert plan.relaxed(laxer) == [name]
        assert plan.standing(stricter) is Standing.PROVEN


def test_a_rate_that_misses_the_plan_fails_whatever_limit_the_card_had() -> None:
    easy = card()
    line(easy, "false_positive_share").update(value=0.2, threshold=0.3, passed=True)
    assert plan.standing(easy) is Standing.FAILED
    assert [one["name"] for one in plan.misses(easy)] == ["false_positive_share"]


def test_failed_rails_are_what_did_not_pass_beside_the_customers_criteria() -> None:
    failing = card(verdict="FAIL")
    for name in ("win_rate", "win_rate_chance", "min_alerts"):
        line(failing, name)["passed"] = False

    assert [one["name"] for one in plan.failed_rails(failing)] == ["min_alerts", "win_rate_chance"]
    assert plan.failed_rails(card()) == []


def test_a_card_of_the_version_before_is_no_proof() -> None:
    assert plan.standing(as_v1(report_cards.passed())) is Standing.RELAXED


def test_the_worst_card_decides_and_of_equals_the_farthest() -> None:
    near, far = card(verdict="FAIL"), card(verdict="FAIL")
    line(near, "win_rate").update(value=0.59, passed=False)
    line(far, "win_rate").update(value=0.30, passed=False)
    assert plan.worst([card(), near, far, card(proven=False)]) == 2
    assert plan.worst([card(), card(proven=False)]) == 1


def test_a_rate_that_a_card_lacks_is_shown_and_has_not_passed() -> None:
    without = card()
    without["criteria"] = [one for one in without["criteria"] if one["name"] != "win_rate"]
    assert plan.rates(without)[-1] == {"name": "win_rate", "value": None, "passed": False}
