"""Columns of a file: heads, tails, volumes, mirrors."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertlib.bars import series as series_module
from alertlib.bars.opening import from_frame
from alertlib.bars.quality.timeframe import timeframe_name
from alertlib.bars.schema import PRICES
from alertlib.bars.series import Series, make_series
from alertlib.errors import DataError
from alertlib.market.clock import day_number
from alertlib.stats.surrogates import coin_flip_bars, coin_flips, mirror
from tests import naive
from tests.support.steps import rough_walk
from tests.support.synthetic import bars_of, frame, frame_of, series_of, walk


@given(st.integers(0, 10**6), st.floats(0, 1))
def test_a_head_is_the_series_of_the_first_bars(seed: int, share: float) -> None:
    rows = rough_walk(seed)
    cut = max(1, int(share * len(rows)))

    head = series_of(rows, timeframe="M5").head(cut)
    alone = series_of(rows[:cut], timeframe="M5")

    for name in ("minute", "open", "high", "low", "close", "gaps", "day", "place", "session",
                 "first", "last", "expected"):  # fmt: skip
        assert getattr(head, name).tolist() == getattr(alone, name).tolist(), name


@given(st.integers(0, 10**6), st.floats(0, 1))
def test_head_and_tail_make_the_whole(seed: int, share: float) -> None:
    series = series_of(rough_walk(seed), timeframe="M5")
    cut = int(share * len(series))
    head, tail = series.head(cut), series.tail(cut)

    for name in ("minute", "open", "high", "low", "close", "volume", "place"):
        joined = [*getattr(head, name).tolist(), *getattr(tail, name).tolist()]
        assert joined == getattr(series, name).tolist(), name
    assert len(tail.first) == len(tail.last) == len(np.unique(tail.session))
    if len(tail):
        assert tail.session[0] == 0
        assert tail.gaps[0] == 0  # as if the file began there
        assert np.array_equal(np.diff(tail.gaps), np.diff(series.gaps[cut:]))
        assert tail.first[0] == 0
        assert tail.last[-1] == len(tail) - 1


@given(st.integers(0, 10**6), st.integers(1, 300))
def test_columns_are_what_a_walk_over_the_bars_counts(seed: int, block: int) -> None:
    """Bars outside the hours among them, and prices converted so many at a time."""
    rows = rough_walk(seed)
    rows += [(time.replace(hour=20), *prices) for time, *prices in rows[:: 1 + seed % 50]]
    bars = bars_of(sorted(set(rows)), timeframe="M5")
    session = bars.instrument.sessions
    assert session is not None

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(series_module, "BLOCK", block)
        series = make_series(bars)

    found: list[tuple[int, ...]] = []
    close, gaps = 0, 0
    for time, *prices in bars.frame.select("time", *PRICES).iter_rows():
        hours = session.hours(day_number(time.date()))
        if not hours.open <= 60 * time.hour + time.minute < hours.close:
            continue
        open_, high, low, last = (round(price / 5) for price in prices)
        day, number, place = day_number(time.date()), 0, 0
        if found:
            _, before, number, place, *_ = found[-1]
            number, place = (number, place + 1) if day == before else (number + 1, 0)
            gaps += open_ - close if day != before else 0
        minute, close = 1_440 * day + 60 * time.hour + time.minute, last
        found.append((minute, day, number, place, gaps, open_, high, low, last))
    names = ("minute", "day", "session", "place", "gaps", *PRICES)
    assert list(zip(*(getattr(series, name).tolist() for name in names), strict=True)) == found
    assert series.removed == len(bars) - len(found)


def test_a_series_reads_back_as_the_frame_it_came_from() -> None:
    rows = walk(6, sessions=2)
    volumes = pl.Series("tick_volume", range(len(rows)))
    bars = from_frame(frame(rows).with_columns(volumes), symbol="WIN$N")

    series = make_series(bars)

    columns = ["time", "open", "high", "low", "close"]
    assert frame_of(series).equals(bars.frame.select(columns))
    assert series.volume.tolist() == list(range(len(rows)))


def test_volume_is_real_where_there_are_no_ticks_and_zero_where_there_is_none() -> None:
    rows = walk(6, sessions=1)
    real = frame(rows).with_columns(real_volume=pl.lit(3))

    assert set(make_series(from_frame(real, symbol="WIN$N")).volume.tolist()) == {3}
    assert set(series_of(rows).volume.tolist()) == {0}


def test_volume_is_chosen_bar_by_bar_as_the_live_core_does() -> None:
    """Found by a detector of volume on a file whose feed changes: live and batch disagreed."""
    rows = walk(6, sessions=1)
    ticks = pl.Series(
        "tick_volume", [None if n % 3 == 0 else 0 if n % 3 == 1 else 7 for n in range(107)]
    )
    both = frame(rows).with_columns(ticks, real_volume=pl.lit(900))

    volume = make_series(from_frame(both, symbol="WIN$N")).volume

    assert volume.tolist() == [(900, 0, 7)[n % 3] for n in range(107)]


@given(
    st.sampled_from([5, 30, 60, 120, 240, 1_440]),
    st.sets(st.integers(0, 1_439), min_size=1, max_size=30),
    st.integers(0, 40),
)
def test_the_bars_kept_are_those_of_the_naive_rule(length: int, opens: set[int], day: int) -> None:
    """On any day, weekends and holidays included, and wherever in it bars open."""
    midnight = datetime(2021, 4, 1) + timedelta(days=day)
    times = sorted({midnight + timedelta(minutes=minute // 5 * 5) for minute in opens})
    rows = [(time, 100_000.0, 100_010.0, 99_990.0, 100_005.0) for time in times]
    bars = from_frame(frame(rows), symbol="WIN$N", timeframe=timeframe_name(length))
    exact = replace(bars, instrument=replace(bars.instrument, minutes=length))

    series = make_series(exact)

    naive_bars, _ = naive.in_units(rows)
    kept = naive.keep(naive_bars, naive.Rules(minutes=length))
    assert [bar.time for bar in kept] == series.times().to_list()
    assert series.removed == len(rows) - len(kept)


# --- mirror surrogates --------------------------------------------------------------------


def mirrored_walk(seed: int) -> tuple[Series, Series]:
    series = series_of(walk(seed, sessions=4))
    flips = coin_flips(len(series), np.random.default_rng(seed))
    return series, mirror(series, flips)


def test_a_mirror_keeps_the_size_of_every_move() -> None:
    series, other = mirrored_walk(1)

    assert np.array_equal(np.abs(np.diff(other.close)), np.abs(np.diff(series.close)))
    assert np.array_equal(other.high - other.low, series.high - series.low)
    body, other_body = series.close - series.open, other.close - other.open
    assert np.array_equal(np.abs(other_body), np.abs(body))
    assert not np.array_equal(other_body, body)
    assert (other.low <= np.minimum(other.open, other.close)).all()
    assert (other.high >= np.maximum(other.open, other.close)).all()
    assert np.array_equal(other.minute, series.minute)


def test_mirroring_nothing_changes_nothing_and_twice_is_once_back() -> None:
    series, _ = mirrored_walk(2)
    flips = coin_flips(len(series), np.random.default_rng(7))

    same = mirror(series, np.ones(len(series), dtype=np.int64))
    back = mirror(mirror(series, flips), flips)

    for name in ("open", "high", "low", "close", "gaps"):
        assert np.array_equal(getattr(same, name), getattr(series, name)), name
        shift = getattr(back, name) - getattr(series, name)
        assert len(np.unique(shift)) == 1, name  # the same path, perhaps lifted as a whole


def test_a_mirror_that_would_fall_below_zero_is_lifted() -> None:
    rows = [(t, *(p - 119_000.0 for p in prices)) for t, *prices in walk(9, sessions=6, size=20.0)]
    low = min(row[3] for row in rows)
    series = series_of([(t, *(p - low + 5.0 for p in prices)) for t, *prices in rows])
    flips = -np.ones(len(series), dtype=np.int64)

    other = mirror(series, flips)

    assert other.low.min() >= 1
    body, other_body = series.close - series.open, other.close - other.open
    assert np.array_equal(np.abs(other_body), np.abs(body))
    assert (other.low <= np.minimum(other.open, other.close)).all()
    assert (other.high >= np.maximum(other.open, other.close)).all()


def test_nothing_mirrors_to_nothing() -> None:
    empty = series_of(walk(1, sessions=1)).head(0)

    assert len(mirror(empty, np.zeros(0, dtype=np.int64))) == 0


def test_coin_flip_bars_keep_times_and_sizes_and_say_that_they_are_made_up() -> None:
    times = walk(4, sessions=3)
    outside = (times[-1][0].replace(hour=23), 119_000.0, 119_000.0, 119_000.0, 119_000.0)
    bars = from_frame(frame([*times, outside]), symbol="WIN$N")
    assert not bars.synthetic

    noise = coin_flip_bars(bars, seed=3)

    series = make_series(bars)
    expected = mirror(series, coin_flips(len(series), np.random.default_rng(3)))
    for name in ("open", "high", "low", "close", "minute", "volume"):
        assert np.array_equal(getattr(make_series(noise), name), getattr(expected, name)), name
    assert len(noise) == len(bars) - 1
    assert noise.frame.schema == bars.frame.schema
    assert noise.synthetic
    assert noise[:10].synthetic
    assert noise.sha256 != coin_flip_bars(bars, seed=4).sha256


def test_coin_flip_bars_want_bars() -> None:
    with pytest.raises(DataError, match=r"bars: got .*; expected what al.read_bars"):
        coin_flip_bars(frame([]))  # type: ignore[arg-type]


def test_bars_know_what_they_are() -> None:
    bars = bars_of(walk(1, sessions=2))

    assert repr(bars).startswith("<Bars WIN$N M5: 214 bars, 2 sessions, 2021-04-05 09:00 to")
