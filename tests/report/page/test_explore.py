"""The page to look through a run: what it holds, and what a browser makes of it."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import escape
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import alertlib as al
from alertlib.backtesting.run import Run
from alertlib.report.page import embedding
from alertlib.report.page.explore import explore_page, recolouring
from alertlib.report.plots.look import LOOKS
from tests.support import report_cards
from tests.support.backtests import FORTY_SESSIONS, run_of
from tests.support.browser import Tab, find_chromium, open_tab

CHROMIUM = find_chromium()
BARS = Path(__file__).parents[4] / "shared/data/win_n_m5_2020-11_2021-03.parquet"
LIMIT = 8_000_000
DRAWN = "performance.getEntriesByName('candles drawn').length"

in_a_browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium")


@pytest.fixture(scope="module")
def run() -> Run:
    return run_of(FORTY_SESSIONS)


@pytest.fixture(scope="module")
def page(run: Run) -> str:
    return explore_page(run)


@asynccontextmanager
async def opened(devtools: str, page: str, folder: Path, **colours: str) -> AsyncIterator[Tab]:
    """Open the page without a network, its candles drawn; nothing may complain."""
    file = folder / "run.html"
    file.write_text(page, encoding="utf-8")
    async with open_tab(devtools, "about:blank") as tab:
        await tab.call("Network.enable")
        nothing = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
        await tab.call("Network.emulateNetworkConditions", offline=True, **nothing)
        await tab.colours(colours.get("scheme", "light"))
        await tab.load(file.as_uri())
        await tab.until(DRAWN)
        yield tab
        assert tab.console == []


def data_of(page: str, name: str = "page-data") -> Any:
    found = re.search(f'<script type="application/json" id="{name}">(.*?)</script>', page, re.S)
    assert found is not None
    return json.loads(found[1])


async def traces(tab: Tab) -> list[dict[str, Any]]:
    """Return what is drawn of the session."""
    return list(
        json.loads(await tab.run("JSON.stringify(document.getElementById('candles').data)"))
    )


def test_it_holds_plotly_once_and_asks_nobody_for_anything(page: str) -> None:
    assert page.count(embedding.plotly_script()) == 1
    own = page.replace(embedding.plotly_script(), "")
    assert "default-src &#39;none&#39;" in own
    assert not re.search(r"(?:src|srcset|action)=|url\(|@import|https?:", own)
    assert set(re.findall(r'href="(.)', own)) == {"#"}


def test_the_policy_knows_each_script_by_its_hash(page: str) -> None:
    scripts = re.findall(r"<script>(.*?)</script>", page, re.S)
    assert scripts == [embedding.plotly_script(), embedding.page_script()]
    allowed = re.search("script-src ([^;]*);", embedding.policy(*scripts))
    assert allowed is not None
    assert len(re.findall(r"'sha256-[\w+/]{43}='", allowed[1])) == 2
    assert "unsafe" not in allowed[1]


def test_it_lists_what_the_run_says(run: Run, page: str) -> None:
    fp = run.alerts.filter(pl.col("outcome") == "fp", pl.col("pnl_points") < 0).sort("pnl_points")
    worst = fp.row(0, named=True)
    largest = run.missed().sort("points", descending=True).row(0, named=True)
    linked = re.findall(r'class="jump" href="#([^"]*)">([^<]*)</a>', page)

    assert (f"{worst['bar_time']:%Y-%m-%d}/{worst['id']}", f"{worst['time']:%Y-%m-%d %H:%M}") in (
        linked
    )
    assert next(text for to, text in linked if "move-" in to) == (
        f"{largest['time_start']:%Y-%m-%d %H:%M}–{largest['time_end']:%H:%M}"
    )
    assert escape(largest["why"]) in page
    data = data_of(page)
    assert len(data["trades"]["rows"]) == run.trades.height
    points = [row["values"][1] for row in data["trades"]["rows"]]
    assert sum(points) == pytest.approx(run.trades["pnl_points"].sum())
    assert len(data["days"]) == run.scorecard.to_dict()["data"]["sessions"]
    for path in ("detection.volatility.threshold_sigma", "gate.win_rate", "scoring.seed"):
        assert re.search(rf"<dt[^>]*>{re.escape(path)}</dt>", page)


def test_synthetic_is_said_of_synthetic_bars_alone(page: str) -> None:
    assert "SYNTHETIC" not in page.replace(embedding.plotly_script(), "").split("page-data")[0]
    assert explore_page(report_cards.passed_run()).count("SYNTHETIC SAMPLE") == 3


def test_texts_from_files_never_end_a_script() -> None:
    hostile = "</script><script>document.title='taken'</script>"
    page = explore_page(run_of(FORTY_SESSIONS, symbol=hostile))

    assert hostile not in page
    assert {day["symbol"] for day in data_of(page)["days"]} == {hostile}


def test_a_run_without_alerts_says_why_figures_are_missing() -> None:
    page = explore_page(run_of(FORTY_SESSIONS, detection__enabled=()))

    assert "equity: got no trade to draw" in page
    assert "no false alarm lost anything" in page
    assert data_of(page)["trades"]["rows"] == []


def test_a_dark_figure_is_the_light_one_in_other_colours(run: Run) -> None:
    """The page holds light figures alone, and recolours them."""
    dark_of = recolouring()
    light = LOOKS["light"]
    assert set(dark_of) == {*light[:-1], *light.series}

    def recoloured(text: str) -> str:
        def dark(match: re.Match[str]) -> str:
            return dark_of.get(match[0], match[0])

        def faded(match: re.Match[str]) -> str:
            found = dark_of["#" + "".join(f"{int(one):02x}" for one in match.groups())]
            return ",".join(str(int(found[at : at + 2], 16)) for at in (1, 3, 5))

        text = re.sub(r"#[0-9a-f]{6}\b", dark, text)
        return re.sub(r"(?<=rgba\()(\d+), ?(\d+), ?(\d+)", faded, text)

    for name in ("equity", "hours", "events", "excursions"):
        draw = getattr(run, f"plot_{name}")
        assert recoloured(draw().to_json()) == draw(theme="dark").to_json(), name


@in_a_browser
def test_a_session_is_drawn_as_run_plot_draws_it(
    run: Run, page: str, devtools: str, tmp_path: Path
) -> None:
    day = run.alerts.filter(pl.col("outcome") == "fp")["bar_time"][-1].date()
    alert = run.alerts.filter(pl.col("outcome") == "fp").drop_nulls("entry_time")["id"][-1]
    other = run.alerts.filter(pl.col("id") == alert)["bar_time"][0].date()

    async def drawn() -> list[Any]:
        async with opened(devtools, page, tmp_path) as tab:
            found = []
            for place in (f"{day}", f"{other}/{alert}"):
                await tab.run(f"location.hash = '{place}'")
                await tab.until(f"document.getElementById('candles').layout.title.text.includes("
                                f"'{place[:10]}')")  # fmt: skip
                found.append(await traces(tab))
            return found

    for found, what in zip(asyncio.run(drawn()), (day, alert), strict=True):
        expected = [trace.to_plotly_json() for trace in run.plot(what).data]
        assert [substance(trace) for trace in found] == [substance(trace) for trace in expected]


def substance(trace: dict[str, Any]) -> dict[str, Any]:
    """Return what a trace says, numbers as the page rounds them."""
    names = ("type", "x", "y", "open", "high", "low", "close", "text", "hovertext", "name",
             "customdata", "mode", "width", "legendrank", "marker")  # fmt: skip
    kept = {name: trace[name] for name in names if name in trace}
    if trace["type"] == "bar":  # where colours are faded in another notation
        del kept["marker"]
    if trace["type"] == "candlestick":  # which says to when a bar runs
        kept["text"] = [text.split("<br>", 1)[1] for text in kept["text"]]
    text = json.dumps(kept, default=lambda value: value.tolist())
    return dict(json.loads(text, parse_float=lambda number: round(float(number), 6)))


@in_a_browser
def test_a_hostile_symbol_is_shown_and_never_obeyed(devtools: str, tmp_path: Path) -> None:
    page = explore_page(run_of(FORTY_SESSIONS, symbol="<b>W</b></script><img src=x onerror=a()>"))

    async def seen() -> tuple[str, int]:
        async with opened(devtools, page, tmp_path) as tab:
            title = await tab.run("document.querySelector('#candles .gtitle').textContent")
            return title, await tab.run("document.querySelectorAll('img').length")

    title, images = asyncio.run(seen())
    assert title.startswith("<b>W</b></script><img src=x onerror=a()> M5")
    assert images == 0


@in_a_browser
def test_picking_jumping_and_sorting(run: Run, page: str, devtools: str, tmp_path: Path) -> None:
    title = "document.getElementById('candles').layout.title.text"
    first = data_of(page)["days"][0]["day"]
    last = data_of(page)["days"][-1]["day"]
    key = "document.querySelector('#trades-table').tBodies[0].rows[0].values[1]"

    async def use() -> None:
        async with opened(devtools, page, tmp_path) as tab:
            assert last in await tab.run(title)
            # The picker.
            await tab.run("picker = document.getElementById('picker'); picker.value = '0';"
                          "picker.dispatchEvent(new Event('change'))")  # fmt: skip
            await tab.until(f"{title}.includes('{first}')")
            assert await tab.run("document.getElementById('earlier').disabled")
            await tab.run("document.getElementById('later').click()")
            await tab.until(f"{title}.includes('{data_of(page)['days'][1]['day']}')")
            # From a list to its place, by keyboard.
            jump = ".listed a.jump[href*='move-']"
            await tab.run(f'document.querySelector("{jump}").focus()')
            await tab.press("Enter")
            await tab.until("!document.getElementById('chosen').hidden")
            text = await tab.run(f'document.querySelector("{jump}").textContent')
            assert text[11:16] in await tab.run("document.getElementById('chosen').textContent")
            assert text[:10] in await tab.run(title)
            await tab.until("Math.abs(document.getElementById('explorer')"
                            ".getBoundingClientRect().top) < 20")  # fmt: skip
            # Trades by points, both ways, by keyboard.
            await tab.run("document.querySelector('#trades-table').rows[0].cells[1]"
                          ".querySelector('button').focus()")  # fmt: skip
            ends = run.trades["pnl_points"].min(), run.trades["pnl_points"].max()
            for end, order in zip(ends, ("ascending", "descending"), strict=True):
                await tab.press("Enter")
                await tab.until(f"document.querySelector('[aria-sort={order}]')")
                assert await tab.run(key) == pytest.approx(end)

    asyncio.run(use())


@in_a_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_telephone_shows_all_of_it_in_its_own_colours(
    scheme: Any, page: str, devtools: str, tmp_path: Path
) -> None:
    async def seen() -> Any:
        async with opened(devtools, page, tmp_path, scheme=scheme) as tab:
            await tab.resize(390, 844)
            await tab.run("document.querySelector('[data-figure=figure-equity]').scrollIntoView()")
            await tab.until("document.querySelector('[data-figure=figure-equity] .main-svg')")
            papers = await tab.run(
                "[...document.querySelectorAll('#candles, [data-figure=figure-equity]')]"
                ".map(one => one.layout.paper_bgcolor)"
            )
            return papers, await tab.run("document.documentElement.scrollWidth")

    assert asyncio.run(seen()) == ([LOOKS[scheme].paper] * 2, 390)  # type: ignore[index]


@in_a_browser
@pytest.mark.skipif(not BARS.exists(), reason="the recording is not part of the project")
def test_sixty_recorded_sessions_fit(devtools: str, tmp_path: Path) -> None:
    run = al.backtest(al.read_bars(BARS, symbol="WIN$N"), al.Config(), audits="none")
    path = run.explore(tmp_path / "explore.html")
    page = path.read_text(encoding="utf-8")

    async def options() -> int:
        async with opened(devtools, page, tmp_path) as tab:
            return int(await tab.run("document.querySelectorAll('#picker option').length"))

    assert path.stat().st_size <= LIMIT
    assert asyncio.run(options()) == 60
