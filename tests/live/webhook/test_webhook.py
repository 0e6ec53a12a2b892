"""Webhooks against a real HTTP server and a real store."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import re
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from alertlib.config import Config
from alertlib.config.schema import Webhook
from alertlib.errors import ConfigError
from runners.live.channels import Keys, read_keys
from runners.live.delivery.channel import Verdict
from runners.live.delivery.http import Answer
from runners.live.webhook.signing import signed, signing_key
from runners.live.webhook.transport import WebhookTransport, judged
from tests.support.couriers import Work, try_courier, until
from tests.support.http_server import HANG, Request, Server, answer

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
KEY = base64.b64decode(SECRET.removeprefix("whsec_"))
ENVIRON = {"DESK_SECRET": SECRET}
PATH = "/hooks/not-for-logs"


def config(url: str, **changes: Any) -> Config:
    hook = {"name": "desk", "url": f"{url}{PATH}", "secret_env": "DESK_SECRET", **changes}
    return Config().set("delivery.webhook", [hook])


tried = partial(try_courier, config, ENVIRON)


NO_HEAD = b"HTTP/1.1 405 No\r\n\r\n"


def scripted(*answers: bytes, to_look: bytes = NO_HEAD) -> Callable[[Request], bytes]:
    """Answer posts in turn, the last for ever; whoever looks is told 405."""
    left = list(answers)

    def reply(request: Request) -> bytes:
        if request.method == "HEAD":
            return to_look
        return left.pop(0) if len(left) > 1 else left[0]

    return reply


def test_a_message_is_signed_as_the_specification_has_it() -> None:
    """The example of the reference implementations."""
    request = signed("msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}', KEY, 1614265330.9)
    assert request.headers["webhook-timestamp"] == "1614265330"
    assert request.headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_an_alert_arrives_as_clients_get_it(tmp_path: Path) -> None:
    async def test(work: Work, server: Server) -> None:
        work.commit(1, 2, replay=True)
        await until(lambda: len(work.events("delivered")) == 2)
        for request in server.posts():
            frame = json.loads(request.body)
            assert (frame["type"], frame["epoch"]) == ("alert", work.store.epoch)
            assert frame["alert"]["replay"] is True
            name, stamp = request.headers["webhook-id"], request.headers["webhook-timestamp"]
            again = signed(name, request.body, KEY, float(stamp))
            assert request.headers["webhook-signature"] == again.headers["webhook-signature"]
        audited = work.events("delivered")[0]
        assert (audited["channel"], audited["recipient"]) == ("webhook", "desk")
        assert work.courier.pending() == 0
        assert not work.courier.reason

    tried(tmp_path, scripted(answer(204)), test)


def test_a_failed_attempt_is_made_again_under_the_same_name(tmp_path: Path) -> None:
    async def test(work: Work, server: Server) -> None:
        work.commit(1)
        await until(lambda: work.events("delivered"))
        first, second = server.posts()
        assert first.headers["webhook-id"] == second.headers["webhook-id"]
        assert work.events("delivery_failed")[0]["code"] == 500

    tried(tmp_path, scripted(answer(500), answer(200)), test)


def test_a_message_refused_for_good_holds_no_other_back(tmp_path: Path) -> None:
    async def test(work: Work, server: Server) -> None:
        work.commit(1)
        await until(lambda: work.events("dead_letter"))
        work.commit(2)
        await until(lambda: work.events("delivered"))
        assert "1 refused for good" in work.courier.losses

    tried(tmp_path, scripted(answer(422), answer(200)), test)


def test_a_redirect_is_not_followed(tmp_path: Path) -> None:
    async def test(work: Work, server: Server) -> None:
        work.commit(1)
        await until(lambda: work.courier.reason)
        assert "redirects are not followed" in work.courier.reason
        assert {request.path for request in server.requests} == {PATH}
        assert work.courier.pending() == 1

    tried(tmp_path, scripted(answer(302, Location="http://127.0.0.1:9/elsewhere")), test)


def test_a_server_that_wants_to_be_left_alone_is(tmp_path: Path) -> None:
    async def test(work: Work, server: Server) -> None:
        work.commit(1)
        await until(lambda: work.courier.reason)
        work.commit(2, 3)
        await until(lambda: work.events("delivery_failed"))
        assert len(server.posts()) == 1
        assert work.courier.pending() == 3
        assert "HTTP 429" in work.courier.reason

    tried(tmp_path, scripted(answer(429, Retry_After="600")), test, max_concurrent=1)


def test_silence_is_an_unknown_outcome_and_no_address_reaches_a_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def test(work: Work, server: Server) -> None:
        caplog.set_level(logging.DEBUG, "alertas")
        work.commit(1)
        await until(lambda: work.events("delivered"))
        (failed,) = work.events("delivery_failed")
        assert (failed["stage"], failed["outcome"]) == ("reply", "unknown")
        assert failed["reason"] == "no reply within 0.2 s", "the answer has a limit of its own"

    limits = {"timeout_seconds": 60.0, "reply_timeout_seconds": 0.2}
    tried(tmp_path, scripted(HANG, answer(200)), test, **limits)
    said = " ".join(str(vars(record)) for record in caplog.records)
    assert "attempt failed" in said
    assert PATH not in said
    assert SECRET not in said


def test_nobody_there_is_told_with_the_address_that_was_tried() -> None:
    async def look() -> str:
        transport = WebhookTransport(config("http://127.0.0.1:1").delivery.webhook[0])
        result = await transport.look()
        await transport.close()
        return result.reason

    reason = asyncio.run(look())
    assert "127.0.0.1" in reason
    assert PATH not in reason


@pytest.mark.parametrize("how", ["cut off", "never ending", "endless"])
def test_an_answer_whose_body_never_ends_well_is_an_answer(tmp_path: Path, how: str) -> None:
    """Its status was the receiver's yes; to send the alert again would only repeat it."""
    begun = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n"
    closing = b"Connection: close\r\n" if how == "cut off" else b""
    said = begun + closing + b"\r\n" + b"x" * (999_999 if how == "endless" else 3)

    async def test(work: Work, server: Server) -> None:
        work.commit(1)
        await until(lambda: work.events("delivered"))
        assert len(server.posts()) == 1
        assert not work.courier.reason

    tried(tmp_path, scripted(said), test, reply_timeout_seconds=0.2)


