"""The mail channel on real sockets, with a real store: good servers, bad ones, and none at all."""

from __future__ import annotations

import asyncio
import functools
import json
import logging
import math
import ssl
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertlib.config.schema import Email, Security
from alertlib.errors import ConfigError, StorageError
from alertlib.texts.contracts import find_contracts
from runners.live.alert_store.outbox import Outbox
from runners.live.alert_store.records import Batch, Mail, Message
from runners.live.alert_store.store import Store
from runners.live.audit_log.log import open_log
from runners.live.delivery import keeper
from runners.live.delivery.channel import Result, Verdict, printable
from runners.live.delivery.policy import message_id
from runners.live.mail import pool
from runners.live.mail.connection import classify
from runners.live.mail.mailer import Mailer
from runners.live.mail.notices import send_test_mail
from runners.live.mail.pool import MailChannelError, SmtpPool, probe
from runners.live.mail.render import Renderer
from runners.live.mail.settings import (
    Access,
    Login,
    mail_access,
    read_credentials,
    tls_context,
)
from tests.support.smtp_servers import (
    CLOSE,
    DESK,
    GOOD,
    HANG,
    PASSWORD,
    RESET,
    USER,
    Scripted,
    make_certificate,
    plain,
    real,
    scripted,
)
from tests.support.store_data import must_verify, payload

LOGIN = Login(USER, PASSWORD)
NO_LOGIN = Access()
WITH_TLS = "250-test\n250-STARTTLS\n250 AUTH LOGIN PLAIN"


def access(settings: Email, login: Login | None = LOGIN) -> Access:
    return Access(login, tls_context(settings.ca_file))


