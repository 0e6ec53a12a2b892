"""TLS on real connections: its certificate, its renewal, its size."""

from __future__ import annotations

import asyncio
import json
import re
import ssl
import time
import urllib.request
from asyncio import sslproto
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from alertlib.errors import ConfigError
from runners.client import AlertClient
from runners.live.websocket import listening, tls
from tests.support.certificates import expire, make_certificate
from tests.support.running import SAMPLE, Running, write_config
from tests.support.running import TOKEN as RUNNING_TOKEN
from tests.support.running import run as command
from tests.support.websocket_server import TOKEN, receive, run, serving


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for localhost, and its key."""
    return make_certificate(tmp_path_factory.mktemp("tls"), "localhost")


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
            async with serving(tls=tls.tls_context(*certificate)) as house:
                url = f"wss://127.0.0.1:{house.server.port}/alertas"
                headers = {"Authorization": f"Bearer {TOKEN}"}
                async with connect(url, ssl=trust, additional_headers=headers) as client:
                    assert (await receive(client))[0]["type"] == "welcome"
                    (peer,) = house.server._clients
                    # The whole point of the private attribute: 256 KiB would show here.
                    protocol = vars(peer.transport)["_ssl_protocol"]
                    assert len(protocol._ssl_buffer) == tls.TLS_BUFFER
                    house.publish(2_000)
                    messages = await receive(client, 2_000)
                    assert [message["seq"] for message in messages] == list(range(1, 2_001))
                async with AlertClient(url, TOKEN, window=True, tls=trust) as alerts:
                    assert (await anext(alerts)).seq == 1

        run(scenario())

    def test_plain_talk_to_a_tls_port(self, certificate: tuple[Path, Path]) -> None:
        async def scenario() -> None:
            async with serving(tls=tls.tls_context(*certificate)) as house:
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
        assert tls.shrink_tls_buffers()
        assert sslproto.SSLProtocol.max_size == tls.TLS_BUFFER

    def test_a_python_that_does_not_is_served_all_the_same(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delattr(sslproto.SSLProtocol, "max_size")
        assert not tls.shrink_tls_buffers()
        monkeypatch.undo()

    def test_a_renewed_certificate_is_shown_without_a_restart(self, tmp_path: Path) -> None:
        """Also where the key is of another kind than before."""
        paths = make_certificate(tmp_path, "localhost")
        current = tls.Certificate(*map(str, paths))

        async def shown(port: int) -> bytes:
            trust = ssl.create_default_context(cafile=str(paths[0]))
            _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trust)
            found: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
            writer.close()
            return found

        async def scenario() -> None:
            async with serving(tls=current.context) as house:
                before = await shown(house.server.port)
                assert not current.renew()
                make_certificate(tmp_path, "localhost", kind="rsa:2048")
                assert current.renew()
                renewed = await shown(house.server.port)
                assert renewed != before
                assert ssl.DER_cert_to_PEM_cert(renewed) == paths[0].read_text()
                # Half written: the certificate is new, the key is not. The last pair stays.
                key = paths[1].read_bytes()
                make_certificate(tmp_path, "localhost")
                new_key = paths[1].read_bytes()
                paths[1].write_bytes(key)
                assert not current.renew()
                paths[1].write_bytes(new_key)
                assert current.renew()

        run(scenario())

    def test_a_certificate_that_clients_refuse_is_trouble(self, tmp_path: Path) -> None:
        now, day = time.time(), 86_400.0
        paths = tuple(map(str, make_certificate(tmp_path, "localhost")))
        current = tls.Certificate(*paths)
        assert current.trouble(now) == ""
        assert re.match(r"expired on \d{4}-\d\d-\d\d .*renew it", current.trouble(now + 3 * day))
        assert "correct this machine's clock" in current.trouble(now - day)
        # Once renewed it is well again; a pair that does not fit is told while the old one lasts.
        make_certificate(tmp_path, "localhost", kind="rsa:2048", days=30)
        assert current.renew()
        assert current.trouble(now + 3 * day) == ""
        Path(paths[1]).write_text("half a key", encoding="ascii")
        assert not current.renew()
        assert current.trouble(time.time()).startswith("not renewed: certificate ")

    def test_a_chain_is_known_by_its_first_certificate(self, tmp_path: Path) -> None:
        short = make_certificate(tmp_path, "localhost")
        (tmp_path / "authority").mkdir()
        long = make_certificate(tmp_path / "authority", "authority", days=900)
        chain = tmp_path / "chain.pem"
        chain.write_bytes(short[0].read_bytes() + long[0].read_bytes())
        current = tls.Certificate(str(chain), str(short[1]))
        assert current.trouble(time.time() + 3 * 86_400.0).startswith("expired on")

    def test_a_silent_peer_does_not_hold_a_handshake_open(
        self, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(listening, "OPEN_SECONDS", 0.2)

        async def scenario() -> None:
            async with serving(tls=tls.tls_context(*certificate)) as house:
                reader, writer = await asyncio.open_connection("127.0.0.1", house.server.port)
                with suppress(ConnectionResetError):
                    assert await asyncio.wait_for(reader.read(), 5) == b""
                writer.close()

        run(scenario())

    def test_a_key_with_a_passphrase_is_refused_and_not_asked_for(self, tmp_path: Path) -> None:
        paths = make_certificate(tmp_path, "localhost", passphrase="hunter2")
        with pytest.raises(ConfigError, match="without a passphrase"):
            tls.tls_context(*paths)

    def test_files_that_are_no_certificate(self, tmp_path: Path) -> None:
        (tmp_path / "a").write_text("nonsense", encoding="ascii")
        with pytest.raises(ConfigError, match=r"certificate .*a with key .*expected a PEM"):
            tls.tls_context(tmp_path / "a", tmp_path / "a")
        with pytest.raises(ConfigError, match=r"No such file.*expected a PEM"):
            tls.tls_context(tmp_path / "b", tmp_path / "b")


WSS = """\
data: {{source: {sample}}}
delivery:
  websocket: {{url: "wss://localhost:8765", certificate_file: {cert}, key_file: {key}}}
