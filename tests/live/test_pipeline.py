"""A bar's way from the feed into a transaction."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import Future
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from alertlib.config import Config, load_config
from alertlib.detection.alert import Alert
from alertlib.detection.bar import Bar
from alertlib.detection.stream import Suppressed
from alertlib.texts.alerts import Contract
from runners.live.alert_store.records import Batch, Cursor
from runners.live.alert_store.store import Store
from runners.live.feed.base import Bars, Key, Origin, Position
from runners.live.gauges import Figures
from runners.live.payloads import Writer, suppressed_event
from runners.live.pipeline import Pipeline
from runners.live.telemetry.metrics import Metrics
from tests.support.walk import walk

KEY = ("WIN$N", "M5")
TIME = datetime(2026, 1, 5, 9)
SERIES = walk(600)
CONFIG = load_config(None, {"policy.cooldown_bars": 0, "policy.rate_limit_per_minute": 0})
CHANGED = CONFIG.set("detection.volatility.window", 30)


def run(path: Path, feed: Given, config: Config = CONFIG) -> list[dict[str, Any]]:
    """Run a feed to its end and return the alerts and corrections stored since."""
    with Store.open(str(path)) as store:
        before = store.head
        asyncio.run(Pipeline(config, store, Figures(Metrics())).run(feed))
        return [json.loads(one.payload) for one in store.read(before)]


def ids(payloads: list[dict[str, Any]]) -> list[str]:
    return [one["id"] for one in payloads]


def test_a_rerun_that_is_interrupted_sends_no_old_alert(tmp_path: Path) -> None:
    """The cursor went back with the bars that were run again, and stayed there: the next start
    took the rest for new."""
    path = tmp_path / "alerts.db"
    assert run(path, Given(SERIES[:500]))
    assert run(path, Given(SERIES[:300]), CHANGED) == []
    assert run(path, Given(SERIES[:500]), CHANGED) == []
    new = run(path, Given(SERIES), CHANGED)
    assert new
    assert all(one["bar_time"] > SERIES[499].time.isoformat() for one in new)


def test_a_replay_on_the_live_database_silences_nothing(tmp_path: Path) -> None:
    path, whole = tmp_path / "alerts.db", tmp_path / "whole.db"
    run(path, Given(SERIES[:300]))
    replayed = run(path, Given(SERIES, replay="0123"))
    assert all(one["replay"] for one in replayed)
    assert run(path, Given(SERIES, replay="0123")) == [], "its own cursor is kept"
    live = run(path, Given(SERIES[300:]))
    assert not any("replay" in one for one in live)
    run(whole, Given(SERIES[:300]))
    assert ids(live) == ids(run(whole, Given(SERIES[300:])))
    assert set(ids(live)) < set(ids(replayed))


def test_what_was_done_about_a_replayed_alert_is_taken(tmp_path: Path) -> None:
    """An action names the id; a replay's alert is stored under another key."""
    path = tmp_path / "replay.db"
    replayed = run(path, Given(SERIES, replay="0123"))
    with Store.open(str(path)) as store:
        assert replayed
        assert all(store.has_alert(name) for name in ids(replayed))
        assert not store.has_alert("unknown")


def test_a_correction_is_never_taken_for_an_earlier_one(tmp_path: Path) -> None:
    """Revisions count anew where the daemon has forgotten them; what they say is news."""
    path = tmp_path / "alerts.db"
    last = datetime.fromisoformat(run(path, Given(SERIES))[-1]["bar_time"]).replace(tzinfo=None)
    bars = [bar for bar in SERIES if bar.time <= last]
    higher = [bars[-1]._replace(high=bars[-1].high + 5 * more) for more in (1, 2)]
    path = tmp_path / "again.db"
    run(path, Given(bars))
    first = run(path, Given([higher[0]]))
    with Store.open(str(path)) as store:
        cursor = store.cursors()[KEY]
        forgotten = json.loads(cursor.snapshot)
        forgotten["taken"][-1][-2] = 0
        snapshot = json.dumps(forgotten).encode()
        store.commit(Batch((Cursor(*KEY, cursor.bar_time, snapshot),))).result()
    second = run(path, Given([higher[1]]))
    assert [one["revision"] for one in first + second] == [1] * len(first) + [2] * len(second)
    assert len(first) == len(second) > 0


