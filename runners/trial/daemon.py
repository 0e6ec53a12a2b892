"""A daemon in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alertlib.errors import AlertlibError
from runners._main import INTERNAL
from runners.live.stopping import stop_daemon
from runners.trial.memory import peak_megabytes
from runners.trial.processes import OWN_GROUP
from runners.trial.settings import TOKEN

START_SECONDS = 60.0
STOP_SECONDS = 30.0


class NotStartedError(AlertlibError):
    """A daemon that ended before it was ready; it says why, and with its own exit status."""

    def __init__(self, status: int, log: str) -> None:
        last = (log.strip().splitlines() or ["it said nothing"])[-1]
        super().__init__(f"the daemon to try did not start: {last.removeprefix('error: ')}")
        self.exit_status = status if status > 0 else INTERNAL


class Daemon:
    """A running daemon.

    Parameters
    ----------
    database : path
    options : sequence of str
        Of ``runners.live``, beside ``--db``.
    log : path
        Where its stderr goes, at the end of what is there.
    python : str, optional
        Interpreter of the environment it is installed in.
    folder : path, optional
        To run it in.
    env : mapping, optional
        Its whole environment; this process's, and the trial's token, when left out.

    Raises
    ------
    NotStartedError
        It ended, or was not ready in time.
    """

    def __init__(
        self,
        database: Path,
        options: Sequence[str],
        log: Path,
        *,
        python: str = sys.executable,
        folder: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.database = database
        with log.open("ab") as errors:
            begin = errors.tell()
            self.process = subprocess.Popen(
                [python, "-m", "runners.live", "--db", str(database), *options],
                cwd=folder, env=dict(env or os.environ | {"WEBSOCKET_TOKEN": f"bench:{TOKEN}"}),
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, text=True,
                **OWN_GROUP,
            )  # type: ignore[call-overload]  # fmt: skip
        try:
            self.ready = self._wait_until_ready()
        except BaseException:
            self.kill()
            raise
        if not self.ready:
            status = self.wait()
            raise NotStartedError(status, log.read_bytes()[begin:].decode(errors="replace"))

    def _wait_until_ready(self) -> dict[str, Any]:
        """Return what READY says; nothing if the daemon ended, or was killed for taking so long."""
        timer = threading.Timer(START_SECONDS, self.process.kill)
        timer.start()
        try:
            line = self.process.stdout.readline()
        finally:
            timer.cancel()
        said: dict[str, Any] = json.loads(line[6:]) if line.startswith("READY ") else {}
        return said

    @property
    def url(self) -> str:
        """Address of its WebSocket."""
        return f"ws://127.0.0.1:{self.ready['port']}/alertas"

    def health(self) -> dict[str, Any]:
        """Return what /health says."""
        found: dict[str, Any] = json.loads(self._get("/health"))
        return found

    def metrics(self, name: str) -> dict[str, float]:
        """Return the samples of one metric by their labels."""
        lines = self._get("/metrics").splitlines()
        found = (line.rsplit(" ", 1) for line in lines if line.startswith(name + "{"))
        return {labels.partition("{")[2].rstrip("}"): float(value) for labels, value in found}

    def _get(self, path: str) -> str:
        url = f"http://127.0.0.1:{self.ready['port']}{path}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            body: bytes = answer.read()
        return body.decode()

    def peak_megabytes(self) -> float | None:
        """Return the most resident memory it had so far; None where nothing tells."""
        return peak_megabytes(self.process.pid)

    def wait(self, seconds: float = STOP_SECONDS) -> int:
        """Wait for its end and return the exit status."""
        status: int = self.process.wait(seconds)
        self.process.stdout.close()
        return status

    def stop(self) -> int:
        """Have it drain and end, as its service would; return the exit status."""
        if self.process.poll() is None:
            if os.name == "nt":
                stop_daemon(str(self.database))  # terminating is a kill there
            else:
                self.process.send_signal(signal.SIGTERM)
        return self.wait()

    def kill(self) -> int:
        """End it as a power cut would; return the exit status."""
        self.process.kill()
        return self.wait()


@contextmanager
def daemon(folder: Path, config: str, *options: str) -> Iterator[Daemon]:
    """Start a daemon of this environment for the length of a block."""
    path = folder / "alertas.yaml"
    path.write_text(config, encoding="utf-8")
    running = Daemon(
        folder / "alerts.db",
        ["--config", str(path), "--port", "0", *options],
        folder / "daemon.log",
    )
    with stopped(running):
        yield running


@contextmanager
def stopped(running: Daemon) -> Iterator[Daemon]:
    """Stop a daemon at the end of a block, unless it has ended; kill it if the block fails."""
    try:
        yield running
        if not running.process.stdout.closed:
            running.stop()
    except BaseException:  # a Ctrl-C, too, must leave nothing running
        if not running.process.stdout.closed:
            running.kill()
        raise
