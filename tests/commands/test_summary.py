"""The page for management: its verdict, its lights, and figures counted by hand."""

from __future__ import annotations

import copy
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest

from alertlib.errors import DataError
from alertlib.texts.words import Language
from runners.commands.summary.figures import Decision, Figure, Light, Part, Reason, decide
from runners.commands.summary.speech import Speech
from runners.commands.summary.words import WORDS
from runners.live.alert_store.records import Batch, Event, Mail, Message
from runners.live.alert_store.store import Store
from runners.live.audit_log.deliveries import percentile
from runners.summary import main
from runners.trial.promises import PROMISES
from tests.support import report_cards
from tests.support.old_cards import as_v1

NOW = 1_700_000_000.0
GOOD = {"websocket": 10.0, "detection": 9.0, "mail": 18.0, "memory": 39.8, "throughput": 30_000}

Fill = Callable[[Store], object]
Say = Callable[..., list[str]]


def alert(number: int, *recipients: str, **more: Any) -> Message:
    payload = {"id": f"a{number}", "pattern": "engulfing_bullish",
               "bar_time": "2023-11-14T10:00:00-03:00",
               "detected_at": "2023-11-14T22:13:19.900000Z", **more}  # fmt: skip
    mail = tuple(Mail(to, f"<{number}-{to}>", NOW, NOW + 60) for to in recipients)
    return Message(payload, mail=mail)


def make(path: Path, *fills: Fill, feed: str = "Mt5Feed") -> str:
    with Store.open(str(path), clock=lambda: NOW) as store:
        store.append("start", "live", {"feed": feed}).result()
        for fill in fills:
            fill(store)
        store.append("stop", "live", {}).result()
    return str(path)


def commit(*messages: Message) -> Fill:
    return lambda store: store.commit(Batch(messages=messages)).result()


def mail_all(store: Store) -> None:
    store.outbox.delivered(store.outbox.due(NOW, 99)).result()


@pytest.fixture
def market(tmp_path: Path) -> str:
    """Two alerts of the market, each mailed and acknowledged."""
    return make(tmp_path / "market.db", commit(alert(1, "a@x"), alert(2, "a@x")), mail_all)


@pytest.fixture
def benchmark(tmp_path: Path) -> str:
    return written(tmp_path / "benchmark.json", measured())


def measured(**changes: float | None) -> dict[str, Any]:
    values = GOOD | changes
    rows = [{"key": key, "value": values[key], "met": True} for key in PROMISES]
    return {"schema": "benchmark.v1", "criteria": rows}


def real(card: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A card as one of the market's bars would look."""
    found = copy.deepcopy(card) | changes
    found["data"]["synthetic"] = False
    return found


def written(path: Path, content: Any) -> str:
    path.write_text(json.dumps(content))
    return str(path)


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Say:
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(int(NOW)))

    def run(*options: str, status: int = 0) -> list[str]:
        assert main(list(options)) == status
        return [line.strip() for line in capsys.readouterr().out.splitlines()]

    return run


# ---- the verdict


def test_the_first_line_says_what_to_do_and_how_far_off(
    say: Say, market: str, benchmark: str, tmp_path: Path
) -> None:
    card = real(report_cards.passed(), verdict="FAIL")
    card["criteria"][1].update(value=0.581, passed=False)
    card["criteria"][2].update(value=0.503, passed=False)
    path = written(tmp_path / "card.json", card)

    lines = say("--db", market, "--scorecard", path, "--benchmark", benchmark)
    assert lines[0] == "NÃO ASSINAR: alarmes falsos 58,1%, limite 10%"
    assert lines[1] == "Também: acerto 50,3%, limite 60%"
    assert "■ Qualidade: VERMELHO" in lines
    assert say("--db", market, "--scorecard", path, "--language", "en")[0].startswith(
        "DO NOT SIGN: false alarms 58.1%, limit 10%"
    )


def test_only_real_proof_signs_with_all_three_lights_green(
    say: Say, market: str, benchmark: str, tmp_path: Path
) -> None:
    path = written(tmp_path / "card.json", real(report_cards.passed()))
    full = ("--db", market, "--scorecard", path, "--benchmark", benchmark)
    lines = say(*full)
    assert lines[0].startswith("ASSINAR: ")
    assert [line for line in lines if line.startswith("●") and "VERDE" in line] == [
        "● Qualidade: VERDE",
        "● Operação: VERDE",
        "● Auditoria: VERDE",
    ]
    assert say(*full[:4])[0] == "NÃO ASSINAR AINDA: desempenho não medido"


