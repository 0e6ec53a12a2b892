"""A server for tests: the real one on a real port, over a history held in memory."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from alertlib.config.schema import WebSocket
from alertlib.texts.words import Language
from runners.live.telemetry.metrics import Metrics
from runners.live.websocket.auth import (
    Authenticator,
    JwtKey,
    parse_tokens,
)
from runners.live.websocket.listening import open_server
from runners.live.websocket.protocol import Action, ActionRow, Entry
from runners.live.websocket.responses import Health
from runners.live.websocket.server import AlertServer

SECRET = b"0123456789abcdef0123456789abcdef"
TOKEN = "k" * 43
OTHER_TOKEN = "z" * 43
EPOCH = "e-1"
JWT_SECRET = b"s" * 32
TOKENS = f"mesa:{TOKEN},risco:{OTHER_TOKEN}"


class MemoryHistory:
    """Messages numbered from 1, the oldest of which may be forgotten, and actions in between."""

    def __init__(self, epoch: str = EPOCH) -> None:
        self.epoch = epoch
        self.entries: list[Entry] = []
        self.forgotten = 0
        self.unknown: set[str] = set()
        """Ids no alert has."""
        self._actions: list[ActionRow] = []

    @property
    def head(self) -> int:
        return self.forgotten + len(self.entries)

    @property
    def oldest(self) -> int:
        return self.forgotten + 1

    def read(self, since: int, limit: int) -> Sequence[Entry]:
        start = max(since - self.forgotten, 0)
        return self.entries[start : start + limit]

    def has_alert(self, identifier: str) -> bool:
        return identifier not in self.unknown

    def place(self, seq: int) -> int:
        return 10_000 * seq

    @property
    def last_action(self) -> int:
        return self._actions[-1][0] if self._actions else 0

    def actions(self, after: int, upto: int, limit: int) -> Sequence[ActionRow]:
        return [self._told(row) for row in self._actions if after < row[0] <= upto][:limit]

    def action_on(self, identifier: str) -> ActionRow | None:
        rows = [row for row in self._actions if row[3] == identifier]
        return self._told(rows[-1]) if rows else None

    def act(self, actor: str, done: Action) -> None:
        """Write an action down behind the newest message."""
        place = max(self.last_action, self.place(self.head)) + 1
        self._actions.append((place, actor, f"2026-07-28T13:10:00.{place:06}Z", *done, True))

    def _told(self, row: ActionRow) -> ActionRow:
        stands = not any(one[0] > row[0] and one[3] == row[3] for one in self._actions)
        return *row[:6], stands

    def commit(self, count: int = 1, kind: str = "alert", size: int = 0) -> list[Entry]:
        """Add messages as a store would; they are not published by that."""
        added: list[Entry] = [
            (seq, kind, alert_json(seq, size))
            for seq in range(self.head + 1, self.head + 1 + count)
        ]
        self.entries.extend(added)
        return added

    def forget(self, count: int) -> None:
        """Drop the oldest, as retention does."""
        del self.entries[:count]
        self.forgotten += count


class RecordingAudit:
    """Remembers what it was told, and has the history keep the actions."""

    def __init__(self, history: MemoryHistory) -> None:
        self._history = history
        self.events: list[tuple[str, str, dict[str, Any]]] = []
        self.acks: list[tuple[str, int]] = []
        self.actions: list[tuple[str, str, str, str]] = []
        self.delivered: list[tuple[str, int, int]] = []
        self.settle: Callable[[Callable[[bool], None]], None] = lambda settled: settled(True)
        """What becomes of an action: written at once, unless a test says otherwise."""

    def record(self, kind: str, actor: str, data: dict[str, Any]) -> None:
        self.events.append((kind, actor, data))

    def ack(self, client: str, seq: int, delivered: Sequence[tuple[int, int]]) -> None:
        self.acks.append((client, seq))
        self.delivered += [(client, *run) for run in delivered]

    def action(self, client: str, done: Action, settled: Callable[[bool], None]) -> None:
        self.actions.append((client, *done))

        def settle(is_written: bool) -> None:
            if is_written:
                self._history.act(client, done)
            settled(is_written)

        self.settle(settle)

    def actor(self, client: str) -> str:
        return client

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [data for each, _, data in self.events if each == kind]


class Harness:
    """A running server with everything around it in reach."""

    def __init__(self, history: MemoryHistory, audit: RecordingAudit, metrics: Metrics) -> None:
        self.history = history
        self.audit = audit
        self.metrics = metrics
        self.health = Health(is_serving=True)
        self.host = "127.0.0.1"
        self.server: AlertServer

    @property
    def url(self) -> str:
        return f"ws://{self.host}:{self.server.port}/alertas"

    def publish(self, count: int = 1, kind: str = "alert", size: int = 0) -> list[Entry]:
        """Commit and publish."""
        added = self.history.commit(count, kind, size)
        self.server.publish(added)
        return added

    def connect(self, query: str = "", token: str | None = TOKEN, **options: Any) -> connect:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        return connect(
            self.url + query,
            additional_headers=headers | options.pop("headers", {}),
            proxy=None,
            compression=None,
            ping_interval=None,
            **options,
        )

    async def until(self, condition: Any, seconds: float = 10.0) -> None:
        """Wait for something that will become true."""
        async with asyncio.timeout(seconds):
            while not condition():
                await asyncio.sleep(0.01)


@asynccontextmanager
async def serving(
    *,
    history: MemoryHistory | None = None,
    tls: ssl.SSLContext | None = None,
    jwt: bool = False,
    host: str = "127.0.0.1",
    port: int = 0,
    page: Path = Path("no such page"),
    stop_seconds: float = 3.0,
    allow_remote: bool = False,
    language: Language = "pt-BR",
    **settings: Any,
) -> AsyncIterator[Harness]:
    """Run a server for the length of a block."""
    history = history or MemoryHistory()
    harness = Harness(history, RecordingAudit(history), Metrics())
    key = JwtKey(JWT_SECRET, "alertas") if jwt else None
    harness.server = await open_server(
        harness.history,
        harness.audit,
        Authenticator(parse_tokens(TOKENS), key),
        WebSocket(**settings),
        harness.metrics,
        lambda: harness.health,
        host=host,
        port=port,
        tls=tls,
        allow_remote=allow_remote,
        page=page,
        language=language,
    )
    try:
        yield harness
    finally:
        await harness.server.stop(stop_seconds)


def alert_json(seq: int, size: int = 0) -> bytes:
    """Return an alert about as long as a real one."""
    alert = {
        "id": f"{seq:064x}",
        "symbol": "WIN$N",
        "timeframe": "M5",
        "pattern": "engulfing_bullish",
        "direction": 1,
        "severity": "ALTO",
        "text": "Engolfo de alta — compra" + "x" * size,
    }
    return json.dumps(alert, ensure_ascii=False).encode()


async def receive(client: ClientConnection, count: int = 1, seconds: float = 10.0) -> list[Any]:
    """Return the next ``count`` messages, decoded."""
    async with asyncio.timeout(seconds):
        return [json.loads(await client.recv()) for _ in range(count)]


async def closed_with(client: ClientConnection, seconds: float = 10.0) -> int | None:
    """Wait for the server to close; returns the code."""
    async with asyncio.timeout(seconds):
        await client.wait_closed()
    return client.close_code


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(coroutine, 120))


async def stream(client: ClientConnection, last: int) -> list[int]:
    """Return the numbers received up to ``last``."""
    seen: list[int] = []
    async with asyncio.timeout(10):
        while not seen or seen[-1] != last:
            seen += numbers([json.loads(await client.recv())])
    return seen


def make_jwt(
    claims: dict[str, Any] | str, header: dict[str, Any] | str | None = None, secret: bytes = SECRET
) -> str:
    """A token made independently of the code under test."""
    chosen = {"alg": "HS256", "typ": "JWT"} if header is None else header
    parts = [part if isinstance(part, str) else json.dumps(part) for part in (chosen, claims)]
    signed = ".".join(encode(part.encode()) for part in parts)
    return f"{signed}.{encode(hmac.new(secret, signed.encode(), hashlib.sha256).digest())}"


def encode(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def numbers(messages: list[Any]) -> list[int]:
    return [message["seq"] for message in messages if message["type"] != "welcome"]
