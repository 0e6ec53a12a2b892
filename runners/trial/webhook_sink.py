"""A receiver of webhooks that verifies their signatures as Standard Webhooks say.

Written from the specification, not from the sender: it would not notice a mistake of its own.

References
----------
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import NamedTuple

TOLERANCE_SECONDS = 300.0


class Call(NamedTuple):
    """A request that was received.

    Attributes
    ----------
    webhook_id : str
        The same for every attempt at one message.
    alert_id : str
        Of the alert it is about; empty for others.
    is_signed : bool
        Whether the signature is right and its time is now.
    """

    webhook_id: str
    alert_id: str
    is_signed: bool


class WebhookSink:
    """The receiver and what it was sent; use it in an event loop."""

    def __init__(self, key: bytes) -> None:
        self.secret = "whsec_" + base64.b64encode(key).decode()
        self.calls: list[Call] = []
        self.port = 0
        self._key = key

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[WebhookSink]:
        """Take calls on a free port for the length of a block."""
        server = await asyncio.start_server(self._answer, "127.0.0.1", self.port)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                request, *lines = head.decode("latin-1").split("\r\n")
                pairs = (line.partition(":") for line in lines if line)
                headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                if request.startswith("POST "):  # a check only asks whether somebody is there
                    self.calls.append(self._call(headers, body))
                writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    def _call(self, headers: Mapping[str, str], body: bytes) -> Call:
        try:
            alert = json.loads(body).get("alert") or {}
        except (ValueError, AttributeError):
            alert = {}
        signed = is_signed(self._key, headers, body, time.time())
        return Call(headers.get("webhook-id", ""), str(alert.get("id", "")), signed)


def is_signed(key: bytes, headers: Mapping[str, str], body: bytes, now: float) -> bool:
    """Whether a request is signed with ``key``, and at a time that is about ``now``.

    Parameters
    ----------
    headers : mapping
        By names in lower case.
    now : float
        Unix time.
    """
    stamp = headers.get("webhook-timestamp", "")
    if not (stamp.isascii() and stamp.isdigit()) or abs(now - int(stamp)) > TOLERANCE_SECONDS:
        return False
    content = f"{headers.get('webhook-id', '')}.{stamp}.".encode() + body
    digest = hmac.new(key, content, hashlib.sha256).digest()
    wanted = f"v1,{base64.b64encode(digest).decode()}"
    stated = headers.get("webhook-signature", "").split(" ")
    return any(hmac.compare_digest(wanted.encode(), one.encode()) for one in stated)
