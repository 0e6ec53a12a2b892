"""TLS, and the sizes of buffers, on real connections."""

from __future__ import annotations

import asyncio
import shutil
import socket
import ssl
import subprocess
from asyncio import sslproto
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from alertlib.errors import ConfigError
from runners.client import AlertClient
from runners.live.websocket import listening
from tests.support.websocket_server import TOKEN, receive, run, serving


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-signed certificate for localhost, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl command to make a certificate with")
    folder = tmp_path_factory.mktemp("tls")
    paths = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=localhost"),
            *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
            *("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
            *("-out", str(paths[0]), "-keyout", str(paths[1])),
        ],
        check=True,
        capture_output=True,
    )
    return paths


@pytest.fixture
def original_tls_buffers() -> Iterator[None]:
    """Put asyncio's size back afterwards."""
    size = sslproto.SSLProtocol.max_size
    yield
    sslproto.SSLProtocol.max_size = size


@pytest.mark.usefixtures("original_tls_buffers")
class TestTls:
    def test_clients_over_tls_with_small_buffers(self, certificate: tuple[Path, Path]) -> None:
        trust = ssl.create_default_context(cafile=str(certificate[0]))

        async def scenario() -> None:
            async with serving(tls=listening.tls_context(*certificate)) as house:
                url = f"wss://127.0.0.1:{house.server.port}/alertas"
                headers = {"Authorization": f"Bearer {TOKEN}"}
                async with connect(url, ssl=trust, additional_headers=headers) as client:
                    assert (await receive(client))[0]["type"] == "welcome"
                    (peer,) = house.server._clients
                    # The whole point of the private attribute: 256 KiB would show here.
                    protocol = vars(peer.transport)["_ssl_protocol"]
                    assert len(protocol._ssl_buffer) == listening.TLS_BUFFER
                    house.publish(2_000)
                    messages = await receive(client, 2_000)
                    assert [message["seq"] for message in messages] == list(range(1, 2_001))
                async with AlertClient(url, TOKEN, window=True, tls=trust) as alerts:
                    assert (await anext(alerts)).seq == 1

        run(scenario())

    def test_plain_talk_to_a_tls_port(self, certificate: tuple[Path, Path]) -> None:
        async def scenario() -> None:
            async with serving(tls=listening.tls_context(*certificate)) as house:
                reader, writer = await asyncio.open_connection("127.0.0.1", house.server.port)
                writer.write(b"GET /health HTTP/1.1\r\n\r\n")
                try:
                    answer = await asyncio.wait_for(reader.read(), 5)
                except ConnectionResetError:
                    answer = b""
                assert b"HTTP" not in answer
                writer.close()

        run(scenario())

    def test_this_python_keeps_the_size_where_we_change_it(self) -> None:
        assert listening.shrink_tls_buffers()
        assert sslproto.SSLProtocol.max_size == listening.TLS_BUFFER

    def test_a_python_that_does_not_is_served_all_the_same(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delattr(sslproto.SSLProtocol, "max_size")
        assert not listening.shrink_tls_buffers()
        monkeypatch.undo()

    def test_files_that_are_no_certificate(self, tmp_path: Path) -> None:
        (tmp_path / "a").write_text("nonsense", encoding="ascii")
        with pytest.raises(ConfigError, match=r"certificate .*a with key .*expected a PEM"):
            listening.tls_context(tmp_path / "a", tmp_path / "a")
        with pytest.raises(ConfigError, match=r"No such file.*expected a PEM"):
            listening.tls_context(tmp_path / "b", tmp_path / "b")


class TestSockets:
    def test_accepted_connections_have_small_kernel_buffers(self) -> None:
        async def scenario() -> None:
            async with serving() as house, house.connect() as client:
                await receive(client)
                (peer,) = house.server._clients
                sock = peer.transport.get_extra_info("socket")
                size = sock.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
                assert listening.SEND_BUFFER <= size <= 2 * listening.SEND_BUFFER

        run(scenario())

    def test_addresses_that_are_not_ours(self) -> None:
        with pytest.raises(ConfigError, match=r"cannot listen on 192\.0\.2\.77 port 0"):
            listening.bind("192.0.2.77", 0)
        with pytest.raises(ConfigError, match="cannot listen on no-such-host"):
            listening.bind("no-such-host.invalid", 0)

    def test_one_port_for_both_families(self) -> None:
        for _ in range(20):
            sockets = listening.bind("localhost", 0)
            assert len({sock.getsockname()[1] for sock in sockets}) == 1
            for sock in sockets:
                sock.close()