def test_a_pass_of_made_up_bars_never_reads_as_sign(
    say: Say, market: str, benchmark: str, tmp_path: Path
) -> None:
    path, page = written(tmp_path / "sample.json", report_cards.passed()), tmp_path / "page.html"
    lines = say("--db", market, "--scorecard", path, "--benchmark", benchmark, "--html", str(page))
    assert lines[0] == "NÃO ASSINAR AINDA: qualidade não medida em dados reais"
    assert lines[1].startswith(f"DADOS SINTÉTICOS: {path}: PASS em dados fabricados")
    assert "▲ captura não medido (≥ 85%, scorecard)" in lines
    assert "R$ por operação: não medido" in lines
    assert "92,1%" not in page.read_text(encoding="utf-8").split("<details>")[0]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"proven": False}, "aprovado, mas não provado com 95% de certeza"),
        ({"in_sample_possible": True}, "aprovado, mas não se exclui ajuste aos próprios dados"),
        ({"verdict": "UNTESTED"}, "os resultados não foram comparados com o acaso"),
    ],
)
def test_a_pass_that_proves_nothing_is_not_yet(
    say: Say, market: str, benchmark: str, tmp_path: Path, changes: dict[str, Any], why: str
) -> None:
    path = written(tmp_path / "card.json", real(report_cards.passed(), **changes))
    first = say("--db", market, "--scorecard", path, "--benchmark", benchmark)[0]
    assert first.startswith(f"NÃO ASSINAR AINDA: {why}")


def test_an_assumed_symbol_is_marked_in_both_languages(
    say: Say, market: str, tmp_path: Path
) -> None:
    card = real(report_cards.passed())
    card["data"]["symbol_assumed"] = True
    options = ("--db", market, "--scorecard", written(tmp_path / "card.json", card))
    assert any("WIN$N (suposto) M5" in line for line in say(*options))
    assert any("WIN$N (assumed) M5" in line for line in say(*options, "--language", "en"))


def test_the_worst_real_card_decides_and_is_named(
    say: Say, market: str, benchmark: str, tmp_path: Path
) -> None:
    good = written(tmp_path / "good.json", real(report_cards.passed()))
    bad = written(tmp_path / "bad.json", as_v1(real(report_cards.failed())))
    few = written(tmp_path / "few.json", real(report_cards.insufficient()))
    lines = say("--db", market, "--scorecard", good, bad, few, "--benchmark", benchmark)
    decided = next(line for line in lines if line.startswith("Scorecard que decide"))
    assert bad in decided
    assert "o pior de 3 de dados reais" in decided
    alone = say("--db", market, "--scorecard", few, "--benchmark", benchmark)
    assert alone[0].startswith("NÃO ASSINAR AINDA: dados insuficientes: pregões 4, mínimo 30")


def test_every_card_that_can_be_read_is_shown(say: Say, market: str, tmp_path: Path) -> None:
    for name, card in report_cards.every().items():
        if name == "bare":
            continue  # of a dict, not of a file
        page = tmp_path / f"{name}.html"
        path = written(tmp_path / f"{name}.json", real(card))
        say("--db", market, "--scorecard", path, "--html", str(page), "--details")
        html = page.read_text(encoding="utf-8")
        assert "<script" not in html
        assert "http" not in html.replace("http-equiv", "")


def test_only_three_green_lights_sign() -> None:
    figure = Figure("mail", None, "<", 8_000.0, None, "log")
    assert figure.light is Light.YELLOW, "what was not measured is never green"
    green = Part("quality", (figure,))
    yellow, red = (Part("audit", (), (Reason(light, "x"),)) for light in (Light.YELLOW, Light.RED))
    assert decide((green, green))[0] is Decision.SIGN
    assert decide((green, yellow))[0] is Decision.NOT_YET
    assert decide((yellow, red))[0] is Decision.REFUSE
    assert [reason.light for reason in decide((yellow, red))[1]] == [Light.RED, Light.YELLOW]


# ---- what is counted


def test_every_figure_is_counted_from_the_log(say: Say, tmp_path: Path) -> None:
    held = Event("suppressed", "live", {"reason": "cooldown"})

    def deliver(store: Store) -> None:
        first, second, *_ = store.outbox.due(NOW, 99)
        store.outbox.delivered([first]).result()
        store.outbox.failed([second], NOW + 1, "busy").result()
        store.append("feed_gap", "feed", {}).result()
        store.ack("mesa", 2, [(1, 2)])

    messages = (alert(1, "a@x"), alert(2, "a@x", late=True), alert(3))
    database = make(
        tmp_path / "a.db",
        lambda store: store.commit(Batch(messages=messages, events=(held,))).result(),
        deliver,
    )
    lines = dict(line.partition(": ")[::2] for line in say("--db", database, "--details"))
    assert lines["O que se perdeu"] == (
        "nada. Contado no registro: alertas gravados 3 = confirmados 2 (por cliente WebSocket 2, "
        "por e-mail 1) + sem confirmação, guardados no banco, 1 + desistidos 0; e-mails aceitos "
        "(250) 1, com cópias de alertas 1; cópias desistidas 0, na fila 1"
    )
    assert lines["O que falhou"] == (
        "tentativas de e-mail repetidas 1; lacunas de dados 1; alertas atrasados 1"
    )
    assert lines["retidos pela política"] == "cooldown 1"
    assert lines["confirmados por cliente"] == "mesa 2"
    assert lines["alertas por padrão"] == "Engolfo de alta 3"
    assert lines["detecção até gravado, P50 / P95 / P99"] == "100,0 ms / 100,0 ms / 100,0 ms (3)"


