"""The page in each language: whole, and with the server's reasons in its words."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from runners.live.gauges import KINDS
from runners.live.websocket.listening import PAGE
from runners.live.websocket.responses import Health
from tests.support.browser import Tab, open_tab
from tests.support.desk import FOLLOWED, LIVE, cards, desk, make_alert, publish, recent, sign_in
from tests.support.running import ROOT
from tests.support.websocket_server import TOKEN, run, serving

LANGUAGES = ("pt-BR", "en")
SOURCES = {path.name: path.read_text(encoding="utf-8") for path in PAGE.parent.glob("*.js")}


def table(language: str) -> dict[str, str]:
    """A language's texts, read as what they are: lines of a name and a string."""
    lines = re.findall(r"^  (\w+): (\".*\"),$", SOURCES[f"texts-{language}.js"], re.MULTILINE)
    return {name: json.loads(text) for name, text in lines}


def holes(text: str) -> list[str]:
    return sorted(re.findall(r"\{(\w+)\}", text))


class TestTables:
    def test_every_language_has_every_text_with_the_same_values(self) -> None:
        portuguese, english = table("pt-BR"), table("en")
        assert len(portuguese) > 150
        assert list(portuguese) == list(english)
        for name, text in portuguese.items():
            assert text, name
            assert holes(text) == holes(english[name]), name

    def test_every_text_that_is_asked_for_is_there_and_none_is_left_over(self) -> None:
        code = "\n".join(text for name, text in SOURCES.items() if not name.startswith("texts-"))
        html = PAGE.read_text(encoding="utf-8")
        # "kind_" before `${…}` stands for every text that begins so; counts have two forms.
        asked = set(re.findall(r'data-(?:text|label)="(\w+)"', html))
        asked |= set(re.findall(r'"(\w+)"', code))
        counted = set(re.findall(r'count\([^)]*, "(\w+)"', code))
        asked |= {f"{name}_{form}" for name in counted for form in ("one", "many")}
        starts = tuple(re.findall(r"`(\w+_)\$\{", code))
        ends = tuple(re.findall(r"\$\{\w+\}(_\w+)`", code))
        names = set(table("en"))
        for name in re.findall(r'\bt\("(\w+)"', code) + re.findall(r'data-text="(\w+)"', html):
            assert name in names, name
        left = {n for n in names - asked if not n.startswith(starts) and not n.endswith(ends)}
        assert left == {"read_this"}

    def test_the_page_has_no_words_beside_its_tables(self) -> None:
        for name, text in SOURCES.items():
            code = re.sub(r"//.*", "", text)
            if not name.startswith("texts-"):
                assert not re.search(r"[áâãàçéêíóôõúÁÂÃÇÉÊÍÓÔÕÚ]", code), name
        shown = re.sub(r"<title>.*?</title>|<[^>]*>", "", PAGE.read_text(encoding="utf-8"))
        words = [word for word in re.findall(r"[A-Za-zÀ-ÿ]{2,}", shown) if word != "doctype"]
        assert words == []


async def everything(house: Any, tab: Tab) -> str:
    """Make the page say much of what it can; returns all its texts, titles and labels."""
    house.server.tell_status([FOLLOWED, FOLLOWED | {"symbol": "WDO$N", "state": "stale"}])
    marks = dict.fromkeys(("replay", "synthetic", "dry_run", "late"), True)
    publish(house, make_alert(100, **marks), make_alert(110, direction=-1))
    changed = {"revision": 1, "changes": {"close": [126_505.0, 126_510.0]}}
    publish(house, make_alert(100, **changed), kind="correction")
    await cards(tab, 3)
    house.health = Health(False, REASONS, {"dry_run": True, "feed": "ended", "version": "1"})
    await tab.run("knownVersion = '0'; checkHealth()")
    await tab.run("document.querySelector('.executed').click()")
    await tab.until(
        "document.querySelector('.done').innerText.includes('WORD')".replace(
            "WORD", table(await tab.run("LANGUAGE"))["action_received"]
        )
    )
    await tab.run("document.querySelector('#latency').open = true; actions.lost()")
    await tab.until("document.querySelector('.candle')")
    return str(await tab.run(
        "document.title + document.body.innerText + [...document.querySelectorAll('*')].map("
        "e => [e.title, e.ariaLabel, e.placeholder, e.tagName === 'OPTION' ? e.text : '']"
        ".join(' ')).join(' ')"
    ))  # fmt: skip


REASONS = (
    "store: /data/alerts.db: the disk is full (writing); free space",
    "store: /data/alerts.db: a commit has taken 6.2 s",
    "feed: the terminal has no connection to its broker",
    "feed: WIN$N: no tick since 2026-03-02 10:15:07 in an open session",
    "feed: WIN$N M5 is stale: 3 bars missing, the last opened at 2026-03-02 10:00:00",
    "feed: WINV24 M5 is stale: 1 bars missing, the last opened at 2024-10-16 10:00:00; WINV24 "
    "expired on 2024-10-16, its successor now is WINZ24",
    "feed: no answer from the terminal for 12 s",
    "e-mail: connect: 10.0.0.1 refused",
    "webhook mesa: 503 from https://desk.example/alerts",
    "heartbeat: HTTP 404 Not Found; 3 calls in a row were not accepted",
    "letters: 3 copies of the last hour reached nobody",
    "detector: engulfing disabled on WIN$N M5",
    "websocket: a client answers after 2.4 s",
)


