"""Webhooks, Telegram and the heartbeat as their user meets them: a daemon, and HTTP servers."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from runners.live.checks import _looks
from runners.live.delivery.channel import Result, Verdict
from tests.support.http_server import HANG, Request, Server, answer, serving
from tests.support.running import (
    ENV,
    ROOT,
    SAMPLE,
    Running,
    alerts_of,
    assert_same,
    environment,
    events,
    expected_alerts,
    run,
    write_config,
)

SECRETS = ENV | {
    "DESK_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "TELEGRAM_BOT_TOKEN": "12345:AB-cd",
}
WEBHOOK = "  webhook: [{{name: desk, url: '{url}/desk', secret_env: DESK_SECRET}}]\n"
TELEGRAM = "  telegram: {{enabled: true, chat_ids: [42], base_url: '{url}'}}\n"
HEARTBEAT = "live: {{heartbeat_url: '{url}/beat'}}\n"
ALL = f"delivery:\n{WEBHOOK}{TELEGRAM}{HEARTBEAT}"
EVERY_BAR = "detection: {enabled: ['runners.trial.every_bar:every']}\n"
REPLAY = ("--feed", "replay", "--bars", str(SAMPLE))


def well(request: Request) -> bytes:
    return answer(200, b'{"ok": true, "result": {}}')


@pytest.mark.parametrize("enabled", [f"delivery:\n{WEBHOOK}", HEARTBEAT])
def test_a_channel_without_httpx_ends_the_start_with_what_to_do(
    tmp_path: Path, enabled: str
) -> None:
    config = write_config(tmp_path, enabled.format(url="http://127.0.0.1:9"))
    options = [*REPLAY, "--config", config, "--port", "0", "--db", str(tmp_path / "a.db")]
    for more in ([], ["--check"]):
        program = (
            "import sys\n"
            "sys.modules['httpx'] = None\n"
            "from runners._main import run\n"
            "from runners.live.__main__ import main\n"
            f"sys.exit(run(main, {[*options, *more]!r}, must_print=False))\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", program], cwd=ROOT, env=environment(SECRETS), text=True,
            capture_output=True, timeout=60, check=False,
        )  # fmt: skip
        said = done.stdout + done.stderr
        assert done.returncode == 2, said
        assert "pip install 'alertlib-b3[channels]'" in said
        assert "READY" not in said
        assert "Traceback" not in said
        assert not (tmp_path / "a.db").exists()
    assert "ok    feed: " in said, "the other steps of the check go on"


def checked(folder: Path, settings: str) -> tuple[int, str, Server]:
    """Return status and lines of a check, and the server it looked at."""

    async def check() -> tuple[int, str, Server]:
        async with serving(well) as server:
            config = write_config(folder, settings.format(url=server.url))
            options = (*REPLAY, "--config", config, "--port", "0", "--db", str(folder / "a.db"))
            done = await asyncio.to_thread(run, "live", "--check", *options, env=SECRETS)
        return done.returncode, done.stdout + done.stderr, server

    return asyncio.run(check())


def test_a_check_asks_every_channel_and_sends_nothing(tmp_path: Path) -> None:
    status, said, server = checked(tmp_path, ALL)
    assert status == 0, said
    assert "ok    webhook desk: answers (HTTP 200 Said)" in said
    assert "ok    telegram: answers (ok)" in said
    assert "ok    heartbeat: answers (connected, not called)" in said
    asked = sorted((one.method, one.path.rpartition("/")[2]) for one in server.requests)
    assert asked == [("HEAD", "desk"), ("POST", "getMe")], "a call would count as a beat"


def test_a_check_looks_at_all_servers_at_once() -> None:
    """One after the other, a few that hang would outlast whoever waits for the check."""
    together = threading.Barrier(2)

    class Meeting:
        async def look(self) -> Result:
            await asyncio.to_thread(together.wait, 10.0)
            return Result(Verdict.answered, "look", "both are here")

        async def close(self) -> None:
            pass

    looks = _looks({"a": Meeting, "b": Meeting})
    assert [looks[name]() for name in "ab"] == ["answers (both are here)"] * 2


def test_a_check_finds_a_heartbeat_that_nobody_hears(tmp_path: Path) -> None:
    status, said, _ = checked(tmp_path, "live: {{heartbeat_url: 'http://127.0.0.1:1/uuid'}}\n")
    assert status == 1
    assert "FAIL  heartbeat: failed at connect: " in said
    assert "uuid" not in said


def test_a_daemon_beats_once_bars_are_on_disk(tmp_path: Path) -> None:
    async def beats() -> list[Request]:
        async with serving(well) as server:
            config = write_config(tmp_path, HEARTBEAT.format(url=server.url))
            options = (*REPLAY, "--config", config, "--speed", "3000")
            with Running(tmp_path, *options) as daemon:
                await asyncio.to_thread(daemon.until, lambda: len(server.requests) >= 3)
                await asyncio.to_thread(daemon.signal, "SIGTERM")
        return server.requests

    assert {(one.method, one.path) for one in asyncio.run(beats())} == {("GET", "/beat")}


def test_a_heartbeat_that_keeps_failing_is_seen(tmp_path: Path) -> None:
    """It was a line in the log: nobody learned that the dead man's switch heard nothing."""
    status = 500

    async def scenario() -> list[tuple[int, list[str], str]]:
        nonlocal status
        async with serving(lambda request: answer(status)) as server:
            config = write_config(tmp_path, HEARTBEAT.format(url=server.url))
            with Running(tmp_path, *REPLAY, "--config", config, "--speed", "1000") as daemon:

                def look(kind: str) -> tuple[int, list[str], str] | None:
                    metrics = daemon.get("/metrics")[1]
                    code, health = daemon.health()
                    is_said = [one for one in health["reasons"] if one.startswith("heartbeat: ")]
                    is_seen = f'alertas_trouble{{kind="heartbeat"}} {kind}' in metrics
                    done = is_seen and bool(is_said) == (kind == "1")
                    return (code, health["reasons"], metrics) if done else None

                failing = await asyncio.to_thread(daemon.until, lambda: look("1"))
                status = 200
                well = await asyncio.to_thread(daemon.until, lambda: look("0"))
                await asyncio.to_thread(daemon.signal, "SIGTERM")
            return [failing, well]

    [(code, reasons, metrics), (_, _, later)] = asyncio.run(scenario())
    (reason,) = reasons
    assert code == 200
    assert re.fullmatch(r"heartbeat: HTTP 500 Said; \d+ calls in a row were not accepted", reason)
    (failures,) = re.findall(r"^alertas_heartbeat_failures_total (\d+)$", metrics, re.M)
    assert int(failures) >= 2
    assert "\nalertas_last_heartbeat_timestamp_seconds 0\n" in metrics
    (accepted,) = re.findall(r"^alertas_last_heartbeat_timestamp_seconds (\S+)$", later, re.M)
    assert abs(float(accepted) - time.time()) < 60.0


