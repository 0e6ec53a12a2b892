"""Send every committed message to every client, and let no client hold up another.

The fan-out is one synchronous pass: build the frames once, write the same bytes to each live
connection, never wait. A client that cannot take them leaves the live set and is brought up to
date from the history at its own speed, so a burst costs nobody their connection and no more
than 64 KiB is ever held for anyone. It is live again at the instant nothing is owed: that is
checked without an await in between, so no message can slip in twice or not at all.

What operators did about alerts has no numbers, but a place among the messages in the log. A
replay tells it there, as far as it still stands: whoever has dealt with a message was told
before of what was done until then, and needs no more than what was done since.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from alertlib.errors import StorageError
from runners.live.telemetry.metrics import Metrics
from runners.live.websocket.connection import Peer
from runners.live.websocket.protocol import (
    MAX_SEQ,
    TOO_SLOW,
    Acted,
    ActionRow,
    Entry,
    Envelope,
    Plan,
    Resume,
    acted,
    plan,
    welcome,
)
from runners.live.websocket.session import ACK_LAG_SECONDS, Close, Phase, Session

REPLAY_ROWS = 32
"""Messages read at once in a replay: some 20 KiB, well under a millisecond."""
REPLAY_BYTES = 32_768
"""Written at once, one message at least; on top of a drained buffer, within 64 KiB."""
ACTION_ROWS = 32
"""Actions read and written at once: some 6 KiB, 16 with the longest ids and names."""

_log = logging.getLogger("alertas.websocket")


class History(Protocol):
    """What is committed, as the store keeps it. Reads are short and made on the loop."""

    @property
    def epoch(self) -> str:
        """Identifies the database for ever."""

    @property
    def head(self) -> int:
        """Number of the newest message; 0 if there is none."""

    @property
    def oldest(self) -> int:
        """Number of the oldest retained; ``head + 1`` if none is."""

    @property
    def last_action(self) -> int:
        """Place in the log of the newest action; 0 if there is none."""

    def read(self, since: int, limit: int) -> Sequence[Entry]:
        """Return up to ``limit`` messages after ``since``, in order."""

    def has_alert(self, identifier: str) -> bool:
        """Whether there is an alert of this id."""

    def place(self, seq: int) -> int:
        """Return the place in the log of message ``seq``, or of the newest before it."""

    def actions(self, after: int, upto: int, limit: int) -> Sequence[ActionRow]:
        """Return up to ``limit`` actions behind place ``after``, up to ``upto``, in order."""

    def action_on(self, identifier: str) -> ActionRow | None:
        """Return the newest action on an alert, None if there is none."""


class Broadcaster:
    """What each client is to be sent. Lives on one event loop.

    Parameters
    ----------
    history : History
        Read for replays only; live messages come through :meth:`publish`.
    metrics : Metrics
    drop : callable
        Closes a client that cannot be served.
    wall : callable
        Unix time, for ``sent_at``.
    """

    def __init__(
        self,
        history: History,
        metrics: Metrics,
        drop: Callable[[Peer, Close], None],
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._history = history
        self._metrics = metrics
        self._drop = drop
        self._wall = wall
        self._envelope = Envelope(history.epoch)
        self._live: dict[Peer, Session] = {}
        self._replays: dict[Peer, asyncio.Task[None]] = {}
        self._published = deque([(float("-inf"), history.head)])
        self.epoch = history.epoch
        self.seq = history.head
        """Number up to which messages have been published."""
        self._acted = history.last_action
        metrics.declare("alertas_websocket_messages_total", "counter", "Messages published.")
        metrics.declare(
            "alertas_websocket_replays_total",
            "counter",
            "Replays begun, by cause.",
            cause=("resume", "burst"),
        )
        metrics.declare_histogram(
            "alertas_websocket_fanout_seconds", "Time to write a batch to every live client."
        )

    @property
    def replaying(self) -> int:
        """Clients being brought up to date."""
        return len(self._replays)

    def publish(self, entries: Sequence[Entry]) -> None:
        """Send messages that have just been committed, in order. Never waits.

        Messages published before are skipped, and any that were committed without being
        published are fetched first: whoever calls this cannot cause a gap or a repetition.
        """
        fresh = [entry for entry in entries if entry[0] > self.seq]
        if fresh and fresh[0][0] > self.seq + 1:
            self.catch_up(fresh[0][0] - 1)
        if fresh:
            self._send(fresh)

    def catch_up(self, head: int | None = None) -> None:
        """Publish what the history has beyond :attr:`seq`, up to ``head``."""
        last = self._history.head if head is None else head
        while self.seq < last:
            rows = [row for row in self._history.read(self.seq, REPLAY_ROWS) if row[0] <= last]
            if not rows:
                return
            self._send(rows)

    def publish_actions(self) -> None:
        """Tell of what operators did, now that it is written down. Never waits."""
        try:
            while rows := self._history.actions(self._acted, MAX_SEQ, ACTION_ROWS):
                self._acted = rows[-1][0]
                self._write(b"".join(acted(Acted._make(row)) for row in rows))
        except StorageError as error:
            _log.error("actions cannot be read", extra={"error": str(error)})

    def begin(self, peer: Peer, session: Session, resume: Resume | None) -> Plan:
        """Welcome a client and start its stream, or start it over."""
        decided = plan(resume, self.epoch, self._history.oldest, self.seq)
        peer.put(welcome(self.epoch, self.seq, recovered=decided.recovered))
        self._live.pop(peer, None)
        session.start(decided.after, recovered=decided.recovered)
        if peer not in self._replays:
            self._bring_up_to_date(peer, session, "resume")
        return decided

    def forget(self, peer: Peer) -> None:
        """Send this client nothing more."""
        self._live.pop(peer, None)
        task = self._replays.pop(peer, None)
        if task is not None and task is not asyncio.current_task():
            task.cancel()

    async def settle(self, seconds: float) -> None:
        """Wait until every client has been sent everything, for at most ``seconds``."""
        try:
            self.catch_up()
        except StorageError as error:
            _log.error("history cannot be read", extra={"error": str(error)})
        if self._replays:
            await asyncio.wait(tuple(self._replays.values()), timeout=seconds)

    def due(self, now: float) -> int:
        """Return the number up to which messages were published :data:`ACK_LAG_SECONDS` ago."""
        history = self._published
        if self.seq != history[-1][1]:
            history.append((now, self.seq))
        while len(history) > 1 and history[1][0] <= now - ACK_LAG_SECONDS:
            history.popleft()
        return history[0][1]

    def _send(self, entries: Sequence[Entry]) -> None:
        self.publish_actions()  # first what came first: see the top of this page
        started = time.perf_counter()
        frames = self._envelope.frames(entries, self._wall())
        self.seq = entries[-1][0]
        self._write(frames)
        for session in self._live.values():
            session.advance(self.seq)
        self._metrics.add("alertas_websocket_messages_total", len(entries))
        self._metrics.observe("alertas_websocket_fanout_seconds", time.perf_counter() - started)

    def _write(self, frames: bytes) -> None:
        """Write to every live client; whoever cannot take it is live no more."""
        for peer, session in tuple(self._live.items()):
            if not peer.offer(frames):
                del self._live[peer]
                self._bring_up_to_date(peer, session, "burst")

    def _bring_up_to_date(self, peer: Peer, session: Session, cause: str) -> None:
        session.phase = Phase.REPLAY
        if session.sent < self.seq:
            self._metrics.add("alertas_websocket_replays_total", cause=cause)
        self._replays[peer] = asyncio.create_task(self._replay(peer, session))

    def _go_live(self, peer: Peer, session: Session) -> None:
        session.go_live(peer.loop.time())
        self._live[peer] = session

    async def _replay(self, peer: Peer, session: Session) -> None:
        """Send a client what it is owed, as fast as it reads; then it is live."""
        try:
            while True:
                await peer.drain()
                await asyncio.sleep(0)  # `drain` yields only to a full buffer
                if not peer.is_open:
                    return
                if self._tell_some(peer, session):
                    continue
                if session.sent >= self.seq:
                    self._go_live(peer, session)
                    return
                if not self._replay_some(peer, session):
                    return
        except OSError:
            return  # the connection broke while draining; `lost` does the rest
        except StorageError as error:
            _log.error("history cannot be read", extra={"error": str(error)})
            self._drop(peer, Close(TOO_SLOW, "history unavailable"))
        except Exception:
            # Left open it would answer pings, and get no alert ever again.
            self._drop(peer, Close(TOO_SLOW, "history unavailable"))
            raise
        finally:
            if self._replays.get(peer) is asyncio.current_task():
                del self._replays[peer]

    def _tell_some(self, peer: Peer, session: Session) -> bool:
        """Tell of actions that come before the next message; False if there are none left."""
        if session.told is None:
            # From a chunk earlier on: of that, a connection that broke may have kept a part back.
            session.told = self._history.place(max(session.sent - REPLAY_ROWS, 0))
        is_last = session.sent >= self.seq
        upto = MAX_SEQ if is_last else self._history.place(session.sent)
        rows = self._history.actions(session.told, upto, ACTION_ROWS)
        if rows:
            stand = [one for one in map(Acted._make, rows) if one.stands]
            peer.put(b"".join(map(acted, stand)))
            session.told = rows[-1][0]
        return bool(rows)

    def _replay_some(self, peer: Peer, session: Session) -> bool:
        """Write the next chunk; False if the client cannot be served any more."""
        rows = self._history.read(session.sent, REPLAY_ROWS)
        rows = _within(REPLAY_BYTES, [row for row in rows if row[0] <= self.seq])
        if not rows or rows[0][0] != session.sent + 1:
            # Retention overtook a replay that is slower than the market. Better to say so than
            # to jump: on its return it is told what is retained.
            self._drop(peer, Close(TOO_SLOW, "fell behind the retained window"))
            return False
        peer.put(self._envelope.frames(rows, self._wall()))
        session.advance(rows[-1][0])
        return True


def _within(limit: int, rows: Sequence[Entry]) -> Sequence[Entry]:
    """Return the first rows, one at least, of up to ``limit`` bytes in all."""
    size = 0
    for place, (_, _, payload) in enumerate(rows):
        size += len(payload)
        if size > limit and place:
            return rows[:place]
    return rows
