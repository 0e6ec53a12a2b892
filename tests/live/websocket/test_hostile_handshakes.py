"""Requests that lie, smuggle, crowd or never end; clients must not notice."""

from __future__ import annotations

import asyncio
import socket

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import InvalidStatus

from runners.live.websocket import listening
from tests.support.hostile_client import (
    BEARER,
    HANDSHAKE,
    frame,
    no_traceback,
    short_goodbye,
    still_works,
)
from tests.support.websocket_server import (
    OTHER_TOKEN,
    TOKEN,
    Harness,
    closed_with,
    receive,
    run,
    serving,
    stream,
)

__all__ = ["no_traceback", "short_goodbye"]  # fixtures, used by every test here


class TestHandshakeAbuse:
    @pytest.mark.parametrize(
        ("request_", "status"),
        [
            (HANDSHAKE.format(query="", headers=BEARER * 2), b"401"),
            (HANDSHAKE.format(query=f"?token={TOKEN}", headers=""), b"401"),
            (
                HANDSHAKE.format(query="", headers=BEARER + "Origin: https://evil.example\r\n"),
                b"403",
            ),
            (HANDSHAKE.format(query="", headers=f"Authorization : Bearer {TOKEN}\r\n"), b"400"),
            (HANDSHAKE.format(query="", headers=f"X: y\r\n Authorization: {TOKEN}\r\n"), b"400"),
            (HANDSHAKE.format(query="", headers="X: a\x00b\r\n" + BEARER), b"400"),
            (HANDSHAKE.format(query="", headers="Host: other\r\n" + BEARER), b"400"),
            (
                HANDSHAKE.format(query="", headers="Transfer-Encoding: chunked\r\n" + BEARER),
                b"400",
            ),
            (
                HANDSHAKE.format(
                    query="", headers="Content-Length: 0\r\nContent-Length: 44\r\n" + BEARER
                ),
                b"400",
            ),
            (HANDSHAKE.format(query="", headers=BEARER).replace("\r\n", "\n"), b"400"),
            (HANDSHAKE.format(query="", headers=BEARER).replace("AAA==", "AA=="), b"400"),
            (HANDSHAKE.format(query="", headers=BEARER).replace("13", "8"), b"400"),
            ("GET /alertas HTTP/2.0\r\n\r\n", b"400"),
            ("GET  /alertas HTTP/1.1\r\n\r\n", b"400"),
            ("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n", b"400"),
            ("GET /" + "a" * 9_000 + " HTTP/1.1\r\n\r\n", b"414"),
            (HANDSHAKE.format(query="", headers="X: " + "y" * 9_000 + "\r\n"), b"431"),
            (HANDSHAKE.format(query="", headers="X: y\r\n" * 200), b"431"),
            (HANDSHAKE.format(query="", headers=("X: " + "y" * 4_000 + "\r\n") * 9), b"431"),
        ],
    )
    def test_each_is_refused(self, request_: str, status: bytes) -> None:
        async def scenario() -> None:
            async with serving() as house, house.connect() as bystander:
                await receive(bystander)
                reader, writer = await asyncio.open_connection("127.0.0.1", house.server.port)
                writer.write(request_.encode("latin-1"))
                answer = await asyncio.wait_for(reader.read(), 6)
                assert answer[:9] + b"..." == b"HTTP/1.1 ..."
                assert answer[9:12] == status
                writer.close()
                await still_works(house, bystander)
                await house.until(lambda: house.server._door.roster.taken == 1)

        run(scenario())

    @pytest.mark.parametrize("headers", [BEARER, "Authorization: Bearer no\r\n", ""])
    def test_frames_before_the_answer(self, headers: str) -> None:
        """They reached the parser, and a refusal then failed an assertion in the library."""

        async def scenario() -> None:
            async with serving() as house:
                reader, writer = await asyncio.open_connection("127.0.0.1", house.server.port)
                request = HANDSHAKE.format(query="", headers=headers)
                writer.write(request.encode() + frame(3, b"x") + frame(8) + b"GET /x HTTP/1.1\r\n")
                answer = await asyncio.wait_for(reader.read(), 6)
                assert answer.startswith(b"HTTP/1.1 400 ")
                writer.close()

        run(scenario())

    def test_a_head_in_single_bytes(self) -> None:
        async def scenario() -> None:
            async with serving() as house:
                reader, writer = await asyncio.open_connection("127.0.0.1", house.server.port)
                for byte in HANDSHAKE.format(query="", headers=BEARER).encode():
                    writer.write(bytes([byte]))
                    await asyncio.sleep(0)
                assert (await reader.readline()).startswith(b"HTTP/1.1 101 ")
                writer.close()

        run(scenario())

    def test_a_head_that_never_ends_is_cut(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(listening, "OPEN_SECONDS", 0.4)

        async def scenario() -> None:
            async with serving() as house:
                reader, writer = await asyncio.open_connection("127.0.0.1", house.server.port)
                writer.write(b"GET / HTTP/1.1\r\nX: ")
                assert await asyncio.wait_for(reader.read(), 5) == b""
                writer.close()

        run(scenario())

    def test_three_hundred_at_once(self) -> None:
        async def knock(house: Harness, token: str | None) -> int | ClientConnection:
            try:
                return await house.connect(token=token)
            except InvalidStatus as refused:
                return refused.response.status_code

        async def scenario() -> None:
            async with serving(max_connections=200, max_connections_per_token=150) as house:
                tokens = [TOKEN, OTHER_TOKEN, "wrong"]
                answers = await asyncio.gather(
                    *(knock(house, tokens[number % 3]) for number in range(300))
                )
                inside = [answer for answer in answers if not isinstance(answer, int)]
                refused = sorted(answer for answer in answers if isinstance(answer, int))
                assert len(inside) == 200
                assert set(refused) == {401, 429}
                assert len(house.audit.of("client_rejected")) == 2
                with pytest.raises(InvalidStatus, match="503"):
                    await house.connect()
                house.publish()
                for client in inside:
                    assert await stream(client, 1) == [1]
                await asyncio.gather(*(client.close() for client in inside))
                await house.until(lambda: house.server.stats()["clients"] == 0)
                async with house.connect() as client:
                    await receive(client)

        run(scenario())

    def test_strangers_cannot_keep_clients_out(self) -> None:
        async def scenario() -> None:
            async with serving(max_connections=3) as house:
                strangers = [await house.connect(token=None) for _ in range(3)]
                async with house.connect() as client:
                    assert (await receive(client))[0]["type"] == "welcome"
                    assert await closed_with(strangers[0]) == 1013
                for stranger in strangers:
                    await stranger.close()

        run(scenario())

    def test_sockets_that_never_speak_are_bounded(self) -> None:
        async def scenario() -> None:
            async with serving(max_connections=3) as house:
                socks = []
                for _ in range(150):
                    sock = socket.create_connection(("127.0.0.1", house.server.port))
                    sock.setblocking(False)
                    socks.append(sock)
                await house.until(lambda: len(house.server._crowd.peers) == 106)
                for sock in socks:
                    sock.close()

        run(scenario())
