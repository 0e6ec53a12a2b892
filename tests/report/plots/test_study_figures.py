"""Figures of what happened around alerts: they show their frames, in either theme and language."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from string import Formatter
from typing import Any

import pytest

from alertlib.backtesting.backtester import backtest
from alertlib.backtesting.run import Run
from alertlib.config import Config
from alertlib.errors import ConfigError, DataError
from alertlib.report.formats import RATES
from alertlib.report.plots.heading import NOTE_WIDTH, TITLE_WIDTH
from alertlib.report.plots.look import LOOKS, Theme
from alertlib.report.plots.panels import panels
from alertlib.report.plots.words import WORDS
from alertlib.texts.formats import number
from alertlib.texts.words import Language
from tests.support.backtests import run_of
from tests.support.synthetic import bars_of, walk

QUICK = {
    "detection.enabled": ("engulfing", "directional_change"),
    "scoring.null_runs": 19,
    "scoring.mirror_runs": 19,
    "scoring.bootstrap": 100,
}
Draw = Callable[..., Any]
FIGURES: dict[str, Draw] = {
    "equity": Run.plot_equity,
    "hours": Run.plot_hours,
    "events": Run.plot_events,
    "events by pattern": lambda run, **look: run.plot_events(by="pattern", **look),
    "events by hour": lambda run, **look: run.plot_events(by="hour", **look),
    "excursions": Run.plot_excursions,
    "excursions in points": lambda run, **look: run.plot_excursions(
        by="outcome", unit="points", **look
    ),
    "calibration": Run.plot_calibration,
    "chance": Run.plot_chance,
}
LOOKED_AT = pytest.mark.parametrize(
    ("theme", "language"), [("light", "en"), ("light", "pt-BR"), ("dark", "en"), ("dark", "pt-BR")]
)


@pytest.fixture(scope="module")
def run() -> Run:
    """With nulls and stated probabilities, so that every figure has something to show."""
    return backtest(bars_of(walk(211, sessions=14)), Config().update(QUICK), audits="none")


def texts_of(figure: Any) -> list[str]:
    """Title, names of panels, axes, traces and ticks."""
    layout = figure.to_dict()["layout"]
    axes = [value for name, value in layout.items() if re.match("[xy]axis", name)]
    found = [layout["title"]["text"], *(a["text"] for a in layout.get("annotations", ()))]
    found += [axis["title"]["text"] for axis in axes if "text" in axis.get("title", {})]
    return found + [trace.name for trace in figure.data if trace.name]


@pytest.mark.parametrize("name", FIGURES)
@LOOKED_AT
def test_every_figure_is_drawn_in_its_theme_and_language(
    run: Run, name: str, theme: Theme, language: Language
) -> None:
    figure = FIGURES[name](run, theme=theme, language=language)

    json.loads(figure.to_json(), parse_constant=pytest.fail)
    assert figure.layout.paper_bgcolor == LOOKS[theme].paper
    assert figure.layout.separators == (",." if language == "pt-BR" else ".,")
    texts = texts_of(figure)
    assert len(texts) > 3
    assert not [text for text in texts if re.search(r"[{}]|None|nan", text)]
    assert "WIN$N M5" in figure.layout.title.text
    first = run.scorecard.data["first_session"]
    year, month, day = first.split("-")
    assert (f"{day}/{month}/{year}" if language == "pt-BR" else first) in figure.layout.title.text


@pytest.mark.parametrize("name", FIGURES)
def test_the_themes_differ_in_colours_alone(run: Run, name: str) -> None:
    light, dark = (FIGURES[name](run, theme=theme).to_json() for theme in ("light", "dark"))

    def colourless(text: str) -> str:
        return re.sub(r"#[0-9a-f]{6}|rgba\([^)]*\)", "", text)

    assert light != dark
    assert colourless(light) == colourless(dark)


def test_both_languages_have_the_same_words_and_figures() -> None:
    english, portuguese = WORDS["en"], WORDS["pt-BR"]

    def holes(text: str) -> set[str | None]:
        return {name for _, name, _, _ in Formatter().parse(text)} - {None}

    assert set(english) == set(portuguese)
    assert [k for k, text in english.items() if holes(text) != holes(portuguese[k])] == []


def test_headings_are_broken_to_fit_a_telephone() -> None:
    long = " ".join(["word"] * 60)
    figure = panels("light", "en", long, [long], height=100, names=[""])
    lines = re.sub("<span[^>]*>|</span>", "", figure.layout.title.text).split("<br>")

    assert {len(line) <= TITLE_WIDTH for line in lines[:6]} == {True}
    assert {len(line) <= NOTE_WIDTH for line in lines} == {True}
    assert " ".join(lines) == f"{long} {long}"


def test_a_heading_is_no_markup() -> None:
    figure = panels("light", "en", "A<b>&B", [], height=100, names=[""])

    assert figure.layout.title.text == "A&lt;b&gt;&amp;B"


def traces(figure: Any, name: str) -> list[Any]:
    return [trace for trace in figure.data if trace.name == name]


@pytest.mark.parametrize("language", ["en", "pt-BR"])
def test_equity_ends_at_the_scorecards_total_and_says_so(run: Run, language: Language) -> None:
    figure, trade = run.plot_equity(language=language), run.scorecard.trade
    points, in_r = traces(figure, WORDS[language]["running_total"])

    assert points.y[-1] == pytest.approx(trade["total_points"])
    assert in_r.y[-1] == pytest.approx(trade["expectancy_r"] * run.scorecard.counts["trades"])
    total = number(trade["total_points"], 0, language, signed=True)
    falls = [run.equity()[f"drawdown_{unit}"].min() for unit in ("points", "r")]
    heading = figure.layout.title.text.replace("<br>", " ")
    assert total in heading
    assert all(
        number(-fall, decimals, language) in heading  # type: ignore[operator]
        for fall, decimals in zip(falls, (0, 1), strict=True)
    )


def test_points_have_the_decimals_of_the_tick(run: Run) -> None:
    """Of a currency's 0.00001 everything was 0 points."""
    data = run.scorecard.data
    fine = data | {"quality": data["quality"] | {"tick": 0.00001}}
    figure = replace(run, scorecard=replace(run.scorecard, data=fine)).plot_equity()

    total = run.scorecard.trade["total_points"]
    assert number(total, 5, "en", signed=True) in figure.layout.title.text


