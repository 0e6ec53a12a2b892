"""A mail server that takes everything, and notes when it had taken it."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from email.parser import BytesHeaderParser
from email.policy import default
from typing import Any, NamedTuple

from runners.trial.processes import ended, leave_interrupts_to_the_parent


class Letter(NamedTuple):
    """A letter the server has taken.

    Attributes
    ----------
    accepted : float
        Unix time at which the final dot had come and 250 was about to be written.
    recipient : str
    message_id : str
    kind : str
        ``alert``, ``digest``, …: what the daemon calls it.
    alert_id : str
        Of the alert it is about; empty for others.
    """

    accepted: float
    recipient: str
    message_id: str
    kind: str
    alert_id: str


class MailSink:
    """The server and what it has taken; use it in an event loop."""

    def __init__(self) -> None:
        self.letters: list[Letter] = []
        self.port = 0

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[MailSink]:
        """Take letters on a free port for the length of a block."""
        server = await asyncio.start_server(self._converse, "127.0.0.1", self.port)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(b"220 sink\r\n")
            recipients: list[str] = []
            while line := await reader.readline():
                verb = line[:4].upper()
                if verb == b"MAIL":
                    recipients = []
                elif verb == b"RCPT":
                    recipients.append(line.split(b"<")[-1].split(b">")[0].decode())
                elif verb == b"DATA":
                    writer.write(b"354 go on\r\n")
                    await self._take(reader, recipients)
                writer.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 ok\r\n")
                await writer.drain()
                if verb == b"QUIT":
                    return
        except (ConnectionError, asyncio.IncompleteReadError):
            return  # a daemon that was killed
        finally:
            writer.close()

    async def _take(self, reader: asyncio.StreamReader, recipients: list[str]) -> None:
        content = await reader.readuntil(b"\r\n.\r\n")
        headers = BytesHeaderParser(policy=default).parsebytes(content)
        known = [str(headers.get(name, "")) for name in
                 ("Message-ID", "X-Alertas-Kind", "X-Alertas-Id")]  # fmt: skip
        self.letters += [Letter(time.time(), to, *known) for to in recipients]


class Sink:
    """A mail server in a process of its own."""

    def __init__(self, asked: Any, answers: Any) -> None:
        self._asked, self._answers = asked, answers
        self.port = int(answers.get(timeout=30))

    def letters(self) -> list[Letter]:
        """Return what it has taken so far."""
        self._asked.put(None)
        found: list[Letter] = self._answers.get(timeout=30)
        return found


@contextmanager
def mail_sink() -> Iterator[Sink]:
    """Run a mail server in a process of its own."""
    context = multiprocessing.get_context("spawn")
    asked, answers = context.Queue(), context.Queue()
    with ended(context.Process(target=_serve, args=(asked, answers), daemon=True)):
        yield Sink(asked, answers)


def _serve(asked: Any, answers: Any) -> None:
    leave_interrupts_to_the_parent()

    async def serve() -> None:
        async with MailSink().serving() as sink:
            answers.put(sink.port)
            while True:
                await asyncio.to_thread(asked.get)
                answers.put(list(sink.letters))

    asyncio.run(serve())