def test_a_beat_is_of_a_bar_that_counts(tmp_path: Path) -> None:
    """One that was refused, or revised, kept the dead man's switch quiet."""
    beats: list[None] = []
    bad = SERIES[3]._replace(high=SERIES[3].low - 5)
    revised = SERIES[1]._replace(high=SERIES[1].high + 5)
    with Store.open(str(tmp_path / "alerts.db")) as store:
        pipeline = Pipeline(CONFIG, store, Figures(Metrics()))
        pipeline.on_bar = lambda: beats.append(None)
        asyncio.run(pipeline.run(Given([*SERIES[:3], bad, revised], at_once=1)))
    assert len(beats) == 3


class Given:
    """A feed that brings what it is given."""

    pid: int | None = None

    def __init__(self, bars: Sequence[Bar], replay: str = "", at_once: int = 64) -> None:
        self._bars = bars
        self._origin = Origin(KEY, marks=("replay",) if replay else (), replay=replay)
        self._at_once = at_once

    async def open(self) -> list[Origin]:
        return [self._origin]

    async def bars(self, positions: Mapping[Key, Position]) -> AsyncIterator[Bars]:
        for start in range(0, len(self._bars), self._at_once):
            yield Bars([(KEY, bar) for bar in self._bars[start : start + self._at_once]])

    def now(self) -> datetime | None:
        return None

    async def source(self) -> dict[str, object]:
        return {}

    def trouble(self, key: Key) -> str | None:
        return None

    def is_loading(self, key: Key) -> bool:
        return False

    async def close(self) -> None:
        return None


def test_alerts_of_made_up_or_replayed_bars_are_marked() -> None:
    """A trader took the replay of a day for the market."""
    writer = Writer("pt-BR", (), lambda symbol, timeframe: Contract(5.0, 0.2), lambda name: None)
    alert = Alert(
        "1", TIME, TIME, "WIN$N", "M5", "engulfing_bullish", 1, "ALTO", 0.7, 160_050.0,
        160_040.0, 160_060.0, 159_900.0, 160_200.0, 1.0, (),
    )  # fmt: skip
    made_up = Origin(KEY, marks=("replay", "synthetic"), replay="0123")
    assert "replay" not in writer.alert(Origin(KEY), alert, 0.0)
    payload = writer.alert(made_up, alert, 0.0)
    assert payload["replay"] is payload["synthetic"] is True
    assert payload["text"].startswith("[DADOS SINTÉTICOS, REPLAY] WIN$N M5")
    held = suppressed_event(Suppressed(alert, "rate_limit"), False, made_up.marks)
    assert held.data["replay"] is held.data["synthetic"] is True


def test_a_bar_counts_as_dealt_with_once_its_transaction_is_durable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """/health named a bar while its commit was under way: a kill then took it back."""
    synced: Future[object] = Future()
    with Store.open(str(tmp_path / "alerts.db")) as store:
        commit = store.commit

        def slow(batch):  # type: ignore[no-untyped-def]
            commit(batch).result()
            return synced

        monkeypatch.setattr(store, "commit", slow)

        async def follow() -> None:
            pipeline = Pipeline(Config(), store, Figures(Metrics()))
            bar = Bar(TIME, 160_000, 160_100, 159_950, 160_050)
            running = asyncio.create_task(pipeline.run(Given([bar])))
            while not pipeline.cores or pipeline.cores[KEY].last is None:
                await asyncio.sleep(0)
            assert pipeline.positions[KEY].last is None
            synced.set_result(())
            await running
            assert pipeline.positions[KEY].last == TIME

        asyncio.run(follow())