def test_the_deepest_drawdown_is_marked_from_its_peak_to_its_trough(run: Run) -> None:
    for trace in traces(run.plot_equity(), WORDS["en"]["deepest"])[::2]:
        assert trace.y[0] == max(trace.y)
        assert trace.y[-1] == min(trace.y)


def test_hours_with_few_observations_are_hollow(plain: Run) -> None:
    figure, frame = plain.plot_hours(), plain.hours()
    markers = figure.data[0]

    assert list(markers.y) == frame["capture_rate"].to_list()
    n = [shown[2] for shown in markers.customdata]
    assert n == frame["opportunities"].to_list()
    hollow = [colour == LOOKS["light"].paper for colour in markers.marker.color]
    assert hollow == [count < 30 for count in n]
    assert any(hollow)
    assert not all(hollow)


@pytest.mark.parametrize("by", ["outcome", "pattern", "hour"])
def test_events_have_a_panel_a_group_and_the_path_of_all_behind_each(run: Run, by: Any) -> None:
    figure, frame = run.plot_events(by=by), run.events(by)
    groups = frame["group"].unique(maintain_order=True).to_list()
    whole = frame.filter(group="all")["mean_atr"].to_list()

    assert len(figure.layout.annotations) == len(groups)
    behind = [trace for trace in figure.data if list(trace.y) == whole]
    assert len(behind) >= len(groups) - 1
    shown = [frame.filter(group=group)["n"].max() for group in groups]
    named = [int(re.findall(r"n ([\d,]+)$", a.text)[0].replace(",", ""))
             for a in figure.layout.annotations]  # fmt: skip
    assert named == shown


