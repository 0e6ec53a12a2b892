"""What makes the page one to trade by: noticed, on any clock, on a phone, after an upgrade."""

from __future__ import annotations

from typing import Any

import pytest

from runners.live.websocket.listening import PAGE
from runners.live.websocket.responses import Health
from tests.support.browser import Tab, open_tab
from tests.support.desk import FOLLOWED, LIVE, cards, desk, make_alert, publish, sign_in
from tests.support.websocket_server import TOKEN, run, serving

SOUND = "document.querySelector('#sound-text').textContent"
COUNT_TONES = """{
  window.tones = 0;
  const start = OscillatorNode.prototype.start;
  OscillatorNode.prototype.start = function (...when) {
    window.tones += 1;
    start.apply(this, when);
  };
}"""
NOTE_NOTICES = """{
  window.noticed = [];
  window.Notification = class extends Notification {
    constructor(title, options) {
      super(title, options);
      window.noticed.push([title, options.body]);
    }
  };
  document.hasFocus = () => false;
}"""


class TestAttention:
    def test_sound_stays_on(self, devtools: str) -> None:
        async def scenario() -> None:
            async with desk(devtools, token=None) as (house, tab):
                await tab.before(COUNT_TONES)
                await tab.load()
                await tab.click("#remember")
                await tab.run("document.querySelector('#token').focus()")
                await sign_in(tab, TOKEN)
                await tab.until(LIVE)
                await tab.click("#sound")
                await tab.until(f"{SOUND} === 'ligado' && tones === 1")
                publish(house, make_alert(1))
                await tab.until("tones === 2")
                await tab.load()
                await tab.until(LIVE)
                # Where a browser waits for a touch the page says so, and any touch will do.
                await tab.click("h1")
                await tab.until(f"{SOUND} === 'ligado'")
                publish(house, make_alert(2))
                await tab.until("tones === 1")
                await tab.click("#sound")
                await tab.until(f"{SOUND} === 'desligado'")
                await tab.load()
                await tab.until(LIVE)
                assert await tab.run(SOUND) == "desligado"

        run(scenario())

    def test_the_desktop_is_told_of_alerts_while_the_page_is_not_looked_at(
        self, devtools: str
    ) -> None:
        async def scenario() -> None:
            async with desk(devtools, token=None) as (house, tab):
                await tab.permit("notifications")
                await tab.before(NOTE_NOTICES)
                await tab.load()
                await sign_in(tab, TOKEN)
                await tab.until(LIVE)
                publish(house, make_alert(1))
                await cards(tab, 1)
                await tab.click("#notify")
                await tab.until("document.querySelector('#notify').ariaPressed === 'true'")
                await tab.run("filters.know({symbol: 'WDO$N'})")
                publish(house, make_alert(2, direction=-1, severity="CRITICO"))
                await tab.until("noticed.length")
                assert await tab.run("noticed") == [
                    [
                        "VENDA WIN$N 126.505",
                        "severidade crítico, venda a 126.505, Engolfo de alta, WIN$N",
                    ]
                ]
                assert tab.console == []

        run(scenario())

    def test_a_browser_that_refuses_notices_is_told_of(self, devtools: str) -> None:
        async def scenario() -> None:
            async with desk(devtools) as (_, tab):
                await tab.permit()  # nothing
                await tab.click("#notify")
                await tab.until("!document.querySelector('#notice').hidden")
                assert "não permite avisos" in (await tab.texts("#notice"))[0]
                assert await tab.run("document.querySelector('#notify').ariaPressed") == "false"

        run(scenario())


class TestClock:
    @pytest.mark.parametrize("hours", [-1, 1])
    def test_a_browser_whose_clock_is_an_hour_wrong_shows_the_same(
        self, devtools: str, hours: int
    ) -> None:
        """Ages, countdown, what is over and the figures come from the server's clock."""
        wrong = f"{{ const right = Date.now; Date.now = () => right() + {hours} * 3600000; }}"
        now = "2024-03-01T22:02:30Z"  # two and a half minutes after the newest bar's close

        def facts(symbol: str, timeframe: str) -> dict[str, Any]:
            return {"now": now, "point_value": 0.2, "horizon_minutes": 30, "marks": []}

        async def scenario() -> None:
            async with desk(devtools, token=None) as (house, tab):
                house.server.stream_facts = facts
                house.server.tell_status([FOLLOWED | {"market_open": True}])
                await tab.before(wrong)
                await tab.load()
                await sign_in(tab, TOKEN)
                await tab.until(LIVE)
                publish(house, make_alert(118, target=999_999.0, stop=0.0))
                await cards(tab, 1)
                await tab.until("document.querySelector('.standing').textContent")
                await tab.run("(Date.now = () => 0, tick())")  # and set anew while it is open
                (line,) = await tab.texts("#streams li")
                assert line.startswith("WIN$N M5 última barra fechou às 19:00, há 2 min")
                assert "próxima fecha em 2:" in line
                assert (await tab.texts(".age"))[0].startswith("há 7 min")
                assert (await tab.texts(".standing"))[0].startswith("entrada passou")
                await tab.click(".executed")
                await tab.until("document.querySelector('.done')")
                assert "19:02:3" in (await tab.texts(".done"))[0]
                await tab.run("document.querySelector('#latency').open = true")
                trip = "[...document.querySelectorAll('#times tr')][1].innerText"
                await tab.until(f"(figures.show(actions, 0), !{trip}.includes('–'))")
                name, *quantiles, _ = (await tab.run(trip)).split("\t")
                assert name == "Ida e volta até o servidor"
                for one in quantiles:
                    assert one == "< 1" or int(one.replace(".", "")) < 60_000

        run(scenario())


