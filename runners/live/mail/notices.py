"""Messages that are not alerts: notices to the operator, and the test of the channel."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from alertlib.config.schema import Email
from alertlib.texts.alerts import UNKNOWN
from runners.live.delivery.policy import Letter, message_id
from runners.live.mail.pool import SmtpPool, require_answer
from runners.live.mail.render import Renderer
from runners.live.mail.settings import Access
from runners.live.mail.words import MAIL_WORDS

NOTICE_TTL = 86_400.0


def notices(
    settings: Email, recipients: Sequence[str], title: str, lines: Sequence[str], now: float,
    about: Sequence[str] = (), delivered: Callable[[], None] | None = None,
) -> list[Letter]:  # fmt: skip
    """Return a notice as letters; ``about`` names the things it tells of.

    ``delivered`` is called for each letter that a server has accepted.
    """
    written = datetime.fromtimestamp(now, UTC).isoformat()
    content = {"title": title, "time": written, "lines": list(lines), "about": list(about)}
    return [
        Letter(
            kind="notice",
            rows=(),
            recipient=recipient,
            message_id=message_id(f"notice|{written}|{title}", recipient, settings.sender),
            due=now,
            expires=now + NOTICE_TTL,
            notice=content,
            delivered=delivered,
        )
        for recipient in recipients
    ]


async def send_test_mail(
    settings: Email, access: Access, clock: Callable[[], float] = time.time
) -> list[str]:
    """Send every recipient a message that says it is a test.

    Returns
    -------
    list of str
        One line per recipient the server accepted it for.

    Raises
    ------
    MailChannelError
        The server did not answer, or refused a recipient.
    """
    words = MAIL_WORDS[settings.language]
    server = f"{settings.smtp_host}:{settings.smtp_port}"
    line = words["test_line"].format(server=server, security=settings.security.value)
    lines = [line, words["test_nothing"]]
    letters = notices(settings, settings.recipients, words["test_title"], lines, clock())
    renderer = Renderer(settings, lambda symbol, timeframe: UNKNOWN)
    pool = SmtpPool(settings, access)
    accepted = []
    try:
        for letter in letters:
            result = await pool.send(renderer.message(letter, clock()), letter.recipient)
            require_answer(settings, result)
            accepted.append(f"{server} accepted a test message for {letter.recipient}")
    finally:
        await pool.close()
    return accepted
