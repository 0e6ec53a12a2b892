"""Receive alerts: reconnects, resumes, shows nothing twice and misses nothing retained.

>>> async with AlertClient("ws://localhost:8765", token, state="client.json") as client:
...     async for message in client:
...         print(message.seq, message.data["text"])
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import random
import ssl
from collections import deque
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qsl, urlencode, urlsplit

from alertlib.errors import ConfigError
from runners.client.position import Position, load, save

FIRST_RETRY_SECONDS = 0.05
LAST_RETRY_SECONDS = 2.0
OPEN_SECONDS = 5.0
ACK_SECONDS = 0.25
MAX_WAITING_ACTIONS = 1_000
MAX_NOTE = 500
ACTIONS = ("executed", "rejected", "ignored")
_TOKEN_REFUSED = 4401
#: Answers to a handshake that trying again would not change.
_FINAL_STATUS = frozenset({400, 401, 403, 404, 405, 426})


class Message(NamedTuple):
    """One numbered message.

    Attributes
    ----------
    type : str
        ``alert`` or ``correction``.
    seq : int
        Its number in the server's database.
    sent_at : str
        When the server wrote it, UTC.
    data : dict
        The alert, or the correction.
    """

    type: str
    seq: int
    sent_at: str
    data: dict[str, Any]


class AlertClient:
    """An endless asynchronous iterator over messages.

    A message counts as dealt with when the next one is asked for, or when the ``async with``
    block ends without an error. Only then is the position saved and acknowledged, so a program
    that dies over a message is given it again, and one that does not sees each exactly once.

    Parameters
    ----------
    url : str
        ``ws://`` or ``wss://`` address of the server. The token does not belong in it.
    token : str
        Sent as ``Authorization: Bearer``.
    state : path, optional
        File in which the position is kept across runs. Without it a new client starts with
        live messages, and the position lives as long as the object.
    window : bool
        Start a client that has no position with everything the server has retained.
    tls : ssl.SSLContext, optional
        For ``wss://`` with a private certificate authority.

    Raises
    ------
    ConfigError
        While iterating: the URL is none, the server refuses the token, the origin or the path.
    DataError
        The state file is not one.
    StorageError
        It cannot be read or, while iterating, not be written.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        state: str | os.PathLike[str] | None = None,
        window: bool = False,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._url = url
        self._token = token
        self._state = Path(state) if state is not None else None
        self._window = window
        self._tls = tls
        self.position = load(self._state) if self._state is not None else None
        self.missed = 0
        """Messages that were no longer retained when this client came back."""
        self.attempts = 0
        """Times a connection was tried."""
        self._socket: Any = None
        self._acker: asyncio.Task[None] | None = None
        self._progress = asyncio.Event()
        self._may_ack = False
        self._next: int | None = None
        self._epoch = ""
        self._in_hand: Message | None = None
        self._actions: deque[str] = deque(maxlen=MAX_WAITING_ACTIONS)
        self._retry_seconds = FIRST_RETRY_SECONDS
        self._retry_at = 0.0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None:
            self._settle()
        await self.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Message:
        """Wait for the next message, however often the connection has to be made anew."""
        from websockets.exceptions import ConnectionClosed

        self._settle()
        while True:
            if self._socket is None:
                await self._connect()
            try:
                message = self._understand(await self._socket.recv())
            except ConnectionClosed as closed:
                await self._disconnect()
                self._raise_if_final(closed)
                continue
            except _OutOfStep:
                await self._disconnect()
                continue
            if message is not None:
                self._retry_seconds = FIRST_RETRY_SECONDS
                self._in_hand = message
                return message

    async def action(self, id: str, action: str, note: str = "") -> None:  # noqa: A002
        """Report what was done about an alert; it becomes an audited operator action.

        Sent at once if connected, otherwise with the next connection (the newest thousand).
        The protocol has no receipt: an action sent as the connection breaks may be lost.

        Parameters
        ----------
        id : str
            The alert's.
        action : {"executed", "rejected", "ignored"}
        note : str
            Up to 500 characters.
        """
        from websockets.exceptions import ConnectionClosed

        if action not in ACTIONS:
            raise ValueError(f"`action` must be one of {', '.join(ACTIONS)}; got {action!r}")
        if len(note) > MAX_NOTE:
            raise ValueError(f"`note` must have up to {MAX_NOTE} characters; got {len(note)}")
        text = json.dumps(
            {"type": "action", "id": id, "action": action, "note": note}, ensure_ascii=False
        )
        try:
            if self._socket is not None:
                await self._socket.send(text)
                return
        except ConnectionClosed:
            pass  # the iterator finds out too, reconnects, and sends what waits
        self._actions.append(text)

    async def close(self) -> None:
        """Acknowledge what has been dealt with, and disconnect."""
        await self._send_ack()
        await self._disconnect()

    # One connection

    async def _connect(self) -> None:
        """Connect, trying until it works or cannot work."""
        from websockets.exceptions import (
            ConnectionClosed,
            InvalidHandshake,
            InvalidStatus,
            InvalidURI,
        )

        while True:
            await self._wait_for_turn()
            try:
                await self._open()
                return
            except (InvalidURI, ValueError):  # of urllib a port, a bracket, of the codec a name
                raise ConfigError(
                    f"url {self._url} cannot be connected to, expected a ws:// or wss:// address "
                    "such as ws://localhost:8765; correct it"
                ) from None
            except InvalidStatus as refused:
                status = refused.response.status_code
                if status in _FINAL_STATUS:
                    raise ConfigError(
                        f"{self._url} answered the handshake with HTTP {status}, expected 101; "
                        "check the token (401), the origin (403) and the path (404)"
                    ) from None
            except ConnectionClosed as closed:
                await self._disconnect()
                self._raise_if_final(closed)
            except (OSError, TimeoutError, InvalidHandshake, _OutOfStep):
                await self._disconnect()

    async def _wait_for_turn(self) -> None:
        """Wait between attempts: at random, so that clients cut together do not return together.

        The moment is fixed once, and waiting for it may be interrupted and taken up again.
        """
        loop = asyncio.get_running_loop()
        await asyncio.sleep(max(0.0, self._retry_at - loop.time()))
        self._retry_at = loop.time() + random.uniform(0.0, self._retry_seconds)
        self._retry_seconds = min(2.0 * self._retry_seconds, LAST_RETRY_SECONDS)
        self.attempts += 1

    async def _open(self) -> None:
        """Connect once and take up the stream where it was left."""
        from websockets.asyncio.client import connect

        loopback = urlsplit(self._url).hostname in ("localhost", "127.0.0.1", "::1")
        options: dict[str, Any] = {"proxy": None} if loopback else {}
        if self._tls is not None:
            options["ssl"] = self._tls
        socket = await connect(
            self._url_with_position(),
            additional_headers={"Authorization": f"Bearer {self._token}"},
            compression=None,
            open_timeout=OPEN_SECONDS,
            ping_interval=OPEN_SECONDS,
            ping_timeout=2 * OPEN_SECONDS,
            close_timeout=1.0,
            logger=_quiet_logger(),
            **options,
        )
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                self._welcome(_decode(await socket.recv()))
        except BaseException:
            socket.transport.abort()
            raise
        self._socket = socket
        self._progress.set()
        self._acker = asyncio.create_task(self._acknowledge())
        while self._actions:
            await self._socket.send(self._actions[0])
            self._actions.popleft()

    def _url_with_position(self) -> str:
        position = self.position or (Position("", 0) if self._window else None)
        if position is None:
            return self._url
        url = urlsplit(self._url)
        query = [*parse_qsl(url.query), ("epoch", position.epoch), ("since", str(position.seq))]
        return url._replace(query=urlencode(query)).geturl()

    def _welcome(self, welcome: dict[str, Any]) -> None:
        epoch, head = welcome.get("epoch"), welcome.get("seq")
        is_welcome = welcome.get("type") == "welcome"
        if not is_welcome or not isinstance(epoch, str) or not isinstance(head, int):
            raise _OutOfStep
        asked = self.position or (Position("", 0) if self._window else None)
        self._epoch = epoch
        self._may_ack = bool(welcome.get("recovered"))
        if asked is None:
            # Kept at once: a program that ends before the first message resumes from here.
            self._move_to(Position(epoch, head))
            self._next = head + 1
        elif welcome.get("recovered"):
            self._next = asked.seq + 1
        else:
            # The retained window follows. What we have of this database already is skipped;
            # of another one, or of one restored from a copy, we have nothing.
            known = asked.epoch == epoch and asked.seq <= head
            self.position = asked if known else Position(epoch, 0)
            self._next = None

    def _understand(self, text: str | bytes) -> Message | None:
        """Return the message in a frame, or None if there is none to be shown."""
        frame = _decode(text)
        kind = frame.get("type")
        if kind not in ("alert", "correction"):
            return None
        seq, data, position = frame.get("seq"), frame.get(kind), self.position
        if position is None or frame.get("epoch") != self._epoch:
            raise _OutOfStep
        if not isinstance(seq, int) or not isinstance(data, dict):
            raise _OutOfStep
        if self._next is None and position.seq:
            self.missed += max(0, seq - position.seq - 1)
        if self._next is not None and seq != self._next:
            # Never happens with a sound server; a fresh resume puts it right.
            raise _OutOfStep
        self._next = seq + 1
        if seq <= position.seq:
            return None
        return Message(kind, seq, str(frame.get("sent_at", "")), data)

    def _settle(self) -> None:
        """Count the message in hand as dealt with."""
        message, self._in_hand = self._in_hand, None
        if message is None or self.position is None:
            return
        self._move_to(self.position._replace(seq=message.seq))
        self._may_ack = True
        self._progress.set()

    def _move_to(self, position: Position) -> None:
        self.position = position
        if self._state is not None:
            save(self._state, position)

    async def _acknowledge(self) -> None:
        """Acknowledge progress, gathered, while the connection lasts."""
        while self._socket is not None:
            await self._progress.wait()
            self._progress.clear()
            await self._send_ack()
            await asyncio.sleep(ACK_SECONDS)

    async def _send_ack(self) -> None:
        from websockets.exceptions import ConnectionClosed

        if self._socket is None or not self._may_ack or not self.position or not self.position.seq:
            return
        with suppress(ConnectionClosed):  # the iterator notices and reconnects
            await self._socket.send(json.dumps({"type": "ack", "seq": self.position.seq}))

    async def _disconnect(self) -> None:
        socket, self._socket = self._socket, None
        acker, self._acker = self._acker, None
        if acker is not None:
            acker.cancel()
        if socket is not None:
            try:
                await socket.close()
            finally:
                socket.transport.abort()  # in case waiting for the goodbye was cancelled

    def _raise_if_final(self, closed: Any) -> None:
        if closed.rcvd is not None and closed.rcvd.code == _TOKEN_REFUSED:
            raise ConfigError(
                f"{self._url} closed the connection with {_TOKEN_REFUSED}: the token expired or "
                "was withdrawn, expected a valid one; get a new token"
            )


class _OutOfStep(Exception):
    """The stream does not continue where it should; a new connection will."""


def _decode(text: str | bytes) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        raise _OutOfStep from None
    if not isinstance(value, dict):
        raise _OutOfStep
    return value


def _quiet_logger() -> logging.Logger:
    """Return a logger that never shows the Authorization header, as DEBUG would."""
    logger = logging.getLogger("alertas.client")
    logger.setLevel(logging.WARNING)
    return logger
