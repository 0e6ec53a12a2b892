"""Columns and the loops over them: sessions, joins, merging, both engines."""

from __future__ import annotations

from dataclasses import fields
from datetime import date, datetime, timedelta

import naive
import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from naive import Rules
from steps import rough_walk
from synthetic import bars_of, frame, series_of, session, walk

from alertlib._numba import COMPILED, INTERPRETED, Engine
from alertlib.bars import from_frame
from alertlib.batch import detect, levels_at, make_alerts, true_ranges
from alertlib.config import Config
from alertlib.detectors import breakout, frame_detector, volatility
from alertlib.errors import ConfigError
from alertlib.labels import directional_changes
from alertlib.mirror import coin_flips, mirror
from alertlib.rules import make_rules
from alertlib.scoring import run_detectors
from alertlib.series import Series, make_series
from alertlib.sessions import (
    B3FuturesHours,
    FixedHours,
    ash_wednesday,
    is_us_daylight_saving,
)

EPOCH = date(1970, 1, 1)


def days_since_epoch(day: date) -> int:
    return (day - EPOCH).days


# --- both engines, to the last bit --------------------------------------------------------


def assert_equal_columns(a: object, b: object) -> None:
    for field in fields(a):  # type: ignore[arg-type]  # any dataclass of arrays
        ours, theirs = getattr(a, field.name), getattr(b, field.name)
        assert ours.dtype == theirs.dtype, field.name
        assert np.array_equal(ours, theirs), field.name


@given(st.integers(0, 10**6))
def test_every_loop_gives_the_same_bits_compiled_and_interpreted(seed: int) -> None:
    series = series_of(rough_walk(seed, sessions=6), timeframe="M5")

    a, b = (run_detectors(series, Config(), engine) for engine in (INTERPRETED, COMPILED))

    assert np.array_equal(a.atr, b.atr, equal_nan=True)
    assert_equal_columns(a.delivered, b.delivered)
    assert_equal_columns(a.suppressed, b.suppressed)
    for k in (2.0, 3.0):
        legs = (directional_changes(series, x.atr, k, x.engine) for x in (a, b))
        assert_equal_columns(*legs)


@given(st.integers(0, 10**6), st.integers(2, 20))
def test_true_ranges_equal_their_naive_twin(seed: int, window: int) -> None:
    rows = rough_walk(seed)
    bars, _ = naive.in_units(rows)

    ours = true_ranges(series_of(rows, timeframe="M5"), window)

    # Ticks here, points there: a factor of five, and with it another rounding.
    np.testing.assert_allclose(5 * ours, naive.atr(bars, window), rtol=1e-12, equal_nan=True)


def test_prices_too_large_for_64_bits_are_run_in_plain_python() -> None:
    """Window times price beyond 3e9 quanta would overflow the sum of squares."""
    rows = walk(1, sessions=3, tick=0.01)
    above = [(t, *(round(p + 4.0e7, 2) for p in prices)) for t, *prices in rows]
    series = series_of(above, "PETR4")
    assert int(series.high.max()) * volatility.ring > 3.0e9

    low = detect(series_of(rows, "PETR4"), (volatility, breakout), COMPILED)
    high = detect(series, (volatility, breakout), COMPILED)

    assert np.array_equal(low, high)
    assert low.any()


@pytest.mark.parametrize(
    "answer",
    [
        lambda frame: np.zeros(frame.height - 1),
        lambda frame: np.zeros((frame.height, 2)),
        lambda frame: np.full(frame.height, 2),
        lambda frame: np.full(frame.height, np.nan),
    ],
    ids=["short", "two columns", "two", "nan"],
)
def test_a_frame_detector_must_answer_for_each_bar(answer: object) -> None:
    made = frame_detector("odd", patterns=("a", "b"))(answer)  # type: ignore[arg-type]  # as a user

    with pytest.raises(ConfigError, match=r"detector 'odd': got signals of shape .*one of -1, 0"):
        detect(series_of(walk(1, sessions=1)), (made,))


