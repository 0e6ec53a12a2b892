"""What strangers and neighbours may not take from clients: sockets, places, the audit's disk."""

from __future__ import annotations

import asyncio
import itertools
import json
import socket
from collections.abc import Iterator

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus

from runners.live.websocket.server import SPARE_SOCKETS
from tests.support.websocket_server import TOKEN, closed_with, receive, run, serving


class TestSilence:
    def test_silent_sockets_shut_nobody_out(self) -> None:
        async def scenario() -> None:
            async with serving(max_connections=5) as house:
                limit = 2 * 5 + SPARE_SOCKETS
                silent = []
                for _ in range(2 * limit):
                    _, writer = await asyncio.open_connection("127.0.0.1", house.server.port)
                    silent.append(writer)
                for _ in range(20):
                    async with house.connect() as client:
                        assert (await receive(client))[0]["type"] == "welcome"
                rejected = house.metrics.value(
                    "alertas_websocket_rejected_total", reason="no_socket_left"
                )
                assert rejected >= limit
                await house.until(lambda: len(house.server._crowd.peers) <= limit)
                for writer in silent:
                    writer.close()
            (first, rest) = house.audit.of("client_rejected")
            assert (first["reason"], first["count"] + rest["count"]) == ("no_socket_left", rejected)

        run(scenario())

    def test_places_held_without_credentials_are_given_to_whoever_comes(self) -> None:
        async def scenario() -> None:
            async with serving(max_connections=5) as house:
                pending = [await house.connect(token=None) for _ in range(5)]
                for _ in range(4):
                    client = await house.connect(token=None)
                    await client.send(json.dumps({"type": "auth", "token": TOKEN}))
                    assert (await receive(client))[0]["type"] == "welcome"
                assert [await closed_with(each) for each in pending[:4]] == [1013] * 4
                assert house.server._door.roster.taken == 5
                reason = "no_place_left"
                assert house.metrics.value("alertas_websocket_rejected_total", reason=reason) == 4

        run(scenario())

    def test_clients_do_not_make_room(self) -> None:
        async def scenario() -> None:
            async with serving(max_connections=2) as house:
                clients = [await house.connect() for _ in range(2)]
                for token in (TOKEN, None):
                    assert await status_of(house.connect(token=token)) == 503
                house.publish()
                for client in clients:
                    assert [m["type"] for m in await receive(client, 2)] == ["welcome", "alert"]

        run(scenario())


class TestActions:
    @staticmethod
    async def _flood(client: ClientConnection, numbers: Iterator[int]) -> int | None:
        """Act on a hundred alerts; return how the server closes, None if it does not."""
        try:
            await receive(client)
            for number in itertools.islice(numbers, 100):
                action = {"type": "action", "id": f"a{number}", "action": "ignored"}
                await client.send(json.dumps(action))
            await client.send(json.dumps({"type": "bars", "symbol": "", "timeframe": ""}))
            while (await receive(client))[0]["type"] != "bars":
                pass  # told of its own actions
        except ConnectionClosed:
            return client.close_code
        return None

    def test_a_token_cannot_fill_the_audit(self) -> None:
        """However many connections it opens; other names are not held back by it."""

        async def scenario() -> None:
            numbers = itertools.count()
            async with serving(messages_per_second=1000.0) as house:
                codes = []
                for _ in range(4):
                    async with house.connect() as client:
                        codes.append(await self._flood(client, numbers))
                assert codes[1:] == [1008] * 3
                assert 120 <= len(house.audit.actions) <= 130

        run(scenario())


class TestProxy:
    def test_audit_and_limits_see_who_is_behind_it(self) -> None:
        async def scenario() -> None:
            async with serving(trusted_proxies=("127.0.0.1",)) as house:
                behind = {"X-Forwarded-For": "6.6.6.6, 192.0.2.7"}
                async with house.connect(headers=behind) as client:
                    await receive(client)
                for _ in range(20):
                    await status_of(house.connect(token="wrong", headers=behind))
                neighbour = {"X-Forwarded-For": "192.0.2.8"}
                assert await status_of(house.connect(token="wrong", headers=neighbour)) == 401
            (connected,) = house.audit.of("client_connected")
            assert connected["address"] == "192.0.2.7"
            addresses = {each["address"] for each in house.audit.of("client_rejected")}
            assert addresses == {"192.0.2.7"}

        run(scenario())

    def test_metrics_need_a_token_behind_one(self) -> None:
        async def scenario() -> None:
            settings = ({"trusted_proxies": ("10.0.0.1",)}, {"origins": ("https://desk.example",)})
            for each in settings:
                async with serving(**each) as house:
                    assert await plain(house.server.port, "/metrics") == 401
                    assert await plain(house.server.port, "/metrics", TOKEN) == 200
                    assert await plain(house.server.port, "/health") == 200
            async with serving(origins=("http://desk.example",)) as house:
                assert await plain(house.server.port, "/metrics") == 200

        run(scenario())


class TestOwnAddresses:
    def test_a_page_on_any_own_address_may_connect(self) -> None:
        """With ``--host 0.0.0.0`` the page loaded and its socket was refused."""

        async def scenario() -> None:
            async with serving(host="0.0.0.0", allow_remote=True) as house:
                port = house.server.port
                for host in ("127.0.0.1", "localhost"):
                    page = {"Origin": f"http://{host}:{port}"}
                    async with house.connect(headers=page) as client:
                        await receive(client)
                for origin in (f"http://192.0.2.1:{port}", f"http://desk:{port}"):
                    assert await status_of(house.connect(headers={"Origin": origin})) == 403
                if (own := own_address()) is not None:
                    page = {"Origin": f"http://{own}:{port}"}
                    house.host = own
                    async with house.connect(headers=page) as client:
                        await receive(client)

        run(scenario())


def own_address() -> str | None:
    """An address of this machine other than loopback; None if it has no network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect(("192.0.2.1", 9))  # sends nothing
        except OSError:
            return None
        return str(sock.getsockname()[0])


async def status_of(connecting: object) -> int:
    try:
        client = await connecting  # type: ignore[misc]
    except InvalidStatus as refused:
        return int(refused.response.status_code)
    await client.close()
    return 101


async def plain(port: int, path: str, token: str | None = None) -> int:
    """Return the status of a plain request."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    bearer = "" if token is None else f"Authorization: Bearer {token}\r\n"
    writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{bearer}\r\n".encode())
    status = int((await reader.readline()).split()[1])
    writer.close()
    return status
