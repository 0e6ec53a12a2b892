"""What one client is allowed and owed, decided without a socket or a clock.

A session is told what arrived and what time it is, and answers with what is to be done. The
shell around it (:mod:`runners.live.websocket.broadcast`) does it.
"""

from __future__ import annotations

import enum
from typing import NamedTuple

from runners.live.websocket.auth import Identity
from runners.live.websocket.limits import BURST_SECONDS, TokenBucket
from runners.live.websocket.protocol import (
    POLICY,
    TOO_SLOW,
    UNAUTHORIZED,
    Ack,
    Action,
    AskBars,
    Auth,
    Invalid,
    Resume,
    parse,
)

AUTH_SECONDS = 5.0
PING_SECONDS = 5.0
STALL_SECONDS = 5.0
ACK_LAG_SECONDS = 60.0
MAX_RUNS = 8
"""Runs of messages remembered of a client that resumes over and over on one connection."""


class Close(NamedTuple):
    """Close the connection with this code; the reason is for the audit and the peer."""

    code: int
    reason: str


class Ping(NamedTuple):
    """Ask whether the peer is still there."""


class Phase(enum.Enum):
    """Where a session is."""

    PENDING = "pending"
    """Nobody yet: nothing is sent until it authenticates."""
    REPLAY = "replay"
    """Being sent what it missed, at its own speed."""
    LIVE = "live"
    """Sent every message as it is committed."""
    CLOSING = "closing"


Reply = Auth | Resume | Ack | Action | AskBars | Invalid | Close | None


