"""The scorecard as JUnit XML and as annotations: what machines read."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertlib.report import formats, sentences
from alertlib.report.ci.annotations import annotation_lines
from alertlib.report.ci.step_summary import step_summary
from tests.support import report_cards
from tests.support.renderings import suite_of


@pytest.mark.parametrize("name", report_cards.NAMES)
def test_one_case_per_criterion_failing_as_it_does(name: str) -> None:
    card = report_cards.every()[name]
    cases = suite_of(card).findall("testcase")
    assert [case.attrib["name"] for case in cases] == [c["name"] for c in card["criteria"]]
    kind = "error" if card["verdict"] in ("INSUFFICIENT", "UNTESTED") else "failure"
    for case, line in zip(cases, card["criteria"], strict=True):
        assert [child.tag for child in case] == ([] if line["passed"] else [kind])
        if not line["passed"]:
            shown = "undefined" if line["value"] is None else formats.shown(line)
            assert shown in case[0].attrib["message"]
            assert formats.limit_text(line) in case[0].attrib["message"]


def test_the_chance_level_of_the_net_result_is_points_and_no_share() -> None:
    """Found as ``chance -1,135.4%``: every chance level was written as a share."""
    card = report_cards.passed()
    rail = next(c for c in card["criteria"] if c["name"] == "expectancy_chance")
    told = suite_of(card).findtext("system-out") or ""
    assert f"chance {formats.points(rail['chance'])} points; p 0.01" in told
    assert not re.search(r"chance -?[\d,]{3,}\.\d%", told)


def test_properties_carry_hash_and_verdict() -> None:
    card = report_cards.passed()
    found = {p.attrib["name"]: p.attrib["value"] for p in suite_of(card).iter("property")}
    assert found["verdict"] == "PASS"
    assert found["proven"] == "true"
    assert found["synthetic"] == "true"
    assert found["data.sha256"] == card["data"]["sha256"]
    assert found["spec_hash"] == card["spec_hash"]
    assert "git_rev" not in found


def test_the_time_has_no_zone() -> None:
    card = report_cards.passed()
    assert "timestamp" not in suite_of(card).attrib
    stamped = suite_of(card | {"generated_at": "2026-01-02T03:04:05Z"})
    assert stamped.attrib["timestamp"] == "2026-01-02T03:04:05"


def test_failures_of_the_sample_say_that_it_is_synthetic() -> None:
    messages = [f.attrib["message"] for f in suite_of(report_cards.failed()).iter("failure")]
    assert messages
    assert all(message.startswith("[SYNTHETIC SAMPLE]") for message in messages)


def test_a_gate_that_demands_proof_does_not_look_green() -> None:
    card = report_cards.passed() | {"verdict": "FAIL", "proven": False}
    card["criteria"][1]["proven"] = False
    failures = suite_of(card).findall("testcase/failure")
    assert len(failures) == 1
    assert "one-sided 95 % bound" in failures[0].attrib["message"]


@given(st.text(max_size=40))
def test_any_text_makes_valid_xml_and_comes_back(text: str) -> None:
    card = report_cards.failed() | {"warnings": [text]}
    card["data"] |= {"source": text, "symbol": text}
    suite, notes = suite_of(card), sentences.caveats(card)
    assert len(notes) == 2
    found = {p.attrib["name"]: p.attrib["value"] for p in suite.iter("property")}
    assert found["data.source"] == formats.clean(text)
    *caveats, warning = (suite.findtext("system-err") or "").split("\n", len(notes))
    assert (caveats, warning) == (notes, formats.clean(text))


COMMAND = re.compile(r"::(error|warning|notice) title=([^:,\n\r]*)::([^\n\r]*)")


def obey(line: str) -> tuple[str, str, str]:
    """Read a workflow command as GitHub's runner does."""
    match = COMMAND.fullmatch(line)
    assert match, line
    level, title, message = match.groups()
    for code, character in (("%2C", ","), ("%3A", ":"), ("%0A", "\n"), ("%0D", "\r"), ("%25", "%")):
        title = title.replace(code, character)
        if code not in ("%2C", "%3A"):
            message = message.replace(code, character)
    return level, title, message