def test_a_frame_detector_sees_the_kept_bars_in_points() -> None:
    seen: list[pl.DataFrame] = []

    @frame_detector("nosy", patterns=("a", "b"))
    def nosy(frame):  # type: ignore[no-untyped-def]  # as a user writes it
        seen.append(frame)
        return np.zeros(frame.height, dtype=int)

    rows = walk(2, sessions=2)
    late = [(rows[0][0].replace(hour=20), *rows[0][1:])]
    detect(series_of(rows[:107] + late + rows[107:]), (nosy,))

    (given_frame,) = seen
    assert given_frame.columns == ["time", "open", "high", "low", "close", "volume", "session"]
    assert given_frame.height == len(rows)
    assert given_frame["close"].to_list() == [row[4] for row in rows]
    assert given_frame["session"].to_list() == [0] * 107 + [1] * 107


# --- alerts -------------------------------------------------------------------------------


def test_signals_before_the_warmup_do_not_count(engine: Engine) -> None:
    series = series_of(walk(3, sessions=2))
    rules = make_rules(Config().set("detection.enabled", ("breakout",)), series.instrument.grid)
    atr = true_ranges(series, 14)
    signals = np.ones((len(series), 1), dtype=np.int8)

    alerts = make_alerts(series, signals, atr, rules, engine)

    # Breakout needs 6 bars, the average range 14: whichever is later.
    assert alerts.bar.tolist() == list(range(13, len(series)))
    assert make_alerts(series, 0 * signals, atr, rules, engine).bar.tolist() == []


@given(st.integers(0, 10**6), st.sampled_from((1, -1)))
def test_levels_equal_the_naive_alerts(seed: int, direction: int) -> None:
    series = series_of(walk(seed, sessions=1))
    rules = make_rules(Config(), series.instrument.grid)
    atr = true_ranges(series, 14)
    bars = np.arange(20, 100, 7)

    levels = levels_at(series, atr, bars, np.full(len(bars), direction), rules, INTERPRETED)

    for i, t in enumerate(bars.tolist()):
        twin = naive.make_alert(
            t, direction, ["break_suporte"], int(series.close[t]), float(atr[t]), Rules(tick=1)
        )
        expected = (twin.entry_min, twin.entry_max, twin.stop, twin.target)
        assert tuple(float(level[i]) for level in levels) == expected


# --- sessions -----------------------------------------------------------------------------


def test_bars_outside_the_session_are_left_out_and_counted() -> None:
    rows = walk(4, sessions=2)
    stray = [(rows[0][0].replace(hour=h, minute=m), *rows[0][1:]) for h, m in ((8, 55), (17, 55))]
    inside = rows[0][0].replace(hour=17, minute=50)
    assert rows[106][0] == inside

    series = series_of([stray[0], *rows[:107], stray[1], *rows[107:]])

    assert series.removed == 2
    opened = (datetime(1970, 1, 1) + timedelta(minutes=m) for m in series.minute.tolist())
    assert list(opened) == [row[0] for row in rows]


def test_places_are_counted_from_the_first_bar_there_is() -> None:
    rows = walk(5, sessions=2)
    del rows[107:110]  # the second morning is three bars late

    series = series_of(rows)

    assert series.place.tolist() == [*range(107), *range(104)]
    assert series.first.tolist() == [0, 107]
    assert series.last.tolist() == [106, 210]
    assert series.expected.tolist() == [107, 107]
    assert series.session.tolist() == [0] * 107 + [1] * 104


def test_gaps_are_first_open_less_last_close() -> None:
    rows = [
        *session([(100.0, 110.0, 95.0, 105.0)] * 2, date(2021, 4, 5)),
        *session([(150.0, 160.0, 145.0, 155.0)] * 2, date(2021, 4, 6)),
        *session([(120.0, 130.0, 115.0, 125.0)] * 2, date(2021, 4, 7)),
    ]

    series = series_of(rows, "TST")

    # 150 - 105 = 45 points = 9 ticks; 120 - 155 = -35 points = -7 ticks.
    assert series.gaps.tolist() == [0, 0, 9, 9, 2, 2]


