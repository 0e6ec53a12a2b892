"""The scorecard, differences and audits as a terminal shows them."""

from __future__ import annotations

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from alertlib.audits.report import AuditItem, AuditReport
from alertlib.report import formats, tables
from alertlib.report.terminal import strips
from alertlib.report.terminal.terminal import print_audits, print_difference, print_scorecard
from alertlib.scorecard.difference import Change, Difference, compare_scorecards
from tests.support import report_cards
from tests.support.renderings import printed

WIDTHS = (40, 80, 100, 112, 200)
ESCAPE = "\x1b"


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", report_cards.NAMES)
def test_no_figure_is_cut_and_no_line_too_long(name: str, width: int) -> None:
    card = report_cards.every()[name]
    text = printed(card, width)
    # What is narrower than 80 columns wraps the lines of 80.
    assert max(map(len, text.splitlines())) <= max(width, 80)
    assert "…" not in text
    joined = " ".join(text.split())
    cells = [cell for c in formats.rates(card) for cell in tables.criterion_row(c)]
    cells += [cell for row in tables.rail_rows(card) for cell in row[1:]]
    cells += [cell for row in tables.pattern_rows(card) for cell in row[1:]]
    assert not [cell for cell in cells if cell not in joined]


@pytest.mark.parametrize("name", report_cards.NAMES)
def test_lines_end_where_their_text_does(name: str) -> None:
    text = printed(report_cards.every()[name], 100)
    assert [row for row in text.splitlines() if row != row.rstrip()] == []


def test_large_counts_fold_names_rather_than_figures() -> None:
    card = report_cards.failed()
    for row in card["per_detector"]:
        row["pattern"] = "a_pattern_with_a_rather_long_name_of_its_own"
        for key in ("alerts", "tp", "false_positives", "redundant"):
            row[key] = 123_456
        row["expectancy_points"] = -123_456.789
    text = printed(card)
    for cell in ("123,456", "-123,456.79", "a_pattern_wi"):
        assert cell in text
    assert max(map(len, text.splitlines())) <= 80


def test_the_verdict_and_its_reasons_come_first() -> None:
    card = report_cards.failed()
    head = printed(card, 100).splitlines()[1 : len(card["reasons"]) + 3]
    assert "FAIL" in head[0]
    for reason in card["reasons"]:
        assert any(reason in row for row in head)


def test_synthetic_is_said_of_synthetic_bars_alone() -> None:
    card = report_cards.passed()
    assert "SYNTHETIC SAMPLE" in printed(card).splitlines()[2]
    card["data"]["synthetic"] = False
    assert "SYNTHETIC" not in printed(card)


def test_a_pipe_gets_no_escapes_and_a_terminal_colours() -> None:
    card = report_cards.passed()
    assert ESCAPE not in printed(card)
    coloured = printed(card, force_terminal=True, color_system="standard", no_color=False)
    assert re.search(r"\x1b\[[0-9;]*3[0-9]m", coloured)
    plain = printed(card, force_terminal=True, color_system="standard", no_color=True)
    assert not re.search(r"\x1b\[[0-9;]*[34][0-9]m", plain)
    stripped = re.sub(r"\x1b\[[0-9;]*m", "", plain)
    assert stripped == printed(card)


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "ascii", "cp850"])
@pytest.mark.parametrize("name", report_cards.NAMES)
def test_every_console_can_show_it(name: str, encoding: str) -> None:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding, errors="strict", newline="")
    print_scorecard(report_cards.every()[name], Console(file=file, width=110))
    file.flush()
    text = raw.getvalue().decode(encoding)
    if name == "failed":
        assert "?" not in text
        assert "=o" in text or "o=" in text


def test_texts_from_files_are_neither_markup_nor_commands() -> None:
    text = printed(report_cards.hostile(), 200, force_terminal=True, color_system="truecolor")
    assert "[red]x[/red]" in text
    assert f"{ESCAPE}[31mx" not in text
    assert "\x00" not in text


@given(
    st.floats(0, 1), st.floats(0, 1), st.none() | st.floats(0, 1), st.booleans(), st.integers(4, 60)
)
def test_a_strip_shows_its_value_and_keeps_its_width(
    value: float, threshold: float, chance: float | None, ascii_only: bool, width: int
) -> None:
    line = {
        "value": value, "threshold": threshold, "chance": chance, "passed": True,
        "ci_low": max(value - 0.1, 0.0), "ci_high": min(value + 0.1, 1.0),
    }  # fmt: skip
    strip = strips.interval(line, width, ascii_only=ascii_only).plain
    assert len(strip) == width
    assert strip[min(int(value * width), width - 1)] == ("o" if ascii_only else "●")
    assert strip.isascii() == ascii_only or not ascii_only


def test_an_undefined_rate_draws_no_value() -> None:
    line = report_cards.silent()["criteria"][2]
    assert "●" not in strips.interval(line, 24, ascii_only=False).plain


def test_a_difference_puts_identity_first_and_hides_what_follows() -> None:
    before, after = report_cards.passed(), report_cards.failed()
    after["data"]["sha256"] = "f" * 64
    text = printed(compare_scorecards(before, after), 80, print_difference)
    lines = text.splitlines()
    assert lines[0].startswith("NOT COMPARABLE")
    assert "f" * 20 in text
    assert max(map(len, lines)) <= 80
    value = after["criteria"][0]["value"]
    assert re.search(rf"capture_rate\.value +0\.\d{{4}} +{value:.4f} +-0\.\d+", text)
    assert "ci_low" not in text
    assert re.search(r"and \d+ figures that follow", text)
    assert text.index("Criteria") < text.index("Rates") < text.index("Counts")


def test_no_difference_says_so() -> None:
    card = report_cards.passed()
    assert printed(compare_scorecards(card, card), 80, print_difference) == "no difference\n"


def test_a_difference_of_runs_names_settings_alerts_and_texts() -> None:
    import polars as pl

    changes = (
        Change("verdict", "PASS", "FAIL"),
        Change("warnings", ["a", "b"], ["b", "c"]),
        Change("rates.x", None, 0.5),
        Change("trade.y", 1e-6, 2e-6),
        Change("criteria.c.passed", True, False),
    )
    frame = pl.DataFrame({"id": ["a"]})
    diff = Difference(
        True, {"trade.stop": (1.5, 2.0)}, changes, gained=frame, lost=frame.clear(), renamed=frame
    )
    text = printed(diff, 80, print_difference)
    assert "NOT COMPARABLE" not in text
    assert re.search(r"trade\.stop +was +1\.5000\n +is +2\.0000", text)
    assert "1 gained, 0 lost, 1 under another pattern or confidence" in text
    assert re.search(r"warnings +was +a *\n +is +c", text)
    assert re.search(r"x +– +0\.5000", text)
    assert re.search(r"y +1e-06 +2e-06 +\+1e-06", text)
    assert re.search(r"c\.passed +yes +no", text)


@pytest.mark.parametrize("clean", [True, False])
def test_audits_say_what_they_saw(clean: bool) -> None:
    items = (
        AuditItem("warm_up", True, 40, "needs 20"),
        AuditItem("self_test", clean, 2, "x " * 70),
    )
    text = printed(AuditReport(("volatility", "mine:[red]"), items), 80, print_audits)
    assert text.startswith(f"Audits of volatility, mine:[red]: {'clean' if clean else 'NOT CLEAN'}")
    assert re.search(r"pass +warm up +40 +needs 20", text)
    assert re.search(rf"{'pass' if clean else 'FAIL'} +self test +2 +x x", text)
    assert max(map(len, text.splitlines())) <= 80
