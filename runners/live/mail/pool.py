"""A few authenticated SMTP connections, kept open, and each attempt under one deadline."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable

from alertlib.config.schema import Email, Security
from alertlib.config.types import is_loopback
from alertlib.errors import AlertlibError, ConfigError
from runners.live.mail.channel import Result, Verdict
from runners.live.mail.connection import Session, classify
from runners.live.mail.settings import Login, tls_context

IDLE_SECONDS = 25.0


class MailChannelError(AlertlibError):
    """The SMTP server does not answer, or not as the configuration says it should."""

    exit_status = 1


class SmtpPool:
    """At most ``max_concurrent`` connections to one server, reused from letter to letter.

    Parameters
    ----------
    settings : Email
    credentials : Login or None
        As :func:`~runners.live.mail.settings.read_credentials` returned them.

    Raises
    ------
    ConfigError
        ``security: none`` for a server that is not on this machine.
    """

    def __init__(self, settings: Email, credentials: Login | None) -> None:
        if settings.security is Security.none:
            credentials = None
            if not is_loopback(settings.smtp_host):
                raise ConfigError(
                    f"delivery.email.security: got none for {settings.smtp_host}; expected "
                    "starttls or tls for a server that is not on this machine"
                )
        self._settings = settings
        self._credentials = credentials
        self._tls: ssl.SSLContext | None = None
        self._idle: list[Session] = []
        self._slots = asyncio.Semaphore(settings.max_concurrent)

    async def prepare(self) -> None:
        """Build the TLS context, once, off the event loop: it takes 50 ms.

        Raises
        ------
        ConfigError
            ``ca_file`` cannot be read as certificates.
        """
        if self._tls is None and self._settings.security is not Security.none:
            self._tls = await asyncio.to_thread(tls_context, self._settings.ca_file)

    async def send(self, message: bytes, recipient: str) -> Result:
        """Make one attempt within the deadline and say how it ended; raises no error."""
        async with self._slots:
            session = self._take()
            return await self._finish(session, self._deliver(session, message, recipient))

    @property
    def is_in_use(self) -> bool:
        """Whether a letter has gone over one of the open connections just now."""
        now = asyncio.get_running_loop().time()
        return any(now - session.used_at < IDLE_SECONDS for session in self._idle)

    async def look(self) -> Result:
        """Keep one connection open and proven, let go of the others; raises no error."""
        async with self._slots:
            session = self._take()
            await self.close()
            return await self._finish(session, session.renew())

    async def close(self) -> None:
        """Say goodbye on every idle connection; a server that does not answer is left."""
        sessions, self._idle = self._idle, []
        await asyncio.gather(*(session.quit() for session in sessions))

    def _take(self) -> Session:
        if self._idle:
            return self._idle.pop()
        return Session(self._settings, self._credentials, self._tls)

    async def _deliver(self, session: Session, message: bytes, recipient: str) -> Result:
        """Send on ``session``; one that went stale while idle is replaced once, unpunished."""
        if session.is_connected:
            try:
                return await session.deliver(self._settings.sender, recipient, message)
            except Exception as error:
                result = classify(session.stage, error)
            replaceable = result.verdict in (Verdict.lost, Verdict.deferred)
            if session.stage != "mail" or not replaceable:
                await session.reset(result)
                return result
            session.abort()
        await session.open()
        try:
            return await session.deliver(self._settings.sender, recipient, message)
        except Exception as error:
            result = classify(session.stage, error)
        await session.reset(result)
        return result

    async def _finish(self, session: Session, work: Awaitable[Result]) -> Result:
        """Run ``work`` under the deadline; keep the session if it is fit for another letter."""
        seconds = self._settings.timeout_seconds
        try:
            async with asyncio.timeout(seconds):
                return await work
        except TimeoutError:
            return classify(session.stage, TimeoutError(f"no reply within {seconds:g} s"))
        except Exception as error:
            return classify(session.stage, error)
        finally:
            if session.is_usable:
                self._idle.append(session)
            else:
                session.abort()


async def probe(settings: Email, credentials: Login | None) -> str:
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
    pool = SmtpPool(settings, credentials)
    await pool.prepare()
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