def test_a_receiver_that_answers_no_head_gets_its_alerts_once_it_is_back(tmp_path: Path) -> None:
    async def test(work: Work, server: Server) -> None:
        work.commit(1, 2, 3)
        await until(lambda: work.courier.reason)
        await until(lambda: len(work.events("delivered")) == 3)
        assert not work.courier.reason

    replies = scripted(HANG, HANG, HANG, answer(200), to_look=HANG)
    tried(tmp_path, replies, test, timeout_seconds=0.2, reply_timeout_seconds=0.2)


def test_a_channel_is_not_well_before_a_letter_shows_it(tmp_path: Path) -> None:
    """Its server answers every look, and not one alert."""

    async def test(work: Work, server: Server) -> None:
        work.commit(1, 2, 3)
        await until(lambda: len(server.posts()) == 3)
        await until(lambda: work.courier.reason)
        await until(lambda: len(server.posts()) == 4)
        assert "no reply within 0.5 s" in work.courier.reason

    tried(tmp_path, scripted(HANG), test, reply_timeout_seconds=0.5)


def test_what_is_too_old_is_given_up_and_audited(tmp_path: Path) -> None:
    async def test(work: Work, server: Server) -> None:
        work.commit(1, seen=1.0)
        await until(lambda: work.events("dead_letter"))
        assert work.events("dead_letter")[0]["reason"] == "expired"
        assert server.requests == []

    tried(tmp_path, scripted(answer(200)), test)


def test_lesser_alerts_are_not_sent(tmp_path: Path) -> None:
    async def test(work: Work, server: Server) -> None:
        work.commit(1, severity="ALTO")
        work.commit(2, severity="CRITICO")
        await until(lambda: work.events("delivered"))
        assert [json.loads(one.body)["seq"] for one in server.posts()] == [2]

    tried(tmp_path, scripted(answer(200)), test, min_severity="CRITICO")


@pytest.mark.parametrize(
    ("status", "verdict"),
    [(200, "delivered"), (202, "delivered"), (400, "refused"), (413, "refused"),
     (408, "deferred"), (500, "deferred"), (503, "deferred"), (401, "channel"),
     (402, "channel"), (404, "channel"), (407, "channel"), (410, "channel"), (429, "channel"),
     (301, "channel")],
)  # fmt: skip
def test_what_an_answer_means(status: int, verdict: str) -> None:
    assert judged(Answer(status, "")).verdict is Verdict(verdict)


def test_a_server_sets_the_pause_within_bounds() -> None:
    assert judged(Answer(503, "", retry_after=20.0)).pause.first == 20.0
    assert judged(Answer(429, "", retry_after=1e9)).pause.cap == 900.0


@pytest.mark.parametrize("secret", ["whsec_c2hvcnQ=", SECRET.removeprefix("whsec_"), "whsec_§"])
def test_what_is_no_secret_is_refused_and_not_shown(secret: str) -> None:
    with pytest.raises(ConfigError, match=r"\$DESK_SECRET: got something else") as caught:
        signing_key(secret, "$DESK_SECRET")
    assert secret not in str(caught.value)


def test_a_secret_that_is_none_is_told_by_where_it_stands(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("hunter2", encoding="utf-8")
    file.chmod(0o600)
    with pytest.raises(ConfigError, match=f"^{re.escape(str(file))}: got something else"):
        read_keys(config("https://desk.example", secret_file=str(file)), {})


def test_keys_are_not_shown() -> None:
    keys = read_keys(config("https://desk.example"), ENVIRON)
    assert keys == Keys(None, {"desk": KEY})
    assert repr(keys) == "Keys(…)"


@pytest.mark.parametrize(
    "url",
    ["http://desk.example/x", "https://user:pw@desk.example/", "ftp://desk.example/",
     "http://127.0.0.1.desk.example/", "https://desk.example/a b", "https://desk.example/#x"],
)  # fmt: skip
def test_an_address_without_encryption_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(ConfigError, match="an https:// address") as caught:
        Config().set("delivery.webhook", [{"name": "a", "url": url, "secret_env": "A"}])
    assert url not in str(caught.value)


def test_two_webhooks_of_one_name_are_refused() -> None:
    hook = Webhook("desk", "https://desk.example/", "DESK_SECRET")
    with pytest.raises(ConfigError, match=r"delivery\.webhook\[1\]\.name: got desk twice"):
        Config().set("delivery.webhook", [vars(hook), vars(hook)])


def test_httpx_comes_without_its_command_line() -> None:
    code = "import sys, runners.live.delivery.http; print({'click', 'rich'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