class TestUpgrade:
    def test_an_old_tab_offers_to_reload(self, devtools: str) -> None:
        async def scenario() -> None:
            async with serving(page=PAGE) as house:
                house.health = Health(True, (), {"version": "0.1.0"})
                port = house.server.port
                async with open_tab(devtools, f"http://127.0.0.1:{port}/") as tab:
                    await sign_in(tab, TOKEN)
                    await tab.until(f"{LIVE} && knownVersion === '0.1.0'")
                    assert await tab.run("document.querySelector('#reload').hidden")
                    await house.server.stop(1.0)
                    async with serving(page=PAGE, port=port) as upgraded:
                        upgraded.health = Health(True, (), {"version": "0.2.0"})
                        await tab.until("!document.querySelector('#reload').hidden", 25.0)
                        assert "O servidor foi atualizado" in (await tab.texts("#notice"))[0]
                        await tab.run("window.isOld = true")
                        await tab.click("#reload")
                        await tab.until("!window.isOld && document.readyState === 'complete'")
                        await sign_in(tab, TOKEN)
                        await tab.until(f"{LIVE} && knownVersion === '0.2.0'")
                        assert await tab.run("document.querySelector('#reload').hidden")

        run(scenario())


class TestStreams:
    def test_each_says_where_it_is_whether_it_has_had_alerts_or_not(self, devtools: str) -> None:
        async def scenario() -> None:
            async with desk(devtools) as (house, tab):
                other = {"symbol": "WDO$N", "last_bar": "2024-03-01T10:50:00-03:00"}
                silent = {"symbol": "BIT$N", "state": "stale", "market_open": True}
                house.server.tell_status([FOLLOWED, FOLLOWED | other, FOLLOWED | silent])
                await tab.until("document.querySelectorAll('#streams li').length === 3")
                await tab.until("document.querySelector('#streams li').innerText.includes('19:00')")
                win, wdo, bit = await tab.texts("#streams li")
                assert win.startswith("WIN$N M5 última barra fechou às 19:00")
                assert wdo.startswith("WDO$N M5 última barra fechou às 10:55")
                assert bit == "BIT$N M5 faltam barras"
                assert await tab.texts("#streams .trouble") == [bit]
                house.server.tell_status([FOLLOWED])
                await tab.until("document.querySelectorAll('#streams li').length === 1")

        run(scenario())


class TestPhone:
    def test_the_chart_is_behind_a_button_and_a_finger_reads_its_bars(self, devtools: str) -> None:
        async def scenario() -> None:
            async with desk(devtools, make_alert(100), make_alert(110)) as (_, tab):
                await cards(tab, 2)
                await tab.resize(390, 844)
                await tab.until("document.querySelector('#chart').hidden")
                buttons = ".alert .show-chart"
                assert await tab.texts(buttons) == ["Ver gráfico", "Ver gráfico"]
                await tab.tap(".alert:last-child .show-chart")
                await tab.until("document.querySelector('.alert:last-child #chart .candle')")
                assert await tab.texts(buttons) == ["Ver gráfico", "Fechar gráfico"]
                newest = await ohlc(tab)
                await tab.tap("#chart svg", 0.3)
                await tab.until(f"document.querySelector('#ohlc').textContent !== {newest!r}")
                assert " A " in await ohlc(tab)
                await tab.tap(".alert:last-child .show-chart")
                await tab.until("document.querySelector('#chart').hidden")
                assert await tab.run("document.documentElement.scrollWidth") <= 390

        run(scenario())


async def ohlc(tab: Tab) -> str:
    (text,) = await tab.texts("#ohlc")
    return text