def in_loop(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Run an ``async def`` test in a loop of its own."""

    @functools.wraps(test)
    def ran(*arguments: Any, **fixtures: Any) -> None:
        async def bounded() -> None:
            async with asyncio.timeout(20):
                await test(*arguments, **fixtures)

        asyncio.run(bounded())

    return ran


async def until(condition: Callable[[], object], seconds: float = 8.0) -> None:
    """Wait for ``condition``; the time is a bound on a test that fails, not a claim."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        await asyncio.sleep(0.005)


@dataclass
class House:
    """A store, a mailer, and the log they leave."""

    store: Store
    mailer: Mailer
    settings: Email
    number: int = 0

    def commit(self, count: int = 1, *, ttl: float = 1800.0, **changes: Any) -> None:
        """Commit alerts, with a copy to each recipient, and tell the mailer."""
        now = time.time()
        messages = []
        for _ in range(count):
            self.number += 1
            alert = payload(self.number, **changes)
            copies = tuple(
                Mail(to, message_id(alert["id"], to, self.settings.sender), now, now + ttl)
                for to in self.settings.recipients
            )
            messages.append(Message(alert, mail=copies))
        self.store.commit(Batch(messages=tuple(messages))).result()
        self.mailer.notify()

    @contextmanager
    def unnoticed(self) -> Iterator[None]:
        """Commit without the mailer's taking up anything before the end."""
        trouble = self.mailer._trouble
        rest, trouble.rest_until = trouble.rest_until, math.inf
        yield
        trouble.rest_until = rest

    @property
    def owed(self) -> int:
        return self.store.outbox.pending()

    def events(self, *kinds: str) -> list[tuple[str, dict[str, Any]]]:
        with open_log(self.store.path) as log:
            records = list(log.records())
        return [(r.kind, json.loads(r.data)) for r in records if not kinds or r.kind in kinds]

    def told(self) -> Counter[str]:
        return Counter(kind for kind, _ in self.events() if kind != "alert")


@asynccontextmanager
async def house(
    settings: Email, folder: Path, opens: Access = NO_LOGIN, **mailer: Any
) -> AsyncIterator[House]:
    """Run a mailer on a store in ``folder``; stops it and checks the audit log at the end."""
    renderer = Renderer(settings, find_contracts(()))
    with Store.open(str(folder / "alerts.db")) as store:
        this = House(store, Mailer(settings, opens, store.outbox, renderer, **mailer), settings)
        this.number = store.head
        task = asyncio.create_task(this.mailer.run())
        try:
            yield this
        finally:
            this.mailer.stop(0.0)
            await task
    must_verify(str(folder / "alerts.db"))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    return make_certificate(tmp_path_factory.mktemp("tls"), "localhost")


def secure(port: int, certificate: Path | None, **changes: Any) -> Email:
    ca_file = None if certificate is None else str(certificate)
    return plain(
        port, smtp_host="localhost", security=Security.starttls, ca_file=ca_file,
        timeout_seconds=2.0, **changes,
    )  # fmt: skip


class TestDelivery:
    @in_loop
    async def test_one_message_per_recipient(self, tmp_path: Path) -> None:
        async with real() as inbox:
            settings = plain(inbox.port, recipients=(DESK, "risco@corretora.example"))
            async with house(settings, tmp_path) as this:
                this.commit(3)
                await until(lambda: this.owed == 0)
                assert len(inbox.mails) == 6
                assert len({mail["Message-ID"] for mail in inbox.mails}) == 6
                assert all(len(mail["To"].addresses) == 1 for mail in inbox.mails)
                assert Counter(inbox.recipients) == dict.fromkeys(settings.recipients, 3)
                assert this.told() == {"delivery_attempt": 6, "delivered": 6}
                (_, data), *_ = this.events("delivered")
                assert (data["code"], data["channel"]) == (250, "email")
                assert this.mailer.reason == ""
                assert this.mailer.stats.alerts["delivered"] == 6

    @in_loop
    async def test_delivered_is_said_after_the_server_said_it(self, tmp_path: Path) -> None:
        async with (
            scripted(replies={"DOT": ["451 wait", "250 taken"]}) as server,
            house(plain(server.port), tmp_path) as this,
        ):
            this.commit()
            await until(lambda: len(server.raw) == 1)
            await until(lambda: "delivery_failed" in this.told())
            assert "delivered" not in this.told()
            await until(lambda: this.owed == 0)
            kinds = [kind for kind, _ in this.events() if kind != "alert"]
            assert kinds == [
                *("delivery_attempt", "delivery_failed"),
                *("delivery_attempt", "delivered"),
            ]

    @in_loop
    async def test_never_more_than_three_connections_and_all_are_reused(
        self, tmp_path: Path
    ) -> None:
        async with scripted(delay=0.01) as server:
            async with house(plain(server.port, digest_above=1000), tmp_path) as this:
                this.commit(60)
                await until(lambda: this.owed == 0)
                assert len(server.raw) == 60
                assert server.most_open == 3
                assert server.sessions <= 4
            assert server.count("QUIT") == 3

    @in_loop
    async def test_starttls_and_login_by_configuration_alone(
        self, tmp_path: Path, certificate: tuple[Path, ssl.SSLContext]
    ) -> None:
        environ = {"EMAIL_SMTP_USER": USER, "EMAIL_SMTP_PASSWORD": PASSWORD}
        async with real(certificate[1]) as inbox:
            settings = secure(inbox.port, certificate[0])
            opens = mail_access(settings, environ)
            assert "TLSv1" in await probe(settings, opens)
            async with house(settings, tmp_path, opens) as this:
                this.commit(5)
                await until(lambda: this.owed == 0)
                assert len(inbox.mails) == 5
                assert 1 <= inbox.logins <= 4

    @in_loop
    async def test_tls_from_the_start(
        self, tmp_path: Path, certificate: tuple[Path, ssl.SSLContext]
    ) -> None:
        script = {"EHLO": "250-test\n250 AUTH PLAIN"}
        async with scripted(replies=script, tls=certificate[1], tls_from_start=True) as server:
            settings = secure(server.port, certificate[0])
            settings = replace(settings, security=Security.tls)
            async with house(settings, tmp_path, access(settings)) as this:
                this.commit()
                await until(lambda: this.owed == 0)
                assert server.count("AUTH") == server.sessions

    @pytest.mark.parametrize("limits", [{}, {"enable_SMTPUTF8": True}, {"decode_data": True}])
    @in_loop
    async def test_servers_with_and_without_8bitmime_and_smtputf8(
        self, tmp_path: Path, limits: dict[str, Any]
    ) -> None:
        async with (
            scripted() if "decode_data" in limits else real(**limits) as server,
            house(plain(server.port), tmp_path) as this,
        ):
            this.commit(pattern="divergencia_rsi_baixa")
            await until(lambda: this.owed == 0)
            (mail,) = server.mails
            assert "Divergência RSI baixa" in mail["Subject"]

    @in_loop
    async def test_a_server_that_knows_only_helo(self, tmp_path: Path) -> None:
        script = {"EHLO": "502 what?", "HELO": "250 hello"}
        async with (
            scripted(replies=script) as server,
            house(plain(server.port), tmp_path) as this,
        ):
            this.commit()
            await until(lambda: this.owed == 0)

    @in_loop
    async def test_after_a_restart_the_rest_goes_out(self, tmp_path: Path) -> None:
        async with (
            scripted(replies={"MAIL": "451 not now"}) as server,
            house(plain(server.port), tmp_path) as this,
        ):
            this.commit(2)
            await until(lambda: this.told()["delivery_failed"] >= 2)
        async with real() as inbox, house(plain(inbox.port), tmp_path) as this:
            await until(lambda: this.owed == 0)
            assert len(inbox.mails) == 2
            attempts = [data["attempt"] for _, data in this.events("delivered")]
            assert min(attempts) >= 2


REPLIES_AND_ENDS = [
    ("MAIL", "451 4.3.0 later", "deferred"),
    ("RCPT", "450 4.2.1 busy", "deferred"),
    ("DATA", "452 4.3.1 no room", "deferred"),
    ("DOT", "421 4.3.2 shutting down", "deferred"),
    ("MAIL", HANG, "lost"),
    ("RCPT", RESET, "lost"),
    ("RCPT", CLOSE, "lost"),
    ("DATA", HANG, "unknown"),
    ("DOT", HANG, "unknown"),
    ("DOT", RESET, "unknown"),
    ("DOT", CLOSE, "unknown"),
    ("RCPT", "this is not SMTP", "lost"),
    ("RCPT", "250-never\n250-ending" * 3_000, "lost"),
    ("DOT", "299 what?", "unknown"),
]


class TestFailures:
    @pytest.mark.parametrize(("command", "reply", "outcome"), REPLIES_AND_ENDS)
    @in_loop
    async def test_what_is_not_final_is_tried_again_under_the_same_id(
        self, tmp_path: Path, command: str, reply: str, outcome: str
    ) -> None:
        # MAIL once more: the first refusal on a connection kept open is met with a fresh one.
        bad = [reply] * (2 if (command, outcome) == ("MAIL", "deferred") else 1)
        seconds = 0.4 if reply == HANG else 5.0
        async with (
            scripted(replies={command: [*bad, GOOD[command]]}) as server,
            house(
                plain(server.port, timeout_seconds=seconds, reply_timeout_seconds=seconds),
                tmp_path,
                chance=lambda: 0.0,
            ) as this,
        ):
            this.commit()
            await until(lambda: this.owed == 0)
            ((_, failed),) = this.events("delivery_failed")
            assert (failed["stage"], failed["outcome"]) == (
                {"DOT": "data"}.get(command, command.lower()),
                outcome,
            )
            assert len({mail["Message-ID"] for mail in server.mails}) == 1
            assert len(server.raw) == (2 if command == "DOT" else 1)
            assert this.told()["delivered"] == 1
            assert this.mailer.reason == ""

    @pytest.mark.parametrize(
        ("command", "reply"),
        [
            ("MAIL", "550 5.7.1 who are you"),
            ("RCPT", "550 5.1.1 no such user"),
            ("RCPT", "553 bad name"),
            ("DATA", "554 5.7.1 refused"),
            ("DOT", "554 5.6.0 not taken"),
        ],
    )
    @in_loop
    async def test_a_permanent_reply_is_a_dead_letter_at_once(
        self, tmp_path: Path, command: str, reply: str
    ) -> None:
        script = {command: [reply, GOOD[command]]}
        async with (
            scripted(replies=script) as server,
            house(plain(server.port), tmp_path) as this,
        ):
            this.commit()
            await until(lambda: this.owed == 0)
            assert this.told() == {"delivery_attempt": 1, "dead_letter": 1}
            ((_, dead),) = this.events("dead_letter")
            assert (dead["reason"], dead["code"]) == (reply, int(reply[:3]))
            # What MAIL is refused for is ours; the rest is the recipient's, or the letter's.
            assert (reply[:3] in this.mailer.reason) == (command == "MAIL")
            assert this.mailer.losses.startswith("1 refused for good, in the last hour; the last")
            assert f"{command.lower().replace('dot', 'data')} {reply[:3]}" in this.mailer.losses
            assert "no such user" not in this.mailer.losses, "anybody may look at it"
            # The connection is still good, and so is the next letter.
            sessions = server.sessions
            this.commit()
            await until(lambda: this.owed == 0)
            assert server.sessions == sessions
            assert this.mailer.reason == ""

    @pytest.mark.parametrize(
        ("replies", "stage"),
        [
            ({"BANNER": "554 go away"}, "connect"),
            ({"BANNER": "421 too busy"}, "connect"),
            ({"BANNER": "HTTP/1.1 400 Bad Request"}, "connect"),
            ({"EHLO": "550 no", "HELO": "550 no"}, "ehlo"),
            ({"MAIL": "530 5.7.0 authentication required"}, "mail"),
        ],
    )
    @in_loop
    async def test_a_broken_channel_kills_no_letter_and_mends(
        self, tmp_path: Path, replies: dict[str, str], stage: str
    ) -> None:
        async with (
            scripted(replies=replies) as server,
            house(plain(server.port), tmp_path) as this,
        ):
            this.commit()
            await until(lambda: f"{stage}: " in this.mailer.reason)
            assert this.owed == 1
            server.replies = {}
            await until(lambda: this.owed == 0)
            assert this.mailer.reason == ""
            assert "dead_letter" not in this.told()

    @in_loop
    async def test_nobody_listens_and_then_somebody_does(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO, "alertas.delivery")
        async with scripted() as server:
            port = server.port
        async with house(plain(port), tmp_path) as this:
            this.commit()
            await until(lambda: "connect: " in this.mailer.reason)
            async with scripted(port=port) as server:
                await until(lambda: this.owed == 0)
                assert len(server.raw) == 1
                this.mailer.stop(1.0)
        said = [record.getMessage() for record in caplog.records]
        assert said.count("channel broken") == 1
        assert said.count("channel works again") == 1

    @in_loop
    async def test_a_trickling_server_is_left_at_the_deadline(self, tmp_path: Path) -> None:
        async with scripted(trickle=0.05) as server:
            pool = SmtpPool(plain(server.port, timeout_seconds=0.4), NO_LOGIN)
            began = time.monotonic()
            result = await pool.send(b"Subject: x\r\n\r\n", DESK)
            assert result.verdict is Verdict.lost
            assert result.reason == f"no reply within 0.4 s from 127.0.0.1:{server.port}"
            # Nothing waits for the rest of the reply, which would take seconds.
            assert time.monotonic() - began < 2.0
            await until(lambda: server.open == 0)

    @in_loop
    async def test_a_server_that_takes_its_time_after_the_dot_gets_one_copy(
        self, tmp_path: Path
    ) -> None:
        """It looked through each message for longer than an attempt may take, and got it again."""
        async with (
            scripted(delay=0.5) as server,
            house(plain(server.port, timeout_seconds=0.3), tmp_path) as this,
        ):
            this.commit(3)
            await until(lambda: this.owed == 0)
            assert len(server.raw) == 3
            assert this.told() == {"delivery_attempt": 3, "delivered": 3}

    @in_loop
    async def test_alerts_go_before_notices(self, tmp_path: Path) -> None:
        """Behind a notice about the channel that never got through, alerts starved."""
        async with scripted() as server:
            settings = plain(server.port, max_concurrent=1, operator="op@x.example")
            async with house(settings, tmp_path) as this:
                with this.unnoticed():
                    this.mailer.notice("Canal", ["linha"])
                    this.commit(4)
                this.mailer.notify()
                await until(lambda: len(server.raw) == 5)
            kinds = [mail["X-Alertas-Kind"] for mail in server.mails]
            assert kinds == ["alert", "alert", "alert", "alert", "notice"]

    @in_loop
    async def test_a_refusal_is_one_although_the_server_never_answers_rset(
        self, tmp_path: Path
    ) -> None:
        async with (
            scripted(replies={"RCPT": "550 5.1.1 unknown", "RSET": HANG}) as server,
            house(plain(server.port), tmp_path) as this,
        ):
            this.commit()
            await until(lambda: this.owed == 0)
            assert this.told() == {"delivery_attempt": 1, "dead_letter": 1}

    @pytest.mark.parametrize(
        "reply", ["550 5.4.5 daily limit exceeded", "421-4.7.28 unusual rate\n421 4.7.28 of mail"]
    )
    @in_loop
    async def test_a_spent_quota_kills_no_letter_and_costs_one_try(
        self, tmp_path: Path, reply: str
    ) -> None:
        async with (
            scripted(replies={"DOT": [reply, "250 taken"]}) as server,
            house(plain(server.port, max_concurrent=1), tmp_path) as this,
        ):
            this.commit(5)
            await until(lambda: this.mailer.reason.endswith("tried again within 1 min"))
            await asyncio.sleep(0.3)
            assert len(server.raw) == 1
            assert this.told() == {"delivery_attempt": 1, "delivery_failed": 1}
            # The minute is over.
            this.mailer._keeper.channel = this.mailer._keeper.channel._replace(retry_at=0.0)
            this.mailer.notify()
            await until(lambda: this.owed == 0)
            assert this.told()["delivered"] == 5
            assert this.mailer.reason == ""

    @in_loop
    async def test_one_broken_payload_does_not_take_a_digest_along(self, tmp_path: Path) -> None:
        async with real() as inbox, house(plain(inbox.port, digest_above=2), tmp_path) as this:
            with this.unnoticed():
                this.commit(1, symbol="WIN\r\nBcc: all@x.example")
                this.commit(4)
            this.mailer.notify()
            await until(lambda: this.owed == 0)
            assert this.told()["dead_letter"] == 1
            assert this.told()["delivered"] == 4
            assert "1 that no message can be made of" in this.mailer.losses
            (digest,) = (mail for mail in inbox.mails if mail["X-Alertas-Kind"] == "digest")
            body = digest.get_body(("plain",))
            assert body is not None
            assert "Outro não pôde ser entregue" in " ".join(body.get_content().split())

    @in_loop
    async def test_a_quit_that_is_never_answered_makes_no_second_copy(self, tmp_path: Path) -> None:
        async with scripted(replies={"QUIT": HANG}) as server:
            async with house(plain(server.port), tmp_path) as this:
                this.commit(2)
                await until(lambda: this.owed == 0)
            async with house(plain(server.port), tmp_path) as this:
                assert this.owed == 0
                assert this.told()["delivered"] == 2
            assert len(server.raw) == 2

    @in_loop
    async def test_a_connection_gone_stale_costs_neither_time_nor_an_attempt(
        self, tmp_path: Path
    ) -> None:
        script = {"MAIL": ["250 ok", CLOSE, "250 ok", "421 idle too long", "250 ok"]}
        async with (
            scripted(replies=script) as server,
            house(plain(server.port), tmp_path) as this,
        ):
            # The look at the start has a connection of its own until it is done with it.
            await until(lambda: this.mailer._pool._idle)
            for _ in range(3):
                this.commit()
                await until(lambda: this.owed == 0)
            assert this.told() == {"delivery_attempt": 3, "delivered": 3}
            assert server.sessions == 3

    @in_loop
    async def test_a_letter_that_cannot_be_written_is_dead_and_harms_no_other(
        self, tmp_path: Path
    ) -> None:
        async with real() as inbox, house(plain(inbox.port), tmp_path) as this:
            this.commit(symbol="WIN\r\nBcc: all@x.example")
            this.commit()
            await until(lambda: this.owed == 0)
            assert len(inbox.mails) == 1
            ((_, dead),) = this.events("dead_letter")
            assert dead["stage"] == "render"
            assert "symbol: got" in dead["reason"]


class TestTls:
    @in_loop
    async def test_no_starttls_no_credentials(
        self, tmp_path: Path, certificate: tuple[Path, ssl.SSLContext]
    ) -> None:
        async with scripted(replies={"EHLO": "250-test\n250 AUTH PLAIN LOGIN"}) as server:
            settings = secure(server.port, certificate[0])
            async with house(settings, tmp_path, access(settings)) as this:
                this.commit()
                await until(lambda: "STARTTLS" in this.mailer.reason)
                await asyncio.sleep(0.1)
            assert server.count("AUTH") == server.count("MAIL") == 0

    @in_loop
    async def test_a_certificate_nobody_vouches_for(
        self, certificate: tuple[Path, ssl.SSLContext]
    ) -> None:
        async with scripted(replies={"EHLO": WITH_TLS}, tls=certificate[1]) as server:
            settings = secure(server.port, None)
            with pytest.raises(MailChannelError, match=r"failed at starttls: TLS: .*self.signed"):
                await probe(settings, access(settings))
            assert server.count("AUTH") == 0

    @in_loop
    async def test_a_certificate_of_another_name(self, tmp_path: Path) -> None:
        path, context = make_certificate(tmp_path, "other.example")
        async with scripted(replies={"EHLO": WITH_TLS}, tls=context) as server:
            settings = secure(server.port, path)
            with pytest.raises(MailChannelError, match=r"TLS: .*not valid for 'localhost'"):
                await probe(settings, access(settings))
            assert server.count("AUTH") == 0

    @pytest.mark.parametrize(
        ("reply", "reason"),
        [
            ("535 5.7.8 no", "535 5.7.8 no; tried again within 15 min"),
            ("534 5.7.9 no", "534 5.7.9 no; tried again within 15 min"),
            ("454 4.7.0 too many logins", "454 4.7.0 too many logins; tried again within 1 min"),
            (HANG, "no reply within 0.5 s"),
        ],
    )
    @in_loop
    async def test_a_wrong_password_is_tried_once_per_look(
        self, tmp_path: Path, certificate: tuple[Path, ssl.SSLContext], reply: str, reason: str
    ) -> None:
        script = {"EHLO": WITH_TLS, "AUTH": reply}
        async with scripted(replies=script, tls=certificate[1]) as server:
            settings = replace(secure(server.port, certificate[0]), timeout_seconds=0.5)
            async with house(settings, tmp_path, access(settings, Login(USER, "guess"))) as this:
                this.commit()
                await until(lambda: this.mailer.reason == f"auth: {reason}")
                assert this.owed == 1
                assert server.count("AUTH") <= 2

    @in_loop
    async def test_a_real_server_refuses_a_wrong_password(
        self, certificate: tuple[Path, ssl.SSLContext]
    ) -> None:
        async with real(certificate[1]) as inbox:
            settings = replace(secure(inbox.port, certificate[0]), timeout_seconds=10.0)
            with pytest.raises(MailChannelError, match=r"failed at auth: 535 5\.7\.8"):
                await probe(settings, access(settings, Login(USER, "guess")))

    @in_loop
    async def test_one_try_although_the_server_offers_three_ways(
        self, certificate: tuple[Path, ssl.SSLContext]
    ) -> None:
        script = {"EHLO": f"{WITH_TLS} CRAM-MD5", "AUTH": "535 5.7.8 no"}
        async with scripted(replies=script, tls=certificate[1]) as server:
            settings = secure(server.port, certificate[0])
            with pytest.raises(MailChannelError, match=r"failed at auth: 535 5\.7\.8 no"):
                await probe(settings, access(settings))
            assert server.count("AUTH") == 1

    @in_loop
    async def test_plain_talk_on_a_tls_port(self, certificate: tuple[Path, ssl.SSLContext]) -> None:
        async with scripted() as server:
            settings = replace(secure(server.port, certificate[0]), security=Security.tls)
            with pytest.raises(MailChannelError, match="failed at connect: TLS: "):
                await probe(settings, access(settings))

    @in_loop
    async def test_none_is_for_this_machine_and_never_logs_in(self) -> None:
        with pytest.raises(ConfigError, match=r"security: got none for mail\.example"):
            SmtpPool(plain(25, smtp_host="mail.example"), NO_LOGIN)
        async with scripted(replies={"EHLO": "250-test\n250 AUTH PLAIN"}) as server:
            assert "no login" in await probe(plain(server.port), Access(LOGIN))
            assert server.count("AUTH") == 0

    def test_a_ca_file_that_is_none(self, tmp_path: Path) -> None:
        (tmp_path / "ca.pem").write_text("not a certificate")
        environ = {"EMAIL_SMTP_USER": "u", "EMAIL_SMTP_PASSWORD": "p4ss"}
        for path in (tmp_path / "ca.pem", tmp_path / "missing.pem"):
            with pytest.raises(ConfigError, match=r"delivery\.email\.ca_file: got .*\.pem"):
                mail_access(secure(1, path), environ)

    def test_secrets(self) -> None:
        settings = Email(security=Security.starttls)
        environ = {"EMAIL_SMTP_USER": "u", "EMAIL_SMTP_PASSWORD": "p4ss"}
        login = read_credentials(settings, environ)
        assert login == ("u", "p4ss")
        assert "p4ss" not in repr(login)
        assert read_credentials(Email(security=Security.none), environ) is None
        with pytest.raises(ConfigError, match="EMAIL_SMTP_PASSWORD"):
            read_credentials(settings, {"EMAIL_SMTP_USER": "u"})


class TestBacklog:
    @in_loop
    async def test_a_backlog_goes_out_as_one_digest_and_each_alert_is_audited(
        self, tmp_path: Path
    ) -> None:
        async with real() as inbox:
            settings = plain(inbox.port, digest_above=5, recipients=(DESK, "b@x.example"))
            async with house(settings, tmp_path) as this:
                this.commit(40)
                await until(lambda: this.owed == 0)
                assert len(inbox.mails) == 2
                assert {mail["X-Alertas-Count"] for mail in inbox.mails} == {"40"}
                assert this.told()["delivered"] == 80
                ids = Counter(data["id"] for _, data in this.events("delivered"))
                assert ids == {payload(n)["id"]: 2 for n in range(1, 41)}
                names = {data["message_id"] for _, data in this.events("delivered")}
                assert names == {mail["Message-ID"] for mail in inbox.mails}

    @in_loop
    async def test_alerts_that_expired_in_an_outage_are_told_as_expired(
        self, tmp_path: Path
    ) -> None:
        async with (
            scripted(replies={"BANNER": "554 go away"}) as server,
            house(plain(server.port), tmp_path) as this,
        ):
            this.commit(3, ttl=0.3)
            await until(lambda: this.mailer.stats.alerts["expired"] == 3)
            reasons = [data["reason"] for _, data in this.events("delivery_failed")]
            assert reasons.count("expired") == 3
            server.replies = {}
            await until(lambda: this.owed == 0)
            (mail,) = server.mails
            assert "3 fora do prazo" in mail["Subject"]
            assert mail["X-Alertas-Kind"] == "digest"

    @in_loop
    async def test_what_comes_while_a_digest_is_under_way_joins_the_next(
        self, tmp_path: Path
    ) -> None:
        async with real() as inbox:
            inbox.delay = 0.25
            async with house(plain(inbox.port, digest_above=2), tmp_path) as this:
                for _ in range(20):
                    this.commit(3)
                    await asyncio.sleep(0.01)
                await until(lambda: this.owed == 0)
                assert inbox.most_under_way == 1
                assert len(inbox.mails) < 12
                listed = sum(int(mail["X-Alertas-Count"] or 1) for mail in inbox.mails)
                assert listed == 60
                assert this.told()["delivered"] == 60

    @in_loop
    async def test_a_digest_keeps_its_id_and_its_alerts_over_a_restart(
        self, tmp_path: Path
    ) -> None:
        async with scripted(replies={"DOT": HANG}) as server:
            async with house(plain(server.port, digest_above=3), tmp_path) as this:
                this.commit(10)
                await until(lambda: server.raw)
            (first,) = server.mails
        async with real() as inbox:
            async with house(plain(inbox.port, digest_above=3), tmp_path) as this:
                this.commit(1)
                await until(lambda: this.owed == 0)
            digest, alert = sorted(inbox.mails, key=lambda mail: str(mail["X-Alertas-Kind"]))[::-1]
            assert digest["Message-ID"] == first["Message-ID"]
            assert digest["X-Alertas-Count"] == "10"
            assert alert["X-Alertas-Kind"] == "alert"

    @in_loop
    async def test_a_clock_set_back_strands_nothing(self, tmp_path: Path) -> None:
        async with real() as inbox:
            clock = lambda: time.time() - 3_600.0  # noqa: E731 - a clock is a value here
            async with house(plain(inbox.port), tmp_path, clock=clock) as this:
                this.commit()
                await until(lambda: this.owed == 0)


class TestStore:
    @in_loop
    async def test_a_letter_is_not_sent_again_for_want_of_a_record(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with real() as inbox, house(plain(inbox.port), tmp_path) as this:
            recorded = Outbox.delivered
            failures = iter([StorageError("disk full"), StorageError("disk full")])

            def delivered(*rows: Any, **data: Any) -> Any:
                for error in failures:
                    raise error
                return recorded(*rows, **data)

            monkeypatch.setattr(Outbox, "delivered", delivered)
            monkeypatch.setattr("runners.live.delivery.courier.OUTBOX_RETRY_SECONDS", 0.1)
            this.commit()
            await until(lambda: "disk full" in this.mailer.reason)
            await until(lambda: this.owed == 0)
            assert len(inbox.mails) == 1
            await until(lambda: this.mailer.reason == "")

    @in_loop
    async def test_nothing_is_sent_that_could_not_be_audited(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        async with real() as inbox, house(plain(inbox.port), tmp_path) as this:
            attempted = Outbox.attempted
            monkeypatch.setattr("runners.live.delivery.courier.OUTBOX_RETRY_SECONDS", 0.1)

            def refuse(*_: Any, **__: Any) -> Any:
                raise StorageError("disk full")

            monkeypatch.setattr(Outbox, "attempted", refuse)
            this.commit()
            await until(lambda: "disk full" in this.mailer.reason)
            await asyncio.sleep(0.35)
            assert inbox.mails == []
            monkeypatch.setattr(Outbox, "attempted", attempted)
            await until(lambda: this.owed == 0)
            assert len(inbox.mails) == 1
        # A line per failure, not one per try.
        assert sum("outbox failed" in record.message for record in caplog.records) == 1


class TestStop:
    @in_loop
    async def test_what_is_committed_is_tried_before_the_end(self, tmp_path: Path) -> None:
        async with real() as inbox:
            inbox.delay = 0.02
            async with house(plain(inbox.port), tmp_path) as this:
                this.commit(30)
                this.mailer.stop(10.0)
                await until(lambda: this.owed == 0)
            assert len(inbox.mails) == 30

    @in_loop
    async def test_it_does_not_wait_for_a_server_that_hangs(self, tmp_path: Path) -> None:
        async with scripted(replies={"MAIL": HANG}) as server:
            settings = plain(server.port, timeout_seconds=60.0)
            async with house(settings, tmp_path) as this:
                this.commit()
                await until(lambda: server.count("MAIL"))
                this.mailer.stop(0.1)
            assert server.raw == []
        async with house(plain(1), tmp_path) as this:
            assert this.owed == 1

    @in_loop
    async def test_nor_for_a_channel_that_is_broken(self, tmp_path: Path) -> None:
        async with scripted(replies={"BANNER": "554 no"}) as server:
            settings = plain(server.port)
            renderer = Renderer(settings, find_contracts(()))
            with Store.open(str(tmp_path / "alerts.db")) as store:
                mailer = Mailer(settings, NO_LOGIN, store.outbox, renderer)
                this = House(store, mailer, settings)
                this.commit()
                task = asyncio.create_task(mailer.run())
                await until(lambda: "554" in mailer.reason)
                mailer.stop(3_600.0)
                await task
                assert this.owed == 1


class TestKeepingOpen:
    @in_loop
    async def test_an_idle_connection_is_proven_and_in_the_end_replaced(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(keeper, "LOOK_SECONDS", 0.01)
        monkeypatch.setattr(pool, "IDLE_SECONDS", 0.0)
        async with scripted() as server, house(plain(server.port), tmp_path):
            await until(lambda: server.sessions == 3)
            assert server.count("NOOP") in (20, 21, 22)
            assert server.most_open == 1
            assert server.count("QUIT") == 2

    @in_loop
    async def test_a_password_that_expired_is_noticed_before_an_alert_comes(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(keeper, "LOOK_SECONDS", 0.01)
        monkeypatch.setattr(pool, "IDLE_SECONDS", 0.0)
        script = {"NOOP": ["250 ok", CLOSE], "EHLO": ["250 test", "550 no"], "HELO": "550 no"}
        async with (
            scripted(replies=script) as server,
            house(plain(server.port), tmp_path) as this,
        ):
            await until(lambda: this.mailer.reason == "ehlo: 550 no")


class TestNotices:
    @in_loop
    async def test_they_go_to_the_operator(self, tmp_path: Path) -> None:
        async with scripted(replies={"RCPT": ["450 later", "250 ok"]}) as server:
            settings = plain(server.port, operator="operador@corretora.example")
            async with house(settings, tmp_path, chance=lambda: 0.0) as this:
                this.mailer.notice("Fonte de dados parada", ["Última barra: 10:05"])
                await until(lambda: server.raw)
                (mail,) = server.mails
                assert mail["To"] == "operador@corretora.example"
                assert mail["Subject"] == "Fonte de dados parada"
                this.mailer.stop(5.0)
            assert len(server.raw) == 1

    @in_loop
    async def test_an_outage_leaves_one_about_each_thing_and_none_for_traders(
        self, tmp_path: Path
    ) -> None:
        """Each change of each reason was a letter more to be sent when the server came back."""
        async with scripted(replies={"BANNER": "554 go away"}) as server:
            settings = plain(server.port, operator="op@x.example")
            async with house(settings, tmp_path) as this:
                await until(lambda: this.mailer.reason)
                for number in range(20):
                    this.mailer.notice(f"Banco {number}", ["linha"], ["store:"])
                    this.mailer.notice(f"Barras {number}", ["linha"], ["feed:WIN$N M5"])
                server.replies = {}
                await until(lambda: len(server.raw) == 2)
                this.mailer.stop(1.0)
            assert sorted(mail["Subject"] for mail in server.mails) == ["Banco 19", "Barras 19"]
        async with real() as inbox, house(plain(inbox.port), tmp_path) as this:
            this.mailer.notice("Banco", ["linha"], ["store:"])
            this.commit()
            await until(lambda: this.owed == 0)
            this.mailer.stop(1.0)
        assert [mail["X-Alertas-Kind"] for mail in inbox.mails] == ["alert"]

    @in_loop
    async def test_one_is_delivered_once_the_server_has_it(self, tmp_path: Path) -> None:
        told: list[str] = []
        async with scripted(replies={"RCPT": ["450 later", "250 ok", "550 nobody"]}) as server:
            settings = plain(server.port, operator="op@x.example")
            async with house(settings, tmp_path) as this:
                this.mailer.notice("Âncora", ["linha"], ["anchor"], lambda: told.append("first"))
                await until(lambda: this.mailer.stats.letters["deferred"])
                assert told == []
                await until(lambda: server.raw)
                await until(lambda: told)
                this.mailer.notice("Âncora", ["linha"], ["anchor"], lambda: told.append("second"))
                await until(lambda: this.mailer.stats.letters["refused"])
                this.mailer.stop(1.0)
        assert told == ["first"]

    @in_loop
    async def test_one_about_two_things_waits_until_both_are_told_of_anew(
        self, tmp_path: Path
    ) -> None:
        """One of a second webhook took the place of one of the first, which nobody was told of."""
        async with scripted(replies={"BANNER": "554 go away"}) as server:
            settings = plain(server.port, operator="op@x.example")
            async with house(settings, tmp_path) as this:
                await until(lambda: this.mailer.reason)
                this.mailer.notice("a e b", ["linha"], ["webhook:a", "webhook:b"])
                this.mailer.notice("c", ["linha"], ["webhook:c"])
                this.mailer.notice("a de novo", ["linha"], ["webhook:a"])
                this.mailer.notice("c de novo", ["linha"], ["webhook:c"])
                server.replies = {}
                await until(lambda: len(server.raw) == 3)
                this.mailer.stop(1.0)
            told = [mail["Subject"] for mail in server.mails]
            assert sorted(told) == ["a de novo", "a e b", "c de novo"]

    @in_loop
    async def test_one_under_way_for_long_is_not_sent_again(self, tmp_path: Path) -> None:
        async with real() as inbox:
            inbox.delay = 0.4
            async with house(plain(inbox.port, operator="op@x.example"), tmp_path) as this:
                this.mailer.notice("Fonte de dados parada", ["Última barra: 10:05"])
                for _ in range(16):
                    await asyncio.sleep(0.1)
                    this.mailer.notify()
            assert len(inbox.mails) == 1

    @in_loop
    async def test_the_test_mail(self) -> None:
        async with real() as inbox:
            settings = plain(inbox.port, recipients=(DESK, "b@x.example"), operator="c@x.example")
            lines = await send_test_mail(settings, NO_LOGIN)
            assert lines == [
                f"127.0.0.1:{inbox.port} accepted a test message for {DESK}",
                f"127.0.0.1:{inbox.port} accepted a test message for b@x.example",
            ]
            assert inbox.recipients == [DESK, "b@x.example"]
            assert "Teste do canal" in inbox.mails[0]["Subject"]
        async with scripted(replies={"RCPT": "550 no such user"}) as server:
            with pytest.raises(MailChannelError, match="failed at rcpt: 550 no such user"):
                await send_test_mail(plain(server.port), NO_LOGIN)

    @in_loop
    async def test_the_probe_sends_nothing(self) -> None:
        async with scripted() as server:
            line = await probe(plain(server.port), NO_LOGIN)
            assert line == f"127.0.0.1:{server.port} answers (no TLS, no login)"
            assert [c.split()[0] for c in server.commands] == ["EHLO", "NOOP", "QUIT"]
        with pytest.raises(MailChannelError, match=r"127\.0\.0\.1:\d+ failed at connect: "):
            await probe(plain(server.port), NO_LOGIN)
        async with scripted(replies={"BANNER": HANG}) as hung:
            with pytest.raises(MailChannelError, match=r"no reply within 0\.4 s"):
                await probe(plain(hung.port, timeout_seconds=0.4), NO_LOGIN)


class TestClassify:
    @given(st.text(max_size=400) | st.binary().map(lambda b: b.decode("utf-8", "surrogateescape")))
    def test_whatever_a_server_says_becomes_one_line_any_log_can_hold(self, said: str) -> None:
        line = printable(said)
        assert line.isprintable()
        assert len(line) <= 200
        line.encode("utf-8")

    @in_loop
    async def test_a_reply_with_bytes_that_are_no_text(self, tmp_path: Path) -> None:
        reply = b"550 n\xe3o \x1b[31m".decode("utf-8", "surrogateescape")
        async with (
            scripted(replies={"RCPT": reply}) as server,
            house(plain(server.port), tmp_path) as this,
        ):
            this.commit()
            await until(lambda: this.owed == 0)
            ((_, dead),) = this.events("dead_letter")
            assert dead["reason"] == "550 n o [31m"

    @given(st.integers(200, 599), st.sampled_from(["mail", "rcpt", "data"]))
    def test_only_replies_to_mail_rcpt_and_data_can_be_final(self, code: int, stage: str) -> None:
        from aiosmtplib import SMTPResponseException

        error = SMTPResponseException(code, "said")
        in_envelope, before = classify(stage, error), classify("auth", error)
        assert before.verdict is Verdict.channel
        if in_envelope.verdict is Verdict.refused:
            assert 500 <= code <= 599
        if 400 <= code <= 499:
            assert in_envelope == Result(Verdict.deferred, stage, f"{code} said", code)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    # aiosmtpd reports every hostile client at ERROR; that is not what is looked at here.
    logger = logging.getLogger("mail.log")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    yield
    logger.setLevel(level)


@in_loop
async def test_a_scripted_server_is_one(tmp_path: Path) -> None:
    """The tests above trust it, so Python's own client has to get along with it."""
    import smtplib

    async with scripted() as server:

        def talk() -> None:
            with smtplib.SMTP("127.0.0.1", server.port, timeout=5) as client:
                client.sendmail(DESK, [DESK], b"Subject: x\r\n\r\n.dot\r\n")

        await asyncio.to_thread(talk)
        assert isinstance(server, Scripted)
        assert server.raw == [b"Subject: x\r\n\r\n..dot\r\n"]