"""


class TestDaemon:
    def test_a_wss_url_is_served_encrypted(
        self, certificate: tuple[Path, Path], tmp_path: Path
    ) -> None:
        text = WSS.format(sample=SAMPLE, cert=certificate[0], key=certificate[1])
        config = write_config(tmp_path, text)
        trust = ssl.create_default_context(cafile=str(certificate[0]))

        async def scenario(url: str) -> None:
            url = url.replace("ws://127.0.0.1", "wss://localhost")
            async with AlertClient(url, RUNNING_TOKEN, window=True, tls=trust) as alerts:
                assert (await anext(alerts)).seq == 1

        with Running(tmp_path, "--config", config, "--feed", "replay", "--speed", "0") as daemon:
            run(scenario(daemon.url))
            assert daemon.signal("SIGTERM") == 0
            assert daemon.errors == []
        checked = command("live", "--config", config, "--check", "--feed", "replay")
        assert re.search(rf"ok    certificate: {certificate[0]} .*, until 20\d\d-", checked.stdout)

    def test_an_expired_certificate_is_said_and_ends_no_daemon(self, tmp_path: Path) -> None:
        """Nobody could connect while all looked well."""
        expired = make_certificate(tmp_path, "localhost")
        expire(expired)
        config = write_config(tmp_path, WSS.format(sample=SAMPLE, cert=expired[0], key=expired[1]))
        options = ("--config", config, "--feed", "replay", "--speed", "1")
        checked = command("live", "--check", *options, "--db", str(tmp_path / "a.db"))
        assert checked.returncode == 1
        assert f"FAIL  certificate: {expired[0]}: expired on" in checked.stdout
        anybody = ssl.create_default_context()
        anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
        with Running(tmp_path, *options) as daemon:
            url = f"https://localhost:{daemon.ready['port']}/health"
            with urllib.request.urlopen(url, timeout=10, context=anybody) as answer:
                (reason,) = json.load(answer)["reasons"]
            assert reason.startswith("certificate: expired on")
            assert daemon.signal("SIGTERM") == 0
