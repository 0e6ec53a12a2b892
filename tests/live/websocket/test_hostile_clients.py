"""Clients that flood, stall, break the protocol or vanish; the others must not notice."""

from __future__ import annotations

import asyncio
import json
import os
import random
import socket
import struct

import pytest
from websockets.exceptions import ConnectionClosed

from runners.live.websocket import connection, session
from tests.support.hostile_client import (
    BEARER,
    HANDSHAKE,
    close_code,
    drain,
    frame,
    no_traceback,
    raw_client,
    short_goodbye,
    still_works,
)
from tests.support.websocket_server import EPOCH, closed_with, receive, run, serving, stream

__all__ = ["no_traceback", "short_goodbye"]  # fixtures, used by every test here


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
        from runners.live.websocket import broadcast

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