class TestPage:
    @pytest.mark.parametrize("language", LANGUAGES)
    def test_no_page_is_half_translated(self, devtools: str, language: str) -> None:
        """Nothing is shown that only another language says."""
        (other,) = set(LANGUAGES) - {language}
        own = {text.lower() for text in table(language).values()}
        foreign = {
            text.lower() for name, text in table(other).items()
            if not holes(text) and name != "read_this" and len(text) > 3
        } - own  # fmt: skip

        async def scenario() -> None:
            async with (
                serving(page=PAGE, language=language) as house,  # type: ignore[arg-type]
                open_tab(devtools, f"http://127.0.0.1:{house.server.port}/") as tab,
            ):
                assert await tab.run("document.documentElement.lang") == language
                door = await tab.run("document.body.innerText")
                await sign_in(tab, TOKEN)
                await tab.until(LIVE)
                house.server.recent_bars = recent
                said = f"{door} {await everything(house, tab)}".lower()
                found = {text for text in foreign if re.search(rf"\b{re.escape(text)}\b", said)}
                assert found == set()
                assert "undefined" not in said
                assert not re.search(r"\{\w+\}", said)
                assert [line for line in tab.console if "503" not in line] == []

        run(scenario())

    def test_it_is_chosen_by_the_address_or_by_hand_and_remembered(self, devtools: str) -> None:
        async def scenario() -> None:
            async with desk(devtools, token=None) as (house, tab):
                address = f"http://127.0.0.1:{house.server.port}/"
                title = "document.querySelector('h1').textContent"
                assert await tab.run(title) == "Alertas"
                await tab.load(f"{address}?lang=en-US")
                assert await tab.run(title) == "Alerts"
                await tab.load(address)
                assert await tab.run(title) == "Alertas"  # an address is asked once
                # This browser speaks English, and is shown the way.
                assert await tab.texts("#offer") == ["Read in English"]
                await tab.click("#offer button")
                is_english = "document.querySelector('h1')?.textContent === 'Alerts'"
                await tab.until(f"{is_english} && document.readyState === 'complete'")
                await tab.load(address)
                await tab.until(is_english)
                assert await tab.run("document.querySelector('#offer').hidden")
                assert tab.console == []

        run(scenario())


class TestReasons:
    def test_the_server_s_sentences_are_said_in_the_page_s_words(self, devtools: str) -> None:
        said = {
            "pt-BR": [
                "o disco está cheio e nada é gravado",
                "o disco está parado há 6,2 s",
                "o terminal está sem conexão com a corretora",
                "WIN$N sem nenhum negócio ou cotação desde 02/03/2026 10:15, com o pregão aberto",
                "WIN$N M5 sem 3 barras; a última abriu em 02/03/2026 10:00",
                "WINV24 M5 sem 1 barra; a última abriu em 16/10/2024 10:00; WINV24 venceu ou vence "
                "em 16/10/2024; o contrato seguinte é WINZ24",
                "o terminal não responde há 12 s",
                "o canal de e-mail falha; os e-mails esperam",
                "o webhook mesa falha; os alertas esperam",
                "o sinal de vida do servidor não é recebido; os alertas seguem",
                "há mensagens que não chegaram a ninguém",
                "o detector engulfing foi desligado em WIN$N M5 depois de erros",
                "uma conexão responde só depois de 2,4 s",
            ],
            "en": [
                "the disk is full and nothing is written",
                "the disk has stood still for 6.2 s",
                "the terminal has no connection to its broker",
                "WIN$N without a trade or quote since 02/03/2026 10:15, in an open session",
                "WIN$N M5 lacks 3 bars; the last opened at 02/03/2026 10:00",
                "WINV24 M5 lacks 1 bar; the last opened at 16/10/2024 10:00; WINV24 expired or "
                "expires on 16/10/2024; the next contract is WINZ24",
                "the terminal has not answered for 12 s",
                "the e-mail channel fails; mails wait",
                "webhook mesa fails; alerts wait",
                "the server's heartbeat is not received; alerts go on",
                "some messages reached nobody",
                "detector engulfing was turned off on WIN$N M5 after errors",
                "a connection answers only after 2.4 s",
            ],
        }

        async def scenario() -> None:
            async with desk(devtools, token=None) as (house, tab):
                for language, sentences in said.items():
                    await tab.load(f"http://127.0.0.1:{house.server.port}/?lang={language}")
                    assert await tab.run(f"{json.dumps(REASONS)}.map(wordReason)") == sentences

        run(scenario())

    def test_they_are_the_sentences_that_the_daemon_says(self) -> None:
        """A sentence that is changed where it is made would lose its words here."""
        made = "".join(
            path.read_text(encoding="utf-8")
            for folder in ("runners/live", "runners/mt5", "alertlib/market", "alertlib/detection")
            for path in (ROOT / folder).rglob("*.py")
        )
        made = re.sub(r'"\s*\n\s*f?"', "", made)  # one text over two lines
        sentences = re.findall(r"\[\"reason_\w+\", /(.*)/\]", SOURCES["reasons.js"])
        assert len(sentences) > 14
        for sentence in sentences:
            values = re.sub(r"\((?:\?: since \()?\?<\w+>[^)]*\)+\??", "|", sentence)
            plain = re.split(r"\\\w|[\^.*|]", values)
            phrases = [part.strip(": ") for part in plain if len(part.strip(": ")) > 5]
            assert phrases, sentence
            for phrase in phrases:
                assert phrase in made, phrase

    def test_every_kind_of_trouble_has_words(self) -> None:
        for language in LANGUAGES:
            assert {f"kind_{kind}" for kind in KINDS} <= set(table(language))
