"""What every rendering of a scorecard shares, and the plain text."""

from __future__ import annotations

import copy
import io
import re
import subprocess
import sys
from html import unescape
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.console import Console

from alertlib.report import formats, sentences, tables
from alertlib.report.ci.annotations import annotation_lines
from alertlib.report.ci.junit import junit_xml
from alertlib.report.page.page import scorecard_fragment, scorecard_page
from alertlib.report.plain import run_text
from alertlib.report.terminal.terminal import print_scorecard
from tests.support import report_cards

SHARES = st.floats(0, 1)


def line(name: str, value: float | None, threshold: float, **more: Any) -> dict[str, Any]:
    return {"name": name, "value": value, "threshold": threshold, "op": ">="} | more


@pytest.mark.parametrize("name", report_cards.NAMES)
def test_text_fits_twelve_lines_and_leads_with_the_verdict(name: str) -> None:
    card = report_cards.every()[name]
    lines = run_text(card).splitlines()
    assert len(lines) <= 12
    assert lines[0].startswith(card["verdict"])
    for text in ("capture rate", "false positives", "win rate"):
        assert sum(row.strip().startswith(text) for row in lines) == 1


def test_text_says_synthetic_sample_of_it_alone() -> None:
    card = report_cards.passed()
    assert "SYNTHETIC SAMPLE" in run_text(card).splitlines()[0]
    card["data"]["synthetic"] = False
    assert "SYNTHETIC" not in run_text(card)


def test_repr_of_a_run_is_its_text() -> None:
    run = report_cards.passed_run()
    assert repr(run) == run_text(run.scorecard) == run_text(run.scorecard.to_dict())


def test_text_needs_neither_rich_nor_jinja2() -> None:
    code = (
        "import sys, alertlib.report.plain; print({'rich', 'jinja2', 'numpy'} & set(sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"


def test_reasons_beyond_four_are_counted_not_dropped() -> None:
    card = report_cards.failed() | {"reasons": [f"reason {i}" for i in range(7)]}
    assert "  - reason 3\n  - and 3 more\n  * " in run_text(card)


@pytest.mark.parametrize("name", ["passed", "failed", "insufficient"])
def test_caveats_stand_beside_the_verdict_in_every_rendering(name: str) -> None:
    card = report_cards.every()[name] | {
        "in_sample_possible": True, "changed_settings": {"trade.stop_atr": [2.0, 1.5]},
    }  # fmt: skip
    caveats = sentences.caveats(card)
    assert [caveat.split(" ")[0] for caveat in caveats] == ["an", "the", "settings"]
    assert caveats[2] == "settings changed (default): trade.stop_atr 2.0 (1.5)"
    file = io.StringIO()
    print_scorecard(card, Console(file=file, width=400))

    renderings = [
        run_text(card), file.getvalue(), junit_xml(card), scorecard_page(card),
        scorecard_fragment(card), "\n".join(annotation_lines(card, "github")).replace("%25", "%"),
    ]  # fmt: skip

    for text in renderings:
        plain = " ".join(unescape(text).replace("│", " ").split())
        assert not [caveat for caveat in caveats if caveat not in plain]


def test_the_coin_flip_level_is_one_plain_sentence() -> None:
    found = {"capture_rate": 0.86, "false_positive_share": 0.1, "win_rate": 0.49, "alerts": 418.2}
    card = report_cards.passed() | {"coin_flip": found}
    assert sentences.coin_flip_note(card) == (
        "the same detectors on bars without direction score 86.0% / 10.0% / 49.0% "
        "(capture / false positives / win rate) with 418 alerts"
    )
    assert sentences.coin_flip_note(card | {"coin_flip": None}) == ""
    told = sentences.background_facts(card)
    assert any("does not mean that there is an edge" in fact for _, fact in told)


def test_without_caveats_nothing_is_added() -> None:
    card = report_cards.passed() | {"coin_flip": None, "changed_settings": {}}
    assert sentences.caveats(card) == []


def test_calibration_is_told_of_detectors_that_led_alerts() -> None:
    found = {"alerts": 200, "valid": 168, "expected": 166.4, "z": 0.312}
    silent = {"alerts": 0, "valid": 0, "expected": 0.0, "z": None}
    card = report_cards.passed() | {"calibration": {"dc": found, "other": silent}}
    assert sentences.calibration_notes(card) == [
        "dc led 200 alerts, 168 of them valid; it expected 166.4 (z +0.31)"
    ]


def test_what_was_not_tested_is_not_said_to_have_failed() -> None:
    card = copy.deepcopy(report_cards.passed())
    for rail in card["criteria"][3:]:
        if formats.is_p_value(rail["name"]):
            rail |= {"passed": False, "reason": "untested"}
    words = {row[0]: row[3] for row in tables.rail_rows(card)}
    assert words["win rate by chance"] == words["more than geometry"] == "not run"
    assert words["sessions"] == "pass"


def test_a_missed_limit_never_looks_met() -> None:
    assert formats.shown(line("capture_rate", 0.8499, 0.85)) == "84.99%"
    assert formats.shown(line("false_positive_share", 0.10004, 0.10)) == "10.004%"
    assert formats.shown(line("win_rate_chance", 0.04999, 0.05)) == "0.04999"
    assert formats.shown(line("capture_rate", 0.85, 0.85)) == "85.0%"
    assert formats.shown(line("capture_rate", None, 0.85)) == "–"


@given(SHARES, st.sampled_from([0.85, 0.1, 0.6]))
@example(0.8499999, 0.85)
def test_a_value_shown_as_its_limit_is_its_limit(value: float, limit: float) -> None:
    for name in (*formats.RATES, "win_rate_chance"):
        shown = formats.shown(line(name, value, limit))
        number = float(shown.removesuffix("%")) / (100 if "%" in shown else 1)
        # Half a unit of the coarsest last digit shown.
        assert number == pytest.approx(value, abs=0.00051)
        if abs(value - limit) > 1e-7:
            assert number != limit


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (0.0, "0.000"), (0.0004, "0.00040"), (0.001, "0.001"), (0.9999, "1.000")],
)
def test_a_small_p_value_is_not_zero(value: float | None, text: str) -> None:
    assert formats.probability(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (0.0, "0.00"), (-7.2896, "-7.29"), (1234.5, "+1,234.50"), (-2.6e-5, "-0.000026")],
)
def test_points_of_any_scale_keep_two_digits(value: float | None, text: str) -> None:
    assert formats.points(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e9, max_value=1e9))