class Session:
    """One client's state.

    Parameters
    ----------
    identity : Identity or None
        None if no credentials came with the handshake.
    resume : Resume or None
        What the URL asked for.
    messages_per_second : float
        Rate of messages and control frames; acknowledgements that advance are free, since
        there can be no more of them than messages sent.
    now : float
        Monotonic seconds.
    ping_offset : float
        In [0, 1); spreads the pings of clients that came together.
    """

    __slots__ = (
        "_begun",
        "_bucket",
        "_earlier",
        "_ping_at",
        "_pinged",
        "_reacked",
        "acked",
        "heard",
        "identity",
        "live_since",
        "opened",
        "phase",
        "resume",
        "round_trip",
        "sent",
        "stalled_since",
        "status_seen",
        "told",
        "top",
    )

    def __init__(
        self,
        identity: Identity | None,
        resume: Resume | None,
        messages_per_second: float,
        now: float,
        ping_offset: float = 0.0,
    ) -> None:
        self.identity = identity
        self.resume = resume
        self.phase = Phase.PENDING
        self.opened = now
        self.heard = now
        self.sent = 0
        """Number up to which messages have been written; moves back on a resume."""
        self._begun = 0
        self._earlier: list[tuple[int, int]] = []
        self.top = 0
        """Highest number this client can have: sent here, or claimed by a good resume."""
        self.acked: int | None = None
        self.live_since = now
        self.stalled_since: float | None = None
        self.round_trip = 0.0
        """Seconds the last answer to a ping took."""
        self.status_seen = 0
        """Which state of the feed this client was told of; 0 is none."""
        self.told: int | None = None
        """Place in the log up to which a replay told of actions; None before it began to."""
        self._reacked = 0
        """Highest number acknowledged since the stream last began."""
        self._pinged = now
        self._ping_at = now + PING_SECONDS * (1.0 - ping_offset / 2.0)
        self._bucket = TokenBucket(messages_per_second, BURST_SECONDS * messages_per_second, now)

    def start(self, after: int, *, recovered: bool) -> None:
        """Begin, or begin again, with the message after ``after``."""
        self.phase = Phase.REPLAY
        if self.sent > self._begun:
            self._earlier = [*self._earlier[1 - MAX_RUNS :], (self._begun + 1, self.sent)]
        self.sent = self._begun = after
        self.told = None
        self._reacked = 0
        if recovered:
            self.top = max(self.top, after)

    def advance(self, seq: int) -> None:
        """Note that messages up to ``seq`` have been written."""
        self.sent = seq
        self.top = max(self.top, seq)

    def delivered(self, seq: int) -> list[tuple[int, int]]:
        """Return which messages an acknowledgement of ``seq`` confirms: runs, first and last.

        Of what was written on this connection only, each once. What a client says it has from
        elsewhere, and what was there before it came, was not delivered here.
        """
        runs = [*self._earlier, (self._begun + 1, self.sent)]
        self._earlier = [(max(first, seq + 1), last) for first, last in self._earlier if last > seq]
        self._begun = max(self._begun, min(seq, self.sent))
        return [(first, min(last, seq)) for first, last in runs if first <= min(last, seq)]

    def go_live(self, now: float) -> None:
        """Note that nothing is owed any more."""
        self.phase = Phase.LIVE
        self.told = None
        self.live_since = now

    def receive(self, message: str | bytes, now: float) -> Reply:
        """Decide what one message means.

        Returns
        -------
        Reply
            A message to act upon, a :class:`Close`, or None if there is nothing to do.
            :class:`Invalid` is to be counted. ``Auth`` comes from a pending session only.
        """
        if self.phase is Phase.CLOSING:
            return None
        parsed = parse(message)
        if self.phase is Phase.PENDING:
            if isinstance(parsed, Auth):
                return parsed
            return Close(UNAUTHORIZED, "wrong first message")
        if isinstance(parsed, Ack) and (self.acked or 0) < parsed.seq <= self.top:
            self.acked = self._reacked = parsed.seq
            return parsed
        if isinstance(parsed, Ack) and self._reacked < parsed.seq <= self.sent:
            # Acknowledged before, and sent again since: a second resume is no flood.
            self._reacked = parsed.seq
            return None
        if not self._bucket.take(now):
            return Close(POLICY, "too many messages")
        match parsed:
            case Auth():
                return Invalid("already_authenticated")
            case Ack(seq):
                # One repeated or overtaken says nothing new; one from the future is nonsense.
                return Invalid("bad_ack") if seq > self.top else None
            case _:
                return parsed

    def receive_pong(self, now: float) -> None:
        """Note an answer to a ping."""
        self.round_trip = now - self._pinged

    def receive_control(self, now: float) -> Close | None:
        """Charge a ping, a pong or a fragment: cheap for a client to send, not for us to read."""
        if self.phase is Phase.CLOSING or self._bucket.take(now):
            return None
        return Close(POLICY, "too many frames")

    def tick(self, now: float, wall: float, due: int) -> Close | Ping | None:
        """Decide what the passing of time asks for; called a few times per second.

        Parameters
        ----------
        now : float
            Monotonic seconds.
        wall : float
            Unix time, in which tokens expire.
        due : int
            Number that had been published :data:`ACK_LAG_SECONDS` ago.
        """
        if self.phase is Phase.CLOSING:
            return None
        if self.phase is Phase.PENDING:
            # The first five seconds are too short to need a ping.
            overdue = now - self.opened >= AUTH_SECONDS
            return Close(UNAUTHORIZED, "no credentials in time") if overdue else None
        expires = self.identity.expires if self.identity is not None else None
        if expires is not None and wall >= expires:
            return Close(UNAUTHORIZED, "token expired")
        if self.stalled_since is not None:
            # Nothing can be asked of a peer whose buffers are full; it drains them or goes.
            stalled = now - self.stalled_since >= STALL_SECONDS
            return Close(TOO_SLOW, "does not read") if stalled else None
        if self._lags(now, due):
            return Close(TOO_SLOW, "does not acknowledge")
        return self._keep_alive(now)

    def _lags(self, now: float, due: int) -> bool:
        return (
            self.phase is Phase.LIVE
            and self.acked is not None
            and self.acked < min(due, self.sent)
            and now - self.live_since >= ACK_LAG_SECONDS
        )

    def _keep_alive(self, now: float) -> Close | Ping | None:
        if now < self._ping_at:
            return None
        if self.heard < self._pinged:
            return Close(TOO_SLOW, "does not answer pings")
        self._pinged = now
        self._ping_at = now + PING_SECONDS
        return Ping()