def test_a_pass_is_one_notice_and_what_it_does_not_mean() -> None:
    card = report_cards.passed() | {"warnings": []}
    (level, title, message), *beside = map(obey, annotation_lines(card, "github"))
    assert [(level, text) for level, _, text in beside] == [
        ("warning", caveat) for caveat in sentences.caveats(card)
    ]
    assert "bars without direction" in beside[0][2]
    assert level == "notice"
    assert title == "Alert gate PASS: WIN$N M5 [SYNTHETIC SAMPLE]"
    assert "capture rate 92.1% (>= 85.0%, chance" in message
    assert message.endswith("proven: the one-sided 95 % bounds clear the limits too")


@pytest.mark.parametrize("name", ["failed", "silent", "insufficient"])
def test_every_reason_is_an_error_and_every_warning_a_warning(name: str) -> None:
    card = report_cards.every()[name]
    read = [obey(line) for line in annotation_lines(card, "github")]
    errors = [message for level, _, message in read if level == "error"]
    told = " ".join(errors[1:])
    assert all(reason in told for reason in card["reasons"])
    assert errors[1:9] == card["reasons"][:8]
    warned = [m for level, _, m in read if level == "warning"]
    assert warned == sentences.caveats(card) + card["warnings"]
    assert all(card["verdict"] in title for level, title, _ in read if level == "error")


def test_no_level_exceeds_what_github_shows() -> None:
    many = [f"text {i}" for i in range(30)]
    card = report_cards.failed() | {"reasons": many, "warnings": many}
    read = [obey(line) for line in annotation_lines(card, "github")]
    for level in ("error", "warning"):
        messages = [message for kind, _, message in read if kind == level]
        assert len(messages) == 10
        assert messages[-1].endswith("text 29")
        assert all(text in " ".join(messages) for text in many)


@given(st.text(max_size=40))
def test_any_text_stays_in_its_command(text: str) -> None:
    card = report_cards.failed() | {"reasons": [text], "warnings": []}
    card["data"]["symbol"] = text
    commands = annotation_lines(card, "github")
    assert len(commands) == 2 + len(sentences.caveats(card))
    cleaned = formats.clean(text)
    assert [obey(line)[1] for line in commands[:2]] == [
        f"Alert gate FAIL: {cleaned} M5 [SYNTHETIC SAMPLE]"
    ] * 2
    assert all(obey(line)[0] == "warning" for line in commands[2:])
    assert obey(commands[1])[2] == cleaned


def test_auto_asks_the_environment() -> None:
    card = report_cards.failed()
    shown = annotation_lines(card, "github")
    assert annotation_lines(card, "auto", {"GITHUB_ACTIONS": "true"}) == shown
    assert annotation_lines(card, "auto", {"GITHUB_ACTIONS": "false"}) == []
    assert annotation_lines(card, "auto", {}) == annotation_lines(card, "auto") == []
    assert annotation_lines(card, "none", {"GITHUB_ACTIONS": "true"}) == []


@pytest.mark.parametrize("name", report_cards.NAMES)
def test_a_summary_is_tables_of_equal_rows_and_no_text_of_a_file_is_markup(name: str) -> None:
    card = report_cards.every()[name]
    text = step_summary(card)

    rows = [line for line in text.splitlines() if line.startswith("| ")]
    cells = [len(re.split(r"(?<!\\)\|", row)) for row in rows]
    assert set(cells) <= {6, 10}
    for line in formats.rates(card):
        assert formats.shown(line).replace("-", r"\-") in text
    for reason in formats.reasons(card):
        assert " ".join(reason.split())[:5] in text.replace("\\", "")
    assert not re.search(r"(?<!\\)[<`*]", text)
    assert "### " + card["verdict"] in text
