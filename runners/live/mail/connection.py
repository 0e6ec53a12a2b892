"""One SMTP connection, and what each way it can fail means for the letter and the channel."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress

from aiosmtplib import (
    SMTP,
    SMTPConnectError,
    SMTPDataError,
    SMTPException,
    SMTPHeloError,
    SMTPResponse,
    SMTPStatus,
)

from alertlib.config.schema import Email, Security
from alertlib.config.types import wire_address
from runners.live.delivery.channel import Result, Verdict, printable
from runners.live.mail.dialing import Dialer, Place
from runners.live.mail.refusals import pause_after
from runners.live.mail.settings import Access, Login

GOODBYE_SECONDS = 0.5
# Postfix counts NOOPs as junk and hangs up after 100; ten and a fresh session stays far below,
# and proves every few minutes that the password and the certificate still hold.
MAX_NOOPS = 10

_LINE_START_DOT = re.compile(rb"(?m)^\.")
_HOSTNAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")


def classify(stage: str, error: BaseException) -> Result:
    """Return what an error at ``stage`` means for the letter and the channel.

    Only replies to MAIL, RCPT and DATA speak of the letter: 5xx is final, 4xx is not. Even there
    some speak of us (:func:`pause_after`). Replies before that, certificates and missing STARTTLS
    or AUTH speak of the channel. No reply at all (refused, reset, timeout, or noise) may be
    either, and is tried again.
    """
    reason = one_line(error)
    code = getattr(error, "code", None)
    code = code if isinstance(code, int) else None
    if isinstance(error, ssl.SSLError) or isinstance(error.__cause__, ssl.SSLError):
        return Result(Verdict.channel, stage, f"TLS: {reason}")
    if code is not None:
        pause = pause_after(stage, code, reason)
        if pause is not None:
            return Result(Verdict.channel, stage, reason, code, pause)
        verdict = {4: Verdict.deferred, 5: Verdict.refused}.get(code // 100, Verdict.lost)
        return Result(verdict, stage, reason, code)
    if isinstance(error, OSError):
        # Many servers sit on a wrong password; trying again at once could lock the account.
        verdict = Verdict.channel if stage in ("starttls", "auth") else Verdict.lost
        return Result(verdict, stage, reason)
    if isinstance(error, ValueError):
        return Result(Verdict.refused, stage, reason)
    # What is left of the library's errors: an extension the server does not offer.
    return Result(Verdict.channel, stage, reason)


class Session:
    """One connection. ``stage`` is the command whose reply is, or was last, awaited."""

    def __init__(self, settings: Email, access: Access, dialer: Dialer) -> None:
        self._settings = settings
        self._credentials = access.login
        self._dialer = dialer
        self._place: Place | None = None
        self._loop = asyncio.get_running_loop()
        self._noops = 0
        self.stage = "connect"
        self.used_at = self._loop.time()
        # No timeouts of its own: the whole attempt has one, which no trickle can stretch.
        self._smtp: SMTP = SMTP(
            hostname=settings.smtp_host,
            use_tls=settings.security is Security.tls,
            start_tls=False,
            tls_context=access.tls,
            local_hostname=_local_hostname(),
            timeout=None,
        )

    @property
    def is_connected(self) -> bool:
        return self._smtp.is_connected

    @property
    def is_usable(self) -> bool:
        """Whether the next letter can go over this connection."""
        return self._smtp.is_connected and self.stage == "idle"

    @property
    def peer(self) -> str:
        """Which addresses an attempt that is still connecting waits for."""
        if self._place is not None:
            return str(self._place)
        return ", ".join(map(str, self._dialer.tried)) or f"{self._settings.smtp_host}'s address"

    async def open(self) -> None:
        self.stage, self._noops, self._place = "connect", 0, None
        connection, self._place = await self._dialer.connect()
        try:
            await self._smtp.connect(sock=connection)
            await self._greet()
            if self._settings.security is Security.starttls:
                self.stage = "starttls"
                await self._smtp.starttls()
                await self._greet()
        except BaseException:
            self._dialer.blame(self._place)
            raise
        if self._credentials is not None:
            self.stage = "auth"
            await self._authenticate(self._credentials)
        self._rest()

    async def deliver(
        self, recipient: str, message: bytes, handed_over: Callable[[], None]
    ) -> Result:
        """Send a message; ``handed_over`` is called once only the server's reply is missing."""
        self.stage = "mail"
        await self._smtp.mail(wire_address(self._settings.sender))
        self.stage = "rcpt"
        await self._smtp.rcpt(wire_address(recipient))
        self.stage = "data"
        reply = await self._data(message, handed_over)
        self._noops = 0
        self._rest()
        return Result(Verdict.delivered, "data", printable(reply.message), reply.code)

    async def reset(self, result: Result) -> None:
        """Make the connection fit for the next letter after a refusal, or leave it unusable."""
        if result.verdict in (Verdict.refused, Verdict.deferred) and self._smtp.is_connected:
            with suppress(SMTPException, OSError):
                # A limit of its own: a refusal is one, whatever becomes of the connection.
                async with asyncio.timeout(GOODBYE_SECONDS):
                    await self._smtp.rset()
                    self._rest()

    async def renew(self) -> Result:
        """Prove that the connection works; replace it when it is old or gone."""
        if self._noops >= MAX_NOOPS:
            await self.quit()
        if self.is_connected:
            with suppress(SMTPException, OSError):
                return await self._noop()
            self.abort()
        await self.open()
        return await self._noop()

    async def quit(self) -> None:
        # The library lets go of a connection whose TLS has yet to be ended by the server.
        transport = self._smtp.transport
        with suppress(SMTPException, OSError):
            async with asyncio.timeout(GOODBYE_SECONDS):
                await self._smtp.quit()
        self._drop(transport)

    def abort(self) -> None:
        """Drop the connection at once: a polite close would wait for a peer that hangs."""
        self._drop(self._smtp.transport)

    def _drop(self, transport: asyncio.BaseTransport | None) -> None:
        if isinstance(transport, asyncio.Transport):
            transport.abort()
        self._smtp.close()

    async def _data(self, message: bytes, handed_over: Callable[[], None]) -> SMTPResponse:
        """DATA in two steps, for the reply to the second has a limit of its own."""
        reply = await self._smtp.execute_command(b"DATA")
        protocol = self._smtp.protocol
        if reply.code != SMTPStatus.start_input or protocol is None:
            raise SMTPDataError(reply.code, reply.message)
        protocol.write(_LINE_START_DOT.sub(b"..", message) + b".\r\n")
        handed_over()
        reply = await protocol.read_response()
        if reply.code != SMTPStatus.completed:
            raise SMTPDataError(reply.code, reply.message)
        return reply

    async def _noop(self) -> Result:
        self.stage = "noop"
        await self._smtp.noop()
        self._noops += 1
        self._rest()
        tls = self._smtp.get_transport_info("ssl_object")
        protected = tls.version() if tls is not None else "no TLS"
        login = "authenticated" if self._credentials else "no login"
        return Result(Verdict.answered, "noop", f"{protected}, {login}")

    async def _greet(self) -> None:
        self.stage = "ehlo"
        try:
            await self._smtp.ehlo()
        except SMTPHeloError:
            if self._settings.security is not Security.none:
                raise
            await self._smtp.helo()

    async def _authenticate(self, credentials: Login) -> None:
        """Log in once, by the first method the server offers: wrong tries lock accounts."""
        smtp = self._smtp
        if smtp.get_transport_info("sslcontext") is None:
            raise SMTPException("refusing to send credentials without TLS")
        methods = {
            "plain": smtp.auth_plain,
            "login": smtp.auth_login,
            "cram-md5": smtp.auth_crammd5,
        }
        for name, authenticate in methods.items():
            if name in smtp.server_auth_methods:
                await authenticate(*credentials)
                return
        raise SMTPException("the server offers neither AUTH PLAIN nor LOGIN nor CRAM-MD5")

    def _rest(self) -> None:
        self.stage = "idle"
        self.used_at = self._loop.time()


def _local_hostname() -> str:
    # The library's default asks the DNS for the full name, which can take seconds.
    name = socket.gethostname()
    return name if _HOSTNAME.fullmatch(name) else "[127.0.0.1]"


def one_line(error: BaseException) -> str:
    if isinstance(error, SMTPConnectError) and error.__cause__ is not None:
        # The library's words around it name no address, for it was given a socket.
        error = error.__cause__
    code, message = getattr(error, "code", None), getattr(error, "message", None)
    text = f"{code} {message}" if isinstance(code, int) else str(message or error)
    return printable(text or type(error).__name__)
