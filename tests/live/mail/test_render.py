"""Letters as messages: what is in them, what can never get into them, and who can read them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from functools import lru_cache
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alertlib.config.schema import Email, SymbolSpec
from alertlib.texts import formats, words
from alertlib.texts.alerts import SUBJECT_LIMIT, AlertView
from alertlib.texts.contracts import find_contracts
from alertlib.texts.track_record import Record
from alertlib.texts.words import Language
from runners.live.alert_store.records import MessageType, OutboxRow, Stored
from runners.live.database.chain import alert_key
from runners.live.delivery.policy import Letter, digest_letter, message_id, single
from runners.live.mail.letters import DIGEST_SHOWN
from runners.live.mail.notices import notices
from runners.live.mail.render import Renderer
from runners.live.mail.words import MAIL_WORDS
from tests.support.made_alerts import languages, made_alerts
from tests.support.store_data import payload

SETTINGS = Email(sender="alertas@corretora.example", recipients=("mesa@corretora.example",))
FAR = 1e10


def copy(
    alert: dict[str, Any],
    type_: MessageType = "alert",
    *,
    number: int = 1,
    expires: float = FAR,
    digest: str | None = None,
) -> OutboxRow:
    stored = Stored(number, type_, json.dumps(alert).encode())
    name = message_id(f"{number}", "mesa@corretora.example", SETTINGS.sender)
    return OutboxRow(number, "mesa@corretora.example", name, 0.0, expires, 0, digest, stored)


@lru_cache
def renderer(language: Language = "pt-BR") -> Renderer:
    """Return one renderer per language: compiling the templates takes a while."""
    return Renderer(replace(SETTINGS, language=language), find_contracts(()))


def parsed(raw: bytes) -> EmailMessage:
    message = BytesParser(policy=default).parsebytes(raw)
    assert isinstance(message, EmailMessage)
    assert message.defects == []
    return message


def read(letter: Letter, language: Language = "pt-BR") -> EmailMessage:
    return parsed(renderer(language).message(letter, 0.0))


def part(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    assert isinstance(body, EmailMessage)
    assert body.defects == []
    return str(body.get_content())


class Visible(HTMLParser):
    """The text of a page, and the addresses it would ask for."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.requests: list[str] = []
        self.tags: set[str] = set()
        self._hidden = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self._hidden += tag in ("style", "title")
        self.requests += [v or "" for name, v in attributes if name in ("src", "href")]

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("style", "title")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.words += data.split()

    @property
    def line(self) -> str:
        return " ".join(self.words)


