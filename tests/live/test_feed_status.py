"""What clients are told of each stream, from parts that are real but for the terminal's clock."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import pytest
from websockets.asyncio.client import connect

from alertlib.config import Config
from alertlib.detection.intake import Core
from runners.live.alert_store.store import Store
from runners.live.feed.base import Feed, Key, Position
from runners.live.feed_status import feed_status
from runners.live.health import Board
from tests.support.running import SAMPLE, TOKEN, Running


class Clock:
    """A feed's clock and trouble, and nothing else of it."""

    def __init__(self, now: str | None, trouble: str | None = None) -> None:
        self._trouble = trouble
        self._now = None if now is None else datetime.fromisoformat(now)

    def now(self) -> datetime | None:
        return self._now

    def trouble(self, key: Key) -> str | None:
        return self._trouble

    def is_loading(self, key: Key) -> bool:
        return False


@pytest.mark.parametrize(
    ("now", "trouble", "expected"),
    [
        ("2024-03-04 10:10:02", None, (True, "running", None)),
        ("2024-03-04 10:20:04", None, (True, "stale", "3 bars missing")),
        ("2024-03-04 20:00:00", None, (False, "running", None)),
        ("2024-03-09 12:00:00", None, (False, "running", None)),
        ("2024-03-04 10:10:02", "no answer", (True, "down", "no answer")),
        (None, None, (None, "running", None)),
    ],
)
def test_states(tmp_path: Path, now: str | None, trouble: str | None, expected: Any) -> None:
    config = Config()
    with Store.open(str(tmp_path / "a.db")) as store:
        board = Board(store, config.live.stale_after_bars, config.live.grace_seconds)
        board.feed = cast(Feed, Clock(now, trouble))
        assert feed_status(board) == []
        board.cores = {("WIN$N", "M5"): Core(config, "WIN$N", "M5")}
        board.positions = {("WIN$N", "M5"): Position(datetime(2024, 3, 4, 10, 0))}
        (found,) = feed_status(board)
        assert found["last_bar"] == "2024-03-04T10:00:00-03:00"
        assert (found["market_open"], found["state"], found["reason"]) == expected
        board.is_at_end = True
        assert feed_status(board)[0]["state"] == "ended"


def test_a_daemon_tells_its_clients(tmp_path: Path) -> None:
    async def scenario(url: str) -> list[Any]:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        told: list[Any] = []
        async with asyncio.timeout(20), connect(url, additional_headers=headers) as client:
            while not told or told[-1][0]["state"] != "ended":
                message = json.loads(await client.recv())
                told += [message["feed"]] if message["type"] == "status" and message["feed"] else []
        return told

    options = ("--feed", "replay", "--bars", str(SAMPLE), "--speed", "0")
    with Running(tmp_path, *options) as daemon:
        told = asyncio.run(scenario(daemon.url))
        (last,) = told[-1]
        assert last["last_bar"] == daemon.health()[1]["last_bars"]["WIN$N M5"]
        assert daemon.signal("SIGTERM") == 0
