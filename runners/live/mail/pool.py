"""A few SMTP connections, kept open, and each attempt within its limits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from alertlib.config.schema import Email, Security
from alertlib.config.types import is_loopback
from alertlib.errors import AlertlibError, ConfigError
from runners.live.delivery.channel import Result, Verdict
from runners.live.mail.connection import Session, classify
from runners.live.mail.dialing import Dialer
from runners.live.mail.settings import Access

IDLE_SECONDS = 25.0


class MailChannelError(AlertlibError):
    """The SMTP server does not answer, or not as the configuration says it should."""

    exit_status = 1


class SmtpPool:
    """At most ``max_concurrent`` connections to one server, reused from letter to letter.

    Parameters
    ----------
    settings : Email
    access : Access
        As :func:`~runners.live.mail.settings.mail_access` returned it.

    Raises
    ------
    ConfigError
        ``security: none`` for a server that is not on this machine.
    """

    def __init__(self, settings: Email, access: Access) -> None:
        if settings.security is Security.none:
            access = Access()
            if not is_loopback(settings.smtp_host):
                raise ConfigError(
                    f"delivery.email.security: got none for {settings.smtp_host}; expected "
                    "starttls or tls for a server that is not on this machine"
                )
        self._settings = settings
        self._access = access
        self._dialer = Dialer(settings.smtp_host, settings.smtp_port)
        self._idle: list[Session] = []
        self._sending = 0
        self._slots = asyncio.Semaphore(settings.max_concurrent)

    async def send(self, message: bytes, recipient: str) -> Result:
        """Make one attempt within the limits and say how it ended; raises no error."""
        async with self._slots:
            session = self._take()
            self._sending += 1
            try:
                async with self._attempt(session) as attempt:
                    attempt.result = await self._deliver(session, message, recipient, attempt)
            finally:
                self._sending -= 1
            return attempt.result

    @property
    def is_in_use(self) -> bool:
        """Whether a letter is under way, or has gone over an open connection just now."""
        now = asyncio.get_running_loop().time()
        return bool(self._sending) or any(
            now - session.used_at < IDLE_SECONDS for session in self._idle
        )

    async def look(self) -> Result:
        """Keep one connection open and proven, let go of the others; raises no error."""
        async with self._slots:
            session = self._take()
            await self.close()
            async with self._attempt(session) as attempt:
                attempt.result = await session.renew()
            return attempt.result

    async def close(self) -> None:
        """Say goodbye on every idle connection; a server that does not answer is left."""
        sessions, self._idle = self._idle, []
        await asyncio.gather(*(session.quit() for session in sessions))

    def _take(self) -> Session:
        if self._idle:
            return self._idle.pop()
        return Session(self._settings, self._access, self._dialer)

    async def _deliver(
        self, session: Session, message: bytes, recipient: str, attempt: _Attempt
    ) -> Result:
        """Send on ``session``; one that went stale while idle is replaced once, unpunished."""
        if session.is_connected:
            try:
                return await session.deliver(recipient, message, attempt.wait_for_reply)
            except Exception as error:
                result = classify(session.stage, error)
            if session.stage != "mail" or result.verdict not in (Verdict.lost, Verdict.deferred):
                return result
            session.abort()
        await session.open()
        return await session.deliver(recipient, message, attempt.wait_for_reply)

    @asynccontextmanager
    async def _attempt(self, session: Session) -> AsyncIterator[_Attempt]:
        """Put limits to what is done with ``session``; keep it if it is fit for another letter."""
        attempt = _Attempt(self._settings)
        try:
            try:
                async with asyncio.timeout(self._settings.timeout_seconds) as attempt.limit:
                    yield attempt
            except TimeoutError:
                where = f" from {session.peer}" if session.stage == "connect" else ""
                told = f"no reply within {attempt.seconds:g} s{where}"
                attempt.result = classify(session.stage, TimeoutError(told))
            except Exception as error:
                attempt.result = classify(session.stage, error)
            await session.reset(attempt.result)
        finally:
            if session.is_usable:
                self._idle.append(session)
            else:
                session.abort()


class _Attempt:
    """How long an attempt may take, and how it ended."""

    def __init__(self, settings: Email) -> None:
        self.result = Result(Verdict.lost, "connect", "not begun")
        self.limit: asyncio.Timeout
        self.seconds = settings.timeout_seconds
        self._reply_seconds = settings.reply_timeout_seconds

    def wait_for_reply(self) -> None:
        """From now on the server has the message, and as long as a server may need for it."""
        self.seconds = self._reply_seconds
        self.limit.reschedule(asyncio.get_running_loop().time() + self.seconds)


async def probe(settings: Email, access: Access) -> str:
    """Connect, secure, log in and say NOOP, without sending anything.

    Returns
    -------
    str
        One line that says how the server answered.

    Raises
    ------
    MailChannelError
        It did not; the message says at which step and why.
    """
    pool = SmtpPool(settings, access)
    result = await pool.look()
    await pool.close()
    require_answer(settings, result)
    return f"{settings.smtp_host}:{settings.smtp_port} answers ({result.reason})"


def require_answer(settings: Email, result: Result) -> None:
    """Raise the error that says how the server failed, if it did."""
    if result.verdict not in (Verdict.answered, Verdict.delivered):
        raise MailChannelError(
            f"delivery.email: {settings.smtp_host}:{settings.smtp_port} failed at {result.stage}: "
            f"{result.reason}; expected a server for security: {settings.security.value}; "
            "check host, port and secrets"
        )
