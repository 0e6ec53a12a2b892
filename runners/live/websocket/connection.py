"""One TCP connection: ``websockets``' own, bounded and made observable.

What is added to :class:`websockets.asyncio.server.ServerConnection`: a bound on the request's
head, an answer to requests it would drop without one, frames written as ready-made bytes, a
close that waits for nobody, and a note of when the peer was last heard and when it stalled.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from typing import Any, Protocol

from websockets.asyncio.server import Server, ServerConnection
from websockets.exceptions import InvalidMessage
from websockets.frames import Frame, Opcode
from websockets.protocol import CONNECTING, OPEN, SEND_EOF, Event
from websockets.server import ServerProtocol

from runners.live.websocket.protocol import POLICY
from runners.live.websocket.session import Close, Session

MAX_HEAD_BYTES = 16_384
MAX_UNSENT_BYTES = 65_536
#: Above this much unsent, a connection counts as stalled until it is below a quarter of it.
WRITE_LIMIT = 16_384
CLOSE_SECONDS = 2.0
REFUSED_SECONDS = 0.5

_HEAD_END = b"\r\n\r\n"
_CONTROL = frozenset({Opcode.PING, Opcode.PONG, Opcode.CONT})
_PING = Frame(Opcode.PING, b"").serialize(mask=False)
_NO_LINGER = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)


class Owner(Protocol):
    """Who is told about connections."""

    def opened(self, peer: Peer) -> bool:
        """A TCP connection was made; False to have it cut."""

    def lost(self, peer: Peer) -> None:
        """It is gone."""

    def flooded(self, peer: Peer, close: Close) -> None:
        """Its client sends too much."""


class Peer(ServerConnection):
    """The server's end of one connection.

    ``session`` is None until a WebSocket handshake has been admitted; plain HTTP requests never
    have one.
    """

    def __init__(
        self, owner: Owner, protocol: ServerProtocol, server: Server, **limits: Any
    ) -> None:
        super().__init__(protocol, server, **limits)
        self._owner = owner
        self._head = b""
        self.spoke_early = False
        self._is_answered = False
        self._is_deaf = False
        self._cut_timer: asyncio.TimerHandle | None = None
        self.session: Session | None = None
        self.visit = 0
        self.address = ""
        self.offers_subprotocol = False
        self.joined_at: float | None = None
        self.is_recorded = False
        self.closed_by_us: Close | None = None
        self.was_cut = False

    # What the broadcaster does with it

    @property
    def is_open(self) -> bool:
        """Whether messages can be written."""
        return self.protocol.state is OPEN and not self.transport.is_closing()

    @property
    def unsent_bytes(self) -> int:
        """Bytes written that the kernel has not taken yet."""
        return self.transport.get_write_buffer_size()

    def put(self, frames: bytes) -> None:
        """Write ready-made frames, without waiting."""
        if self.is_open:
            self.transport.write(frames)

    def offer(self, frames: bytes) -> bool:
        """Write ``frames`` unless that leaves more than :data:`MAX_UNSENT_BYTES` unsent."""
        if self.unsent_bytes + len(frames) > MAX_UNSENT_BYTES:
            return False
        self.put(frames)
        return True

    def put_ping(self) -> None:
        """Ask for a sign of life."""
        self.put(_PING)

    def shut(self, close: Close) -> None:
        """Say goodbye behind what is already written; cut if that is not answered in time.

        Of a client that is closed for flooding, nothing more is looked at.
        """
        if self.closed_by_us is not None:
            return
        self.closed_by_us = close
        self._is_deaf = close.code == POLICY
        if self.is_open:
            if self._is_deaf:
                self.protocol.fail(close.code, close.reason)
            else:
                self.protocol.send_close(close.code, close.reason)
            self.send_data()
        self._cut_after(REFUSED_SECONDS if self._is_deaf else CLOSE_SECONDS)

    def cut(self) -> None:
        """Reset the connection. The kernel's copy of what is unsent goes with it."""
        self.was_cut = True
        sock = self.transport.get_extra_info("socket")
        if sock is not None and not self.transport.is_closing():
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self.transport.abort()

    def last_words(self) -> Close:
        """Return how the connection ended, once it is lost; 1006 if nobody said goodbye."""
        if self.closed_by_us is not None:
            return self.closed_by_us
        sent, received = self.protocol.close_sent, self.protocol.close_rcvd
        if received is not None:
            return Close(int(received.code), "closed by the client")
        if sent is not None:
            return Close(int(sent.code), "protocol error")
        return Close(1006, "connection lost")

    # What asyncio and websockets do with it

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        peer = self.remote_address
        self.address = str(peer[0]) if peer else ""
        if not self._owner.opened(self):
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._cut_timer is not None:
            self._cut_timer.cancel()
        super().connection_lost(exc)
        self._owner.lost(self)

    def data_received(self, data: bytes) -> None:
        if self._is_deaf:
            return
        if self.session is not None:
            self.session.heard = self.loop.time()
        if self.protocol.state is CONNECTING:
            data = self._head_only(data)
            if not data:
                return
        super().data_received(data)
        if self.protocol.close_expected():
            # The peer said goodbye or was failed; one that then keeps the connection is cut.
            self._cut_after(CLOSE_SECONDS)

    def _head_only(self, data: bytes) -> bytes:
        """Return what of ``data`` belongs to the request's head.

        Nobody may speak between the head and its answer; frames parsed there would trip the
        library's own assertions when the answer is a refusal.
        """
        if self._is_answered or self.protocol.eof_sent:
            return b""  # refused; what still comes is not looked at
        if self.request is not None:
            self.spoke_early = True
            return b""
        end = (self._head + data).find(_HEAD_END)
        length = len(data) if end < 0 else max(end + len(_HEAD_END) - len(self._head), 0)
        self.spoke_early = self.spoke_early or length < len(data)
        data = data[:length]
        self._head += data
        if len(self._head) <= MAX_HEAD_BYTES:
            return data
        self._answer(431, "Request Header Fields Too Large")
        self._hang_up()
        return b""

    def send_data(self) -> None:
        # A head that cannot be parsed, or announces a body, makes websockets hang up without a
        # word. Say why first.
        if isinstance(self.protocol.handshake_exc, InvalidMessage) and not self._is_answered:
            method, space, _ = self._head[:16].partition(b" ")
            if space and method.isalpha() and method.isupper() and method != b"GET":
                self._answer(405, "Method Not Allowed", "Allow: GET\r\n")
            else:
                self._answer(400, "Bad Request")
        # In one piece: a chunk full of pings makes thousands of pongs, each a system call, and
        # each a line in the log if the peer is gone.
        pieces = self.protocol.data_to_send()
        data = b"".join(pieces)
        if data and not self.transport.is_closing():
            self.transport.write(data)
        if SEND_EOF in pieces:
            self._hang_up()

    def process_event(self, event: Event) -> None:
        if self.session is not None and isinstance(event, Frame):
            now = self.loop.time()
            if event.opcode is Opcode.PONG:
                self.session.receive_pong(now)
            # Messages are charged when they are read; only what never becomes one is here.
            if event.opcode in _CONTROL:
                close = self.session.receive_control(now)
                if close is not None:
                    self._owner.flooded(self, close)
        super().process_event(event)
        self._head = b""  # it held the credentials

    def pause_writing(self) -> None:
        super().pause_writing()
        if self.session is not None:
            self.session.stalled_since = self.loop.time()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.session is not None:
            # The kernel was full and took more: the peer is reading, however slowly.
            self.session.stalled_since = None
            self.session.heard = self.loop.time()

    def _cut_after(self, seconds: float) -> None:
        if self._cut_timer is None:
            self._cut_timer = self.loop.call_later(seconds, self.cut)

    def _hang_up(self) -> None:
        # Closing with data unread would reset the connection and take the answer with it; the
        # other half stays open until the peer closes it or the handshake times out.
        if self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.transport.close()

    def _answer(self, status: int, phrase: str, headers: str = "") -> None:
        self._is_answered = True
        body = f"{phrase}\n"
        self.transport.write(
            f"HTTP/1.1 {status} {phrase}\r\n{headers}Content-Type: text/plain; charset=utf-8\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode()
        )
