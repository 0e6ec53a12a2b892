"""Who gets the alerts of a rehearsal: three clients, a mail server, a receiver of webhooks.

They live in a thread of their own and outlast the daemon's kills and restarts.
"""

from __future__ import annotations

import asyncio
import secrets
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from alertlib.errors import AlertlibError
from runners.client import AlertClient
from runners.trial.mail_sink import Letter, MailSink
from runners.trial.webhook_sink import Call, WebhookSink

NAMES = ("desk", "risk", "audit")
RECIPIENTS = ("desk@localhost", "risk@localhost")
TOKEN_BYTES = 32


class Received(NamedTuple):
    """A message in a client's hands: of which database, its number, what, and Unix time."""

    epoch: str
    seq: int
    data: dict[str, Any]
    at: float


class Audience:
    """Three clients and two servers, for the length of a ``with`` block.

    Parameters
    ----------
    folder : path
        Where the clients keep their positions.
    port : int
        Where the daemon will listen.
    """

    def __init__(self, folder: Path, port: int) -> None:
        self.received: dict[str, list[Received]] = {name: [] for name in NAMES}
        self.errors: list[str] = []
        self.tokens = {name: secrets.token_urlsafe(TOKEN_BYTES) for name in NAMES}
        self._mail, self._webhook = MailSink(), WebhookSink(secrets.token_bytes(TOKEN_BYTES))
        self._folder, self._url = folder, f"ws://127.0.0.1:{port}/alertas"
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._ready, self._over = threading.Event(), asyncio.Event()

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(10.0)

    @property
    def letters(self) -> list[Letter]:
        """What the mail server has taken so far."""
        return list(self._mail.letters)

    @property
    def calls(self) -> list[Call]:
        """What the receiver of webhooks was sent so far."""
        return list(self._webhook.calls)

    @property
    def ports(self) -> tuple[int, int]:
        """Of the mail server and the receiver of webhooks."""
        return self._mail.port, self._webhook.port

    @property
    def environment(self) -> dict[str, str]:
        """The secrets that the daemon shares with them."""
        listed = ",".join(f"{name}:{token}" for name, token in self.tokens.items())
        return {"WEBSOCKET_TOKEN": listed, "REHEARSAL_WEBHOOK_SECRET": self._webhook.secret}

    def have(self, epoch: str, seq: int) -> bool:
        """Whether every client has what the database ``epoch`` numbered ``seq``."""
        return all(
            any(one.epoch == epoch and one.seq == seq for one in reversed(messages))
            for messages in self.received.values()
        )

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        async with self._mail.serving(), self._webhook.serving():
            tasks = [asyncio.create_task(self._listen(name)) for name in NAMES]
            self._ready.set()
            await self._over.wait()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _listen(self, name: str) -> None:
        state = self._folder / f"{name}.json"
        try:
            async with AlertClient(
                self._url, self.tokens[name], state=state, window=True
            ) as client:
                async for message in client:
                    epoch = client.position.epoch if client.position is not None else ""
                    self.received[name].append(
                        Received(epoch, message.seq, message.data, time.time())
                    )
        except AlertlibError as error:
            self.errors.append(f"client {name}: {error}")