class TestAlert:
    def test_both_parts_say_what_a_trader_needs(self) -> None:
        message = read(single(copy(payload(1))))
        assert (
            message["Subject"] == AlertView(payload(1), find_contracts(())("WIN$N", "M5")).subject
        )
        for shown in (part(message, "plain"), Visible(part(message, "html")).line):
            line = " ".join(shown.split())
            for expected in (
                "CRÍTICO",
                "WIN$N · M5",
                "Volatilidade extrema",
                "126.505",
                "28/07/2026 10:05–10:10 (horário de Brasília)",
                "126.400 – 126.600",
                "126.300",
                "-205 pontos, -R$ 41,00",
                "126.800",
                "+295 pontos, +R$ 59,00",
                "1:1,5",
                "71%",
                "28/07/2026 10:10:00",
                "não é recomendação",
                payload(1)["id"],
            ):
                assert expected in line

    def test_english_by_configuration(self) -> None:
        message = read(single(copy(payload(1))), "en")
        assert message["Subject"] == (
            "WIN$N buy 126,505, stop 126,300, target 126,800, 10:10 · Extreme volatility · CRITICAL"
        )
        assert "this is not investment advice" in part(message, "plain")
        assert "-205 points, -R$ 41.00" in part(message, "html")
        assert message["Content-Language"] == "en"

    def test_headers(self) -> None:
        letter = single(copy(payload(1)))
        message = read(letter)
        assert message["Message-ID"] == letter.message_id
        assert message["Auto-Submitted"] == "auto-generated"
        assert message["X-Alertas-Id"] == payload(1)["id"]
        assert message["X-Alertas-Pattern"] == "volatilidade_extrema"
        assert message["Importance"] == "high"
        assert message["Date"] == "Tue, 28 Jul 2026 10:10:00 -0300"
        assert message["To"] == "mesa@corretora.example"

    def test_every_attempt_sends_the_same_bytes(self) -> None:
        letter = single(copy(payload(1)))
        first, again = renderer().message(letter, 0.0), renderer().message(letter, 900.0)
        assert first == again

    def test_every_line_is_short_ascii_so_that_any_server_takes_it(self) -> None:
        for language in MAIL_WORDS:
            raw = renderer(language).message(single(copy(payload(1, late=True))), 0.0)
            assert raw.isascii()
            assert max(map(len, raw.split(b"\r\n"))) <= 100
            assert b"\n" not in raw.replace(b"\r\n", b"")

    @pytest.mark.parametrize(
        ("change", "type_", "banner"),
        [
            ({"late": True}, "alert", "Atrasado: a barra chegou depois"),
            ({"dry_run": True}, "alert", "Simulação: alerta gerado em modo de teste"),
            ({}, "correction", "Correção: a barra deste alerta foi revista"),
        ],
    )
    def test_what_is_out_of_the_ordinary_says_so(
        self, change: dict[str, Any], type_: MessageType, banner: str
    ) -> None:
        plain = read(single(copy(payload(1))))
        marked = read(single(copy(payload(1, **change), type_)))
        for kind in ("plain", "html"):
            assert banner in part(marked, kind)
            assert banner not in part(plain, kind)
        assert marked["Subject"].startswith("[")

    def test_it_is_from_a_name_and_says_until_when_and_where_to_look(self) -> None:
        row = copy(payload(1), expires=1785246000.0)  # 2026-07-28T10:40-03:00
        bare = read(single(row))
        assert bare["From"] == "Alertas de trading <alertas@corretora.example>"
        named = replace(
            SETTINGS, sender_name="Mesa, Água & Co", page_url="https://mesa.example/alertas"
        )
        linked = parsed(Renderer(named, find_contracts(())).message(single(row), 0.0))
        assert linked["From"].addresses[0].display_name == "Mesa, Água & Co"
        assert Visible(part(linked, "html")).requests == ["https://mesa.example/alertas"]
        for kind in ("plain", "html"):
            assert "https://mesa.example/alertas" in part(linked, kind)
            assert "Abrir a página" not in part(bare, kind)
            assert "28/07/2026 10:40" in part(bare, kind)
        assert "Válido até:    28/07/2026 10:40" in part(bare, "plain")

    def test_domains_of_any_script_travel_in_ascii(self) -> None:
        settings = replace(SETTINGS, sender="alertas@ação.example")
        row = copy(payload(1))._replace(recipient="mesa@grün.example")
        raw = Renderer(settings, find_contracts(())).message(single(row), 0.0)
        message = parsed(raw)
        assert raw.isascii()
        assert message["From"].addresses[0].addr_spec == "alertas@xn--ao-siap.example"
        assert message["To"] == "mesa@xn--grn-ioa.example"
        assert message_id("1", "mesa@x.example", settings.sender).endswith("@xn--ao-siap.example>")

    @pytest.mark.parametrize("marks", [{}, {"replay": True}])
    def test_a_correction_stands_beside_its_alert_in_a_mail_reader(
        self, marks: dict[str, Any]
    ) -> None:
        sent = payload(1) | marks
        first = copy(sent)
        name = message_id(alert_key(sent), first.recipient, SETTINGS.sender)
        first = first._replace(message_id=name)
        alert, correction = read(single(first)), read(single(copy(sent, "correction")))
        assert alert["In-Reply-To"] is None
        assert correction["In-Reply-To"] == correction["References"] == alert["Message-ID"]

    def test_a_pattern_of_any_script_can_be_mailed(self) -> None:
        name = "reversão:de.média_com-um-nome-que-é-longo"
        message = read(single(copy(payload(1, pattern=name))))
        assert message["X-Alertas-Pattern"] == name
        assert name in part(message, "plain")

    def test_a_correction_tells_what_changed(self) -> None:
        alert = payload(1, changes={"close": [126505.0, 126510.0], "high": [126600.0, 126605.0]})
        plain = part(read(single(copy(alert, "correction"))), "plain")
        assert "Fechamento: 126.505 → 126.510" in plain
        assert "Máxima: 126.600 → 126.605" in plain

    def test_the_record_stands_beside_chance_or_is_not_mentioned(self) -> None:
        record: Record = {"trades": 212, "win_rate": 0.581, "win_rate_chance": 0.497}
        known, other = (
            parsed(
                Renderer(SETTINGS, find_contracts(()), {pattern: record}).message(
                    single(copy(payload(1))), 0.0
                )
            )
            for pattern in ("volatilidade_extrema", "engulfing_bullish")
        )
        for kind in ("plain", "html"):
            assert "acerto 58,1% (ao acaso 49,7%)" in part(known, kind)
            assert "scorecard" not in part(other, kind)

    def test_no_reais_for_a_symbol_nobody_knows(self) -> None:
        alert = payload(1, symbol="EURUSD", price=1.08345, stop=1.08, target=1.09,
                        entry_min=1.083, entry_max=1.084)  # fmt: skip
        message = read(single(copy(alert)))
        for kind in ("plain", "html"):
            assert "R$" not in part(message, kind)
            assert "1,08345" in part(message, kind)

    def test_a_symbol_of_the_configuration(self) -> None:
        find = find_contracts((SymbolSpec("XYZ", tick=0.25, point_value=2.0),))
        assert find("XYZ", "M5") == (0.25, 2.0)
        assert find("WIN$N", "M5") == (5.0, 0.2)

    def test_levels_that_are_missing_are_left_out(self) -> None:
        bare = payload(1, stop=None, target=None, entry_min=None, entry_max=None,
                       risk_reward=None, confidence=None)  # fmt: skip
        plain = part(read(single(copy(bare))), "plain")
        assert "Stop" not in plain
        assert "None" not in plain
        assert "Distâncias" not in plain


