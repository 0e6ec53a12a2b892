"""Where a rehearsal happens: a folder, and commands of the installed version run in it."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.error
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from runners.rehearsal.checklist import FailedCheck, require
from runners.rehearsal.installing import Installed, clean_environment, reason
from runners.trial.daemon import Daemon

WAIT_SECONDS = 90.0
COMMAND_SECONDS = 300.0
_LOOK_SECONDS = 0.05


class Look(NamedTuple):
    """What /health said once."""

    status: int
    reasons: tuple[str, ...]


class Stage:
    """Runs commands and daemons of one installed version.

    Parameters
    ----------
    home : path
        Commands are run in it.
    installed : Installed
    secrets : mapping
        Added to an environment that knows nothing of this one's settings.

    Attributes
    ----------
    looks : list of Look
        What /health said whenever it was asked.
    stops : list of int
        Exit statuses of daemons that were asked to stop.
    slowest_stop : float
        Seconds.
    peak : float
        Most memory, MB, any daemon had; 0 where nothing tells.
    """

    def __init__(self, home: Path, installed: Installed, secrets: Mapping[str, str]) -> None:
        self.home, self.installed = home, installed
        self.looks: list[Look] = []
        self.stops: list[int] = []
        self.slowest_stop = 0.0
        self.peak = 0.0
        self._environment = clean_environment() | dict(secrets)

    def run(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        command = [self.installed.python, "-m", f"runners.{name}", *arguments]
        try:
            return subprocess.run(
                command, cwd=self.home, env=self._environment, capture_output=True, text=True,
                encoding="utf-8", check=False, timeout=COMMAND_SECONDS, stdin=subprocess.DEVNULL,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise FailedCheck(f"runners.{name}: not ended after {COMMAND_SECONDS:.0f} s") from error

    def demand(self, name: str, *arguments: str) -> str:
        """Run a command that has to end with 0, and return its stdout."""
        done = self.run(name, *arguments)
        shown = f"runners.{name} {arguments[0] if arguments else ''}".strip()
        require(done.returncode == 0, f"{shown}: exit {done.returncode}: {reason(done)}")
        return done.stdout

    def daemon(self, database: Path, *options: str) -> Daemon:
        """Start a daemon; its log goes beside the database."""
        return Daemon(
            database, options, database.with_suffix(".log"),
            python=self.installed.python, folder=self.home, env=self._environment,
        )  # fmt: skip

    def health(self, running: Daemon) -> dict[str, Any]:
        """Ask /health, and note what it says and how much memory the daemon has needed."""
        self.peak = max(self.peak, running.peak_megabytes() or 0.0)
        try:
            said = running.health()
        except urllib.error.HTTPError as error:
            with error:
                said = json.loads(error.read())
            self.looks.append(Look(error.code, tuple(map(str, said["reasons"]))))
        except OSError as error:
            raise FailedCheck(f"/health: no answer ({error})") from error
        else:
            self.looks.append(Look(200, tuple(map(str, said["reasons"]))))
        return said

    def stop(self, running: Daemon) -> None:
        """Have a daemon drain and end."""
        begun = time.monotonic()
        try:
            self.stops.append(running.stop())
        except subprocess.TimeoutExpired as error:
            raise FailedCheck(
                f"a daemon did not stop in {error.timeout:.0f} s, expected 10 s at most"
            ) from error
        self.slowest_stop = max(self.slowest_stop, time.monotonic() - begun)


def wait(what: str, condition: Callable[[], object], seconds: float = WAIT_SECONDS) -> None:
    """Wait until a condition holds; a check fails that waits in vain."""
    deadline = time.monotonic() + seconds
    while not condition():
        require(time.monotonic() < deadline, f"waited {seconds:.0f} s in vain for {what}")
        time.sleep(_LOOK_SECONDS)
