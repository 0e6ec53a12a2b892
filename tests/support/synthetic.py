"""Made-up bars for tests: seeded walks of sessions, and the small instrument they trade as."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path

import polars as pl
import pytest

from alertlib.bars.bars import Bars
from alertlib.bars.opening import from_frame
from alertlib.bars.series import Series, make_series
from alertlib.config.schema import SymbolSpec
from alertlib.market.calendar import trading_days

Row = tuple[datetime, float, float, float, float]

# Sessions of 20 five-minute bars, so that a day is small enough to read.
SMALL = SymbolSpec(
    symbol="TST",
    tick=5.0,
    point_value=0.2,
    fees_points=2.56,
    session_open="09:00",
    session_close="10:40",
)
SMALL_HOURS = (9 * 60, 10 * 60 + 40)
SHARED = Path(__file__).parents[3] / "shared" / "data"


def weekdays(first: date, count: int) -> list[date]:
    """Days on which B3 trades."""
    return trading_days(first, first + timedelta(days=2 * count + 14))[:count]


def walk(
    seed: int,
    sessions: int = 10,
    *,
    bars: int = 107,
    first: date = date(2021, 4, 5),
    minutes: int = 5,
    tick: float = 5.0,
    price: int = 24_000,
    size: float = 8.0,
    missing: float = 0.0,
    opens: time = time(9, 0),
) -> list[Row]:
    """A random walk in ticks with overnight gaps, calm and wild spells and flat bars.

    The default dates fall in US daylight saving time: WIN then has 107 bars a session.
    """
    rng = random.Random(seed)
    rows: list[Row] = []
    close = price
    for day in weekdays(first, sessions):
        close += rng.randint(-60, 60)
        opening = datetime.combine(day, opens)
        for n in range(bars):
            spread = size * rng.choice((0.0, 0.5, 1.0, 1.0, 1.0, 2.5))
            open_ = close + rng.randint(-1, 1)
            close = open_ + round(rng.gauss(0.0, spread))
            high = max(open_, close) + abs(round(rng.gauss(0.0, spread / 2)))
            low = min(open_, close) - abs(round(rng.gauss(0.0, spread / 2)))
            if rng.random() >= missing:
                when = opening + timedelta(minutes=n * minutes)
                rows.append((when, *(round(x * tick, 8) for x in (open_, high, low, close))))
    return rows


def session(
    bars: Sequence[tuple[float, float, float, float]],
    day: date = date(2021, 4, 5),
    *,
    opening: time = time(9, 0),
    minutes: int = 5,
) -> list[Row]:
    """One session written by hand: ``(open, high, low, close)`` per bar, in points."""
    start = datetime.combine(day, opening)
    return [(start + timedelta(minutes=minutes * n), *prices) for n, prices in enumerate(bars)]


def frame(rows: Iterable[Row]) -> pl.DataFrame:
    schema = {"time": pl.Datetime("us")} | dict.fromkeys(
        ("open", "high", "low", "close"), pl.Float64
    )
    return pl.DataFrame(list(rows), schema=schema, orient="row")


def bars_of(rows: Iterable[Row], symbol: str = "WIN$N", timeframe: str | None = None) -> Bars:
    return from_frame(frame(rows), symbol=symbol, timeframe=timeframe, symbols=(SMALL,))


def series_of(rows: Iterable[Row], symbol: str = "WIN$N", timeframe: str | None = None) -> Series:
    return make_series(bars_of(rows, symbol, timeframe))


def frame_of(series: Series) -> pl.DataFrame:
    """The bars of a series as a file would hold them."""
    prices = {n: series.price(getattr(series, n)) for n in ("open", "high", "low", "close")}
    return pl.DataFrame({"time": series.times(), **prices})


def shared_rows(name: str) -> list[Row]:
    """Rows of a recorded file beside the project; skips the test where there are none."""
    path = SHARED / f"{name}.parquet"
    if not path.exists():
        pytest.skip(f"recorded bars are not part of the project: {path.name} is not beside it")
    return list(pl.read_parquet(path).select("time", "open", "high", "low", "close").iter_rows())
