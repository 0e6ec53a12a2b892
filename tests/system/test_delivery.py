"""From a bar to the trader: over WebSocket, by e-mail, into the audit log."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from alertlib.texts.alerts import SUBJECT_LIMIT
from runners.client import AlertClient, Message
from tests.support.running import (
    ENV,
    SAMPLE,
    TOKEN,
    Running,
    alerts_of,
    assert_same,
    events,
    expected_alerts,
    run,
    write_config,
)
from tests.support.smtp_servers import Inbox, real, scripted

AT_ONCE = ("--feed", "replay", "--bars", str(SAMPLE), "--speed", "0")


async def listen(
    daemon: Running, until: Callable[[Message], bool], **options: Any
) -> list[Message]:
    """Return what a client that wants everything retained is sent."""
    found: list[Message] = []
    async with (
        asyncio.timeout(30),
        AlertClient(daemon.url, TOKEN, window=True, **options) as client,
    ):
        async for message in client:
            found.append(message)
            if until(message):
                break
    return found


def test_detection_to_client_to_audit(tmp_path: Path) -> None:
    with Running(tmp_path, *AT_ONCE) as daemon:
        daemon.until(lambda: daemon.health()[1]["feed"] == "ended")
        head = daemon.health()[1]["seq"]
        messages = asyncio.run(listen(daemon, lambda message: message.seq == head))
        assert daemon.signal("SIGTERM") == 0
    assert [message.seq for message in messages] == list(range(1, head + 1))
    assert_same([message.data for message in messages], expected_alerts(SAMPLE))
    sent = [message.data | {"seq": message.seq} for message in messages]
    assert sent == alerts_of(daemon.database), "the log holds what was sent"
    assert set(sent[0]) == {
        "id", "symbol", "timeframe", "pattern", "direction", "severity", "confidence", "price",
        "entry_min", "entry_max", "stop", "target", "risk_reward", "bar_time", "detected_at",
        "text", "seq", "replay", "synthetic",
    }  # fmt: skip
    assert sent[0]["replay"] is sent[0]["synthetic"] is True
    delivered = [event["data"] for event in events(daemon.database, "delivered")]
    assert delivered[0]["first"] == 1
    assert delivered[-1]["last"] == head
    acks = events(daemon.database, "client_ack")
    assert (acks[-1]["actor"], acks[-1]["data"]["seq"]) == ("mesa", head)
    assert [e["kind"] for e in events(daemon.database)][-1] == "stop"


def test_what_the_policy_holds_back_is_audited_with_its_reason(tmp_path: Path) -> None:
    import alertlib as al

    with Running(tmp_path, *AT_ONCE, "--exit-at-end") as daemon:
        assert daemon.wait() == 0
    bars = al.read_bars(SAMPLE, symbol="WIN$N")
    stream = al.Stream(al.load_config(), symbol="WIN$N", timeframe="M5")
    held = []
    for row in bars.frame.iter_rows(named=True):
        decision = stream.decide(al.Bar(row["time"], row["open"], row["high"], row["low"],
                                        row["close"], row["tick_volume"]))  # fmt: skip
        held += [(one.alert.id, one.reason) for one in decision.suppressed]
    found = [event["data"] for event in events(daemon.database, "suppressed")]
    assert [(data["id"], data["reason"]) for data in found] == held
    assert held


def test_an_operators_action_is_audited(tmp_path: Path) -> None:
    with Running(tmp_path, *AT_ONCE) as daemon:
        daemon.until(lambda: daemon.health()[1]["feed"] == "ended")

        async def act() -> str:
            async with AlertClient(daemon.url, TOKEN, window=True) as client:
                message = await anext(client)
                await client.action(message.data["id"], "executed", "2 contratos")
                await asyncio.sleep(0.3)
            return str(message.data["id"])

        identifier = asyncio.run(act())
        daemon.signal("SIGTERM")
    action = events(daemon.database, "operator_action")[0]
    assert action["actor"] == "mesa"
    assert action["data"] == {"action": "executed", "id": identifier, "note": "2 contratos"}


def mail_config(folder: Path, port: int, more: str = "") -> str:
    return write_config(
        folder,
        "delivery:\n  email:\n    enabled: true\n    smtp_host: 127.0.0.1\n"
        f"    smtp_port: {port}\n    security: none\n    recipients: [a@localhost, b@localhost]\n"
        f"    operator: op@localhost\n{more}",
    )


async def with_mail(
    folder: Path, more: str, *options: str, until: Callable[[Inbox], bool], status: int = 0
) -> tuple[Running, list[EmailMessage]]:
    """Run a replay against a real mail server until something has come."""
    async with real() as inbox:
        config = mail_config(folder, inbox.port, more)
        with Running(folder, "--config", config, *options) as daemon:
            async with asyncio.timeout(30):
                while not until(inbox):
                    await asyncio.sleep(0.02)
            stopped = await asyncio.to_thread(daemon.signal, "SIGTERM")
            assert stopped == status
        return daemon, inbox.mails


def test_detection_to_mail_to_audit(tmp_path: Path) -> None:
    slowly = ("--feed", "replay", "--bars", str(SAMPLE), "--speed", "10000")
    daemon, mails = asyncio.run(
        with_mail(tmp_path, "", *slowly, until=lambda inbox: len(inbox.mails) >= 6)
    )
    alerts = {alert["id"]: alert for alert in alerts_of(daemon.database)}
    singles = [mail for mail in mails if mail["X-Alertas-Kind"] == "alert"]
    assert singles
    for mail in singles:
        alert = alerts[mail["X-Alertas-Id"]]
        assert mail["X-Alertas-Pattern"] == alert["pattern"]
        assert len(mail["Subject"]) <= SUBJECT_LIMIT
    assert {mail["To"] for mail in singles} == {"a@localhost", "b@localhost"}
    assert len({mail["Message-ID"] for mail in singles}) == len(singles)
    delivered = [e["data"] for e in events(daemon.database, "delivered")]
    kept = {mail["Message-ID"] for mail in mails if mail["X-Alertas-Kind"] != "notice"}
    assert {d["message_id"] for d in delivered} == kept
    anchors = [mail for mail in mails if "âncora" in mail["Subject"]]
    assert [mail["To"] for mail in anchors] == ["op@localhost"]
    body = anchors[0].get_body(("plain",))
    assert body is not None
    anchor = re.search(r"\b\d+:[0-9a-f]{64}\b", body.get_content())
    assert anchor is not None
    assert (
        run("audit", "verify", "--db", str(daemon.database), "--anchor", anchor[0]).returncode == 0
    )
    attempts = events(daemon.database, "delivery_attempt")
    assert len(attempts) >= len(delivered)


def test_a_dry_run_mails_nothing_now_or_later(tmp_path: Path) -> None:
    async def both() -> tuple[Path, list[EmailMessage]]:
        async with real() as inbox:
            config = mail_config(tmp_path, inbox.port)
            for options in (("--dry-run",), ()):
                with Running(tmp_path, "--config", config, *AT_ONCE, *options) as daemon:
                    await asyncio.to_thread(
                        daemon.until, lambda d=daemon: d.health()[1]["feed"] == "ended"
                    )
                    await asyncio.to_thread(daemon.signal, "SIGTERM")
            return daemon.database, inbox.mails

    database, mails = asyncio.run(both())
    assert {mail["X-Alertas-Kind"] for mail in mails} <= {"notice"}
    alerts = alerts_of(database)
    assert alerts
    assert all(alert["dry_run"] and "[" in alert["text"] for alert in alerts)


def test_a_broken_mail_channel_is_a_reason_beside_a_200(tmp_path: Path) -> None:
    config = mail_config(tmp_path, 1)
    with Running(tmp_path, "--config", config, *AT_ONCE) as daemon:
        status, health = daemon.until(lambda: (got := daemon.health())[1]["reasons"] and got)
        assert status == 200
        assert health["reasons"][0].startswith("e-mail: ")
        metrics = daemon.until(
            lambda: (
                'alertas_trouble{kind="email"} 1' in (text := daemon.get("/metrics")[1]) and text
            )
        )
        assert "alertas_delivery_outbox" in metrics
        assert daemon.signal("SIGTERM") == 0


@pytest.mark.parametrize(
    ("setting", "secrets", "said"),
    [
        ("ca_file: /no/such.pem", ("USER", "PASSWORD"), "delivery.email.ca_file: got /no/such.pem"),
        ("ca_file: /no/such.pem\n    login: false", (), "delivery.email.ca_file: got /no/such.pem"),
        ("digest_above: 9", ("USER",), "$EMAIL_SMTP_PASSWORD: got nothing"),
        ("digest_above: 9", (), "$EMAIL_SMTP_USER: got nothing"),
    ],
)
def test_what_a_start_can_know_of_the_mail_server_ends_it(
    tmp_path: Path, setting: str, secrets: tuple[str, ...], said: str
) -> None:
    """The mail task ended unseen, /health was well, and the letters stayed where they were."""
    config = mail_config(tmp_path, 25, f"    {setting}\n")
    text = Path(config).read_text(encoding="utf-8").replace("security: none", "security: starttls")
    Path(config).write_text(text, encoding="utf-8")
    env = ENV | {f"EMAIL_SMTP_{name}": "x" for name in secrets}
    for more in ((), ("--check",)):
        done = run("live", "--config", config, "--db", str(tmp_path / "a.db"), *AT_ONCE, *more,
                   env=env)  # fmt: skip
        assert done.returncode == 2
        assert said in done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        assert "READY" not in done.stdout


def test_letters_that_reached_nobody_are_a_reason_and_a_figure(tmp_path: Path) -> None:
    async def refused() -> tuple[list[str], str]:
        async with scripted(replies={"RCPT": "550 5.1.1 <a@localhost>: unknown"}) as server:
            config = mail_config(tmp_path, server.port)
            with Running(tmp_path, "--config", config, *AT_ONCE) as daemon:

                def look() -> Any:
                    text = daemon.get("/metrics")[1]
                    found = re.search(
                        r'alertas_delivery_copies_total{channel="email",outcome="dead"} (\d+)',
                        text,
                    )
                    reasons = daemon.health()[1]["reasons"]
                    return found and int(found[1]) and reasons and (reasons, text)

                reasons, text = await asyncio.to_thread(daemon.until, look)
                await asyncio.to_thread(daemon.signal, "SIGTERM")
        return reasons, text

    reasons, text = asyncio.run(refused())
    (reason,) = reasons
    assert re.fullmatch(
        r"letters: e-mail: \d+ refused for good, in the last hour; "
        r"the last refusal: rcpt 550 5\.1\.1",
        reason,
    )
    assert 'alertas_trouble{kind="letters"} 1' in text


def test_a_check_says_that_nobody_is_told(tmp_path: Path) -> None:
    async def check() -> str:
        async with real() as inbox:
            config = mail_config(tmp_path, inbox.port)
            text = (
                Path(config).read_text(encoding="utf-8").replace("    operator: op@localhost\n", "")
            )
            Path(config).write_text(text, encoding="utf-8")
            options = ("--check", "--config", config, "--db", str(tmp_path / "a.db"), *AT_ONCE)
            done = await asyncio.to_thread(run, "live", *options)
            assert done.returncode == 0
            return done.stdout

    said = asyncio.run(check())
    assert "; nobody is told of trouble: delivery.email.operator is null" in said


def test_metrics_count_what_happened(tmp_path: Path) -> None:
    with Running(tmp_path, *AT_ONCE) as daemon:
        daemon.until(lambda: daemon.health()[1]["feed"] == "ended")
        text = daemon.get("/metrics")[1]
        values = dict(
            line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#")
        )
        seq = daemon.health()[1]["seq"]
        daemon.signal("SIGTERM")
    import alertlib as al

    assert float(values["alertas_bars_total"]) == len(al.read_bars(SAMPLE, symbol="WIN$N"))
    alerts = [float(v) for name, v in values.items() if name.startswith("alertas_alerts_total")]
    assert sum(alerts) == seq


def test_tokens_stay_out_of_the_log(tmp_path: Path) -> None:
    with Running(tmp_path, *AT_ONCE) as daemon:
        daemon.until(lambda: daemon.health()[1]["feed"] == "ended")
        asyncio.run(listen(daemon, lambda message: True))
        daemon.signal("SIGTERM")
    logged = "\n".join([*daemon.errors, *map(json.dumps, daemon.log)])
    assert '"client_connected"' in logged
    assert TOKEN not in logged