def test_a_heartbeat_that_gets_no_answer_costs_no_alert(tmp_path: Path) -> None:
    async def scenario() -> Running:
        async with serving(lambda request: HANG) as server:
            config = write_config(tmp_path, HEARTBEAT.format(url=server.url))
            with Running(tmp_path, *REPLAY, "--config", config, "--speed", "0") as daemon:
                await asyncio.to_thread(daemon.until, lambda: daemon.health()[1]["feed"] == "ended")
                await asyncio.to_thread(daemon.signal, "SIGTERM")
            assert server.requests
            return daemon

    assert_same(alerts_of(asyncio.run(scenario()).database), expected_alerts(SAMPLE))


def test_a_second_webhook_that_breaks_shows_beside_the_first(tmp_path: Path) -> None:
    """`alertas_trouble` is 1 for the kind already, and stays so: no monitor told of the second."""
    broken = {"/a"}

    async def scenario() -> list[str]:
        async with serving(lambda one: answer(503 if one.path in broken else 200)) as server:
            hook = f"{{name: NAME, url: '{server.url}/NAME', secret_env: DESK_SECRET}}"
            hooks = ", ".join(hook.replace("NAME", name) for name in "abc")
            config = write_config(tmp_path, f"delivery: {{webhook: [{hooks}]}}\n" + EVERY_BAR)
            options = (*REPLAY, "--config", config, "--speed", "3000")
            with Running(tmp_path, *options, env=SECRETS) as daemon:

                def shows(trouble: str) -> str | None:
                    text = daemon.get("/metrics")[1]
                    pattern = r'alertas_delivery_trouble\{channel="webhook:\w"\} (\d)'
                    return text if "".join(re.findall(pattern, text)) == trouble else None

                found = [await asyncio.to_thread(daemon.until, lambda: shows("100"))]
                broken.add("/b")
                found.append(await asyncio.to_thread(daemon.until, lambda: shows("110")))
                broken.remove("/a")
                found.append(await asyncio.to_thread(daemon.until, lambda: shows("010"), 40.0))
                await asyncio.to_thread(daemon.signal, "SIGTERM")
            return found

    for text in asyncio.run(scenario()):
        assert 'alertas_trouble{kind="webhook"} 1' in text
        assert 'alertas_feed_trouble{symbol="WIN$N",timeframe="M5"} 0' in text


