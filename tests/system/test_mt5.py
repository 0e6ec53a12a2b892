"""The daemon on a terminal: closed bars only, outages, revisions, staleness."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from alertlib.config import load_config
from runners.live.feed.base import Position
from runners.live.feed.mt5 import Mt5Feed
from tests.support.fake_mt5 import FakeTerminal, Scenario
from tests.support.running import ENV, Running, events, write_config

DAY = "2024-03-01"
FAST = (
    "live:\n  poll_seconds: 0.02\n  warmup_bars: 300\n"
    "policy:\n  cooldown_bars: 0\n  rate_limit_per_minute: 0\n"
)


class Market:
    """A terminal whose clock the test moves."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.control = folder / "control.json"
        self.state: dict[str, Any] = {}
        scenario = folder / "scenario.json"
        scenario.write_text(json.dumps({"now": f"{DAY} 10:00", "days": 10}))
        self.env = ENV | {
            "ALERTAS_MT5_MODULE": "tests.support.moving_mt5",
            "FAKE_MT5": str(scenario),
            "MOVING_MT5": str(self.control),
        }
        self.config = write_config(folder, FAST)

    def put(self, time: str, **state: Any) -> None:
        """Set the clock of the day, and what else is the matter."""
        self.state = {"now": f"{DAY} {time}", **state}
        partial = self.control.with_suffix(".new")
        partial.write_text(json.dumps(self.state))
        partial.replace(self.control)

    def is_seen(self) -> bool:
        """Whether the feed has told the clock since the last :meth:`put`."""
        seen = self.control.with_suffix(".seen")
        return seen.exists() and seen.read_text() == self.control.read_text()

    @contextmanager
    def daemon(self, *options: str) -> Iterator[Running]:
        with Running(
            self.folder, "--feed", "mt5", "--config", self.config, *options, env=self.env
        ) as daemon:
            yield daemon


def last_bar(daemon: Running) -> str | None:
    bar = daemon.health()[1]["last_bars"].get("WIN$N M5")
    return None if bar is None else bar[11:16]


def expected(until: str) -> list[tuple[str, float, float]]:
    """Return the alerts of the day that a stream warmed up on the same history gives."""
    import alertlib as al
    from runners.mt5.rules import wall_clock

    config = al.load_config(None, {
        "policy.cooldown_bars": 0, "policy.rate_limit_per_minute": 0,
    })  # fmt: skip
    fake = FakeTerminal(Scenario(now=f"{DAY} {until}", days=10))
    stream = al.Stream(config, symbol="WIN$N", timeframe="M5")
    found = []
    rows = fake._source
    start = rows["time"].searchsorted(_epoch("10:00"))
    for row in rows[start - 301 :]:
        if row["time"] + 300 > _epoch(until):
            break
        opened, high, low, close = (float(row[name]) for name in ("open", "high", "low", "close"))
        time, volume = wall_clock(int(row["time"])), int(row["tick_volume"])
        bar = al.Bar(time, opened, high, low, close, volume)
        alerts = stream.on_bar(bar)
        if row["time"] >= _epoch("10:00"):
            found += [(alert.id, alert.price, alert.stop) for alert in alerts]
    return found


def _epoch(time: str) -> int:
    from tests.support.fake_mt5 import epoch

    return epoch(f"{DAY} {time}")


def test_a_day_bar_by_bar_with_an_outage_and_a_kill(tmp_path: Path) -> None:
    market = Market(tmp_path)
    market.put("10:00:10")
    with market.daemon() as daemon:
        daemon.until(lambda: last_bar(daemon) == "09:55")
        assert daemon.health()[1]["seq"] == 0, "history gives no alerts"
        for minute in range(5, 60, 5):
            market.put(f"10:{minute:02d}:01")
            market.put(f"10:{minute:02d}:04")
            daemon.until(lambda at=minute: last_bar(daemon) == f"10:{at - 5:02d}")
        market.put("11:00:10", is_down=True)
        daemon.until(lambda: any(line["message"] == "terminal" for line in daemon.log))
        market.put("12:30:10")
        daemon.until(lambda: last_bar(daemon) == "12:25")
        daemon.process.kill()
    market.put("14:00:10")
    with market.daemon() as daemon:
        daemon.until(lambda: last_bar(daemon) == "13:55")
        assert daemon.signal("SIGTERM") == 0
    alerts = [event["data"] for event in events(daemon.database, "alert")]
    assert [(a["id"], a["price"], a["stop"]) for a in alerts] == expected("14:00")
    late = [a["bar_time"][11:16] for a in alerts if a.get("late")]
    assert late
    assert all(at >= "10:55" for at in late)
    assert not any(a.get("late") for a in alerts if a["bar_time"][11:16] < "10:55")
    gaps = [gap["data"] for gap in events(daemon.database, "feed_gap")]
    assert [gap["first"][11:16] for gap in gaps] == ["10:55", "12:30"]
    assert [gap["last"][11:16] for gap in gaps] == ["12:20", "13:50"]


