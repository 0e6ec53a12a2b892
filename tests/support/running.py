"""A daemon in a process of its own, started and ended as its user would."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
TOKEN = "t" * 43
SAMPLE = ROOT / "data" / "sample" / "win_m5.parquet"
REAL = ROOT.parent / "shared" / "data" / "win_n_m5_2020-11_2021-03.parquet"
ENV = {"WEBSOCKET_TOKEN": f"mesa:{TOKEN},risco:{'r' * 43}"}


class Running:
    """``python -m runners.live`` with what it printed and answered."""

    def __init__(self, folder: Path, *options: str, env: Mapping[str, str] = ENV) -> None:
        self.folder = folder
        self.database = folder / "live" / "alerts.db"
        self.ready: dict[str, Any] = {}
        self.log: list[dict[str, Any]] = []
        self.errors: list[str] = []
        self.rest_of_stdout = ""
        self.process = subprocess.Popen(
            command("live", "--db", str(self.database), "--port", "0", *options),
            cwd=ROOT,
            env=environment(env),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        self._reader = threading.Thread(target=self._read_log, daemon=True)
        self._reader.start()

    def __enter__(self) -> Running:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line.startswith("READY "):
            raise AssertionError(f"not ready: {line!r}, status {self.wait()}, {self.errors}")
        self.ready = json.loads(line.removeprefix("READY "))
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.wait()

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.ready['port']}/alertas"

    def wait(self, seconds: float = 20.0) -> int:
        """Wait for the end and return the exit status."""
        status = self.process.wait(seconds)
        self._reader.join(5.0)
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        if not self.process.stdout.closed:
            self.rest_of_stdout = self.process.stdout.read()
            self.process.stdout.close()
            self.process.stderr.close()
        return status

    def signal(self, name: str) -> int:
        """Send a signal and return the exit status."""
        self.process.send_signal(getattr(signal, name))
        return self.wait()

    def get(self, path: str) -> tuple[int, str]:
        """Return status and body of a plain request."""
        url = f"http://127.0.0.1:{self.ready['port']}{path}"
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def health(self) -> tuple[int, dict[str, Any]]:
        status, body = self.get("/health")
        return status, json.loads(body)

    def until(self, condition: Any, seconds: float = 20.0) -> Any:
        """Return the first true value of ``condition()``."""
        return until(condition, seconds)

    def _read_log(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            try:
                self.log.append(json.loads(line))
            except ValueError:
                self.errors.append(line.rstrip())


def until(condition: Any, seconds: float = 20.0) -> Any:
    """Return the first true value of ``condition()``; fail if there is none in time."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
    return value


def command(name: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", f"runners.{name}", *arguments]


def environment(env: Mapping[str, str]) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("ALERTAS_", "WEBSOCKET_"))}
    return kept | dict(env)


def run(
    name: str, *arguments: str, env: Mapping[str, str] = ENV
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        command(name, *arguments), cwd=ROOT, env=environment(env), text=True, encoding="utf-8",
        capture_output=True, timeout=60, check=False,
    )  # fmt: skip


def events(database: Path, *kinds: str) -> list[dict[str, Any]]:
    """Return the audit events of these kinds, of all if none is named; the chain must hold."""
    verified = run("audit", "verify", "--db", str(database))
    assert verified.returncode == 0, verified.stdout + verified.stderr
    lines = run("audit", "export", "--db", str(database)).stdout.splitlines()
    found = [json.loads(line) for line in lines]
    return [event for event in found if not kinds or event["kind"] in kinds]


def write_config(folder: Path, text: str) -> str:
    """Write a configuration and return its path."""
    path = folder / "alertas.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def alerts_of(database: Path) -> list[dict[str, Any]]:
    """Return the audited alerts in order, checked to be numbered without a gap."""
    alerts = [event["data"] for event in events(database, "alert")]
    assert [alert["seq"] for alert in alerts] == list(range(1, len(alerts) + 1))
    return alerts


def without_times(alert: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of an alert may not differ between two runs."""
    return {k: v for k, v in alert.items() if k not in ("seq", "detected_at")}


def expected_alerts(path: Path, symbol: str = "WIN$N", config: Any = None) -> list[dict[str, Any]]:
    """Return the alerts of the backtest's table, its fields as the messages have them."""
    import alertlib as al

    run_ = al.backtest(al.read_bars(path, symbol=symbol), config or al.load_config())
    return [
        row | {"bar_time": row["bar_time"].isoformat()} for row in run_.alerts.iter_rows(named=True)
    ]


def assert_same(live: Sequence[Mapping[str, Any]], table: Sequence[Mapping[str, Any]]) -> None:
    """Hold messages against rows of the backtest's table, bit for bit."""
    names = ("id", "pattern", "direction", "severity", "confidence", "price", "entry_min",
             "entry_max", "stop", "target", "risk_reward")  # fmt: skip
    assert [a["id"] for a in live] == [row["id"] for row in table]
    for alert, row in zip(live, table, strict=True):
        assert [alert[name] for name in names] == [row[name] for name in names]
        assert alert["bar_time"].removesuffix("-03:00").removesuffix("-02:00") == row["bar_time"]