class TestInjection:
    @pytest.mark.parametrize(
        "change",
        [
            {"symbol": "WIN\r\nBcc: all@x.example"},
            {"symbol": "WIN<b>"},
            {"symbol": ""},
            {"pattern": "x\ny"},
            {"pattern": "a" * 65},
            {"severity": "ALTO\r\nX: y"},
            {"id": "1\r\n\r\nbody"},
            {"symbol": 5},
        ],
    )
    def test_names_that_are_none_are_refused(self, change: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match=r"(symbol|pattern|severity|id): got .*; expected"):
            read(single(copy(payload(1, **change))))

    @given(st.text(max_size=60))
    def test_a_notice_can_hold_any_text_and_shows_it_as_text(self, line: str) -> None:
        hostile = f"<script>alert(1)</script>{{{{ 7*7 }}}} {line}"
        (letter,) = notices(SETTINGS, ("op@x.example",), f"Aviso {line}", [hostile], 0.0)
        message = read(letter)
        page = Visible(part(message, "html"))
        assert "script" not in page.tags
        assert "<script>alert(1)</script>{{ 7*7 }}" in page.line
        assert message.keys().count("Subject") == 1
        assert len(message["Subject"]) <= SUBJECT_LIMIT

    @given(made_alerts(), languages, st.sampled_from(["alert", "correction"]))
    @settings(max_examples=60)
    def test_any_alert_gives_a_sound_message(
        self, alert: dict[str, Any], language: Language, type_: MessageType
    ) -> None:
        letter = single(copy(alert, type_))
        raw = renderer(language).message(letter, 0.0)
        message = parsed(raw)
        assert raw.isascii()
        assert len(set(message.keys())) == len(message.keys())
        contract = find_contracts(())(alert["symbol"], alert["timeframe"])
        view = AlertView(alert, contract, language, correction=type_ == "correction")
        assert message["Subject"] == view.subject
        assert message["X-Alertas-Symbol"] == alert["symbol"]
        assert message["X-Alertas-Pattern"] == alert["pattern"]
        for shown in (part(message, "plain"), Visible(part(message, "html")).line):
            assert words.word(alert["pattern"], language) in shown
            assert formats.price(alert["price"], contract.tick, language) in shown


