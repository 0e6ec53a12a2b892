"""What a channel adds to what all share: its manner, its letters, and how they travel."""

from __future__ import annotations

from typing import NamedTuple, Protocol, TypeVar

from runners.live.alert_store.records import OutboxRow
from runners.live.delivery.channel import Result
from runners.live.delivery.policy import Letter

Content = TypeVar("Content")
Written = TypeVar("Written", covariant=True)
Taken = TypeVar("Taken", contravariant=True)


class Manner(NamedTuple):
    """How one channel goes about it.

    Attributes
    ----------
    kind : str
        One of a few words: ``email``, ``telegram``, ``webhook``.
    name : str
        The channel's, for machines: ``email``, ``telegram``, ``webhook:desk``. The outbox, the
        metrics' label and the log know it by this.
    title : str
        What people read: ``e-mail``, ``telegram``, ``webhook desk``.
    max_concurrent : int
        Letters under way at once.
    digest_above : int or None
        More copies for one recipient than this go out as one digest; None: there are none.
    sender : str
        Address whose domain the digests' Message-IDs carry.
    """

    kind: str
    name: str
    title: str
    max_concurrent: int
    digest_above: int | None = None
    sender: str = ""


class Renderer(Protocol[Written]):
    """Turns letters into what the transport sends."""

    def message(self, letter: Letter, now: float) -> Written:
        """Return a letter as it travels; an error is a dead letter. ``now`` is Unix seconds."""

    def flaw(self, row: OutboxRow) -> str:
        """Return why a copy cannot be shown, one line; empty if it can."""


class Server(Protocol):
    """Somebody at the other end of a line. No method but ``close`` raises."""

    async def look(self) -> Result:
        """Look whether the server is well, without sending a letter.

        A verdict of deferred: it is there, and a letter has to show whether it is well.
        """

    async def close(self) -> None:
        """Let go of every connection."""


class Transport(Server, Protocol[Taken]):
    """Takes letters to one server."""

    @property
    def is_in_use(self) -> bool:
        """Whether letters show how the server is, so that nobody has to look."""

    async def send(self, message: Taken, recipient: str) -> Result:
        """Make one attempt within the limits and say how it ended."""
