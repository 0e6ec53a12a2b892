"""Plain HTTP on the WebSocket's port, the port itself, and TLS."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from alertlib.errors import BusyError
from tests.support.websocket_server import OTHER_TOKEN, Harness, receive, run, serving


async def fetch(house: Harness, request: str) -> tuple[list[str], bytes]:
    """Return the response's head, in lines, and its body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", house.server.port)
    writer.write(request.encode())
    head, _, body = (await asyncio.wait_for(reader.read(), 5)).partition(b"\r\n\r\n")
    writer.close()
    return head.decode().split("\r\n"), body


class TestHttp:
    @pytest.mark.parametrize(
        ("request_", "status"),
        [
            ("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n", "200 OK"),
            ("GET /health HTTP/1.0\r\n\r\n", "200 OK"),
            ("GET /metrics HTTP/1.1\r\n\r\n", "200 OK"),
            ("GET / HTTP/1.1\r\n\r\n", "200 OK"),
            ("GET /alertas HTTP/1.1\r\n\r\n", "426 Upgrade Required"),
            ("GET /nothing HTTP/1.1\r\n\r\n", "404 Not Found"),
            ("POST /health HTTP/1.1\r\n\r\n", "405 Method Not Allowed"),
            ("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", "405 Method Not Allowed"),
            (
                "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                "405 Method Not Allowed",
            ),
            ("DELETE /health HTTP/1.1\r\n\r\n", "405 Method Not Allowed"),
            ("HEAD / HTTP/1.1\r\n\r\n", "405 Method Not Allowed"),
        ],
    )
    def test_status(self, request_: str, status: str, tmp_path: Path) -> None:
        page = tmp_path / "index.html"
        page.write_text("<h1>Alertas ✓</h1>", encoding="utf-8")

        async def scenario() -> None:
            async with serving(page=page) as house:
                head, body = await fetch(house, request_)
                assert head[0] == f"HTTP/1.1 {status}"
                assert ("Allow: GET" in head) == status.startswith("405")
                assert f"Content-Length: {len(body)}" in head
                if request_.startswith("GET / "):
                    assert body.decode() == "<h1>Alertas ✓</h1>"

        run(scenario())

    def test_no_plain_request_takes_a_client_s_place(self) -> None:
        async def scenario() -> None:
            async with serving(max_connections=1) as house, house.connect() as client:
                await receive(client)
                for _ in range(5):
                    head, _ = await fetch(house, "GET /health HTTP/1.1\r\n\r\n")
                    assert head[0] == "HTTP/1.1 200 OK"
                with pytest.raises(InvalidStatus, match="503"):
                    await house.connect(token=OTHER_TOKEN)

        run(scenario())


class TestPort:
    def test_a_second_server_leaves_the_first_unharmed(self) -> None:
        async def scenario() -> None:
            async with serving(host="localhost") as house:
                assert len(house.server.servers) in (1, 2)
                with pytest.raises(BusyError, match=r"port \d+ on localhost is in use.*--port"):
                    async with serving(host="localhost", port=house.server.port):
                        pass
                async with house.connect() as client:
                    assert (await receive(client))[0]["type"] == "welcome"

        run(scenario())

    def test_ipv6_loopback(self) -> None:
        async def scenario() -> None:
            async with serving(host="localhost") as house:
                if len(house.server.servers) == 1:
                    pytest.skip("this machine has no IPv6 loopback")
                reader, writer = await asyncio.open_connection("::1", house.server.port)
                writer.write(b"GET /health HTTP/1.1\r\n\r\n")
                assert (await reader.read()).startswith(b"HTTP/1.1 200 OK\r\n")
                writer.close()

        run(scenario())
