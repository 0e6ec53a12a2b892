"""What a channel adds to what all share: how a letter is written, and how it travels."""

from __future__ import annotations

from typing import Protocol, TypeVar

from runners.live.alert_store.records import OutboxRow
from runners.live.delivery.channel import Result
from runners.live.delivery.policy import Letter

Content = TypeVar("Content")
Written = TypeVar("Written", covariant=True)
Taken = TypeVar("Taken", contravariant=True)


class Renderer(Protocol[Written]):
    """Turns letters into what the transport sends."""

    def message(self, letter: Letter, now: float) -> Written:
        """Return a letter as it travels; an error is a dead letter. ``now`` is Unix seconds."""

    def flaw(self, row: OutboxRow) -> str:
        """Return why a copy cannot be shown, one line; empty if it can."""


class Server(Protocol):
    """Somebody at the other end of a line. No method but ``close`` raises."""

    async def look(self) -> Result:
        """Look whether the server is well, without sending a letter."""

    async def close(self) -> None:
        """Let go of every connection."""


class Transport(Server, Protocol[Taken]):
    """Takes letters to one server."""

    @property
    def is_in_use(self) -> bool:
        """Whether letters show how the server is, so that nobody has to look."""

    async def send(self, message: Taken, recipient: str) -> Result:
        """Make one attempt within the limits and say how it ended."""
