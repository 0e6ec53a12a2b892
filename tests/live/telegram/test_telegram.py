"""The Telegram channel against a local server that answers as the Bot API does."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from alertlib.config import Config
from alertlib.errors import ConfigError
from runners.live.channels import read_keys
from runners.live.delivery.channel import LOGIN, Verdict
from runners.live.delivery.http import Answer
from runners.live.telegram.transport import TelegramTransport, judged
from tests.support.couriers import Work, try_courier, until
from tests.support.http_server import HANG, Request, Server, answer, serving

TOKEN = "123456:AbC-dEf_0123456789"
ENVIRON = {"TELEGRAM_BOT_TOKEN": TOKEN}
CHATS = (-1001234567890, 42)


def said(status: int, **fields: Any) -> bytes:
    """Return what the Bot API would say."""
    body: dict[str, Any] = {"ok": status == 200, **fields}
    if status == 200:
        body["result"] = {}
    else:
        body["error_code"] = status
    return answer(status, json.dumps(body).encode())


WELL = said(200)
SLOW_DOWN = said(429, description="Too Many Requests", parameters={"retry_after": 1})
BLOCKED = said(403, description="Forbidden: bot was blocked by the user")
NO_CHAT = said(400, description="Bad Request: chat not found")


def config(url: str, **changes: Any) -> Config:
    telegram = {"enabled": True, "chat_ids": list(CHATS), "base_url": url, **changes}
    return Config().set("delivery.telegram", telegram)


def texts(server: Server) -> list[dict[str, Any]]:
    return [json.loads(one.body) for one in server.requests if one.path.endswith("/sendMessage")]


tried = partial(try_courier, config, ENVIRON)


def scripted(*answers: bytes) -> Callable[[Request], bytes]:
    """Answer messages in turn, the last for ever; whoever asks for the bot is told."""
    left = list(answers)

    def reply(request: Request) -> bytes:
        if not request.path.endswith("/sendMessage"):
            return WELL
        return left.pop(0) if len(left) > 1 else left[0]

    return reply


def settled(work: Work) -> int:
    return len(work.events("delivered")) + len(work.events("dead_letter"))


def test_chats_that_are_lost_at_different_times_are_each_a_name_for_the_operator(
    tmp_path: Path,
) -> None:
    """The second was the same reason as the first, and nobody was told of it."""

    async def test(work: Work, server: Server) -> None:
        first, second = sorted(f"telegram:{chat}" for chat in CHATS)
        seen = []
        for number in range(1, 5):
            work.commit(number)
            await until(lambda n=number: settled(work) == 2 * n)  # type: ignore[misc]
            seen.append((work.courier.losses, work.courier.unreached))
        assert seen[0] == ("", ())
        assert [set(names) for _, names in seen[1:]] == [{second}, {second}, {first, second}]
        assert not any(str(chat) in line for line, _ in seen for chat in CHATS), "/health shows it"

    lost = [set(), {42}, {42}, set(CHATS)]

    def reply(request: Request) -> bytes:
        if not request.path.endswith("/sendMessage"):
            return WELL
        counts[chat := json.loads(request.body)["chat_id"]] += 1
        return BLOCKED if chat in lost[counts[chat] - 1] else WELL

    counts: Counter[int] = Counter()
    tried(tmp_path, reply, test)


def test_every_chat_gets_the_mails_text(tmp_path: Path) -> None:
    async def test(work: Work, server: Server) -> None:
        work.commit(1)
        await until(lambda: len(work.events("delivered")) == 2)
        assert {one["chat_id"] for one in texts(server)} == set(CHATS)
        text = texts(server)[0]["text"]
        assert "126.505" in text
        assert "parse_mode" not in texts(server)[0]
        assert work.events("delivered")[0]["channel"] == "telegram"
        assert server.requests[0].path.startswith(f"/bot{TOKEN}/")

    tried(tmp_path, scripted(WELL), test)


def test_all_wait_as_long_as_they_are_told_to(tmp_path: Path) -> None:
    async def test(work: Work, server: Server) -> None:
        work.commit(1)
        await until(lambda: "429" in work.courier.reason)
        assert len(texts(server)) == 1
        await until(lambda: len(work.events("delivered")) == 2)
        assert len(texts(server)) == 3

    tried(tmp_path, scripted(SLOW_DOWN, WELL), test)


@pytest.mark.parametrize("refusal", [BLOCKED, NO_CHAT])
def test_a_chat_that_is_closed_keeps_no_other_waiting(tmp_path: Path, refusal: bytes) -> None:
    async def test(work: Work, server: Server) -> None:
        work.commit(1)
        await until(lambda: work.events("dead_letter") and work.events("delivered"))
        (dead,) = work.events("dead_letter")
        assert int(dead["recipient"]) in CHATS
        assert not work.courier.reason

    tried(tmp_path, scripted(refusal, WELL), test)


def test_silence_is_tried_again_and_the_token_is_in_no_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def test(work: Work, server: Server) -> None:
        caplog.set_level(logging.DEBUG, "alertas")
        caplog.set_level(logging.INFO)
        work.commit(1)
        await until(lambda: len(work.events("delivered")) == 2)
        assert work.events("delivery_failed")[0]["outcome"] == "unknown"

    tried(tmp_path, scripted(HANG, WELL), test, reply_timeout_seconds=0.2)
    told = " ".join(str(vars(record)) for record in caplog.records)
    assert "attempt failed" in told
    assert TOKEN not in told


@pytest.mark.parametrize(
    ("body", "verdict"),
    [
        (b"[" * 16_000, Verdict.channel),
        (b'{"ok": false, "parameters": {"retry_after": 1%s}}' % (b"0" * 400), Verdict.channel),
        (b'{"ok": false, "parameters": {"retry_after": -1%s}}' % (b"0" * 400), Verdict.channel),
    ],
)
def test_an_answer_nobody_meant_is_judged_all_the_same(body: bytes, verdict: Verdict) -> None:
    found = judged("reply", Answer(429, "", body))
    assert found.verdict is verdict
    assert 1.0 <= found.pause.first <= 900.0


def test_a_yes_that_breaks_off_is_none() -> None:
    found = judged("reply", Answer(200, "OK", b'{"ok": tr', is_whole=False))
    assert (found.verdict, found.is_unknown) == (Verdict.lost, True)


def test_a_group_that_has_moved_is_told_with_its_new_number() -> None:
    body = {"ok": False, "description": "upgraded", "parameters": {"migrate_to_chat_id": -1001}}
    found = judged("reply", Answer(400, "", json.dumps(body).encode()))
    assert found.verdict is Verdict.refused
    assert found.reason.endswith("(now the chat -1001)")


def test_a_token_that_is_refused_is_found_by_looking() -> None:
    async def look() -> Any:
        def unauthorized(request: Request) -> bytes:
            return said(401, description="Unauthorized")

        async with serving(unauthorized) as server:
            transport = TelegramTransport(config(server.url).delivery.telegram, TOKEN)
            result = await transport.look()
            await transport.close()
            return result

    result = asyncio.run(look())
    assert (result.verdict, result.pause) == (Verdict.channel, LOGIN)
    assert TOKEN not in str(result)


@pytest.mark.parametrize(
    ("body", "status", "verdict"),
    [(b'{"ok":true}', 200, "delivered"), (b"<html>", 200, "channel"), (b"[1]", 403, "channel"),
     (b'{"ok":false}', 403, "refused"), (b"", 502, "deferred"), (b"\xff", 500, "deferred"),
     (b'{"ok":false,"parameters":7}', 429, "channel")],
)  # fmt: skip
def test_what_an_answer_means(body: bytes, status: int, verdict: str) -> None:
    assert judged("reply", Answer(status, "", body)).verdict is Verdict(verdict)


@pytest.mark.parametrize(
    ("changes", "environ", "said"),
    [({"chat_ids": []}, ENVIRON, "chat_ids: got an empty list"),
     ({}, {}, r"\$TELEGRAM_BOT_TOKEN"),
     ({}, {"TELEGRAM_BOT_TOKEN": "1:a/../x"}, "expected a bot's token")],
)  # fmt: skip
def test_what_is_missing_stops_the_start(
    changes: dict[str, Any], environ: dict[str, str], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        read_keys(config("https://api.telegram.org", **changes), environ)


def test_a_token_that_is_none_is_told_by_where_it_stands(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("1:a/../x", encoding="utf-8")
    file.chmod(0o600)
    with pytest.raises(ConfigError, match=f"^{re.escape(str(file))}: got something else"):
        read_keys(config("https://api.telegram.org", token_file=str(file)), {})