@pytest.mark.parametrize("unit", ["r", "points"])
@pytest.mark.parametrize("by", ["exit_reason", "outcome"])
def test_every_trade_has_a_marker(run: Run, by: Any, unit: Any) -> None:
    figure, frame = run.plot_excursions(by=by, unit=unit), run.excursions()

    drawn = sorted(p for trace in figure.data for p in zip(trace.x, trace.y, strict=True))
    assert drawn == sorted(zip(-frame[f"mae_{unit}"], frame[f"mfe_{unit}"], strict=True))
    assert len(figure.data) == frame[by].n_unique()
    stop, target = figure.layout.shapes
    assert stop.x0 == (1.0 if unit == "r" else frame["risk_points"].median())
    assert target.y0 == frame[f"target_{unit}"].median()


def test_calibration_shows_every_bin_with_its_n(run: Run) -> None:
    figure, frame = run.plot_calibration(), run.calibration()
    (bins,) = traces(figure, "directional_change")

    assert list(bins.x) == frame["mean_probability"].to_list()
    assert list(bins.y) == frame["valid_share"].to_list()
    assert [text.strip() for text in bins.text] == [f"n {n}" for n in frame["alerts"]]


def test_chance_shows_every_draw_and_the_scorecards_p_values(run: Run) -> None:
    figure = run.plot_chance()
    clouds = [trace for trace in figure.data if trace.type == "violin"]
    names = list(dict.fromkeys(run.chance()["null"]))

    assert len(clouds) == len(RATES) * len(names)
    for i, cloud in enumerate(clouds):
        criterion, null = run.scorecard.criteria[i // len(names)], names[i % len(names)]
        drawn = run.chance().filter(null=null)[criterion.name].drop_nulls()
        assert list(cloud.x) == drawn.to_list()
        p = criterion.nulls[null]["p_value"]
        assert cloud.name == f"{WORDS['en'][null]}<br>p {number(p, 3, 'en')}"
    observed = {shape.x0 for shape in figure.layout.shapes}
    assert {c.value for c in run.scorecard.criteria[:3]} <= observed


def test_a_figure_without_anything_to_show_is_one_clear_line() -> None:
    empty = run_of(walk(1, sessions=2))
    expected = {
        "equity": "got no trade to draw",
        "hours": "got neither an alert nor a move",
        "events": "got no alert to draw prices around",
        "excursions": "got no trade to draw",
        "calibration": "got no alert whose detector states a probability",
        "chance": "got no run of a null to draw",
    }
    for name, told in expected.items():
        with pytest.raises(DataError, match=f"^{name}: {told}.*; expected .*; .*$"):
            FIGURES[name](empty)


def test_a_confidence_is_no_probability(plain: Run) -> None:
    with pytest.raises(DataError, match=r"enable directional_change.*a confidence is no prob"):
        plain.plot_calibration()


@pytest.mark.parametrize("name", ["equity", "hours", "events", "excursions", "chance"])
def test_another_theme_or_language_is_refused(run: Run, name: str) -> None:
    with pytest.raises(ConfigError, match=r"^theme: got 'red'"):
        FIGURES[name](run, theme="red")
    with pytest.raises(ConfigError, match=r"^language: got 'fr'"):
        FIGURES[name](run, language="fr")


def test_another_grouping_or_unit_is_refused(run: Run) -> None:
    with pytest.raises(ConfigError, match=r"^by: got 'side'; expected one of exit_reason, outcome"):
        run.plot_excursions(by="side")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"^unit: got 'BRL'; expected one of points, r$"):
        run.plot_excursions(unit="BRL")  # type: ignore[arg-type]


def test_made_up_bars_are_called_so(run: Run) -> None:
    """What a generator made may not pass for a market."""
    assert "SYNTHETIC" not in run.plot_equity().layout.title.text
    card = replace(run.scorecard, data=run.scorecard.data | {"synthetic": True})
    sample = replace(run, scorecard=card)
    for name, draw in FIGURES.items():
        assert "SYNTHETIC DATA" in draw(sample).layout.title.text.replace("<br>", " "), name
