"""The scorecard's page, its notebook fragment and their charts."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from alertlib.report import formats, tables
from alertlib.report.page import charts
from alertlib.report.page.page import scorecard_fragment, scorecard_page
from tests.support import report_cards
from tests.support.read_page import Page

LIMIT = 120 * 1024


RENDERERS = (scorecard_page, scorecard_fragment)


@pytest.mark.parametrize("render", RENDERERS)
@pytest.mark.parametrize("name", report_cards.NAMES)
def test_a_page_asks_nobody_for_anything(name: str, render: Any) -> None:
    source = render(report_cards.every()[name])
    page = Page(source)
    assert not {"script", "link", "img", "iframe", "object", "embed", "base"} & set(page.tags)
    loading = {"src", "href", "srcset", "action", "data", "xlink:href", "background"}
    elsewhere = [a for a in page.attributes if not (a[1] == "href" and a[2].startswith("#"))]
    assert not [a for a in elsewhere if a[1] in loading or a[1].startswith("on")]
    anchors = [a[2].removeprefix("#") for a in page.attributes if a[1] == "href"]
    assert set(anchors) <= {a[2] for a in page.attributes if a[1] == "id"}
    assert not re.search(r"url\(|@import|https?:", source.replace(report_cards.HOSTILE, ""))
    assert len(source.encode()) <= LIMIT


@pytest.mark.parametrize("render", RENDERERS)
@pytest.mark.parametrize("name", report_cards.NAMES)
def test_a_page_says_what_the_card_says(name: str, render: Any) -> None:
    card = report_cards.every()[name]
    text = Page(render(card)).text
    assert card["verdict"] in text
    assert not re.search(r"\bNone\b|\bnan\b|Undefined", text)
    for line in formats.rates(card):
        for cell in tables.criterion_row(line):
            assert cell in text
    for reason in formats.reasons(card) + formats.warnings(card):
        assert reason in text


def test_a_page_names_every_hash_and_every_guard_rail() -> None:
    card = report_cards.passed()
    text = Page(scorecard_page(card)).text
    for value in (card["data"]["sha256"], card["spec_hash"], card["config_hash"], card["seed"]):
        assert str(value) in text
    for row in tables.rail_rows(card) + tables.pattern_rows(card) + tables.audit_rows(card):
        for cell in row:
            assert cell in text


@pytest.mark.parametrize("render", RENDERERS)
def test_synthetic_is_said_of_synthetic_bars_alone(render: Any) -> None:
    card = report_cards.passed()
    assert "SYNTHETIC SAMPLE" in Page(render(card)).text
    card["data"]["synthetic"] = False
    assert "SYNTHETIC" not in render(card)


@pytest.mark.parametrize("render", RENDERERS)
@settings(max_examples=10)
@given(text=st.text(max_size=30))
@example(text=report_cards.HOSTILE)
def test_texts_from_files_are_shown_and_never_obeyed(render: Any, text: str) -> None:
    page = Page(render(report_cards.hostile(text)))
    assert page.tags == Page(render(report_cards.hostile("benign"))).tags
    assert page.text.count(formats.clean(text)) >= 4
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f]", page.text)


def test_the_page_follows_the_reader_s_theme_and_prints_light() -> None:
    source = scorecard_page(report_cards.passed())
    assert "@media screen and (prefers-color-scheme: dark)" in source
    assert "@media print" in source
    assert 'name="viewport"' in source


def test_a_fragment_styles_nothing_but_itself() -> None:
    source = scorecard_fragment(report_cards.passed_run().scorecard)
    assert source == report_cards.passed_run()._repr_html_()
    assert not {"html", "head", "body", "title"} & set(Page(source).tags)
    style = re.search("<style>(.*?)</style>", source, re.S)
    assert style is not None
    selectors = re.findall(r"([^{}]+)\{", style[1])
    assert selectors
    assert all(part.strip().startswith(".alertlib-scorecard") for part in selectors)


def test_an_interval_is_drawn_where_its_figures_are() -> None:
    for line in report_cards.passed()["criteria"][:3]:
        drawn = str(charts.interval(line))
        circle = re.search(r'<circle cx="([\d.]+)%"', drawn)
        band = re.search(r'class="ci" x="([\d.]+)%" width="([\d.]+)%"', drawn)
        limit = re.search(r'<line class="limit" x1="([\d.]+)%"', drawn)
        chance = re.search(r'<line class="chance" x1="([\d.]+)%"', drawn)
        assert circle is not None
        assert band is not None
        assert limit is not None
        assert chance is not None
        assert float(circle[1]) == pytest.approx(100 * line["value"], abs=0.01)
        assert float(band[1]) == pytest.approx(100 * line["ci_low"], abs=0.01)
        wide = 100 * (line["ci_high"] - line["ci_low"])
        assert float(band[2]) == pytest.approx(wide, abs=0.01)
        assert float(limit[1]) == pytest.approx(100 * line["threshold"], abs=0.01)
        assert float(chance[1]) == pytest.approx(100 * line["chance"], abs=0.01)


def test_an_undefined_rate_draws_its_limit_only() -> None:
    drawn = str(charts.interval(report_cards.silent()["criteria"][1]))
    assert "circle" not in drawn
    assert 'class="ci"' not in drawn
    assert "limit 10.0%" in drawn


SESSION = st.fixed_dictionaries(
    {
        "date": st.just("2025-01-02"),
        "opportunities": st.integers(0, 9),
        "captured": st.just(0),
        "fp": st.integers(0, 9),
        "redundant": st.integers(0, 9),
        "trades": st.integers(0, 9),
        "points": st.floats(-1e4, 1e4),
    }
)


@given(st.lists(SESSION, min_size=1, max_size=400))
def test_session_charts_lose_no_session(sessions: list[dict[str, Any]]) -> None:
    made = charts.sessions({"per_session": sessions})
    assert made is not None
    bars = -(-len(sessions) // made.each)
    assert bars <= charts.MAX_BARS
    assert made.last == pytest.approx(sum(s["points"] for s in sessions), abs=1e-6)
    assert made.lowest <= made.last <= made.highest
    assert str(made.moves).count("<title>") == bars
    assert f'viewBox="0 0 {bars} 100"' in made.moves
    drawn = re.findall(r"-?[\d.]+", re.sub("<title>.*?</title>", "", made.total))
    assert all(number not in ("nan", "inf") for number in drawn)


def test_columns_are_as_high_as_their_counts() -> None:
    base = {"date": "2025-01-02", "trades": 0, "points": 0.0}
    sessions = [
        base | {"opportunities": 4, "captured": 3, "fp": 2, "redundant": 1},
        base | {"opportunities": 2, "captured": 2, "fp": 0, "redundant": 6},
    ]
    made = charts.sessions({"per_session": sessions})
    assert made is not None
    # Four moves above the line and six alerts below share the height of 100.
    paths = dict(re.findall(r'<path class="(\w+)" d="([^"]*)"', str(made.moves)))
    tops = {
        look: re.findall(r"M([\d.]+) ([\d.]+)v(-?[\d.]+)", path) for look, path in paths.items()
    }
    assert tops["captured"] == [("0.12", "40.0", "-30.0"), ("1.12", "40.0", "-20.0")]
    assert tops["missed"] == [("0.12", "10.0", "-10.0")]
    assert tops["false"] == [("0.12", "40.0", "20.0")]
    assert tops["redundant"] == [("0.12", "60.0", "10.0"), ("1.12", "40.0", "60.0")]
    assert charts.sessions({"per_session": []}) is None


@pytest.mark.parametrize(
    ("count", "dates"), [(1, ["01"]), (2, ["01", "02"]), (5, ["01", "03", "05"])]
)
def test_the_axis_names_first_middle_and_last_once(count: int, dates: list[str]) -> None:
    base = {"opportunities": 1, "captured": 0, "fp": 0, "redundant": 0, "trades": 0, "points": 0.0}
    made = charts.sessions({"per_session": [base | {"date": f"0{i + 1}"} for i in range(count)]})
    assert made is not None
    assert made.dates == dates


def test_a_bar_of_many_sessions_says_which() -> None:
    card = report_cards.long()
    page = scorecard_page(card)
    made = charts.sessions(card)
    assert made is not None
    assert f"a bar is {made.each} sessions" in page
    assert made.each > 1


def test_the_mix_of_outcomes_fills_its_share_of_the_row() -> None:
    drawn = str(charts.shares([("captured", 1), ("false", 3)], 8))
    assert re.findall(r'x="([\d.]+)%" width="([\d.]+)%"', drawn) == [
        ("0", "12.5"),
        ("12.5", "37.5"),
    ]
    assert "rect" in str(charts.shares([("captured", 0)], 0))


def test_the_settings_that_decide_are_there_and_changed_ones_marked() -> None:
    rows = {row.path: row for row in tables.setting_rows(report_cards.failed())}
    assert rows["detection.enabled"].value == "engulfing"
    assert rows["detection.enabled"].default == (
        "default volatility, engulfing, rsi_divergence, breakout"
    )
    assert rows["gate.win_rate"].value == "0.6"
    assert [row.path for row in rows.values() if row.default] == ["detection.enabled"]
    # Of a detector that is not enabled, unless it was changed.
    assert not [path for path in rows if path.startswith("detection.breakout")]
    card = report_cards.failed()
    card["changed_settings"]["detection.breakout.window"] = [20, 5]
    added = {row.path: row for row in tables.setting_rows(card)}["detection.breakout.window"]
    assert (added.value, added.default) == ("20", "default 5")
    text = Page(scorecard_page(card)).text
    assert "2 of" in text
    assert "20 (default 5)" in text


def test_a_card_without_settings_has_none_to_show() -> None:
    card = report_cards.failed()
    del card["settings"], card["changed_settings"]
    assert tables.setting_rows(card) == []
    assert "Settings that decide" not in Page(scorecard_page(card)).text


def test_charts_name_their_ends() -> None:
    base = {"date": "2025-01-02", "trades": 1, "captured": 0}
    made = charts.sessions(
        {
            "per_session": [
                base | {"opportunities": 4, "fp": 2, "redundant": 4, "points": 150.0},
                base | {"opportunities": 1, "fp": 0, "redundant": 1, "points": -50.0},
            ]
        }
    )
    assert made is not None
    assert made.moves_marks == [(0, "4"), (40, "0"), (100, "6")]
    assert [mark.label for mark in made.points_marks] == ["+150", "0", "-50.00"]
    assert [mark.top for mark in made.points_marks] == pytest.approx([2, 74, 98])
    # The total never falls below zero, and a label below would cover the line's own.
    assert [mark.label for mark in made.total_marks] == ["+150", "0"]


@pytest.mark.parametrize(
    ("limit", "ends"), [(0.85, ["0", "100%"]), (0.02, ["100%"]), (0.97, ["0"])]
)
def test_the_axis_of_a_rate_gives_way_to_its_limit(limit: float, ends: list[str]) -> None:
    line = report_cards.passed()["criteria"][0] | {"threshold": limit}
    drawn = str(charts.interval(line))
    assert re.findall(r'<text x="[^>]*>([^<]*)<', drawn) == ends
