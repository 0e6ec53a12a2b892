"""The running daemon while this machine's clock is set an hour ahead and an hour back."""

from __future__ import annotations

import asyncio
import socket
import time
from pathlib import Path

import polars as pl
import pytest

from alertlib.errors import ConfigError
from runners.client import AlertClient
from tests.support.fake_mt5 import epoch
from tests.support.faketime import MachineClock
from tests.support.running import (
    ENV,
    SAMPLE,
    TOKEN,
    Running,
    alerts_of,
    assert_same,
    events,
    expected_alerts,
    run,
    write_config,
)
from tests.support.smtp_servers import Inbox, real
from tests.support.websocket_server import make_jwt

HOUR = 3_600
SECRET = "s" * 43
DAY = "2024-03-01"
BARS = 3_000


class Visitor:
    """A client that follows until its token is refused or it is told to go."""

    def __init__(self, daemon: Running, token: str) -> None:
        self.client = AlertClient(daemon.url, token)
        self.seen: list[int] = []
        self.task = asyncio.create_task(self._follow())

    async def _follow(self) -> None:
        async with self.client as client:
            async for message in client:
                self.seen.append(message.seq)

    async def leave(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


def token(lasts: float) -> str:
    claims = {"sub": "mesa2", "aud": "alertas", "exp": time.time() + lasts}
    return make_jwt(claims, secret=SECRET.encode())


def mailing(folder: Path, port: int) -> str:
    return write_config(
        folder,
        "delivery:\n  email:\n    enabled: true\n    smtp_host: 127.0.0.1\n"
        f"    smtp_port: {port}\n    security: none\n    recipients: [a@localhost]\n",
    )


def some_bars(folder: Path) -> Path:
    path = folder / "bars.parquet"
    pl.read_parquet(SAMPLE).head(BARS).write_parquet(path)
    return path


async def settled(daemon: Running, count: int) -> None:
    """Wait until so many copies have been delivered and none is left."""

    def is_settled() -> bool:
        text = daemon.get("/metrics")[1]
        copies = 'alertas_delivery_copies_total{channel="email",outcome="delivered"}'
        waiting = 'alertas_delivery_outbox{channel="email"} 0\n'
        return f"{copies} {count}\n" in text and waiting in text

    await asyncio.to_thread(daemon.until, is_settled, 60.0)


async def over_jumps(folder: Path, bars: Path, clock: MachineClock, inbox: Inbox) -> Running:
    """Replay over four jumps, with mail, a watchdog and clients of three kinds."""
    options = ("--feed", "replay", "--bars", str(bars), "--speed", "60000")
    env = ENV | clock.env | {"WEBSOCKET_JWT_SECRET": SECRET}
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(str(folder / "notify"))
        supervisor.settimeout(20.0)
        env |= {"NOTIFY_SOCKET": str(folder / "notify"), "WATCHDOG_USEC": "400000"}
        config = mailing(folder, inbox.port)
        with Running(folder, "--config", config, *options, env=env) as daemon:
            static, long = Visitor(daemon, TOKEN), Visitor(daemon, token(3 * HOUR))
            short = Visitor(daemon, token(HOUR / 2))
            for skew in (HOUR, 0, -HOUR, 0):
                clock.set_by(skew)
                bars_before = daemon.health()[1]["last_bars"]
                for _ in range(4):
                    fed = await asyncio.to_thread(supervisor.recv, 500)
                    assert fed.startswith((b"READY=1", b"WATCHDOG=1"))
                await asyncio.to_thread(
                    daemon.until, lambda b=bars_before: daemon.health()[1]["last_bars"] != b
                )
                assert daemon.health()[0] == 200
                if skew == HOUR:
                    with pytest.raises(ConfigError, match="token"):
                        await short.task
                    short = Visitor(daemon, token(2 * HOUR))
            ended = await asyncio.to_thread(
                daemon.until,
                lambda: (found := daemon.health()[1])["feed"] == "ended" and found,
                90.0,
            )
            await settled(daemon, ended["seq"])
            await asyncio.to_thread(
                daemon.until, lambda: all(v.seen[-1:] == [ended["seq"]] for v in (static, long))
            )
            for visitor in (static, long, short):
                assert visitor.seen == list(range(visitor.seen[0], ended["seq"] + 1))
                assert visitor.client.attempts == 1
                await visitor.leave()
            assert await asyncio.to_thread(daemon.signal, "SIGTERM") == 0
    return daemon


@pytest.mark.slow
def test_a_replay_with_mail_and_clients_goes_on(tmp_path: Path) -> None:
    bars, clock = some_bars(tmp_path), MachineClock(tmp_path)

    async def jump() -> tuple[Running, Inbox]:
        async with real() as inbox:
            inbox.delay = 0.2
            return await over_jumps(tmp_path, bars, clock, inbox), inbox

    daemon, inbox = asyncio.run(jump())
    alerts = alerts_of(daemon.database)
    assert_same(alerts, expected_alerts(bars))
    mailed = [mail["Message-ID"] for mail in inbox.mails if mail["X-Alertas-Kind"] != "notice"]
    assert len(set(mailed)) == len(mailed)
    said = run("audit", "verify", "--db", str(daemon.database)).stdout
    warnings = [line for line in said.splitlines() if line.startswith("warning: ")]
    assert sum("goes back behind" in line for line in warnings) == 2, said
    assert len(warnings) <= 3, said


@pytest.mark.slow
def test_a_terminal_is_followed_bar_by_bar(tmp_path: Path) -> None:
    """Four bars of a minute, the machine's clock wrong at the close of the second and third."""
    clock = MachineClock(tmp_path)
    begun = epoch(f"{DAY} 10:00:40") + 3 * HOUR
    scenario = tmp_path / "scenario.json"
    scenario.write_text('{"now": null, "days": 10, "minutes": 1}')
    off = begun - time.time()
    clock.set_by(off)
    env = ENV | clock.env | {
        "ALERTAS_MT5_MODULE": "tests.support.steady_mt5",
        "FAKE_MT5": str(scenario),
        "STEADY_MT5": str(begun - time.monotonic()),
    }  # fmt: skip
    config = write_config(
        tmp_path,
        "live:\n  poll_seconds: 0.1\npolicy:\n  cooldown_bars: 0\n  rate_limit_per_minute: 0\n"
        'data:\n  timeframe: M1\ndetection:\n  enabled: ["runners.trial.every_bar:every"]\n',
    )

    statuses: set[tuple[int, str]] = set()

    def is_at(daemon: Running, at: str) -> bool:
        status, health = daemon.health()
        statuses.add((status, "; ".join(health["reasons"])))
        bar = health["last_bars"].get("WIN$N M1")
        return bar is not None and bar[11:16] == at

    with Running(tmp_path, "--feed", "mt5", "--config", config, env=env) as daemon:
        daemon.until(lambda: is_at(daemon, "09:59"))
        for minute, skew in enumerate((0, HOUR, -HOUR, 0)):
            clock.set_by(off + skew)
            daemon.until(lambda at=f"10:{minute:02d}": is_at(daemon, at), 90.0)
        assert daemon.signal("SIGTERM") == 0
    assert statuses == {(200, "")}
    alerts = alerts_of(daemon.database)
    assert [alert["bar_time"][11:16] for alert in alerts] == ["10:00", "10:01", "10:02", "10:03"]
    assert not any(alert.get("late") for alert in alerts)
    assert not events(daemon.database, "bar_refused", "feed_gap", "bar_revised")
