"""SMTP servers for tests: a real one (aiosmtpd), and one written by hand to behave badly."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from alertlib.config.schema import Email, Security

USER, PASSWORD = "mesa", "sênha-42"

HANG = "hang"
RESET = "reset"
CLOSE = "close"
GOOD = {
    "BANNER": "220 test ready",
    "EHLO": "250 test",
    "MAIL": "250 ok",
    "RCPT": "250 ok",
    "DATA": "354 go ahead",
    "DOT": "250 taken",
    "RSET": "250 ok",
    "NOOP": "250 ok",
    "QUIT": "221 bye",
    "STARTTLS": "220 go ahead",
    "AUTH": "235 welcome",
}


@dataclass
class Scripted:
    """An SMTP server that answers what it is told to.

    Attributes
    ----------
    replies : mapping of command to reply or replies
        Beyond :data:`GOOD`. Of several the last is repeated; ``HANG`` never answers, ``RESET``
        aborts and ``CLOSE`` ends the connection. ``DOT`` is the end of a message.
    trickle : float
        Seconds between two bytes of a reply.
    tls : SSLContext, optional
        For STARTTLS, or from the start if ``tls_from_start``.
    """

    replies: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    trickle: float = 0.0
    tls: ssl.SSLContext | None = None
    tls_from_start: bool = False
    port: int = 0
    commands: list[str] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    sessions: int = 0
    open: int = 0
    most_open: int = 0
    delay: float = 0.0
    _said: dict[str, int] = field(default_factory=dict)
    _tasks: set[asyncio.Task[Any]] = field(default_factory=set)

    @property
    def mails(self) -> list[EmailMessage]:
        """Messages whose final dot has arrived, whatever was answered to it."""
        return [message(raw) for raw in self.raw]

    def count(self, command: str) -> int:
        """Return how often ``command`` has come."""
        return sum(line.split()[0].upper() == command for line in self.commands if line.split())

    def _reply(self, command: str) -> str:
        reply = self.replies.get(command, GOOD.get(command, "500 what?"))
        if isinstance(reply, str):
            return reply
        said = self._said.get(command, 0)
        self._said[command] = said + 1
        return reply[min(said, len(reply) - 1)]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hold one session."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.sessions += 1
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
                await self._session(reader, writer)
        finally:
            self.open -= 1
            self._tasks.discard(task)
            writer.transport.abort()

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        alive = await self._say(writer, self._reply("BANNER"))
        while alive and (line := await reader.readline()):
            text = line.decode().strip()
            self.commands.append(text)
            verb = text.split(" ")[0].upper()
            reply = self._reply(verb)
            alive = await self._say(writer, reply)
            if verb == "STARTTLS" and reply.startswith("220") and self.tls is not None:
                await writer.start_tls(self.tls)
            elif verb == "DATA" and reply.startswith("354"):
                body = await reader.readuntil(b"\r\n.\r\n")
                self.raw.append(body.removesuffix(b".\r\n"))
                await asyncio.sleep(self.delay)
                alive = await self._say(writer, self._reply("DOT"))
            elif verb == "QUIT":
                return

    async def _say(self, writer: asyncio.StreamWriter, reply: str) -> bool:
        if reply == HANG:
            await asyncio.sleep(3600)
        if reply == RESET:
            writer.transport.abort()
        if reply in (RESET, CLOSE):
            return False
        raw = reply.replace("\n", "\r\n").encode("utf-8", "surrogateescape") + b"\r\n"
        for byte in [raw] if not self.trickle else [raw[i : i + 1] for i in range(len(raw))]:
            writer.write(byte)
            await writer.drain()
            await asyncio.sleep(self.trickle)
        return True


@asynccontextmanager
async def scripted(**behaviour: Any) -> AsyncIterator[Scripted]:
    """Run a :class:`Scripted` server on a free port."""
    server = Scripted(**behaviour)
    tls = server.tls if server.tls_from_start else None
    listener = await asyncio.start_server(server.serve, "127.0.0.1", server.port, ssl=tls)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        for task in tuple(server._tasks):
            task.cancel()
        await asyncio.gather(*server._tasks, return_exceptions=True)


@dataclass
class Inbox:
    """What a real server has taken, and who logged in."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    logins: int = 0
    delay: float = 0.0
    under_way: int = 0
    most_under_way: int = 0

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Take a message."""
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        await asyncio.sleep(self.delay)
        self.under_way -= 1
        assert isinstance(envelope.content, bytes)
        self.mails.append(message(envelope.content))
        self.recipients += envelope.rcpt_tos
        return "250 taken"

    def authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: Any
    ) -> AuthResult:
        """Accept the one user there is."""
        assert isinstance(data, LoginPassword)
        is_right = (data.login.decode(), data.password.decode()) == (USER, PASSWORD)
        self.logins += is_right
        # Not handled: the server is to say no itself.
        return AuthResult(success=is_right, handled=False)


@asynccontextmanager
async def real(tls: ssl.SSLContext | None = None, **smtp: Any) -> AsyncIterator[Inbox]:
    """Run aiosmtpd on a free port: plain, or with STARTTLS and login required."""
    inbox = Inbox()
    loop = asyncio.get_running_loop()
    if tls is not None:
        smtp |= {"require_starttls": True, "auth_required": True, "tls_context": tls}
    listener = await loop.create_server(
        lambda: SMTP(inbox, authenticator=inbox.authenticate, loop=loop, hostname="test", **smtp),
        "127.0.0.1",
        0,
    )
    inbox.port = listener.sockets[0].getsockname()[1]
    try:
        yield inbox
    finally:
        listener.close()


def message(raw: bytes) -> EmailMessage:
    """Parse a message strictly."""
    parsed = BytesParser(policy=default).parsebytes(raw)
    assert isinstance(parsed, EmailMessage)
    return parsed


def make_certificate(folder: Path, name: str) -> tuple[Path, ssl.SSLContext]:
    """Return a self-signed certificate for ``name`` and a server's context with it."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl command to make a certificate with")
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-nodes", "-days", "2", "-subj", f"/CN={name}"),
            *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
            *("-addext", f"subjectAltName=DNS:{name}"),
            *("-out", str(certificate), "-keyout", str(key)),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return certificate, context


DESK = "mesa@corretora.example"


def plain(port: int, **changes: Any) -> Email:
    settings = Email(
        enabled=True,
        smtp_host="127.0.0.1",
        smtp_port=port,
        security=Security.none,
        sender="alertas@corretora.example",
        recipients=(DESK,),
        timeout_seconds=5.0,
    )
    return replace(settings, **changes)
