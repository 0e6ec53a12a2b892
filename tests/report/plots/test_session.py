"""``run.plot`` and ``bars.plot`` as their user meets them."""

from __future__ import annotations

import asyncio
import re
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import alertlib as al
from alertlib.backtesting.run import Run
from alertlib.bars.sample import sample_path
from alertlib.errors import DataError
from alertlib.report.plots.look import LOOKS, MARKERS
from tests.support.backtests import FORTY_SESSIONS, run_of
from tests.support.browser import chromium, find_chromium, open_tab

CHROMIUM = find_chromium()


@pytest.fixture(scope="module")
def run() -> Run:
    return run_of(FORTY_SESSIONS)


def day_with(run: Run, outcome: str) -> date:
    day: date = run.alerts.filter(pl.col("outcome") == outcome)["bar_time"][-1].date()
    return day


def markers(figure: Any) -> list[Any]:
    return list(figure.select_traces(selector={"type": "scatter", "mode": "markers"}))


def title(figure: Any) -> str:
    """The heading as it is read: lines broken to fit a telephone are one again."""
    return " ".join(re.sub(r"<[^>]*>", " ", str(figure.layout.title.text)).split())


def test_each_outcome_has_its_marker_and_count(run: Run) -> None:
    day = day_with(run, "fp")
    of_day = pl.col("bar_time").dt.date() == day
    expected = dict(run.alerts.filter(of_day)["outcome"].value_counts().rows())
    expected["suppressed"] = run.suppressed.filter(of_day).height

    figure = run.plot(f"{day}")

    shown = {trace.marker.symbol: len(trace.x) for trace in markers(figure)}
    assert shown == {MARKERS[outcome]: count for outcome, count in expected.items() if count}
    assert f"false alarms {expected['fp']}" in title(figure)
    moves = run.opportunities.filter(pl.col("time_start").dt.date() == day)
    assert f"moves captured: {moves['captured'].sum()} of {moves.height}" in title(figure)
    assert title(figure).startswith("WIN$N M5")
    assert f"{day} · moves captured" in title(figure)


def test_buys_stand_below_their_candle_and_sells_above(run: Run) -> None:
    figure = run.plot(day_with(run, "fp"))
    (candles,) = figure.select_traces(selector={"type": "candlestick"})
    direction = dict(pl.concat(
        [run.alerts.select("id", "direction"), run.suppressed.select("id", "direction")]
    ).rows())  # fmt: skip

    stands = [
        (direction[key], y < candles.low[x], y > candles.high[x])
        for trace in markers(figure)
        for key, x, y in zip(trace.customdata, trace.x, trace.y, strict=True)
    ]

    assert set(stands) == {(1, True, False), (-1, False, True)}


def test_a_date_is_a_date_in_every_form(run: Run) -> None:
    day = day_with(run, "tp")

    as_text, as_date = run.plot(f"{day}"), run.plot(day)

    assert as_text == as_date == run.plot(datetime(day.year, day.month, day.day, 12))


def test_an_alert_is_drawn_as_it_was_made_and_traded(run: Run) -> None:
    alert = (
        run.alerts.filter(pl.col("outcome") == "fp").drop_nulls("entry_time").row(-1, named=True)
    )

    figure = run.plot(alert["id"][:12])

    lines = {shape.y0 for shape in figure.layout.shapes if shape.type == "line"}
    assert lines == {alert["target"], alert["price"], alert["stop"]}
    boxes = {(shape.y0, shape.y1) for shape in figure.layout.shapes if shape.type == "rect"}
    assert (alert["entry_min"], alert["entry_max"]) in boxes
    (trade,) = (trace for trace in figure.data if trace.name == "trade")
    assert list(trade.y) == [alert["entry_price"], alert["exit_price"]]
    first, last = figure.layout.xaxis.range
    low, high = figure.layout.yaxis.range
    assert first < trade.x[0] <= trade.x[1] < last
    assert low < min(alert["stop"], alert["target"]) < max(alert["stop"], alert["target"]) < high
    assert f"{alert['pnl_points']:+.2f} points" in title(figure)


def test_an_alert_that_was_held_back_is_drawn_without_a_trade(run: Run) -> None:
    held = run.suppressed.filter(pl.col("reason") == "cooldown").row(-1, named=True)

    figure = run.plot(held["id"])

    assert "pause after an alert of the same side" in title(figure)
    assert not [trace for trace in figure.data if trace.name == "trade"]
    lines = {shape.y0 for shape in figure.layout.shapes if shape.type == "line"}
    assert lines == {held["target"], held["price"], held["stop"]}


def test_an_unscored_session_says_so(run: Run) -> None:
    figure = run.plot(day_with(run, "unscored"))

    assert "session not scored" in title(figure)
    assert "moves captured" not in title(figure)


def test_a_run_without_alerts_is_drawn() -> None:
    silent = run_of(FORTY_SESSIONS, detection__enabled=())
    day = silent.opportunities["time_start"][-1].date()

    figure = silent.plot(day)

    assert "no alerts" in title(figure)
    assert "moves captured: 0 of" in title(figure)
    assert markers(figure) == []


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("1999-01-04", r"no session on 1999-01-04; expected a date from \d{4}-"),
        ("2021-1-4", "got '2021-1-4'; expected a date such as 2021-01-04"),
        ("xyz", "no alert has an id that begins with 'xyz'; expected the first digits"),
        ("", "several alerts have an id that begins with ''"),
        (7, "got 7; expected a date such as 2021-01-04, or the first digits of an alert's id"),
    ],
)
def test_what_is_not_there_is_told_in_a_line(run: Run, what: Any, message: str) -> None:
    with pytest.raises(DataError, match=message) as told:
        run.plot(what)
    assert "\n" not in str(told.value)


def test_a_run_on_made_up_bars_says_so_in_every_figure() -> None:
    sample = al.read_bars(sample_path())
    run = al.backtest(sample, al.Config(), audits="none", chance=False)
    alert = run.alerts.row(-1, named=True)

    for what in (alert["id"], alert["bar_time"].date()):
        assert "SYNTHETIC DATA" in title(run.plot(what))
        assert "DADOS SINTÉTICOS" in title(run.plot(what, language="pt-BR"))


def test_a_theme_colours_all_of_a_figure(run: Run) -> None:
    figure = run.plot(day_with(run, "tp"), theme="dark")

    assert figure.layout.paper_bgcolor == LOOKS["dark"].paper
    light = LOOKS["light"]
    others = (light.ink, light.dim, light.line, light.captured, light.missed, light.fp)
    assert not [colour for colour in others if colour in figure.to_json()]


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium")
def test_a_browser_draws_every_alert(run: Run, tmp_path: Path) -> None:
    day = day_with(run, "fp")
    figure = run.plot(day)
    expected = sum(len(trace.x) for trace in markers(figure))
    page = tmp_path / "day.html"
    figure.write_html(page)

    async def drawn() -> tuple[int, str, list[str]]:
        with chromium(str(CHROMIUM), tmp_path / "profile") as devtools:
            async with open_tab(devtools, page.as_uri()) as tab:
                await tab.until("document.querySelector('.scatterlayer .point')")
                count = await tab.run("document.querySelectorAll('.scatterlayer .point').length")
                buttons = await tab.run(
                    "[...document.querySelectorAll('.modebar-btn')].map(b => b.dataset.title)"
                    ".join('; ')"
                )
                return int(count), str(buttons), tab.console

    count, buttons, console = asyncio.run(drawn())
    assert (count, console) == (expected, [])
    assert "Download plot" in buttons
    assert "Share" not in buttons, "a button that sends the figure to plotly's server"