class TestHtml:
    def everything(self) -> list[Letter]:
        members = [copy(payload(n), number=n, digest="<d@x>") for n in range(3)]
        return [
            single(copy(payload(1, late=True, dry_run=True), "correction")),
            digest_letter(members),
            *notices(SETTINGS, ("op@x.example",), "Aviso", ["linha"], 0.0),
        ]

    def test_it_asks_for_nothing_and_runs_nothing(self) -> None:
        for letter in self.everything():
            page = part(read(letter), "html")
            shown = Visible(page)
            assert shown.requests == []
            assert not shown.tags & {"script", "img", "link", "iframe", "form", "object"}
            assert "url(" not in page
            assert "@import" not in page

    def test_it_is_made_for_dark_mode_and_for_telephones(self) -> None:
        for letter in self.everything():
            page = part(read(letter), "html")
            assert '<meta name="color-scheme" content="light dark">' in page
            assert "prefers-color-scheme: dark" in page
            assert "max-width:600px" in page
            # Whatever has a colour of its own has a class that dark mode can turn.
            for tag in re.findall(r"<[a-z]+ [^>]*[^-]color:#(?!ffffff)[^>]*>", page):
                assert re.search(r'class="[^"]*(ink|soft|note|gain|loss)', tag), tag


class TestDigest:
    def digest(self, count: int, expired: int = 0, language: Language = "pt-BR") -> EmailMessage:
        members = [
            copy(payload(n, pattern=("break_suporte", "engulfing_bullish")[n % 2]),
                 number=n, digest="<d@x>", expires=-1.0 if n < expired else FAR)
            for n in range(count)
        ]  # fmt: skip
        return read(digest_letter(members), language)

    def test_it_counts_and_lists(self) -> None:
        message = self.digest(57, expired=2)
        assert message["Subject"] == "57 alertas reunidos em uma mensagem, 2 fora do prazo"
        assert message["X-Alertas-Count"] == "57"
        for shown in (part(message, "plain"), Visible(part(message, "html")).line):
            line = " ".join(shown.split())
            assert "57 alertas esperavam envio" in line
            assert "2 passaram do prazo" in line
            assert line.count("(fora do prazo)") == 2
            assert "não é recomendação" in line
        plain = " ".join(part(message, "plain").split())
        assert "29 WIN$N Rompimento de suporte, compra" in plain
        assert "28 WIN$N Engolfo de alta, compra" in plain

    def test_it_tells_of_copies_that_could_not_be_delivered(self) -> None:
        letter = digest_letter([copy(payload(1), digest="<d@x>")])
        for lost, said in ((1, "Outro não pôde ser entregue"), (2, "Outros 2 não puderam")):
            shown = " ".join(part(read(letter._replace(lost=lost)), "plain").split())
            assert said in shown
        assert "Outro" not in part(read(letter), "plain")

    def test_one_is_singular(self) -> None:
        assert (
            self.digest(1, expired=1)["Subject"] == "1 alerta que esperava envio, 1 fora do prazo"
        )
        assert "1 alert was waiting" in part(self.digest(1, language="en"), "plain")

    def test_a_long_one_stays_below_what_mail_readers_cut_off(self) -> None:
        message = self.digest(500)
        assert part(message, "plain").count("28/07/2026") == DIGEST_SHOWN
        assert f"{500 - DIGEST_SHOWN} mais antigos" in part(message, "plain")
        assert len(part(message, "html").encode()) < 102_000


def test_both_languages_have_the_same_sentences() -> None:
    assert MAIL_WORDS["pt-BR"].keys() == MAIL_WORDS["en"].keys()


def test_the_template_engine_is_loaded_by_the_first_message_only() -> None:
    code = (
        "import sys, runners.live.mail.mailer\n"
        "heavy = {'jinja2', 'numpy', 'polars', 'pyarrow', 'pandas', 'numba', 'pydantic'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