def test_points_keep_their_sign_and_size(value: float) -> None:
    number = float(formats.points(value).replace(",", ""))
    assert number == pytest.approx(value, abs=0.0051, rel=0.06)
    assert (number > 0) == (value > 0)


@given(st.text(max_size=40))
def test_clean_text_has_nothing_a_terminal_obeys(text: str) -> None:
    cleaned = formats.clean(text)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", cleaned)
    assert formats.clean(cleaned) == cleaned
    cleaned.encode()


@pytest.mark.parametrize(
    ("source", "name"),
    [("data/x.csv", "x.csv"), ("C:\\bars\\x.csv", "x.csv"), ("store/", "store"), ("/", "/")],
)
def test_a_source_is_named_by_its_last_part(source: str, name: str) -> None:
    card = report_cards.passed()
    card["data"]["source"] = source
    assert sentences.file_name(card) == name


@pytest.mark.parametrize("name", report_cards.NAMES)
def test_facts_and_rows_state_every_figure_or_a_dash(name: str) -> None:
    card = report_cards.every()[name]
    texts = [
        t for pair in sentences.trader_facts(card) + sentences.background_facts(card) for t in pair
    ]
    makers = (
        tables.rail_rows,
        tables.pattern_rows,
        tables.null_rows,
        tables.audit_rows,
        tables.finding_rows,
    )
    texts += [cell for table in makers for row in table(card) for cell in row]
    texts += [cell for row in tables.provenance_rows(card) for cell in row]
    assert not [text for text in texts if re.search(r"\bNone\b|\bnan\b|\binf\b", text)]


def test_outcomes_add_up_in_words() -> None:
    card = report_cards.passed()
    counts = card["counts"]
    sentence = dict(sentences.trader_facts(card))["alerts"]
    numbers = [
        int(n.replace(",", "")) for n in re.findall(r"(?<![\d.])[\d,]*\d(?![\d.])", sentence)
    ]
    assert numbers == [counts[k] for k in ("alerts", "tp", "false_positives", "redundant")]
    assert sum(numbers[1:]) == numbers[0]


def test_missing_reais_are_explained() -> None:
    card = report_cards.passed()
    assert "R$ 1" in dict(sentences.trader_facts(card))["net per trade"]
    card["trade"]["expectancy_brl"] = None
    assert "value of a point not known" in dict(sentences.trader_facts(card))["net per trade"]
    card["trade"]["fees_points"] = 0.0
    assert "fees or value of a point" in dict(sentences.trader_facts(card))["net per trade"]
    card["data"]["quality"]["on_grid"] = False
    assert "off the grid" in dict(sentences.trader_facts(card))["net per trade"]


