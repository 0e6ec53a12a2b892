"""The disk fills up under the daemon: clients and operators are told, and nothing is lost."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from tests.support.running import ENV, SAMPLE, Running, alerts_of, assert_same, expected_alerts

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux limits the files of a running process"
)


def test_a_full_disk_is_told_and_outlasted(tmp_path: Path) -> None:
    import resource

    bars = ("--feed", "replay", "--bars", str(SAMPLE), "--speed", "30000")
    watching = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    watching.bind(str(tmp_path / "notify"))
    watching.settimeout(10.0)
    supervised = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "200000"}
    with watching, Running(tmp_path, *bars, env=ENV | supervised) as daemon:
        daemon.until(lambda: daemon.health()[1]["seq"] > 3)
        pid, limit = daemon.process.pid, resource.RLIMIT_FSIZE
        before = resource.prlimit(pid, limit)
        resource.prlimit(pid, limit, (20_000, before[1]))
        _, health = daemon.until(lambda: (got := daemon.health())[0] == 503 and got)
        assert health["reasons"][0].startswith(
            f"store: {daemon.database.resolve()}: the disk is full"
        )
        assert _fed_anew(watching), "a watchdog that stops would have the daemon killed"
        resource.prlimit(pid, limit, before)

        def is_well() -> bool:
            try:
                now = daemon.health()
            except OSError:
                return False  # between the two runs
            return now[0] == 200 and now[1]["seq"] > health["seq"] + 3

        daemon.until(is_well, 30.0)
        assert daemon.signal("SIGTERM") == 0
    assert daemon.rest_of_stdout == "", "READY is said once"
    assert [line["message"] for line in daemon.log].count("store failed") == 1
    with Running(tmp_path, *bars[:-1], "0", "--exit-at-end") as daemon:
        assert daemon.wait() == 0
    assert_same(alerts_of(daemon.database), expected_alerts(SAMPLE))


def _fed_anew(sock: socket.socket) -> bool:
    """Whether the watchdog is fed from now on, what lies in the socket left out."""
    sock.setblocking(False)
    try:
        while sock.recv(500):
            pass
    except BlockingIOError:
        sock.settimeout(10.0)
    return sock.recv(500) == b"WATCHDOG=1"
