"""What is told of two scorecards that differ, and what is not."""

from __future__ import annotations

import copy
from typing import Any

import polars as pl
import pytest

from alertlib.scorecard.difference import Change, Difference, compare_scorecards
from tests.support import report_cards

Card = dict[str, Any]


def card(**changes: Any) -> Card:
    return copy.deepcopy(report_cards.passed()) | changes


def with_rate(factor: float) -> Card:
    changed = card()
    changed["rates"]["oracle_ceiling"] *= factor
    return changed


def test_a_card_does_not_differ_from_itself() -> None:
    same = compare_scorecards(card(), card())

    assert (same.comparable, same.settings, same.changes, same.telling) == (True, {}, (), ())
    assert same.lines() == ["no difference"]


@pytest.mark.parametrize(("off", "told"), [(1e-13, False), (1e-11, True), (-1e-11, True)])
def test_figures_summed_in_another_order_are_the_same(off: float, told: bool) -> None:
    found = compare_scorecards(card(), with_rate(1 + off)).changes

    assert [change.path for change in found] == ["rates.oracle_ceiling"] * told


def test_the_same_figures_of_nought_are_the_same() -> None:
    before, after, other = card(), card(), card()
    before["trade"]["expectancy_r"] = 0.0
    after["trade"]["expectancy_r"] = 1e-13
    other["trade"]["expectancy_r"] = 1e-11

    assert compare_scorecards(before, after).changes == ()
    assert len(compare_scorecards(before, other).changes) == 1


@pytest.mark.parametrize("section", ["sha256", "spec_hash"])
def test_other_bars_or_another_spec_are_not_comparable(section: str) -> None:
    other = card()
    if section == "sha256":
        other["data"]["sha256"] = "f" * 64
    else:
        other["spec_hash"] = "f" * 64

    found = compare_scorecards(card(), other)

    assert not found.comparable
    assert found.lines()[0] == "NOT COMPARABLE: other bars, or another spec of scoring"


def test_settings_are_told_apart_from_figures() -> None:
    before, after = card(settings={"gate": {"k": 1, "same": 2}}), card(settings={"gate": {"k": 3}})

    found = compare_scorecards(before, after)

    assert found.settings == {"gate.k": (1, 3), "gate.same": (2, None)}
    assert found.changes == ()
    assert found.lines() == ["gate.k: 1 -> 3", "gate.same: 2 -> None"]


@pytest.mark.parametrize(
    "ignored", ["generated_at", "git_rev", "config_hash", "versions", "per_session", "audits"]
)
def test_what_differs_between_any_two_runs_is_not_told(ignored: str) -> None:
    assert compare_scorecards(card(), card(**{ignored: "another"})).changes == ()


@pytest.mark.parametrize(
    ("before", "after", "delta"),
    [(1, 3, 2.0), (0.5, 0.25, -0.25), (True, False, None), (None, 1.0, None), ("a", "b", None)],
)
def test_a_change_has_a_delta_where_both_are_numbers(before: Any, after: Any, delta: Any) -> None:
    assert Change("x", before, after).delta == delta


@pytest.mark.parametrize(
    ("path", "follows"),
    [
        ("criteria.win_rate.value", False),
        ("criteria.win_rate.ci_low", True),
        ("criteria.win_rate.chance", False),
        ("criteria.win_rate_chance.chance", True),
        ("criteria.win_rate_chance.passed", False),
        ("criteria.min_alerts.value", True),
        ("rates.win_rate", True),
        ("rates.oracle_ceiling", False),
        ("sensitivity.k=3 left=0.capture_rate", True),
        ("reasons", True),
        ("verdict", False),
    ],
)
def test_figures_that_follow_from_others_are_only_counted(path: str, follows: bool) -> None:
    change = Change(path, 1.0, 2.0)
    found = Difference(True, {}, (change,))

    assert change.follows == follows
    assert found.telling == (() if follows else (change,))
    told = f"{path}  1.0000 -> 2.0000  (+1)"
    assert found.lines() == (["and 1 figure that follows from these"] if follows else [told])


def test_alerts_that_came_went_and_changed_are_counted_where_both_runs_are_known() -> None:
    frames = [pl.DataFrame({"bar": [0] * n}) for n in (1, 2, 3)]
    whole = Difference(True, {}, (), *frames)

    assert whole.lines() == [
        "alerts: 1 gained, 2 lost, 3 under another pattern or confidence"
    ]  # fmt: skip
    for missing in range(3):
        some = [None if n == missing else frame for n, frame in enumerate(frames)]
        assert Difference(True, {}, (), *some).alert_line() == ""


def test_one_of_a_kind_is_found_by_its_name_not_by_its_place() -> None:
    turned = card()
    turned["criteria"] = turned["criteria"][::-1]
    turned["per_detector"] = turned["per_detector"][::-1]
    turned["sensitivity"] = turned["sensitivity"][::-1]

    assert compare_scorecards(card(), turned).changes == ()


def filtered(alerts: int) -> Card:
    """A card in which a detector and ``only`` of it share a pattern; the second is silent."""
    made = card()
    row = made["per_detector"][0]
    made["per_detector"] = [row | {"alerts": alerts}, row | {"name": "volatility.x", "alerts": 0}]
    return made


def test_one_pattern_of_two_detectors_is_two_rows() -> None:
    """Found: the last row of a pattern stood for all, and 122 -> 349 alerts were no change."""
    name, pattern = (filtered(1)["per_detector"][0][key] for key in ("name", "pattern"))

    found = compare_scorecards(filtered(122), filtered(349))

    (change,) = found.changes
    assert change == Change(f"per_detector.{name} {pattern}.alerts", 122, 349)


def test_a_pattern_that_another_detector_shares_in_one_card_is_compared_with_its_own() -> None:
    before = card()
    before["per_detector"] = [before["per_detector"][0] | {"alerts": 122}]
    name, pattern = (before["per_detector"][0][key] for key in ("name", "pattern"))

    for pair in ((before, filtered(349)), (filtered(349), before)):
        paths = {change.path: change for change in compare_scorecards(*pair).changes}
        kept = paths[f"per_detector.{name} {pattern}.alerts"]
        assert {kept.before, kept.after} == {122, 349}
        other = paths[f"per_detector.volatility.x {pattern}.alerts"]
        assert {other.before, other.after} == {None, 0}