def test_a_forming_bar_never_counts_and_the_clock_closes_a_quiet_one(tmp_path: Path) -> None:
    market = Market(tmp_path)
    market.put("10:04:59")
    with market.daemon() as daemon:
        daemon.until(lambda: last_bar(daemon) == "09:55")
        market.put("10:05:02")
        daemon.until(lambda: daemon.health()[0] == 200)
        assert last_bar(daemon) in ("09:55", "10:00")
        market.put("10:05:04")
        daemon.until(lambda: last_bar(daemon) == "10:00")


def test_a_revised_bar_is_audited_and_its_alerts_corrected(tmp_path: Path) -> None:
    market = Market(tmp_path)
    market.put("10:00:10")
    with market.daemon() as daemon:
        daemon.until(lambda: last_bar(daemon) == "09:55")
        minute = 600
        while daemon.health()[1]["seq"] == 0:
            minute += 5
            market.put(f"{minute // 60:02d}:{minute % 60:02d}:10")
            at = f"{(minute - 5) // 60:02d}:{(minute - 5) % 60:02d}"
            daemon.until(lambda at=at: last_bar(daemon) == at)
        alerts = daemon.health()[1]["seq"]
        now = f"{minute // 60:02d}:{minute % 60:02d}:20"
        market.put(now, revised={f"{DAY} {at}": {"high": 900_000.0}})
        daemon.until(lambda: daemon.health()[1]["seq"] > alerts)
        daemon.signal("SIGTERM")
    revised = events(daemon.database, "bar_revised")
    original = events(daemon.database, "alert")[-1]["data"]
    data = revised[-1]["data"]
    assert data["id"] == original["id"]
    assert data["changes"]["high"][1] == 900_000.0
    assert data["seq"] == original["seq"] + alerts - original["seq"] + 1
    assert data["revision"] == 1


def test_a_stale_feed_is_unhealthy_in_session_only(tmp_path: Path) -> None:
    market = Market(tmp_path)
    market.put("10:00:10")
    with market.daemon() as daemon:
        daemon.until(lambda: last_bar(daemon) == "09:55")
        assert daemon.health()[0] == 200
        market.put("10:00:10", is_down=True)
        _, health = daemon.until(lambda: (found := daemon.health())[0] == 503 and found, 30.0)
        assert health["status"] == "failing"
        assert health["reasons"][0].startswith("feed: no answer from the terminal")
        market.put("18:40:00")
        daemon.until(lambda: daemon.health()[0] == 200, 30.0)
        daemon.until(lambda: last_bar(daemon) == "18:20")


def test_several_timeframes_are_followed_and_resumed(tmp_path: Path) -> None:
    market = Market(tmp_path)
    market.config = write_config(
        tmp_path, FAST + "data:\n  symbols:\n    - symbol: WIN$N\n      timeframes: [M5, M15]\n"
    )
    market.put("10:00:10")
    with market.daemon() as daemon:
        bars = daemon.until(
            lambda: all(found := list(daemon.health()[1]["last_bars"].values()) or [None]) and found
        )
        assert [bar[11:16] for bar in bars] == ["09:55", "09:45"]
        daemon.process.kill()
    market.put("10:15:10")
    with market.daemon() as daemon:
        wanted = {"WIN$N M5": "10:10", "WIN$N M15": "10:00"}
        daemon.until(
            lambda: {k: v[11:16] for k, v in daemon.health()[1]["last_bars"].items() if v} == wanted
        )


def test_a_worker_that_is_killed_is_replaced(tmp_path: Path) -> None:
    market = Market(tmp_path)
    market.put("10:00:10")
    with market.daemon() as daemon:
        daemon.until(lambda: last_bar(daemon) == "09:55")
        worker = daemon.health()[1]["feed_pid"]
        os.kill(worker, signal.SIGTERM)
        market.put("10:05:10")
        daemon.until(lambda: last_bar(daemon) == "10:00")
        assert daemon.health()[1]["feed_pid"] != worker
        assert daemon.health()[0] == 200


def test_a_stop_does_not_wait_for_a_terminal_that_hangs(tmp_path: Path) -> None:
    market = Market(tmp_path)
    scenario = json.loads((tmp_path / "scenario.json").read_text())
    hang = {"call": "copy_rates_from_pos", "at": 10, "kind": "block", "value": 60}
    (tmp_path / "scenario.json").write_text(json.dumps(scenario | {"faults": [hang]}))
    market.put("10:00:10")
    with market.daemon() as daemon:
        daemon.until(lambda: last_bar(daemon) == "09:55")
        assert daemon.signal("SIGTERM") == 0
    assert events(daemon.database)[-1]["kind"] == "stop"