def test_a_channel_has_one_name_in_metrics_log_and_audit(tmp_path: Path) -> None:
    """The mail channel was `e-mail` on /metrics, and `email` in settings and audit log."""
    mail = (
        "  email: {{enabled: true, smtp_host: localhost, smtp_port: 1, security: none, "
        "recipients: [a@localhost]}}\n"
    )

    async def scenario() -> tuple[Running, str, list[str]]:
        async with serving(lambda request: answer(503)) as server:
            settings = f"delivery:\n{mail}{WEBHOOK}{TELEGRAM}".format(url=server.url)
            options = (*REPLAY, "--config", write_config(tmp_path, settings), "--speed", "0")
            with Running(tmp_path, *options, env=SECRETS) as daemon:

                def are_broken() -> list[str]:
                    reasons: list[str] = daemon.health()[1]["reasons"]
                    return reasons if len(reasons) == 3 else []

                reasons = await asyncio.to_thread(daemon.until, are_broken)
                metrics = daemon.get("/metrics")[1]
                await asyncio.to_thread(daemon.signal, "SIGTERM")
            return daemon, metrics, reasons

    daemon, metrics, reasons = asyncio.run(scenario())
    names = {"email", "telegram", "webhook:desk"}
    assert set(re.findall(r'channel="([^"]*)"', metrics)) == names
    assert {line["channel"] for line in daemon.log if "channel" in line} == names
    tried = events(daemon.database, "delivery_attempt")
    kinds = {name.partition(":")[0] for name in names}
    assert set() < {event["data"]["channel"] for event in tried} <= kinds
    assert all(event["actor"] == event["data"]["channel"] for event in tried)
    read = {reason.partition(":")[0] for reason in reasons}
    assert read == {"e-mail", "telegram", "webhook desk"}, "people read another"


def test_a_dry_run_calls_nobody_now_or_later(tmp_path: Path) -> None:
    """It ended with an internal error where there was a webhook."""

    async def scenario() -> tuple[Running, Server]:
        async with serving(well) as server:
            config = write_config(tmp_path, ALL.format(url=server.url))
            options = (*REPLAY, "--config", config, "--speed", "0")
            with Running(tmp_path, *options, "--dry-run") as daemon:
                await asyncio.to_thread(daemon.until, lambda: daemon.health()[1]["feed"] == "ended")
                assert daemon.health()[1]["reasons"] == []
                await asyncio.to_thread(daemon.signal, "SIGTERM")
            assert server.requests == []
            with Running(tmp_path, *options, env=SECRETS) as daemon:
                await asyncio.to_thread(daemon.until, lambda: daemon.health()[1]["feed"] == "ended")
                await asyncio.to_thread(daemon.signal, "SIGTERM")
            return daemon, server

    daemon, server = asyncio.run(scenario())
    assert all(alert["dry_run"] for alert in alerts_of(daemon.database))
    assert [one for one in server.posts() if not one.path.endswith("/getMe")] == []


@pytest.mark.parametrize("kills", [2, pytest.param(20, marks=pytest.mark.slow)])
def test_killed_and_started_again_every_webhook_has_every_alert(tmp_path: Path, kills: int) -> None:
    """At least once, under the same id; one that refuses all has dead letters of its own."""

    def reply(request: Request) -> bytes:
        return answer(400) if request.path == "/refuses" else answer(200)

    async def scenario() -> tuple[Running, list[Request]]:
        async with serving(reply) as server:

            def took() -> list[Request]:
                return [one for one in server.posts() if one.path == "/desk"]

            hook = f"{{name: NAME, url: '{server.url}/NAME', secret_env: DESK_SECRET}}"
            hooks = ", ".join(hook.replace("NAME", name) for name in ("desk", "refuses"))
            config = write_config(tmp_path, f"delivery: {{webhook: [{hooks}]}}\n")
            options = (*REPLAY, "--config", config, "--speed", "100000")
            for _ in range(kills):
                goal = len(took()) + 60 // kills
                with Running(tmp_path, *options, env=SECRETS) as daemon:
                    await asyncio.to_thread(daemon.until, lambda goal=goal: len(took()) >= goal)
                    daemon.process.kill()
            with Running(tmp_path, *options[:-1], "0", env=SECRETS) as daemon:
                await asyncio.to_thread(daemon.until, lambda: is_over(daemon), 60.0)
                await asyncio.to_thread(daemon.signal, "SIGTERM")
            return daemon, took()

    daemon, posts = asyncio.run(scenario())
    alerts = alerts_of(daemon.database)
    sent = {(one.headers["webhook-id"], json.loads(one.body)["alert"]["id"]) for one in posts}
    assert len(alerts) > 100
    assert {name for _, name in sent} == {alert["id"] for alert in alerts}
    assert len(sent) == len(alerts), "an alert has one id however often it is sent"
    assert len(posts) - len(sent) <= 3 * kills
    dead = [event["data"] for event in events(daemon.database, "dead_letter")]
    assert {one["recipient"] for one in dead} == {"refuses"}
    assert {one["id"] for one in dead} == {alert["id"] for alert in alerts}


def is_over(daemon: Running) -> bool:
    """Whether the replay has ended and nothing is owed."""
    text = daemon.get("/metrics")[1]
    owed = [line for line in text.splitlines() if line.startswith("alertas_delivery_outbox{")]
    ended = daemon.health()[1]["feed"] == "ended"
    return ended and len(owed) == 2 and all(line.endswith(" 0") for line in owed)
