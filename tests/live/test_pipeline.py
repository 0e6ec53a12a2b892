"""A bar's way from the feed into a transaction."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import Future
from datetime import datetime
from pathlib import Path

import pytest

from alertlib.config import Config
from alertlib.config.schema import Email
from alertlib.detection.alert import Alert
from alertlib.detection.bar import Bar
from alertlib.detection.stream import Suppressed
from alertlib.texts.alerts import Contract
from runners.live.alert_store.store import Store
from runners.live.feed.base import Bars, Key, Origin, Position
from runners.live.gauges import Figures
from runners.live.payloads import Writer, suppressed_event
from runners.live.pipeline import Pipeline
from runners.live.telemetry.metrics import Metrics

KEY = ("WIN$N", "M5")
TIME = datetime(2026, 1, 5, 9)


class OneBar:
    """A feed that brings one bar."""

    pid: int | None = None

    async def open(self) -> list[Origin]:
        return [Origin(KEY)]

    async def bars(self, positions: Mapping[Key, Position]) -> AsyncIterator[Bars]:
        yield Bars([(KEY, Bar(TIME, 160_000, 160_100, 159_950, 160_050))])

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
    writer = Writer(Email(), lambda symbol, timeframe: Contract(5.0, 0.2), lambda name: None)
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
            running = asyncio.create_task(pipeline.run(OneBar()))
            while not pipeline.cores or pipeline.cores[KEY].last is None:
                await asyncio.sleep(0)
            assert pipeline.positions[KEY].last is None
            synced.set_result(())
            await running
            assert pipeline.positions[KEY].last == TIME

        asyncio.run(follow())
