"""The port and its sockets, for real."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from alertlib.errors import ConfigError
from runners.live.websocket import listening
from tests.support.websocket_server import receive, run, serving


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
        for host in ("a" * 64, "é..x"):
            with pytest.raises(ConfigError, match="this can be no name of a host; expected an"):
                listening.bind(host, 0)

    def test_one_port_for_both_families(self) -> None:
        for _ in range(20):
            sockets = listening.bind("localhost", 0)
            assert len({sock.getsockname()[1] for sock in sockets}) == 1
            for sock in sockets:
                sock.close()


def test_the_metadata_of_packages_is_not_loaded_with_websockets() -> None:
    """A megabyte of the daemon's memory, which only builds of its authors need."""
    code = (
        "import sys, runners.live.websocket.server\n"
        "assert 'importlib.metadata' not in sys.modules\n"
        "from importlib.metadata import version\n"
        "import websockets\n"
        "assert websockets.version.version == version('websockets')\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
