"""What a replay delivers is what the backtest scored, restarts and kills included."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest

from tests.support.running import (
    REAL,
    SAMPLE,
    TOKEN,
    Running,
    alerts_of,
    assert_same,
    events,
    expected_alerts,
    without_times,
)


def replay(folder: Path, bars: Path, *options: str, speed: str = "0") -> Running:
    return Running(folder, "--feed", "replay", "--bars", str(bars), "--speed", speed, *options)


def test_a_replay_gives_the_backtests_alerts(tmp_path: Path) -> None:
    with replay(tmp_path, SAMPLE, "--exit-at-end") as daemon:
        assert daemon.wait() == 0
    live = alerts_of(daemon.database)
    assert live
    assert_same(live, expected_alerts(SAMPLE))


@pytest.mark.skipif(not REAL.exists(), reason="the folder of real bars is not beside the project")
def test_a_replay_of_real_days_gives_the_backtests_alerts(tmp_path: Path) -> None:
    with replay(tmp_path, REAL, "--exit-at-end") as daemon:
        assert daemon.wait() == 0
    live = alerts_of(daemon.database)
    assert len(live) > 1_000
    assert not any("late" in alert for alert in live)
    assert_same(live, expected_alerts(REAL))


@pytest.mark.parametrize("ending", ["SIGTERM", "SIGKILL"])
def test_restarts_in_mid_session_change_nothing(tmp_path: Path, ending: str) -> None:
    whole = tmp_path / "whole"
    with replay(whole, SAMPLE, "--exit-at-end") as daemon:
        daemon.wait()
    expected = [without_times(alert) for alert in alerts_of(daemon.database)]
    parts = tmp_path / "parts"
    for wanted in (15, 30):
        with replay(parts, SAMPLE, speed="200000") as daemon:
            daemon.until(lambda least=wanted: daemon.health()[1]["seq"] >= least)
            daemon.signal(ending)
    with replay(parts, SAMPLE, "--exit-at-end") as daemon:
        assert daemon.ready["seq"] > 0
        assert daemon.wait() == 0
    assert [without_times(alert) for alert in alerts_of(daemon.database)] == expected
    assert len(events(daemon.database, "start")) == 3


def test_another_configuration_runs_the_bars_again_and_repeats_no_alert(tmp_path: Path) -> None:
    with replay(tmp_path, SAMPLE, speed="200000") as daemon:
        daemon.until(lambda: daemon.health()[1]["seq"] > 5)
        daemon.signal("SIGTERM")
    before = alerts_of(daemon.database)
    changed = tmp_path / "other.yaml"
    changed.write_text("trade:\n  atr_window: 15\n", encoding="utf-8")
    with replay(tmp_path, SAMPLE, "--exit-at-end", "--config", str(changed)) as daemon:
        assert daemon.wait() == 0
    after = alerts_of(daemon.database)
    assert after[: len(before)] == before
    assert len({alert["id"] for alert in after}) == len(after)
    assert any(line["message"] == "bars are run again" for line in daemon.log)


async def receive(url: str, state: Path, shown: list[int], *, resumes: bool) -> None:
    """Be a client that comes back until it is cancelled, with or without its position."""
    from runners.client import AlertClient

    while True:
        async with AlertClient(url, TOKEN, state=state if resumes else None) as client:
            async for message in client:
                shown.append(message.seq)


def kills(
    folder: Path, bars: Path, count: int, *, resumes: bool, seed: int
) -> tuple[list[int], int]:
    """Kill the daemon ``count`` times under a client; return what it was shown, and the head."""
    chance = random.Random(seed)
    state = folder / "client.json"
    shown: list[int] = []

    def has_moved(daemon: Running) -> bool:
        health = daemon.health()[1]
        return bool(health["seq"] > daemon.ready["seq"] or health["feed"] == "ended")

    async def life(daemon: Running, is_last: bool) -> int:
        # The client comes when something has been sent already: that is what resuming is for.
        await asyncio.to_thread(daemon.until, lambda: has_moved(daemon))
        task: asyncio.Task[Any] = asyncio.create_task(
            receive(daemon.url, state, shown, resumes=resumes)
        )
        try:
            if is_last:
                await asyncio.to_thread(
                    daemon.until, lambda: daemon.health()[1]["feed"] == "ended", 120.0
                )
                head = int(daemon.health()[1]["seq"])
                for _ in range(200):
                    await asyncio.sleep(0.02)
                    if shown and shown[-1] == head:
                        break
                return head
            await asyncio.sleep(chance.uniform(0.0, 0.5))
            daemon.process.kill()
            return 0
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    head = 0
    for number in range(count + 1):
        is_last = number == count
        with replay(folder, bars, speed="0" if is_last else "100000") as daemon:
            if not state.exists():
                state.write_text(f'{{"epoch": "{daemon.ready["epoch"]}", "seq": 0}}')
            head = asyncio.run(life(daemon, is_last))
    return shown, head


def test_kills_under_a_resuming_client_lose_and_repeat_nothing(tmp_path: Path) -> None:
    shown, head = kills(tmp_path, SAMPLE, 3, resumes=True, seed=1)
    assert shown == list(range(1, head + 1))
    assert_same(alerts_of(tmp_path / "live" / "alerts.db"), expected_alerts(SAMPLE))


def test_the_check_for_losses_can_fail(tmp_path: Path) -> None:
    shown, head = kills(tmp_path, SAMPLE, 2, resumes=False, seed=2)
    assert set(shown) < set(range(1, head + 1)), "without resuming, alerts have to be missing"


@pytest.mark.slow
@pytest.mark.skipif(not REAL.exists(), reason="the folder of real bars is not beside the project")
def test_two_hundred_kills(tmp_path: Path) -> None:
    shown, head = kills(tmp_path, REAL, 200, resumes=True, seed=3)
    assert shown == list(range(1, head + 1))
    assert_same(alerts_of(tmp_path / "live" / "alerts.db"), expected_alerts(REAL))