def test_mails_are_counted_as_messages_and_not_as_copies(say: Say, tmp_path: Path) -> None:
    """A digest of two alerts to each of two people counted as four mails."""

    def digest(store: Store) -> None:
        for to in ("a@x", "b@x"):
            rows = [row for row in store.outbox.due(NOW, 99) if row.recipient == to]
            store.outbox.put_into_digest(rows, f"<digest-{to}>").result()
        store.outbox.delivered(store.outbox.due(NOW, 99), alerts=2).result()

    database = make(
        tmp_path / "a.db", commit(alert(1, "a@x", "b@x"), alert(2, "a@x", "b@x")), digest
    )
    lost = next(line for line in say("--db", database) if line.startswith("O que se perdeu"))
    assert "e-mails aceitos (250) 2, com cópias de alertas 4" in lost


def test_what_was_given_up_and_reached_nobody_is_lost(say: Say, tmp_path: Path) -> None:
    def give_up(store: Store) -> None:
        rows = store.outbox.due(NOW, 99)
        store.outbox.dead([row for row in rows if row.recipient == "gone@x"], "550").result()
        store.outbox.delivered([row for row in rows if row.recipient == "a@x"]).result()

    both = make(tmp_path / "a.db", commit(alert(1, "a@x", "gone@x")), give_up)
    lines = say("--db", both)
    assert "▲ Operação: AMARELO" in lines
    assert "1 entrega de e-mail desistida" in "".join(lines[:2])
    gone = make(tmp_path / "b.db", commit(alert(1, "a@x"), alert(2, "gone@x")), give_up)
    lines = say("--db", gone)
    assert lines[0].startswith("NÃO ASSINAR: 1 alerta perdido")
    assert any(line.startswith("O que se perdeu: alertas: 1.") for line in lines)


@pytest.mark.parametrize(
    ("feed", "more"),
    [("ReplayFeed", {}), ("Mt5Feed", {"replay": True}), ("Mt5Feed", {"synthetic": True})],
)
def test_what_is_not_the_markets_is_told_and_does_not_count(
    say: Say, benchmark: str, tmp_path: Path, feed: str, more: dict[str, Any]
) -> None:
    database = make(tmp_path / "a.db", commit(alert(1, "a@x", **more)), mail_all, feed=feed)
    path = written(tmp_path / "card.json", real(report_cards.passed()))
    lines = say("--db", database, "--scorecard", path, "--benchmark", benchmark)
    assert lines[0].startswith("NÃO ASSINAR AINDA: operação não medida no mercado")
    assert any(line.startswith("REPLAY OU SIMULAÇÃO: ") for line in lines)
    assert any("O que se perdeu: [REPLAY OU SIMULAÇÃO]" in line for line in lines)


def test_a_limit_that_is_missed_is_red_and_one_not_measured_yellow(
    say: Say, market: str, tmp_path: Path
) -> None:
    slow = written(tmp_path / "slow.json", measured(websocket=900.0, memory=None))
    lines = say("--db", market, "--benchmark", slow)
    assert lines[0] == "NÃO ASSINAR: WebSocket (P99) 900,0 ms, limite 500 ms"
    assert "■ WebSocket (P99) 900,0 ms (< 500 ms, ensaio)" in lines
    assert "▲ memória não medido (< 50 MB, ensaio)" in lines
    never = {"criteria": [{"key": "mail", "value": None, "met": False}]}
    lines = say("--db", market, "--benchmark", written(tmp_path / "never.json", never))
    assert any("∞" in line for line in lines), "no letter at all is not one that was not measured"
    lines = say("--db", market)
    assert "Execute: python -m runners.benchmark --json benchmark.json" in lines


# ---- the audit log, and the summary before


def tamper(database: str) -> None:
    connection = sqlite3.connect(database)
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
        connection.execute(f"DROP TRIGGER {name}")
    connection.execute("UPDATE audit SET actor = 'nobody', data = 'x' WHERE kind = 'alert'")
    connection.commit()
    connection.close()


