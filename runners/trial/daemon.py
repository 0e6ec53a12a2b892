"""A daemon in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alertlib.errors import AlertlibError
from runners._main import INTERNAL
from runners.trial.settings import TOKEN


class Daemon:
    """A running daemon."""

    def __init__(self, process: subprocess.Popen[str], ready: dict[str, Any]) -> None:
        self.process, self.ready = process, ready

    @property
    def url(self) -> str:
        """Address of its WebSocket."""
        return f"ws://127.0.0.1:{self.ready['port']}/alertas"

    def health(self) -> dict[str, Any]:
        """Return what /health says."""
        url = f"http://127.0.0.1:{self.ready['port']}/health"
        with urllib.request.urlopen(url, timeout=10) as answer:
            found: dict[str, Any] = json.load(answer)
        return found

    def metrics(self, name: str) -> dict[str, float]:
        """Return the samples of one metric by their labels."""
        url = f"http://127.0.0.1:{self.ready['port']}/metrics"
        with urllib.request.urlopen(url, timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        found = (line.rsplit(" ", 1) for line in lines if line.startswith(name + "{"))
        return {labels.partition("{")[2].rstrip("}"): float(value) for labels, value in found}

    def rss(self) -> float | None:
        """Return its resident memory in MB; None where there is no /proc."""
        status = Path(f"/proc/{self.process.pid}/status")
        if not status.exists():
            return None
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1_000


class NotStartedError(AlertlibError):
    """A daemon that ended before it was ready; it says why, and with its own exit status."""

    def __init__(self, status: int, log: str) -> None:
        last = (log.strip().splitlines() or ["it said nothing"])[-1]
        super().__init__(f"the daemon to measure did not start: {last.removeprefix('error: ')}")
        self.exit_status = status if status > 0 else INTERNAL


@contextmanager
def daemon(folder: Path, config: str, *options: str) -> Iterator[Daemon]:
    """Start a daemon for the length of a block."""
    path = folder / "alertas.yaml"
    path.write_text(config)
    log = folder / "daemon.log"
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "runners.live", "--config", str(path), "--port", "0",
             "--db", str(folder / "alerts.db"), *options],
            env={**os.environ, "WEBSOCKET_TOKEN": f"bench:{TOKEN}"},
            stdout=subprocess.PIPE, stderr=errors, text=True,
        )  # fmt: skip
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line.startswith("READY "):
        process.stdout.close()
        raise NotStartedError(process.wait(30), log.read_text(errors="replace"))
    try:
        yield Daemon(process, json.loads(line.removeprefix("READY ")))
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        process.stdout.close()
