"""A client over a bare socket, and what must hold whatever such a client does."""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from collections.abc import Iterator

import pytest
from websockets.asyncio.client import ClientConnection

from runners.live.telemetry.logs import JsonLines
from runners.live.websocket import connection
from tests.support.websocket_server import TOKEN, Harness, stream

HANDSHAKE = (
    "GET /alertas{query} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n{headers}\r\n"
)
BEARER = f"Authorization: Bearer {TOKEN}\r\n"


def _is_debugging(record: logging.LogRecord) -> bool:
    return record.name == "asyncio" and (
        record.levelno == logging.DEBUG or str(record.msg).startswith("Executing %s took")
    )


@pytest.fixture(autouse=True)
def no_traceback() -> Iterator[None]:
    """Whatever a client does: nothing above a warning is logged, no traceback, no token."""
    records: list[logging.LogRecord] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            # Neither the tests' own client, nor what a loop remarks in debug mode (-X dev).
            if record.name != "websockets.client" and not _is_debugging(record):
                records.append(record)

    handler, root = Keep(logging.DEBUG), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield
    root.removeHandler(handler)
    root.setLevel(level)
    lines = [JsonLines().format(record) for record in records]
    bad = [
        record
        for record in records
        if record.levelno > logging.WARNING
        or record.exc_info
        or (record.name == "asyncio" and record.levelno >= logging.WARNING)
    ]
    assert not bad, [JsonLines().format(record) for record in bad]
    assert not any(TOKEN in line for line in lines)
    assert not any(record.name.startswith("websockets") for record in records)


@pytest.fixture(autouse=True)
def short_goodbye(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many of these clients never answer a close; do not wait two seconds for each."""
    monkeypatch.setattr(connection, "CLOSE_SECONDS", 0.2)


async def raw_client(
    house: Harness, headers: str = BEARER, query: str = "", receive_buffer: int = 0
) -> socket.socket:
    """Complete a handshake over a bare socket, which then does only what it is told."""
    loop = asyncio.get_running_loop()
    sock = socket.socket()
    sock.setblocking(False)
    if receive_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    await loop.sock_connect(sock, ("127.0.0.1", house.server.port))
    await loop.sock_sendall(sock, HANDSHAKE.format(query=query, headers=headers).encode())
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += await loop.sock_recv(sock, 1)
    assert head.startswith(b"HTTP/1.1 101 "), head
    return sock


async def drain(sock: socket.socket, seconds: float = 5.0) -> bytes:
    """Read until the server hangs up, however it does that."""
    loop, data = asyncio.get_running_loop(), b""
    async with asyncio.timeout(seconds):
        try:
            while chunk := await loop.sock_recv(sock, 65_536):
                data += chunk
        except ConnectionResetError:
            pass
    sock.close()
    return data


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True, mask: bool = True) -> bytes:
    """A frame as a client sends it, made independently of the library."""
    head = bytes([(0x80 if fin else 0) | opcode])
    length = len(payload)
    bit = 0x80 if mask else 0
    if length < 126:
        head += bytes([bit | length])
    elif length < 65_536:
        head += struct.pack("!BH", bit | 126, length)
    else:
        head += struct.pack("!BQ", bit | 127, length)
    key = b"\x01\x02\x03\x04"
    masked = bytes(byte ^ key[place % 4] for place, byte in enumerate(payload))
    return head + (key + masked if mask else payload)


def close_code(data: bytes) -> int:
    """Code of the close frame at the end of what a server sent."""
    place = data.rfind(b"\x88")
    code: int = struct.unpack("!H", data[place + 2 : place + 4])[0]
    return code


async def still_works(house: Harness, client: ClientConnection) -> None:
    """Another client gets the next message."""
    (added,) = house.publish()
    assert (await stream(client, added[0]))[-1] == added[0]
