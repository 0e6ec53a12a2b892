"""The asyncio shell around door, sessions and broadcaster: sockets, ticks, audit events."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from websockets.asyncio.server import Server, ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from runners.live.telemetry.metrics import Metrics
from runners.live.websocket.admission import Door
from runners.live.websocket.auth import SUBPROTOCOL
from runners.live.websocket.broadcast import Broadcaster, History
from runners.live.websocket.bulletins import Bulletins
from runners.live.websocket.client_figures import ClientFigures
from runners.live.websocket.client_journal import Audit, Journal
from runners.live.websocket.connection import CLOSE_SECONDS, Peer
from runners.live.websocket.crowd import Crowd
from runners.live.websocket.desk_actions import DeskActions
from runners.live.websocket.limits import ACTION_BURST, ACTION_RATE, Rates
from runners.live.websocket.protocol import (
    GOING_AWAY,
    POLICY,
    TOO_SLOW,
    UNAUTHORIZED,
    Ack,
    Action,
    AskBars,
    Auth,
    Invalid,
    Resume,
    Row,
    bars,
)
from runners.live.websocket.responses import refuse
from runners.live.websocket.session import Close, Phase, Ping, Session

_log = logging.getLogger("alertas.websocket")

TICK_SECONDS = 0.25
#: Sockets beyond the clients': requests being read, pages and metrics being fetched.
SPARE_SOCKETS = 100


class AlertServer:
    """The clients of one port. Made by :func:`runners.live.websocket.listening.open_server`.

    Parameters
    ----------
    history : History
    audit : Audit
    door : Door
    metrics : Metrics
    messages_per_second : float
        What each client may send.
    max_connections : int
        Bounds the sockets held open, clients or not.
    """

    def __init__(
        self,
        history: History,
        audit: Audit,
        door: Door,
        metrics: Metrics,
        *,
        messages_per_second: float,
        max_connections: int,
    ) -> None:
        self._door = door
        self._metrics = metrics
        self._journal = Journal(audit, metrics)
        self.rejected = self._journal.rejected
        self._messages_per_second = messages_per_second
        self._crowd = Crowd(2 * max_connections + SPARE_SOCKETS, door.refusals.reject)
        self.opened = self._crowd.opened
        self._clients: dict[Peer, Session] = {}
        self._action_rates = Rates(ACTION_RATE, ACTION_BURST)
        self._timer: asyncio.TimerHandle | None = None
        self.servers: list[Server] = []
        self.port = 0
        self.broadcaster = Broadcaster(history, metrics, self.close)
        self.publish = self.broadcaster.publish
        self._actions = DeskActions(history)
        self._bulletins = Bulletins(self._actions, self.broadcaster, self._journal)
        self.tell_status = self._bulletins.tell_status
        self.recent_bars: Callable[[str, str], Sequence[Row]] = lambda symbol, timeframe: ()
        """Asked for the newest closed bars of a symbol and timeframe; none if it is unknown."""
        self.stream_facts: Callable[[str, str], Mapping[str, Any]] = lambda symbol, timeframe: {}
        """Asked for what a chart needs beside the bars."""
        door.make_room = self._make_room
        door.advise = lambda message, details: _log.warning(message, extra=details)
        self._figures = ClientFigures(metrics, self._clients)
        self.slowest_round_trip = self._figures.slowest_round_trip

    # Requests and connections, as asyncio and websockets report them

    def process_request(self, peer: ServerConnection, request: Request) -> Response | None:
        """Answer a plain request, or admit a client."""
        assert isinstance(peer, Peer)
        if peer.spoke_early:
            return refuse(HTTPStatus.BAD_REQUEST)
        now = peer.loop.time()
        peer.address = self._door.client(request, peer.address)
        local = str(peer.local_address[0])
        decision = self._door.answer(request, peer.address, now, time.time(), local)
        if isinstance(decision, Response):
            return decision
        peer.offers_subprotocol = decision.offers_subprotocol
        peer.session = self._clients[peer] = Session(
            decision.identity, decision.resume, self._messages_per_second, now, random.random()
        )
        if decision.identity is None:
            self._crowd.admitted(peer)
        else:
            self._crowd.known(peer)
        return None

    def process_response(
        self, peer: ServerConnection, request: Request, response: Response
    ) -> None:
        """Name the subprotocol, never the token that was offered beside it."""
        assert isinstance(peer, Peer)
        if response.status_code == HTTPStatus.SWITCHING_PROTOCOLS and peer.offers_subprotocol:
            response.headers["Sec-WebSocket-Protocol"] = SUBPROTOCOL

    async def handle(self, peer: ServerConnection) -> None:
        """Serve one client until its connection is lost."""
        assert isinstance(peer, Peer)
        session = peer.session
        assert session is not None
        if session.identity is not None:
            self._join(peer, session)
        try:
            while True:
                message = await peer.recv()
                self._receive(peer, session, message)
        except ConnectionClosed:
            return

    def lost(self, peer: Peer) -> None:
        """Forget a connection, and audit it if it was a client's."""
        self._crowd.lost(peer)
        session = self._clients.pop(peer, None)
        if session is None:
            return
        self.broadcaster.forget(peer)
        self._door.roster.leave(session.identity.name if session.identity else None)
        self._journal.closed(peer, session, peer.loop.time())

    def flooded(self, peer: Peer, close: Close) -> None:
        """Close a client that sends too many frames."""
        self.close(peer, close)

    def close(self, peer: Peer, close: Close) -> None:
        """Send a client nothing more, and say goodbye."""
        session = self._clients.get(peer)
        if session is not None:
            session.phase = Phase.CLOSING
        self.broadcaster.forget(peer)
        peer.shut(close)

    # What clients say

    def _receive(self, peer: Peer, session: Session, message: str | bytes) -> None:
        reply = session.receive(message, peer.loop.time())
        match reply:
            case Auth(token):
                self._authenticate(peer, session, token)
            case Resume():
                self.broadcaster.begin(peer, session, reply)
            case Ack(seq) if session.identity is not None:
                name, delivered = session.identity.name, session.delivered(seq)
                self._journal.acknowledged(name, seq, delivered)
            case Action() if session.identity is not None:
                self._act(peer, session.identity.name, reply)
            case AskBars(symbol, timeframe):
                rows = self.recent_bars(symbol, timeframe)
                peer.offer(bars(reply, rows, self.stream_facts(symbol, timeframe)))
            case Invalid(reason):
                self._metrics.add("alertas_websocket_ignored_total", reason=reason)
            case Close(code) if code == UNAUTHORIZED:
                self._turn_away(peer, reply)
            case Close():
                self.close(peer, reply)

    def _act(self, peer: Peer, name: str, action: Action) -> None:
        now = peer.loop.time()
        if not self._action_rates.take(name, now):
            self._door.refusals.reject("too_many_actions", peer.address, now)
            self.close(peer, Close(POLICY, "too many actions of this token"))
        elif not self._actions.knows(action.id):
            self._metrics.add("alertas_websocket_ignored_total", reason="unknown_alert")
        else:
            self._bulletins.act(peer, name, action)

    def _authenticate(self, peer: Peer, session: Session, token: str) -> None:
        identity = self._door.identify(token, time.time())
        if identity is None:
            self._turn_away(peer, Close(UNAUTHORIZED, "wrong first message"))
        elif not self._door.sign(identity.name, peer.address, peer.loop.time()):
            self.close(peer, Close(POLICY, "too many connections of this token"))
        else:
            session.identity = identity
            self._join(peer, session)

    def _turn_away(self, peer: Peer, close: Close) -> None:
        self._door.refusals.failed_later(
            close.reason.replace(" ", "_"), peer.address, peer.loop.time()
        )
        self.close(peer, close)

    def _join(self, peer: Peer, session: Session) -> None:
        assert session.identity is not None
        self._crowd.known(peer)
        plan = self.broadcaster.begin(peer, session, session.resume)
        self._journal.connected(peer, session.identity.name, plan, peer.loop.time())
        self._bulletins.offer_status(peer, session, time.time())

    # The passing of time

    def tick(self) -> None:
        """Do what is due, four times per second from the first call on."""
        loop = asyncio.get_running_loop()
        # Scheduled before the work: an error in one tick is logged and does not stop the rest.
        self._timer = loop.call_later(TICK_SECONDS, self.tick)
        now, wall = loop.time(), time.time()
        due = self.broadcaster.due(now)
        for peer, session in tuple(self._clients.items()):
            if not peer.is_open:
                continue
            match session.tick(now, wall, due):
                case Close(code, _) as close if code == UNAUTHORIZED and peer.joined_at is None:
                    self._turn_away(peer, close)
                case Close() as close:
                    self.close(peer, close)
                case Ping():
                    peer.put_ping()
            if session.phase is Phase.LIVE:
                self._bulletins.offer_status(peer, session, wall)
        self._door.refusals.tick(now)
        if self._journal.flush_if_due(now):
            self._figures.show(self.broadcaster.replaying)

    def stats(self) -> dict[str, object]:
        """Return figures for ``/health``: numbers only, and the database's epoch."""
        sent = {"epoch": self.broadcaster.epoch, "seq": self.broadcaster.seq}
        return sent | self._figures.now(self.broadcaster.replaying)

    async def stop(self, seconds: float = 10.0) -> None:
        """Send everything committed to everybody, say 1001, and close; within ``seconds``."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        self._door.is_closing = True
        for server in self.servers:
            server.close(close_connections=False)
        await self.broadcaster.settle(max(seconds - CLOSE_SECONDS - 1.0, 0.0))
        for peer in tuple(self._crowd.peers):
            if peer in self._clients:
                self.close(peer, Close(GOING_AWAY, "shutting down"))
            else:
                peer.cut()
        await self._wait_for_peers(deadline - loop.time())
        if self._timer is not None:
            self._timer.cancel()
        for server in self.servers:
            await server.wait_closed()
        self._journal.flush(loop.time())
        self._door.refusals.flush(loop.time())

    async def _wait_for_peers(self, seconds: float) -> None:
        closing = [asyncio.create_task(peer.wait_closed()) for peer in self._crowd.peers]
        if closing:
            # `shut` cuts those that do not answer, so this ends without help.
            await asyncio.wait(closing, timeout=max(seconds, CLOSE_SECONDS))
        for peer in tuple(self._crowd.peers):
            peer.cut()
        await asyncio.gather(*closing)

    def _make_room(self) -> bool:
        peer = self._crowd.give_up_pending()
        if peer is None:
            return False
        self.close(peer, Close(TOO_SLOW, "no place left"))
        # The place is free at once, however long the goodbye takes.
        del self._clients[peer]
        self._door.roster.leave(None)
        return True