def test_without_trades_nothing_is_claimed_of_them() -> None:
    said = dict(sentences.trader_facts(report_cards.silent()))
    assert said["net per trade"] == said["win rate"] == "no trade"
    assert said["false positives"] == "no alert"
    assert said["timeliness"] == "nothing captured"


def test_ambiguous_bars_state_the_optimistic_rate() -> None:
    card = report_cards.passed()
    card["counts"]["ambiguous"], card["rates"]["optimistic_win_rate"] = 12, 0.75
    assert "75.0% if the 12 bars" in dict(sentences.trader_facts(card))["win rate"]


def test_findings_are_grouped_the_gravest_first() -> None:
    card = report_cards.passed()
    made = [("roll", "info"), ("gap", "warning"), ("off_grid", "error"), ("roll", "info")]
    card["data"]["quality"] |= {
        "clean": False,
        "findings": [
            {"kind": k, "severity": s, "date": f"2025-01-0{i + 1}", "message": f"m{i}", "count": 1}
            for i, (k, s) in enumerate(made)
        ],
    }
    assert [f[:4] for f in sentences.findings(card)] == [
        ("off grid", "error", 1, "2025-01-03"),
        ("gap", "warning", 1, "2025-01-02"),
        ("roll", "info", 2, "2025-01-01 to 2025-01-04"),
    ]
    assert sentences.quality_notes(card)[0] == "NOT CLEAN"


def test_rows_left_out_are_counted() -> None:
    card = report_cards.passed()
    card["data"]["quality"] = {
        "clean": True, "quarantined": 1, "out_of_session": 1_234, "short_sessions": ["a", "b"],
    }  # fmt: skip
    assert sentences.quality_notes(card) == [
        "clean",
        "1 bad row set aside",
        "1,234 bars outside the session removed",
        "2 short sessions not scored",
    ]
    card["data"]["quality"] = {}
    assert sentences.quality_notes(card) == ["not examined"]


def test_proof_is_told_of_a_pass_only() -> None:
    card = report_cards.passed()
    assert sentences.proof(card).startswith("proven")
    assert sentences.proof(card | {"proven": False}).startswith("not proven")
    assert sentences.proof(report_cards.failed()) == ""


def test_the_scored_definition_is_marked_where_it_can_be_told() -> None:
    card = copy.deepcopy(report_cards.failed())
    card["settings"] = {"scoring": {"k": 3.0, "min_move_left": 0.25}}
    heads, table = sentences.sensitivity(card)
    marked = [
        (row.k, head) for row in table for head, c in zip(heads, row.cells, strict=True) if c.scored
    ]
    assert marked == [("3 ATR", "25% of it left")] * 2
    card["settings"]["scoring"]["k"] = 2.5  # not in the table
    assert not any(c.scored for row in sentences.sensitivity(card)[1] for c in row.cells)


def test_audits_not_run_and_failed_are_told_first() -> None:
    assert sentences.audit_notes(report_cards.bare()) == ["not run"]
    card = report_cards.passed()
    found = {item["name"]: item for item in card["audits"]["items"]}
    found["poisoned_future"] |= {"clean": False, "detail": "alert at 10:00 changed"}
    notes = sentences.audit_notes(card)
    assert notes[0] == "poisoned future FAILED: alert at 10:00 changed"
    assert notes[1].startswith("clean: streaming parity")


def test_nulls_of_different_length_are_told_apart() -> None:
    card = report_cards.passed()
    note = sentences.chance_note(card)
    assert "days: the same alerts on other days (499 runs)" in note
    assert note.endswith("coins: the same detectors on coin-flip bars (99 runs)")
    assert sentences.chance_note(report_cards.silent()) == "not measured"


def test_rows_of_one_pattern_are_told_apart_by_their_detectors() -> None:
    """Found: a detector and ``only`` of it stood in the table under one name, twice."""
    card = report_cards.passed()
    heads = [row[0] for row in tables.pattern_rows(card)]
    assert heads == [row["pattern"] for row in card["per_detector"]]

    first = card["per_detector"][0]
    shared = [first, *card["per_detector"][1:], first | {"name": "volatility.1000-1600"}]
    made = [row[0] for row in tables.pattern_rows(card | {"per_detector": shared})]
    pattern = first["pattern"]
    assert made == [f"{first['name']} {pattern}", *heads[1:], f"volatility.1000-1600 {pattern}"]
