"""Candles of a figure: merged without losing an extreme, and labelled where there is room."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from alertlib.report.plots.candles import candles_of, session_starts, time_labels
from alertlib.report.plots.writing import Writing
from tests.support.synthetic import frame, walk

BARS = frame(walk(7, sessions=4))
ENGLISH = Writing("en", 5.0)


@given(count=st.integers(1, BARS.height), most=st.integers(1, 700))
def test_merged_candles_keep_every_extreme(count: int, most: int) -> None:
    bars = BARS.head(count)

    candles = candles_of(bars, most)

    groups = [bars[at : at + candles.merged] for at in range(0, count, candles.merged)]
    assert len(candles) == len(groups) <= most
    assert candles.first == [group["time"][0] for group in groups]
    assert candles.last == [group["time"][-1] for group in groups]
    assert candles.open.tolist() == [group["open"][0] for group in groups]
    assert candles.high.tolist() == [group["high"].max() for group in groups]
    assert candles.low.tolist() == [group["low"].min() for group in groups]
    assert candles.close.tolist() == [group["close"][-1] for group in groups]


def test_bars_that_fit_are_not_merged() -> None:
    candles = candles_of(BARS, BARS.height)

    assert candles.merged == 1
    assert candles.first == candles.last == BARS["time"].to_list()
    assert candles.close.tolist() == BARS["close"].to_list()


def test_a_session_begins_where_the_date_changes() -> None:
    candles = candles_of(BARS)
    days = BARS["time"].dt.date().to_list()

    expected = [at for at in range(1, len(days)) if days[at] != days[at - 1]]
    assert session_starts(candles).tolist() == expected
    assert len(expected) == 3


@given(
    minutes=st.sampled_from([1, 5, 15, 60, 1_440]),
    count=st.integers(1, 1_500),
    start=st.datetimes(datetime(2021, 1, 1), datetime(2021, 12, 1)),
)
def test_labels_stand_apart_at_their_own_time(minutes: int, count: int, start: datetime) -> None:
    times = [start.replace(second=0, microsecond=0) + timedelta(minutes=minutes) * n
             for n in range(count)]  # fmt: skip
    prices = {name: [1.0] * count for name in ("open", "high", "low", "close")}
    candles = candles_of(pl.DataFrame({"time": times} | prices))

    labels = time_labels(candles, ENGLISH)

    places = [at for at, _ in labels]
    assert places == sorted(set(places))
    assert len(labels) <= 16
    for at, text in labels:
        assert text.split("<br>")[0] in (f"{times[at]:%H:%M}", f"{times[at]:%Y-%m-%d}")
