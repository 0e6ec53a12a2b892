"""Bars for tests of the store, importable by the processes those tests start and kill."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl

from alertlib.bars.schema import BAR_SCHEMA
from alertlib.bars.store.writer import Provenance

SEEN = Provenance("test", datetime(2026, 1, 1, tzinfo=UTC), -10_800)


def make_bars(
    start: str = "2026-01-05 09:00", count: int = 50, base: int = 120_000
) -> pl.DataFrame:
    first = datetime.fromisoformat(start)
    times = [first + timedelta(minutes=5 * i) for i in range(count)]
    opens = [float(base + 5 * (i * 7 % 13)) for i in range(count)]
    return pl.DataFrame(
        {
            "time": times,
            "open": opens,
            "high": [price + 50.0 for price in opens],
            "low": [price - 50.0 for price in opens],
            "close": [price + 5.0 for price in opens],
            "tick_volume": [100 + i for i in range(count)],
            "real_volume": [1_000 + i for i in range(count)],
            "spread": [5] * count,
        },
        schema=BAR_SCHEMA,
    )
