"""Runs side by side."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import alertlib as al
from alertlib.errors import ConfigError
from tests.support import report_cards
from tests.support.backtests import FORTY_SESSIONS, run_of

OTHER = {"detection__volatility__window": 30, "detection__enabled": ("volatility", "breakout")}


def test_a_row_is_what_the_scorecard_says() -> None:
    run, other = report_cards.passed_run(), run_of(FORTY_SESSIONS, **OTHER)
    frame = al.table([run, other])

    assert frame.height == 2
    for row, card in zip(
        frame.iter_rows(named=True), (run.scorecard, other.scorecard), strict=True
    ):
        assert row["verdict"] == card.verdict
        assert row["spec_hash"] == card.spec_hash
        for name in ("capture_rate", "false_positive_share", "win_rate"):
            assert row[name] == card.criterion(name).value
            assert row[f"chance_{name}"] == card.criterion(name).chance
        assert row["expectancy_points"] == card.trade["expectancy_points"]
        assert row["alerts_per_day"] == card.counts["alerts"] / card.data["sessions"]
    assert frame["synthetic"].to_list() == [True, False]


def test_settings_are_columns_where_they_differ_and_only_there() -> None:
    before, after = run_of(FORTY_SESSIONS), run_of(FORTY_SESSIONS, **OTHER)
    frame = al.table([before, after, before], names=["a", "b", "c"])

    assert frame["name"].to_list() == ["a", "b", "c"]
    assert frame["detection.volatility.window"].to_list() == [20, 30, 20]
    assert frame["detection.enabled"][1] == "volatility, breakout"
    assert [name for name in frame.columns if "." in name] == [
        "detection.enabled", "detection.volatility.window",
    ]  # fmt: skip
    assert not [name for name in al.table([before, before]).columns if "." in name]


def test_an_assumed_symbol_is_marked() -> None:
    card = run_of(FORTY_SESSIONS).scorecard
    assumed = replace(card, data=card.data | {"symbol_assumed": True})
    frame = al.table([card, assumed])
    assert frame["symbol"].to_list() == ["WIN$N", "WIN$N (assumed)"]
    assert frame["name"][1].startswith("WIN$N (assumed) M5 ")


def test_saved_runs_and_scorecards_stand_beside_fresh_ones(tmp_path: Path) -> None:
    run = run_of(FORTY_SESSIONS)
    run.save(tmp_path / "run")
    frame = al.table([run, al.load_run(tmp_path / "run"), run.scorecard])

    name = f"WIN$N M5 {run.scorecard.config_hash[:8]}"
    assert frame["name"].to_list() == [name, f"{name} (2)", f"{name} (3)"]
    assert frame.drop("name").n_unique() == 1


def test_a_notebook_shows_it_as_a_table_and_says_what_else_differs() -> None:
    run, other = report_cards.passed_run(), run_of(FORTY_SESSIONS, **OTHER)
    frame = al.table([run, other], names=["<b>sample</b>", "walk"])

    html = frame._repr_html_()
    assert "92.1% (62.0%)" in html
    assert "SYNTHETIC DATA" not in html  # one of the two is none
    assert "synthetic say nothing" in html
    assert "SYNTHETIC DATA" in al.table([run])._repr_html_()
    assert "on different bars" in html
    assert "<b>sample" not in html
    assert "on different bars" not in al.table([run])._repr_html_()
    # What is left of it is shown as any frame.
    assert "walk" in frame.select("name")._repr_html_()


@pytest.mark.parametrize(
    ("runs", "options", "words"),
    [
        ([], {}, "table: got no run"),
        (3, {}, "table: got 3; expected a list"),
        (["run.json"], {}, "table: got 'run.json' at place 0"),
        ("cards", {}, "table: got 'cards'"),
        ([None], {}, "table: got None at place 0"),
    ],
)
def test_what_is_no_run_is_one_line(runs: Any, options: Any, words: str) -> None:
    with pytest.raises(ConfigError) as error:
        al.table(runs, **options)
    assert str(error.value).startswith(words)
    assert "\n" not in str(error.value)


def test_a_run_alone_and_names_that_do_not_fit_are_one_line() -> None:
    run = report_cards.passed_run()
    with pytest.raises(ConfigError, match=r"table: got a value of type Run; expected a list"):
        al.table(run)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="names: got 2 for 1 runs"):
        al.table([run], names=["a", "b"])
    with pytest.raises(ConfigError, match="names: got 'a'"):
        al.table([run], names="a")
