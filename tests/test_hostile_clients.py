"""Clients that flood, stall, lie, break the protocol or vanish; the others must not notice."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import random
import socket
import struct
from collections.abc import Iterator

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus

from runners.live import connection, listen, session
from runners.live.logs import JsonLines
from tests.test_broadcast import run, stream
from tests.websocket_server import (
    EPOCH,
    OTHER_TOKEN,
    TOKEN,
    Harness,
    closed_with,
    receive,
    serving,
)

HANDSHAKE = (
    "GET /alertas{query} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n{headers}\r\n"
)
BEARER = f"Authorization: Bearer {TOKEN}\r\n"


@pytest.fixture(autouse=True)
def no_traceback() -> Iterator[None]:
    """Whatever a client does: nothing above a warning is logged, no traceback, no token."""
    records: list[logging.LogRecord] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.name != "websockets.client":  # the tests' own client
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


class TestProtocolAbuse:
    @pytest.mark.parametrize(
        ("bytes_", "code"),
        [
            (frame(1, b'{"type":"' + b"x" * 1_100 + b'"}'), 1009),
            (frame(1, b"x" * 900, fin=False) + frame(0, b"x" * 900), 1009),
            (struct.pack("!BBQ", 0x81, 0xFF, 2**62) + b"\0\0\0\0", 1009),
            (frame(1, b"\xff\xfe"), 1007),
            (frame(1, b"\xed\xa0\x80"), 1007),
            (frame(1, b"x", mask=False), 1002),
            (frame(3, b"x"), 1002),
            (b"\xf1" + frame(1, b"x")[1:], 1002),
            (frame(0, b"x"), 1002),
            (frame(9, b"x" * 126), 1002),
            (frame(8, b"\x03"), 1002),
            (frame(8, struct.pack("!H", 999)), 1002),
            (frame(1, b"x", fin=False) + frame(1, b"y"), 1002),
            (frame(9) * 5_000, 1008),
            (frame(10) * 5_000, 1008),
            (frame(1, b"x") * 1_000, 1008),
            (frame(1, b"", fin=False) + frame(0, b"", fin=False) * 5_000, 1008),
            (frame(8, struct.pack("!H", 1000)), 1000),
        ],
    )
    def test_each_is_closed_with_its_code(self, bytes_: bytes, code: int) -> None:
        async def scenario() -> None:
            async with serving() as house, house.connect() as bystander:
                await receive(bystander)
                sock = await raw_client(house)
                loop = asyncio.get_running_loop()
                try:
                    await loop.sock_sendall(sock, bytes_)
                except OSError:
                    pass  # cut while still talking
                else:
                    assert close_code(await drain(sock)) == code
                sock.close()
                await house.until(lambda: house.audit.of("client_closed"))
                assert house.audit.of("client_closed")[0]["code"] == code
                await still_works(house, bystander)

        run(scenario())

    @pytest.mark.parametrize("seed", range(20))
    def test_random_bytes(self, seed: int) -> None:
        noise = random.Random(seed).randbytes(3_000)

        async def scenario() -> None:
            async with serving() as house, house.connect() as bystander:
                await receive(bystander)
                loop = asyncio.get_running_loop()
                for start in (b"", HANDSHAKE.format(query="", headers=BEARER).encode()):
                    sock = socket.socket()
                    sock.setblocking(False)
                    await loop.sock_connect(sock, ("127.0.0.1", house.server.port))
                    try:
                        await loop.sock_sendall(sock, start + noise)
                        sock.shutdown(socket.SHUT_WR)
                    except OSError:
                        sock.close()
                    else:
                        await drain(sock)
                await still_works(house, bystander)

        run(scenario())

    def test_nonsense_that_is_no_flood_is_ignored(self) -> None:
        async def scenario() -> None:
            async with serving() as house, house.connect() as client:
                await receive(client)
                for text in ("", "[]", '{"type":"x"}', "[" * 1_000, '{"type":["ack"]}', "\x00"):
                    await client.send(text)
                await still_works(house, client)

        run(scenario())

    def test_one_that_says_goodbye_and_stays_is_cut(self) -> None:
        async def scenario() -> None:
            async with serving() as house:
                sock = await raw_client(house)
                await asyncio.get_running_loop().sock_sendall(sock, frame(8, b"\x03\xe8"))
                await house.until(lambda: house.audit.of("client_closed"))
                assert house.audit.of("client_closed")[0]["reset"] is True
                sock.close()

        run(scenario())


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
        monkeypatch.setattr(listen, "OPEN_SECONDS", 0.4)

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
                await house.until(lambda: len(house.server._peers) == 106)
                for sock in socks:
                    sock.close()

        run(scenario())


class TestSlowClients:
    def test_one_that_never_reads_is_closed_and_holds_up_nobody(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(session, "STALL_SECONDS", 0.5)

        async def scenario() -> None:
            async with serving() as house, house.connect() as bystander:
                await receive(bystander)
                stalled = await raw_client(house, receive_buffer=4_096)
                await house.until(lambda: house.server.stats()["clients"] == 2)
                (peer,) = (p for p in house.server._clients if p.visit == 2)
                most = 0
                for _ in range(40):
                    house.publish(50)
                    await asyncio.sleep(0)
                    most = max(most, peer.unsent_bytes)
                assert await stream(bystander, 2_000) == list(range(1, 2_001))
                assert 0 < most <= connection.MAX_UNSENT_BYTES
                await house.until(lambda: house.audit.of("client_closed"))
                (closed,) = house.audit.of("client_closed")
                assert (closed["code"], closed["reason"]) == (1013, "does not read")
                assert closed["reset"] is True
                stalled.close()
                await still_works(house, bystander)

        run(scenario())

    def test_one_that_reads_slowly_gets_everything(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(session, "STALL_SECONDS", 1.0)

        async def scenario() -> None:
            async with serving() as house:
                slow = await raw_client(house, receive_buffer=4_096)
                await house.until(lambda: house.server.stats()["clients"] == 1)
                house.publish(1_500)  # 300 KB, and some ten seconds of stall limits to read them
                loop, data = asyncio.get_running_loop(), b""
                while data.count(b'"type":"alert"') < 1_500:
                    data += await loop.sock_recv(slow, 2_048)
                    await asyncio.sleep(0.005)
                places = [data.find(f'"seq":{seq},'.encode()) for seq in range(1, 1_501)]
                assert places == sorted(places)
                assert -1 not in places
                slow.close()

        run(scenario())

    def test_one_that_vanished_without_a_word(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(session, "PING_SECONDS", 0.4)

        async def scenario() -> None:
            async with serving() as house:
                sock = await raw_client(house)  # reads nothing, answers nothing, does not close
                async with house.connect() as answering:
                    await receive(answering)
                    await house.until(lambda: house.audit.of("client_closed"))
                    (closed,) = house.audit.of("client_closed")
                    assert (closed["code"], closed["reason"]) == (1013, "does not answer pings")
                    await asyncio.sleep(0.5)
                    await still_works(house, answering)
                sock.close()

        run(scenario())

    def test_one_that_stopped_acknowledging(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from runners.live import broadcast

        for module in (session, broadcast):
            monkeypatch.setattr(module, "ACK_LAG_SECONDS", 0.6)

        async def scenario() -> None:
            async with serving() as house, house.connect() as silent, house.connect() as acking:
                house.publish(2)
                await receive(silent, 3)
                await receive(acking, 3)
                await acking.send('{"type":"ack","seq":1}')
                assert await closed_with(acking) == 1013
                await still_works(house, silent)

        run(scenario())

    def test_rude_departures(self) -> None:
        async def scenario() -> None:
            async with serving() as house, house.connect() as bystander:
                await receive(bystander)
                house.publish(2_000)
                for number in range(30):
                    sock = await raw_client(house, query=f"?epoch={EPOCH}&since=0")
                    if number % 3 == 0:
                        linger = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
                        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    elif number % 3 == 1:
                        sock.shutdown(socket.SHUT_WR)
                    sock.close()
                    house.publish(5)
                await house.until(lambda: len(house.audit.of("client_closed")) == 30)
                assert {event["code"] for event in house.audit.of("client_closed")} == {1006}
                assert (await stream(bystander, 2_150))[-1] == 2_150

        run(scenario())

    def test_pings_from_one_that_is_gone_do_not_fill_the_log(self) -> None:
        """Each pong to it was a system call and a warning: half a million lines in ten seconds."""

        async def scenario() -> None:
            async with serving() as house:
                loop = asyncio.get_running_loop()
                for _ in range(20):
                    sock = await raw_client(house)
                    linger = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    await loop.sock_sendall(sock, frame(9) * 700)
                    sock.close()
                await house.until(lambda: len(house.audit.of("client_closed")) == 20)

        run(scenario())

    def test_a_client_that_reads_after_being_closed_learns_why(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(session, "STALL_SECONDS", 0.5)

        async def scenario() -> None:
            async with serving() as house:
                client = await house.connect(max_queue=1)
                await house.until(lambda: house.server.stats()["clients"] == 1)
                house.publish(3_000)
                (peer,) = house.server._clients
                await house.until(lambda: peer.closed_by_us is not None)
                with pytest.raises(ConnectionClosed):
                    await stream(client, 3_000)
                assert client.close_code == 1013
                assert json.loads(json.dumps(client.close_reason)) == "does not read"

        run(scenario())