def test_an_unknown_symbol_stops_the_start(tmp_path: Path) -> None:
    market = Market(tmp_path)
    market.put("10:00:10")
    market.config = write_config(tmp_path, FAST + "data:\n  symbol: WINZ99\n")
    with market.daemon() as daemon:
        assert daemon.wait() == 2
    assert any("WINZ99" in line for line in daemon.errors)


def test_bars_are_late_by_the_clock_that_they_came_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection lost between clock and bars was waited for, and the bars called fresh."""
    market = Market(tmp_path)
    market.put("10:00:10")
    feed = Mt5Feed(load_config(market.config), os.environ | market.env)
    tell = feed._client.clock

    def tell_and_wait(symbol: str) -> tuple[float, int | None]:
        told = tell(symbol)
        market.put("12:30:10")
        return told

    monkeypatch.setattr(feed._client, "clock", tell_and_wait)
    since = datetime.fromisoformat(f"{DAY} 09:50")
    try:
        found = feed._look(("WIN$N", "M5"), Position(since, since, is_warm=True))
    finally:
        asyncio.run(feed.close())

    assert found.bars[-1][1].time == datetime.fromisoformat(f"{DAY} 12:25")
    assert found.now == datetime.fromisoformat(f"{DAY} 12:30:10")


def test_bars_of_a_terminal_ahead_are_refused_and_its_return_brings_the_alerts(
    tmp_path: Path,
) -> None:
    """Three hours ahead for a while, and back: no alert for three hours, and /health was 200."""
    market = Market(tmp_path)
    market.put("10:00:10")
    with market.daemon() as daemon:
        daemon.until(lambda: last_bar(daemon) == "09:55")
        for minute in (5, 10):
            market.put(f"10:{minute:02d}:10", offsets=[[f"{DAY} 10:00", 0]])
            _, health = daemon.until(lambda: (found := daemon.health())[0] == 503 and found)
            assert "+3 h from the exchange's" in health["reasons"][0]
        refused = daemon.until(
            lambda: len(found := events(daemon.database, "bar_refused")) == 2 and found
        )
        assert [one["data"]["bar_time"][11:16] for one in refused] == ["13:00", "13:05"]
        assert last_bar(daemon) == "09:55"
        for minute in range(15, 60, 5):
            market.put(f"10:{minute:02d}:10")
            daemon.until(lambda at=minute: last_bar(daemon) == f"10:{at - 5:02d}")
        assert daemon.health()[0] == 200
        assert daemon.signal("SIGTERM") == 0
    alerts = [event["data"] for event in events(daemon.database, "alert")]
    assert [(a["id"], a["price"], a["stop"]) for a in alerts] == expected("10:55:10")


def test_a_cursor_ahead_of_the_clock_is_a_reason(tmp_path: Path) -> None:
    market = Market(tmp_path)
    market.put("15:00:10")
    with market.daemon() as daemon:
        daemon.until(lambda: last_bar(daemon) == "14:55")
        daemon.process.kill()
    market.put("11:00:10")
    with market.daemon() as daemon:
        _, health = daemon.until(lambda: (found := daemon.health())[0] == 503 and found)
        assert "WIN$N M5 is ahead of the clock" in health["reasons"][0]
        assert daemon.signal("SIGTERM") == 0


@pytest.mark.parametrize("skew", [3_600.0, -3_600.0])
def test_a_machine_clock_that_jumps_an_hour_changes_no_alert(tmp_path: Path, skew: float) -> None:
    market = Market(tmp_path)
    market.put("10:00:10")
    with market.daemon() as daemon:
        daemon.until(lambda: last_bar(daemon) == "09:55")
        for minute in range(5, 60, 5):
            market.put(f"10:{minute - 1:02d}:56")
            daemon.until(market.is_seen)
            market.put(f"10:{minute:02d}:06", skew=skew if 20 <= minute < 40 else 0.0)
            daemon.until(lambda at=minute: last_bar(daemon) == f"10:{at - 5:02d}")
            assert daemon.health()[0] == 200, daemon.health()[1]["reasons"]
        assert daemon.signal("SIGTERM") == 0
    alerts = [event["data"] for event in events(daemon.database, "alert")]
    assert [(a["id"], a["price"], a["stop"]) for a in alerts] == expected("10:55:10")
    assert not any(a.get("late") for a in alerts)


@pytest.mark.parametrize("timeframe", ["M5", "H1"])
@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"connected": False}, "the terminal has no connection to its broker"),
        (
            {"last_tick": f"{DAY} 10:00:10"},
            f"WIN$N: no tick since {DAY} 10:00:10 in an open session",
        ),
    ],
)
def test_a_terminal_without_a_market_is_a_reason_at_once(
    tmp_path: Path, timeframe: str, state: dict[str, Any], said: str
) -> None:
    """On H1 it took 173 minutes, until three bars were missing."""
    market = Market(tmp_path)
    market.config = write_config(tmp_path, FAST + f"data:\n  timeframe: {timeframe}\n")
    market.put("10:00:10")
    with market.daemon() as daemon:
        daemon.until(lambda: list(daemon.health()[1]["last_bars"].values()) not in ([], [None]))
        daemon.until(lambda: daemon.health()[0] == 200)
        market.put("10:02:00", **state)
        _, health = daemon.until(lambda: (found := daemon.health())[0] == 503 and found)
        assert health["reasons"] == [f"feed: {said}"]
        market.put("10:02:01")
        daemon.until(lambda: daemon.health()[0] == 200)


def test_a_contract_that_vanishes_does_not_slow_the_others(tmp_path: Path) -> None:
    """At its expiry one contract took all streams with it."""
    market = Market(tmp_path)
    symbols = "data:\n  symbols:\n    - symbol: WING24\n    - symbol: WIN$N\n"
    market.config = write_config(tmp_path, FAST + symbols)
    market.put("10:00:10", others=["WING24"])
    with market.daemon() as daemon:
        daemon.until(
            lambda: (
                [at and at[11:16] for at in daemon.health()[1]["last_bars"].values()]
                == ["09:55", "09:55"]
            )
        )
        for minute in range(5, 30, 5):
            market.put(f"10:{minute:02d}:10")
            daemon.until(lambda at=minute: last_bar(daemon) == f"10:{at - 5:02d}", 3.0)
        reason = daemon.until(
            lambda: (
                (found := daemon.health()[1]["reasons"])
                and found[0].startswith("feed: WING24: unknown")
                and found[0]
            )
        )
        assert reason.endswith("; WING24 expired on 2024-02-14, its successor now is WINJ24")
        market.put("10:30:10", others=["WING24"])
        daemon.process.kill()
    with market.daemon() as daemon:  # the same at a start, where one of them is unknown
        market.put("10:35:10")
        daemon.until(lambda: last_bar(daemon) == "10:30")
        assert daemon.signal("SIGTERM") == 0


def test_a_history_that_loads_is_not_stale(tmp_path: Path) -> None:
    market = Market(tmp_path)
    scenario = json.loads((tmp_path / "scenario.json").read_text())
    slow = {"call": "copy_rates_from", "at": 1, "kind": "block", "value": 0.5}
    (tmp_path / "scenario.json").write_text(json.dumps(scenario | {"faults": [slow]}))
    market.put("12:00:10")
    found: list[int] = []

    def is_there() -> bool:
        status, health = daemon.health()
        found.append(status)
        return bool(list(health["last_bars"].values()) not in ([], [None]))

    with market.daemon() as daemon:
        daemon.until(is_there)
    assert set(found) == {200}
    assert len(found) > 5


def test_a_gap_longer_than_a_page_is_filled_after_a_change_of_settings(tmp_path: Path) -> None:
    market = Market(tmp_path)
    scenario = json.loads((tmp_path / "scenario.json").read_text())
    limited = scenario | {"maxbars": 150, "now": "2024-02-20 10:00"}
    (tmp_path / "scenario.json").write_text(json.dumps(limited))
    market.config = write_config(tmp_path, FAST.replace("300", "100"))
    day_before = market.put
    day_before("10:00:10")
    control = json.loads(market.control.read_text()) | {"now": "2024-02-26 10:00:10"}
    market.control.write_text(json.dumps(control))
    with market.daemon() as daemon:
        daemon.until(lambda: last_bar(daemon) == "09:55")
        daemon.process.kill()
    changed = FAST.replace("300", "100") + "detection:\n  volatility:\n    window: 30\n"
    market.config = write_config(tmp_path, changed)
    market.put("10:00:10")
    with market.daemon() as daemon:
        daemon.until(lambda: daemon.health()[1]["last_bars"]["WIN$N M5"][:16] == f"{DAY}T09:55")
        assert daemon.signal("SIGTERM") == 0
    late = [one["data"] for one in events(daemon.database, "feed_gap") if "late" in one["data"]]
    assert late[0]["first"][:16] == "2024-02-26T10:00"
    assert sum(one["late"] for one in late) > 150
