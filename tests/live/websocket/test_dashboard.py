"""The page of the daemon, in a real browser on a real server."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

import alertlib as al
from alertlib.detection.bar import Bar
from alertlib.detection.intake import RECENT_BARS, Core
from alertlib.texts.words import WORDS
from runners.live.websocket.dashboard.page import assemble
from runners.live.websocket.listening import PAGE
from runners.live.websocket.protocol import Action
from runners.live.websocket.responses import Health
from tests.support.browser import open_tab
from tests.support.desk import (
    EVIL,
    FOLLOWED,
    IDS,
    LIVE,
    ROWS,
    cards,
    commit,
    desk,
    make_alert,
    make_rows,
    publish,
    recent,
    sign_in,
)
from tests.support.websocket_server import (
    JWT_SECRET,
    OTHER_TOKEN,
    TOKEN,
    MemoryHistory,
    make_jwt,
    receive,
    run,
    serving,
)


async def ask_often(client: ClientConnection) -> None:
    for _ in range(60):
        await client.send('{"type":"bars","symbol":"S","timeframe":"M5"}')
    await receive(client, 60)


class TestSource:
    def test_the_page_is_one_file_that_fetches_nothing(self) -> None:
        html = assemble(PAGE)
        assert html.count("<script>") == len(list(PAGE.parent.glob("*.js")))
        assert html.count("<style>") == 1
        for outside in ("<script ", "stylesheet", "@import", "url(", "https://", " style="):
            assert outside not in html

    def test_no_text_reaches_the_page_as_markup(self) -> None:
        for source in PAGE.parent.glob("*.js"):
            text = source.read_text(encoding="utf-8")
            for sink in ("innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval("):
                assert sink not in text, source.name

    def test_names_are_those_of_the_other_channels(self, devtools: str) -> None:
        async def scenario() -> None:
            async with desk(devtools, token=None) as (_, tab):
                assert await tab.run("VOCABULARY") == WORDS
                assert await tab.run("WORDS") == WORDS["pt-BR"]
                assert set(await tab.run("SEVERITIES")) <= set(WORDS["pt-BR"])

        run(scenario())


class TestDoor:
    def test_a_refused_token_is_told_of_and_another_may_be_tried(self, devtools: str) -> None:
        async def scenario() -> None:
            async with desk(devtools, make_alert(1), token=None) as (house, tab):
                await sign_in(tab, "wrong")
                await tab.until("document.querySelector('#state').dataset.state === 'refused'")
                assert await tab.texts("#state-text") == ["token recusado"]
                assert "Token recusado" in (await tab.texts("#door-error"))[0]
                assert await tab.run("document.querySelector('#token').value") == ""
                assert await tab.texts(".alert") == []
                await sign_in(tab, TOKEN)
                await cards(tab, 1)
                assert house.audit.of("client_rejected")[0]["reason"] == "wrong_first_message"

        run(scenario())

    def test_a_token_that_expires_is_told_of(self, devtools: str) -> None:
        async def scenario() -> None:
            async with (
                serving(page=PAGE, jwt=True) as house,
                open_tab(devtools, f"http://127.0.0.1:{house.server.port}/") as tab,
            ):
                claims = {"exp": time.time() + 2.0, "aud": "alertas", "sub": "ana"}
                await sign_in(tab, make_jwt(claims, secret=JWT_SECRET))
                await tab.until(LIVE)
                await tab.until("!document.querySelector('#door').hidden")
                assert await tab.texts("#state-text") == ["token vencido"]
                assert "O token venceu" in (await tab.texts("#door-error"))[0]

        run(scenario())

    def test_the_token_is_kept_nowhere(self, devtools: str) -> None:
        async def scenario() -> None:
            async with desk(devtools, make_alert(1)) as (_, tab):
                await cards(tab, 1)
                await tab.run("document.querySelector('.executed').click()")
                kept = await tab.run(
                    "[location.href, document.cookie, JSON.stringify(localStorage),"
                    " JSON.stringify(sessionStorage), document.documentElement.outerHTML,"
                    " document.querySelector('#token').value,"
                    " performance.getEntries().map(e => e.name).join()].join()"
                )
                assert "alertas.actions" in kept
                assert TOKEN not in kept
                assert tab.console == []

        run(scenario())


class TestAlerts:
    def test_kept_and_new_alerts_are_shown_the_newest_first(self, devtools: str) -> None:
        async def scenario() -> None:
            async with desk(devtools, make_alert(100)) as (house, tab):
                await cards(tab, 1)
                down = {"direction": -1, "severity": "CRITICO", "pattern": "engulfing_bearish"}
                publish(house, make_alert(101, **down, late=True, dry_run=True))
                newest, oldest = await cards(tab, 2)
                for text in (
                    "CRÍTICO", "WIN$N M5", "Engolfo de baixa", "▼ VENDA", "126.505",
                    "126.490 – 126.520", "126.255", "127.005", "R:R 1:2",
                    "confiança 72%", "ATRASADO", "SIMULAÇÃO", "há ",
                    "01/03 17:25–17:30", "17:30:01",
                ):  # fmt: skip
                    assert text in newest
                assert "ALTO" in oldest
                assert "▲ COMPRA" in oldest
                await tab.until("document.querySelector('#said').textContent.includes('Engolfo')")
                said = await tab.run("document.querySelector('#said').textContent")
                assert said.startswith("simulação, atrasado, severidade crítico, venda a 126.505")
                await house.until(lambda: ("mesa", 2) in house.audit.acks)
                assert tab.console == []

        run(scenario())

    def test_a_correction_is_shown_and_marks_the_alert(self, devtools: str) -> None:
        async def scenario() -> None:
            async with desk(devtools, make_alert(100)) as (house, tab):
                changes = {"revision": 1, "changes": {"close": [126_505.0, 126_510.0]}}
                publish(house, make_alert(100, **changes), kind="correction")
                correction, original = await cards(tab, 2)
                assert "CORREÇÃO" in correction
                assert "fechamento 126.505 → 126.510" in correction
                assert "CORRIGIDO" in original

        run(scenario())

    def test_an_empty_desk_says_so(self, devtools: str) -> None:
        async def scenario() -> None:
            async with desk(devtools) as (_, tab):
                assert "Nenhum alerta ainda" in (await tab.texts("#empty"))[0]
                assert "primeiro alerta" in (await tab.texts("#chart-box"))[0]
                assert "não é recomendação" in (await tab.texts("footer"))[0]

        run(scenario())

    def test_silence_is_explained(self, devtools: str) -> None:
        async def scenario() -> None:
            async with desk(devtools) as (house, tab):
                said = "WIN$N M5 is stale: 3 bars missing, the last opened at 2024-03-01 10:50:00"
                house.health = Health(False, (f"feed: {said}",), {"dry_run": True})
                await tab.run("checkHealth()")
                (notice,) = await tab.texts("#notice.grave")
                assert "novos alertas podem não sair" in notice
                assert "WIN$N M5 sem 3 barras; a última abriu em 01/03/2024 10:50" in notice
                assert said not in notice  # it is folded away
                assert said in await tab.run("find('technical-text').textContent")
                assert "Simulação" in notice
                house.health = Health(True)
                await tab.run("checkHealth()")
                assert await tab.run("document.querySelector('#notice').hidden")

        run(scenario())

    def test_markup_in_texts_is_shown_and_does_nothing(self, devtools: str) -> None:
        async def scenario() -> None:
            evil = {"text": EVIL, "symbol": EVIL, "pattern": EVIL, "severity": EVIL, "id": EVIL}
            async with desk(devtools) as (house, tab):
                publish(house, make_alert(1, **evil, stop=EVIL, confidence=None, bar_time=EVIL))
                (text,) = await cards(tab, 1)
                assert text.count(EVIL) == 3
                assert await tab.run("document.querySelectorAll('img, #desk script').length") == 0
                assert await tab.run("window.hacked === undefined")
                assert tab.console == []

        run(scenario())

    def test_an_alert_that_cannot_be_shown_is_told_of(self, devtools: str) -> None:
        async def scenario() -> None:
            async with desk(devtools) as (house, tab):
                publish(house, make_alert(1, changes={"close": None}), kind="correction")
                publish(house, make_alert(2))
                await cards(tab, 1)
                assert "A mensagem nº 1 não pôde ser mostrada" in (await tab.texts("#notice"))[0]
                await house.until(lambda: ("mesa", 2) in house.audit.acks)

        run(scenario())

    def test_the_policy_stops_markup_that_got_in_all_the_same(self, devtools: str) -> None:
        async def scenario() -> None:
            async with desk(devtools) as (_, tab):
                await tab.run(f"document.body.insertAdjacentHTML('beforeend', {json.dumps(EVIL)})")
                while not any("Content Security Policy" in line for line in tab.console):
                    await asyncio.sleep(0.02)
                assert await tab.run("window.hacked === undefined")

        run(scenario())

    def test_a_burst_leaves_the_newest_two_hundred(self, devtools: str) -> None:
        async def scenario() -> None:
            async with desk(devtools, *(make_alert(n) for n in range(300))) as (house, tab):
                publish(house, *(make_alert(n) for n in range(300, 600)))
                await tab.until("link.seq === 600")
                texts = await cards(tab, 200)
                assert "18:55–19:00" in texts[0]
                shown = await tab.run(IDS)
                assert [int(one, 16) for one in shown] == list(range(599, 399, -1))
                assert "auditoria" in (await tab.texts("#older"))[0]
                await tab.until("document.querySelector('#counts dd').textContent === '600'")

        run(scenario())


def tell_replay(symbol: str, timeframe: str) -> dict[str, Any]:
    before = {"day": "2024-02-29", "high": 126_700.0, "low": 126_400.0, "close": 126_500.0}
    return {
        "now": "2024-03-01T22:00:00Z", "tick": 5.0, "point_value": 0.2, "horizon_minutes": 120,
        "marks": ["synthetic", "replay"], "previous": before,
    }  # fmt: skip


class TestMarket:
    def test_a_replay_is_told_from_a_market(self, devtools: str) -> None:
        async def scenario() -> None:
            async with desk(devtools) as (house, tab):
                house.server.stream_facts = tell_replay
                publish(house, make_alert(118, replay=True, synthetic=True))
                await tab.until("document.querySelector('#origin').textContent")
                assert await tab.texts("#origin") == ["DADOS SINTÉTICOS · REPLAY"]
                (line,) = await tab.texts("#streams li")
                assert line == "WIN$N M5 última barra fechou às 19:00 de 01/03/2024"
                (text,) = await cards(tab, 1)
                assert "DADOS SINTÉTICOS" in text
                assert "R$\xa0100,00" in text
                assert "-R$\xa050,00" in text
                (before,) = await tab.texts("#previous")
                assert before.startswith("Pregão anterior (29/02): máx 126.700 · mín 126.400")
                assert tab.console == []

        run(scenario())

    def test_what_can_no_longer_be_traded_says_so(self, devtools: str) -> None:
        """The newest bar closes at 126.600; cards from the newest to the oldest."""

        async def scenario() -> None:
            last = ROWS[-1][4]
            near = {"entry_min": last - 15, "entry_max": last + 15}
            far = {"stop": last - 900, "target": last + 900}
            passed = {"entry_min": last - 90, "entry_max": last - 60}
            alerts = (
                make_alert(80, **far),
                make_alert(110, target=last - 900, stop=last - 950),
                make_alert(117, **far, **passed),
                make_alert(118, **far, **near),
            )
            async with desk(devtools, *alerts) as (house, tab):
                house.server.stream_facts = tell_replay
                await tab.run("askBars()")
                await cards(tab, 4)
                await tab.until("document.querySelector('.alert').dataset.standing")
                kinds = "[...document.querySelectorAll('.alert')].map(e => e.dataset.standing)"
                assert await tab.run(kinds) == ["open", "passed", "over", "over"]
                near_text, passed_text, hit, late = await tab.texts(".standing")
                assert near_text.startswith("na faixa de entrada · último")
                assert "até o stop -900, até o alvo +900 pts" in near_text
                assert passed_text.startswith("entrada passou")
                assert hit.startswith("alvo atingido na barra das 18:15")
                assert late == "prazo do trade acabou às 17:45: histórico"

        run(scenario())

    def test_a_status_names_the_market_and_the_next_bar(self, devtools: str) -> None:
        async def scenario() -> None:
            async with desk(devtools) as (house, tab):
                publish(house, make_alert(118, symbol="WDO$N"))
                await cards(tab, 1)
                state = {"symbol": "WDO$N", "timeframe": "M5", "state": "running", "reason": None}
                state |= {"last_bar": "2024-03-01T10:50:00-03:00", "market_open": True}
                for now, market_open, ending in (
                    ("13:57:47", True, "há 2 min · próxima fecha em 2:13"),
                    ("14:01:10", True, "há 6 min · próxima atrasada 1:10"),
                    ("14:01:10", False, "há 6 min · mercado fechado"),
                ):
                    frame = {"feed": [state | {"market_open": market_open}]}
                    frame |= {"now": f"2024-03-01T{now}Z"}
                    heard = f"hearStatus({json.dumps(frame)})"
                    line = "document.querySelector('#streams li').textContent"
                    assert await tab.run(f"({heard}, {line})") == (
                        f"WDO$N M5 última barra fechou às 10:55, {ending}"
                    )

        run(scenario())


class TestComfort:
    def test_filters_hide_and_say_so_and_dates_divide(self, devtools: str) -> None:
        async def scenario() -> None:
            other = {"symbol": "WDO$N", "bar_time": "2024-03-04T09:00:00-03:00"}
            async with desk(devtools, make_alert(1), make_alert(2, **other)) as (_, tab):
                await cards(tab, 2)
                days = await tab.texts(".day")
                assert days == ["segunda-feira, 04/03/2024", "sexta-feira, 01/03/2024"]
                await tab.run(
                    "{const s = document.querySelector('#filter-symbol'); s.value = 'WDO$N';"
                    " s.dispatchEvent(new Event('change'))}"
                )
                assert await tab.texts("#filtered") == ["1 alerta oculto pelos filtros"]
                shown = "document.querySelectorAll('#alerts > :not([hidden])').length"
                assert await tab.run(shown) == 2
                await tab.run("document.querySelector('#filter-none').click()")
                assert await tab.run(shown) == 4

        run(scenario())

    def test_a_session_is_remembered_only_when_asked(self, devtools: str) -> None:
        async def scenario() -> None:
            async with desk(devtools, make_alert(1), token=None) as (_, tab):
                await tab.run("document.querySelector('#remember').click()")
                await tab.run("document.querySelector('#token').focus()")
                await sign_in(tab, TOKEN)
                await tab.until(LIVE)
                await tab.run("document.querySelector('#sound').click()")
                await tab.until("document.querySelector('#sound').ariaPressed === 'true'")
                await tab.load()
                await tab.until(LIVE)
                assert await tab.run("document.querySelector('#sound').ariaPressed") == "true"
                await tab.run("window.isOld = true")
                await tab.run("document.querySelector('#leave').click()")
                await tab.until("!window.isOld && document.readyState === 'complete'")
                assert await tab.run("localStorage.getItem('alertas.token')") is None
                await tab.run("localStorage.setItem('alertas.token', '\"changed since\"')")
                await tab.load()
                await tab.until("document.querySelector('#state').dataset.state === 'refused'")
                assert await tab.run("localStorage.getItem('alertas.token')") is None

        run(scenario())


class TestChart:
    def test_the_alert_s_bar_and_levels_are_marked(self, devtools: str) -> None:
        async def scenario() -> None:
            async with desk(devtools, make_alert(110)) as (house, tab):
                await tab.until("document.querySelectorAll('.candle').length > 50")
                names = "[...document.querySelectorAll('.level')].map(e => e.textContent)"
                assert await tab.run(names) == ["Alvo 127.005", "Preço 126.505", "Stop 126.255"]
                assert await tab.run("document.querySelectorAll('.signal').length") == 1
                (title,) = await tab.run("[document.querySelector('svg title').textContent]")
                assert "último fechamento 126.700" in title
                assert "marcada às 18:10" in title
                publish(house, make_alert(111, symbol="WDO$N"))
                await tab.until(
                    "document.querySelector('#chart-box').innerText.includes('não tem barras')"
                )

        run(scenario())

    def test_no_label_lies_on_another(self, devtools: str) -> None:
        """Levels close to each other push their labels apart, onto a price of the axis."""

        async def scenario() -> None:
            price = 126_525.0
            near = {"price": price, "stop": price + 5, "target": price - 5, "direction": -1}
            async with desk(devtools, make_alert(110, **near)) as (_, tab):
                await tab.until("document.querySelectorAll('.level text').length === 3")
                ys = sorted(
                    await tab.run(
                        "[...document.querySelectorAll('.level text, .grid text')]"
                        ".map(e => Number(e.getAttribute('y')))"
                    )
                )
                assert len(ys) > 3
                assert min(b - a for a, b in pairwise(ys)) >= 15

        run(scenario())

    def test_bars_are_shown_before_the_first_alert(self, devtools: str) -> None:
        async def scenario() -> None:
            async with desk(devtools) as (house, tab):
                house.server.tell_status([FOLLOWED])
                await tab.until("document.querySelectorAll('.candle').length > 50")
                assert await tab.run("document.querySelectorAll('.level').length") == 0
                assert "à espera" in (await tab.texts("#chart-note"))[0]

        run(scenario())

    def test_an_older_alert_is_chosen_with_the_keyboard(self, devtools: str) -> None:
        async def scenario() -> None:
            async with desk(devtools, make_alert(100), make_alert(110)) as (_, tab):
                await cards(tab, 2)
                await tab.run("document.querySelector('.alert').focus()")
                await tab.press("ArrowDown")
                await tab.press("Tab")
                await tab.press("Enter")
                await tab.until("document.querySelector('.alert:last-child').matches('.selected')")
                await tab.until(
                    "document.querySelector('#chart-note').textContent.includes('17:20')"
                )

        run(scenario())

    def test_the_newest_bars_are_kept_as_last_revised(self) -> None:
        core = Core(al.load_config(None), "WIN$N", "M5")
        bars = [
            Bar(datetime.fromisoformat(row[0]).replace(tzinfo=None), *row[1:])
            for row in make_rows(RECENT_BARS + 30)
        ]
        for bar in bars[:20]:
            core.warm_up(bar)
        for bar in bars[20:]:
            core.take(bar)
        assert list(core.recent.values()) == bars[30:]
        revised = bars[-2]._replace(close=bars[-2].high)
        core.take(revised)
        core.take(bars[0]._replace(close=bars[0].high))
        assert list(core.recent.values()) == [*bars[30:-2], revised, bars[-1]]

    def test_bars_are_given_to_those_who_ask(self) -> None:
        async def scenario() -> None:
            async with serving() as house, house.connect() as client:
                house.server.recent_bars = recent
                await receive(client)
                for symbol in ("WIN$N", "não há"):
                    question = {"type": "bars", "symbol": symbol, "timeframe": "M5"}
                    await client.send(json.dumps(question))
                    (answer,) = await receive(client)
                    rows = [list(row) for row in recent(symbol, "M5")]
                    assert answer == {**question, "bars": rows}
                await client.send('{"type":"bars","symbol":7}')
                house.publish()
                assert (await receive(client))[0]["seq"] == 1
                ignored = house.metrics.render().splitlines()
                assert 'alertas_websocket_ignored_total{reason="bad_bars"} 1' in ignored

        run(scenario())

    def test_asking_too_often_is_flooding(self) -> None:
        async def scenario() -> None:
            async with serving() as house, house.connect() as client:
                with pytest.raises(ConnectionClosed):
                    await ask_often(client)
                assert client.close_code == 1008

        run(scenario())

    def test_nobody_is_answered_before_it_has_authenticated(self) -> None:
        async def scenario() -> None:
            async with serving() as house, house.connect(token=None) as client:
                await client.send('{"type":"bars","symbol":"WIN$N","timeframe":"M5"}')
                async with asyncio.timeout(10):
                    await client.wait_closed()
                assert client.close_code == 4401

        run(scenario())


class TestActions:
    def test_an_action_reaches_the_server_and_outlives_a_reload(self, devtools: str) -> None:
        async def scenario() -> None:
            async with desk(devtools, make_alert(1)) as (house, tab):
                await cards(tab, 1)
                await tab.run("document.querySelector('.note').focus()")
                await tab.type("preço já andou")
                await tab.run("document.querySelector('.rejected').click()")
                await tab.until(
                    "document.querySelector('.done').innerText.includes('registrada pelo servidor')"
                )
                identifier = make_alert(1)["id"]
                assert house.audit.actions == [("mesa", identifier, "rejected", "preço já andou")]
                await tab.load()
                assert await tab.texts(".alert") == []
                await sign_in(tab, TOKEN)
                (text,) = await cards(tab, 1)
                assert "Rejeitada" in text
                assert "“preço já andou”" in text
                assert len(house.audit.actions) == 1

        run(scenario())

    def test_one_can_be_changed(self, devtools: str) -> None:
        async def scenario() -> None:
            async with desk(devtools, make_alert(1)) as (house, tab):
                await cards(tab, 1)
                await tab.run("document.querySelector('.ignored').click()")
                await tab.until("document.querySelector('.done + button')")
                await tab.run("document.querySelector('.done + button').click()")
                await tab.run("document.querySelector('.executed').click()")
                await house.until(lambda: len(house.audit.actions) == 2)
                assert [action for _, _, action, _ in house.audit.actions] == [
                    "ignored",
                    "executed",
                ]
                await tab.until(
                    "document.querySelector('#counts').innerText.match(/Executadas\\s1/)"
                )

        run(scenario())

    def test_the_last_of_several_counts_as_recorded_only_when_it_is(self, devtools: str) -> None:
        async def scenario() -> None:
            async with desk(devtools, make_alert(1)) as (house, tab):
                await cards(tab, 1)
                waiting: list[Callable[[bool], None]] = []
                house.audit.settle = waiting.append
                for action in ("executed", "rejected", "executed"):
                    await tab.run(f"document.querySelector('.{action}').click()")
                    await tab.until("document.querySelector('.done + button')")
                    await tab.run("document.querySelector('.done + button').click()")
                await house.until(lambda: len(waiting) == 3)
                told = "document.querySelector('.told').textContent"
                waiting[0](True)
                await tab.until(f"{told}.startsWith('Executada')")
                waiting[1](True)
                await tab.until(f"{told}.startsWith('Rejeitada')")
                assert await tab.run("actions.get(cards.alerts[0].alert.id).state") == "sent"
                waiting[2](True)
                await tab.until("actions.get(cards.alerts[0].alert.id).state === 'received'")

        run(scenario())

    def test_several_written_at_once_count_as_recorded_with_the_last(self, devtools: str) -> None:
        async def scenario() -> None:
            async with desk(devtools, make_alert(1)) as (house, tab):
                await cards(tab, 1)
                waiting: list[Callable[[bool], None]] = []
                house.audit.settle = waiting.append
                for action in ("executed", "rejected"):
                    await tab.run(f"document.querySelector('.{action}').click()")
                    await tab.until("document.querySelector('.done + button')")
                    await tab.run("document.querySelector('.done + button').click()")
                await house.until(lambda: len(waiting) == 2)
                # As one that is brought up to date is told: of what stands.
                frame = {"id": make_alert(1)["id"], "action": "rejected"}
                await tab.run(f"actions.confirm({json.dumps(frame)})")
                await tab.until("actions.get(cards.alerts[0].alert.id).state === 'received'")

        run(scenario())

    def test_a_page_just_opened_shows_what_was_done_about_every_alert(self, devtools: str) -> None:
        """However long ago, in whatever order: it was told of the newest 200 actions only."""

        async def scenario() -> None:
            history = MemoryHistory()
            commit(history, *(make_alert(number) for number in range(1, 451)))
            for number in range(450, 0, -1):
                history.act("risco", Action(make_alert(number)["id"], "ignored", ""))
            async with (
                serving(page=PAGE, history=history) as house,
                open_tab(devtools, f"http://127.0.0.1:{house.server.port}/") as tab,
            ):
                await sign_in(tab, TOKEN)
                await tab.until(LIVE)
                shown = "[...document.querySelectorAll('.told')].filter(e => e.textContent).length"
                await tab.until(f"document.querySelectorAll('.alert').length === {shown}")
                assert await tab.run(shown) == 200

        run(scenario())

    def test_an_action_is_told_to_everybody_with_who_and_when(self, devtools: str) -> None:
        async def scenario() -> None:
            async with desk(devtools, make_alert(1)) as (house, tab):
                await cards(tab, 1)
                async with house.connect(token=OTHER_TOKEN) as client:
                    done = {"type": "action", "id": make_alert(1)["id"], "action": "executed"}
                    await client.send(json.dumps(done))
                    await tab.until("document.querySelector('.told').textContent")
                    (told,) = await tab.texts(".told")
                    assert told.startswith("Executada por risco às ")

        run(scenario())


class TestReconnection:
    def test_a_restart_loses_nothing_and_repeats_nothing(self, devtools: str) -> None:
        async def scenario() -> None:
            history = MemoryHistory()
            commit(history, make_alert(1), make_alert(2))
            async with serving(page=PAGE, history=history) as house:
                port = house.server.port
                async with open_tab(devtools, f"http://127.0.0.1:{port}/") as tab:
                    await sign_in(tab, TOKEN)
                    await cards(tab, 2)
                    await house.server.stop(1.0)
                    await tab.until("document.querySelector('#state').dataset.state === 'waiting'")
                    assert "reconectando em" in (await tab.texts("#state-text"))[0]
                    await tab.run("document.querySelector('.executed').click()")
                    await tab.until("document.querySelector('.done').innerText.includes('na fila')")
                    commit(history, make_alert(3))
                    async with serving(page=PAGE, history=history, port=port) as again:
                        await tab.until(LIVE)
                        publish(again, make_alert(4))
                        await cards(tab, 4)
                        assert [int(one, 16) for one in await tab.run(IDS)] == [4, 3, 2, 1]
                        (connected,) = again.audit.of("client_connected")
                        assert connected["recovered"] is True
                        assert connected["after"] == 2
                        await again.until(lambda: ("mesa", 4) in again.audit.acks)
                        assert len(again.audit.actions) == 1
                        assert not any("Content Security" in line for line in tab.console)

        run(scenario())

    def test_another_database_repeats_no_alert(self, devtools: str) -> None:
        async def scenario() -> None:
            history = MemoryHistory()
            commit(history, make_alert(1), make_alert(2))
            async with serving(page=PAGE, history=history) as house:
                port = house.server.port
                async with open_tab(devtools, f"http://127.0.0.1:{port}/") as tab:
                    await sign_in(tab, TOKEN)
                    await cards(tab, 2)
                    await house.server.stop(1.0)
                    other = MemoryHistory("e-2")
                    commit(other, make_alert(2), make_alert(3))
                    async with serving(page=PAGE, history=other, port=port):
                        await tab.until(f"{LIVE} && link.epoch === 'e-2'")
                        await cards(tab, 3)
                        await tab.until("document.querySelector('#counts dd').textContent === '3'")

        run(scenario())


class TestLooks:
    def test_light_and_dark_desktop_and_phone(self, devtools: str, tmp_path: Path) -> None:
        async def scenario() -> None:
            alerts = [make_alert(n, severity=s) for n, s in ((90, "MEDIO"), (110, "CRITICO"))]
            async with desk(devtools, *alerts) as (_, tab):
                await cards(tab, 2)
                await tab.until("document.querySelector('.candle')")
                pictures = set()
                brightness = {}
                for scheme in ("light", "dark"):
                    await tab.colours(scheme)
                    for width, height in ((1280, 900), (360, 780)):
                        await tab.resize(width, height)
                        if (scheme, width) == ("light", 360):
                            await tab.run("document.querySelector('.pick').click()")
                        chart = "#alerts #chart" if width == 360 else "#chart-home #chart"
                        await tab.until(f"document.querySelector('{chart} .candle')")
                        shown = await tab.run("document.documentElement.scrollWidth")
                        assert shown <= width
                        file = await tab.screenshot(tmp_path / f"{scheme}-{width}.png")
                        pictures.add(file.read_bytes())
                    colour = await tab.run("getComputedStyle(document.body).backgroundColor")
                    brightness[scheme] = sum(map(int, colour[4:-1].split(",")))
                assert len(pictures) == 4
                assert brightness["dark"] < 150 < 600 < brightness["light"]
                assert tab.console == []

        run(scenario())