def test_nothing_is_counted_from_a_log_that_fails(
    say: Say, market: str, benchmark: str, tmp_path: Path
) -> None:
    tamper(market)
    path = written(tmp_path / "card.json", real(report_cards.passed()))
    lines = say("--db", market, "--scorecard", path, "--benchmark", benchmark, status=1)
    assert lines[0].startswith("NÃO ASSINAR: o registro de auditoria falha na verificação")
    assert "■ Auditoria: VERMELHO" in lines
    assert "■ eventos verificados 6 (> 0, registro)" in lines
    assert "O que se perdeu: não medido" in lines


def test_the_summary_before_says_what_changed_and_anchors_the_log(
    say: Say, market: str, tmp_path: Path
) -> None:
    before = str(tmp_path / "before.json")
    say("--db", market, "--json", before)
    same = say("--db", market, "--previous", before)
    assert any("O que mudou: desde 14/11/2023: nenhuma das" in line for line in same)
    assert any("registro íntegro; contém a âncora anterior 6:" in line for line in same)
    with Store.open(market, clock=lambda: NOW) as store:
        commit(alert(3, "a@x"))(store)
    more = say("--db", market, "--previous", before)
    assert any("alertas gravados 2 → 3" in line for line in more)


def test_a_log_written_anew_is_found_by_the_summary_before(
    say: Say, market: str, tmp_path: Path
) -> None:
    said = tmp_path / "before.json"
    say("--db", market, "--json", str(said))
    summary = json.loads(said.read_text())
    summary["audit"]["anchor"]["hash"] = "0" * 64
    lines = say("--db", market, "--previous", written(said, summary), status=1)
    assert lines[0].startswith("NÃO ASSINAR: o registro de auditoria falha")
    summary["audit"]["anchor"]["epoch"] = "another"
    lines = say("--db", market, "--previous", written(said, summary))
    assert "▲ Auditoria: AMARELO" in lines


def test_a_scorecard_serves_as_the_summary_before_unless_made_up(
    say: Say, market: str, tmp_path: Path
) -> None:
    now = written(tmp_path / "now.json", real(report_cards.passed()))
    old = written(tmp_path / "old.json", real(report_cards.failed()))
    lines = say("--db", market, "--scorecard", now, "--previous", old)
    assert any("captura 56,8% → 92,1%" in line for line in lines)
    made_up = written(tmp_path / "made_up.json", report_cards.passed())
    lines = say("--db", market, "--scorecard", now, "--previous", made_up)
    assert any("não comparado: o scorecard anterior é de dados sintéticos" in x for x in lines)


# ---- files


def test_json_is_the_same_for_the_same_inputs_and_alone_on_stdout(
    say: Say, market: str, benchmark: str, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--db", market, "--benchmark", benchmark, "--json", "-")
    first, second = say(*options), say(*options)
    assert first == second
    said = json.loads("".join(first))
    assert said["generated_at"] == "2023-11-14T22:13:20Z"
    assert (said["decision"], said["delivery"]["messages"]) == ("not_yet", 2)


@pytest.mark.parametrize("option", ["--scorecard", "--benchmark", "--previous"])
@pytest.mark.parametrize("content", [{}, [], [1], {"schema": "summary.v1"}, "x"])
def test_what_is_something_else_is_one_line(
    market: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, content: Any
) -> None:
    path = written(tmp_path / "a.json", content)
    with pytest.raises(DataError, match=r"a\.json: .*expected"):
        main(["--db", market, option, path])
    with pytest.raises(DataError, match=r"none\.json: cannot be read"):
        main(["--db", market, option, str(tmp_path / "none.json")])
    assert capsys.readouterr().out == ""


# ---- words


def test_both_languages_have_every_word_and_the_same_blanks() -> None:
    portuguese, english = (WORDS[language] for language in get_args(Language))
    assert portuguese.keys() == english.keys()
    blanks = [
        {key: sorted(part[1:3] for part in Speech(language).parse(text) if part[1])
         for key, text in WORDS[language].items()}
        for language in get_args(Language)
    ]  # fmt: skip
    assert blanks[0] == blanks[1]


@pytest.mark.parametrize(
    ("name", "value", "limit", "shown"),
    [
        ("capture_rate", 0.8496, 0.85, "84,96%"),
        ("capture_rate", 0.85, 0.85, "85,0%"),
        ("mail", 8_000.4, 8_000.0, "8,0004 s"),
        ("mail", float("inf"), 8_000.0, "∞"),
        ("throughput", 35_969.0, 100.0, "35.969"),
    ],
)
def test_a_figure_never_rounds_onto_its_limit(
    name: str, value: float, limit: float, shown: str
) -> None:
    assert Speech("pt-BR").value(Figure(name, value, "<", limit, False, "log")) == shown


def test_percentiles_are_values_of_the_list() -> None:
    assert percentile([], 0.5) is None
    assert [percentile([1.0, 2.0, 3.0, 4.0], share) for share in (0.0, 0.5, 0.99)] == [
        1.0,
        3.0,
        4.0,
    ]