@pytest.mark.parametrize(
    ("day", "opens", "closes"),
    [
        (date(2020, 11, 3), "09:00", "18:25"),  # the first day after US daylight saving
        (date(2021, 3, 12), "09:00", "18:25"),
        (date(2021, 3, 15), "09:00", "17:55"),
        (date(2021, 11, 5), "09:00", "17:55"),
        (date(2021, 11, 8), "09:00", "18:25"),
        (date(2023, 11, 3), "09:00", "17:55"),  # the last short day
        (date(2023, 11, 6), "09:00", "18:25"),
        (date(2024, 7, 1), "09:00", "18:25"),  # no longer followed
        (date(2021, 2, 17), "13:00", "18:25"),  # Ash Wednesday
        (date(2024, 2, 14), "13:00", "18:25"),
    ],
)
def test_hours_of_the_index_future(day: date, opens: str, closes: str) -> None:
    hours = B3FuturesHours().hours(days_since_epoch(day))
    later = B3FuturesHours(later=5).hours(days_since_epoch(day))

    clock = "{:02d}:{:02d}".format
    assert clock(*divmod(hours.open, 60)) == opens
    assert clock(*divmod(hours.close, 60)) == closes
    assert later == (hours.open, hours.close + 5)


def test_the_table_is_the_naive_one_on_every_day_of_twenty_years() -> None:
    for n in range(365 * 20):
        day = date(2010, 1, 1) + timedelta(days=n)
        for family, table in (("WIN", B3FuturesHours()), ("WDO", B3FuturesHours(later=5))):
            expected = naive.table_hours(family, day)
            assert tuple(table.hours(days_since_epoch(day))) == expected, day


def test_daylight_saving_and_ash_wednesday_are_those_of_the_calendar() -> None:
    """Dates from the time-zone database and from published church calendars."""
    from zoneinfo import ZoneInfo

    new_york = ZoneInfo("America/New_York")
    for n in range(365 * 6):
        noon = datetime(2019, 1, 1, 12, tzinfo=new_york) + timedelta(days=n)
        assert is_us_daylight_saving(noon.date()) == bool(noon.dst()), noon
    published = ["2019-03-06", "2020-02-26", "2021-02-17", "2022-03-02", "2023-02-22", "2024-02-14",
                 "2025-03-05", "2026-02-18"]  # fmt: skip
    assert [ash_wednesday(int(text[:4])).isoformat() for text in published] == published


def test_an_unknown_family_keeps_the_hours_of_the_file_itself() -> None:
    """Modal first and last bar of a date; the bars outside them are left out."""
    rows = [row for day in range(3) for row in session([(100.0, 110.0, 95.0, 105.0)] * 10,
            date(2021, 4, 5) + timedelta(days=day))]  # fmt: skip
    early = [(rows[10][0].replace(hour=8, minute=55), *rows[10][1:])]
    late = [(rows[19][0].replace(hour=9, minute=50), *rows[19][1:])]

    series = series_of([*rows[:10], *early, *rows[10:20], *late, *rows[20:]], "XYZ")

    assert series.instrument.sessions == FixedHours(9 * 60, 9 * 60 + 50)
    assert series.removed == 2
    assert series.expected.tolist() == [10, 10, 10]


def test_expected_bars_are_rounded_up() -> None:
    rows = session([(100_000.0,) * 4] * 36, minutes=15)

    # 09:00 to 17:55 is 35.67 quarter hours.
    assert series_of(rows).expected.tolist() == [36]


def test_of_equally_common_hours_the_wider_are_taken() -> None:
    bar = (100.0, 110.0, 95.0, 105.0)
    rows = session([bar] * 5, date(2021, 4, 5)) + session(
        [bar] * 8, date(2021, 4, 6), opening=datetime(2021, 4, 6, 8, 50).time()
    )

    series = series_of(rows, "XYZ")

    assert series.instrument.sessions == FixedHours(8 * 60 + 50, 9 * 60 + 30)


# --- parts of a series --------------------------------------------------------------------


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


def test_a_series_reads_back_as_the_frame_it_came_from() -> None:
    rows = walk(6, sessions=2)
    volumes = pl.Series("tick_volume", range(len(rows)))
    bars = from_frame(frame(rows).with_columns(volumes), symbol="WIN$N")

    series = make_series(bars)

    shown = series.frame()
    columns = ["time", "open", "high", "low", "close"]
    assert shown.select(columns).equals(bars.frame.select(columns))
    assert shown["volume"].to_list() == list(range(len(rows)))


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


def test_nothing_mirrors_to_nothing() -> None:
    empty = series_of(walk(1, sessions=1)).head(0)

    assert len(mirror(empty, np.zeros(0, dtype=np.int64))) == 0


def test_bars_know_what_they_are() -> None:
    bars = bars_of(walk(1, sessions=2))

    assert repr(bars).startswith("<Bars WIN$N M5: 214 bars, 2 sessions, 2021-04-05 09:00 to")
