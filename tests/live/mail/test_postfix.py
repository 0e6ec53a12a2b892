"""The mail channel with a real Postfix: its certificates, logins, refusals and mailboxes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from alertlib.config.schema import Email, Security
from alertlib.texts.contracts import find_contracts
from runners.live.alert_store.records import Batch, Mail, Message
from runners.live.alert_store.store import Store
from runners.live.delivery.policy import message_id
from runners.live.mail.mailer import Mailer
from runners.live.mail.pool import MailChannelError, probe
from runners.live.mail.render import Renderer
from runners.live.mail.settings import mail_access
from tests.support.postfix import DOMAIN, Postfix, postfix
from tests.support.smtp_servers import PASSWORD, USER, plain
from tests.support.store_data import must_verify, payload

SECRETS = {"EMAIL_SMTP_USER": f"{USER}@localhost", "EMAIL_SMTP_PASSWORD": PASSWORD}
MESA, NOBODY = f"mesa@{DOMAIN}", f"ninguem@{DOMAIN}"


@pytest.fixture(scope="module")
def relay() -> Iterator[Postfix]:
    """The usual relay of a company: STARTTLS, and no login from its own machines."""
    with postfix(login=False) as server:
        yield server


@pytest.fixture(scope="module")
def submission() -> Iterator[Postfix]:
    with postfix(login=True) as server:
        yield server


def settings(server: Postfix, *recipients: str, login: bool) -> Email:
    return plain(
        server.port, smtp_host="localhost", security=Security.starttls, login=login,
        ca_file=str(server.certificate), recipients=recipients or (MESA,), timeout_seconds=5.0,
    )  # fmt: skip


def deliver(email: Email, folder: Path, count: int) -> tuple[Mailer, Store]:
    """Commit alerts, have them delivered or refused, and return what is left."""
    path = str(folder / "alerts.db")
    store = Store.open(path)
    mailer = Mailer(
        email, mail_access(email, SECRETS), store.outbox, Renderer(email, find_contracts(()))
    )

    async def scenario() -> None:
        now = time.time()
        messages = []
        for number in range(1, count + 1):
            alert = payload(number)
            mails = tuple(
                Mail(to, message_id(alert["id"], to, email.sender), now, now + 1800.0)
                for to in email.recipients
            )
            messages.append(Message(alert, mail=mails))
        store.commit(Batch(messages=tuple(messages))).result()
        running = asyncio.create_task(mailer.run())
        async with asyncio.timeout(30):
            while store.outbox.pending():
                await asyncio.sleep(0.01)
        mailer.stop(0.0)
        await running

    asyncio.run(scenario())
    store.close()
    must_verify(path)
    return mailer, store


def arrived(server: Postfix, user: str, count: int) -> list[str]:
    end = time.monotonic() + 20.0
    while len(server.mails(user)) < count and time.monotonic() < end:
        time.sleep(0.05)
    return [str(mail["Message-ID"]) for mail in server.mails(user)]


def test_a_relay_without_login_delivers_and_an_unknown_user_is_no_trouble_of_the_channel(
    relay: Postfix, tmp_path: Path
) -> None:
    """It could not be configured; and 550 5.1.1 for one recipient was "channel broken" for all."""
    email = settings(relay, MESA, NOBODY, login=False)
    assert "no login" in asyncio.run(probe(email, mail_access(email, {})))
    mailer, _ = deliver(email, tmp_path, 3)
    assert mailer.reason == ""
    assert "3 refused for good" in mailer.losses
    assert mailer.losses.endswith("rcpt 550 5.1.1")
    assert mailer.stats.alerts == {"delivered": 3, "dead": 3}
    expected = {message_id(payload(n)["id"], MESA, email.sender) for n in (1, 2, 3)}
    assert set(arrived(relay, "mesa", 3)) == expected


def test_submission_with_a_login(submission: Postfix, tmp_path: Path) -> None:
    email = settings(submission, login=True)
    answer = asyncio.run(probe(email, mail_access(email, SECRETS)))
    assert "TLSv1.3, authenticated" in answer
    mailer, _ = deliver(email, tmp_path, 2)
    assert (mailer.reason, mailer.losses) == ("", "")
    assert len(arrived(submission, "mesa", 2)) == 2


def test_a_wrong_password_is_a_refused_login(submission: Postfix) -> None:
    email = settings(submission, login=True)
    access = mail_access(email, {**SECRETS, "EMAIL_SMTP_PASSWORD": "guess"})
    with pytest.raises(MailChannelError, match=r"failed at auth: 535 5\.7\.8"):
        asyncio.run(probe(email, access))


def test_a_certificate_that_is_not_trusted_is_told(relay: Postfix) -> None:
    email = settings(relay, login=False)
    email = replace(email, ca_file=None)
    with pytest.raises(MailChannelError, match=r"failed at starttls: TLS: .*self-signed"):
        asyncio.run(probe(email, mail_access(email, {})))
