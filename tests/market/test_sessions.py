"""Which bars lie in which session: the table, the calendar, the file itself."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertlib.bars.quality.hours import overlap
from alertlib.market.sessions import (
    NO_SESSION,
    B3BitcoinHours,
    B3CashHours,
    B3FuturesHours,
    FixedHours,
    Hours,
    SessionTable,
    ash_wednesday,
    is_us_daylight_saving,
)
from tests import naive
from tests.support.synthetic import series_of, session, walk

EPOCH = date(1970, 1, 1)


TABLES: dict[str, SessionTable] = {
    "WIN": B3FuturesHours(),
    "WDO": B3FuturesHours(later=5),
    "BIT": B3BitcoinHours(),
    "B3 cash equity": B3CashHours(),
}


def days_since_epoch(day: date) -> int:
    return (day - EPOCH).days


def clock(hours: Hours) -> tuple[str, ...]:
    return tuple(f"{minute // 60:02d}:{minute % 60:02d}" for minute in hours)


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

    assert clock(hours) == (opens, closes)
    assert later == (hours.open, hours.close + 5)


@pytest.mark.parametrize(
    ("day", "opens", "closes"),
    [
        (date(2021, 3, 15), "09:00", "18:00"),
        (date(2026, 3, 6), "09:00", "18:30"),  # the last day of the old hours
        (date(2026, 3, 9), "08:00", "18:30"),
        (date(2026, 4, 17), "08:00", "18:30"),
        (date(2026, 4, 20), "08:00", "20:00"),
        (date(2026, 2, 18), "13:00", "18:30"),  # Ash Wednesday
        (date(2027, 2, 10), "13:00", "20:00"),
    ],
)
def test_hours_of_the_bitcoin_future(day: date, opens: str, closes: str) -> None:
    assert clock(B3BitcoinHours().hours(days_since_epoch(day))) == (opens, closes)


@pytest.mark.parametrize(
    ("day", "closes"),
    [
        (date(2020, 10, 30), "17:00"),
        (date(2020, 11, 3), "18:00"),  # the first day after US daylight saving
        (date(2024, 11, 1), "17:00"),
        (date(2024, 11, 4), "18:00"),  # still followed, as announced each time
        (date(2025, 3, 7), "18:00"),
        (date(2025, 3, 10), "17:00"),
        (date(2025, 11, 3), "18:00"),
    ],
)
def test_hours_of_cash_equities(day: date, closes: str) -> None:
    assert clock(B3CashHours().hours(days_since_epoch(day))) == ("10:00", closes)


@pytest.mark.parametrize("day", [date(2023, 2, 22), date(2024, 2, 14), date(2026, 2, 18)])
def test_cash_equities_open_at_one_on_ash_wednesday(day: date) -> None:
    assert clock(B3CashHours().hours(days_since_epoch(day))) == ("13:00", "18:00")


def test_the_table_is_the_naive_one_on_every_day_of_twenty_years() -> None:
    for n in range(365 * 20):
        day = date(2010, 1, 1) + timedelta(days=n)
        for family, table in TABLES.items():
            expected = naive.table_hours(family, day)
            assert tuple(table.hours(days_since_epoch(day))) == expected, day


def hours_by(rule: dict[str, Any], day: date) -> tuple[int, int]:
    """Hours of a day from nothing but what a rule states."""
    if rule["kind"] == "fixed":
        return rule["open"], rule["close"]
    wider = [h for since, h in rule.get("since", {}).items() if since <= day.isoformat()]
    if "before" in rule and not wider:
        return hours_by(rule["before"], day)
    opening, closing = wider[-1] if wider else (rule["open"], rule["close"])
    ends = rule.get("us_daylight_saving_until", "9999-12-31")
    if not wider and naive.us_daylight_saving(day) and day.isoformat() < ends:
        closing = rule["us_daylight_saving_close"]
    ash_day = naive.easter(day.year) - timedelta(days=46)
    return (rule["ash_wednesday_open"] if day == ash_day else opening), closing


@pytest.mark.parametrize("table", [*TABLES.values(), FixedHours(605, 1_015)])
def test_a_rule_states_all_that_decides_the_hours(table: SessionTable) -> None:
    rule = json.loads(json.dumps(table.rule()))

    assert rule == table.rule()
    for n in range(365 * 20):
        day = date(2010, 1, 1) + timedelta(days=n)
        assert tuple(table.hours(days_since_epoch(day))) == hours_by(rule, day), day


def test_other_hours_are_another_rule() -> None:
    tables = [
        *TABLES.values(),
        FixedHours(605, 1_015),
        FixedHours(605, 1_016),
        FixedHours(600, 1_015),
    ]
    rules = {json.dumps(table.rule(), sort_keys=True) for table in tables}
    assert len(rules) == len(tables)


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


@given(st.integers(0, 1_439), st.sampled_from([1, 5, 30, 60, 120, 240, 1_440]), st.data())
def test_a_bar_belongs_where_one_of_its_minutes_does(
    opening: int, length: int, data: st.DataObject
) -> None:
    minute = data.draw(st.integers(0, 1_439))
    hours = Hours(opening, data.draw(st.integers(opening, 1_440)))

    assert hours.overlap(minute, length) == naive.overlap(minute, length, hours)
    assert not NO_SESSION.overlap(minute, length)


def test_a_session_that_closes_as_it_opens_has_no_bar() -> None:
    """Found once in many runs: a bar of a day was said to belong to none of its minutes."""
    assert not Hours(1_437, 1_437).overlap(0, 1_440)
    assert Hours(1_437, 1_438).overlap(0, 1_440)
    hours = np.array([(1_437, 1_437), (1_437, 1_438), (0, 0)])
    assert overlap(np.zeros(3, dtype=np.int32), 1_440, hours, np.arange(3)).tolist() == [
        False, True, False,
    ]  # fmt: skip


@pytest.mark.parametrize("family", TABLES)
def test_a_table_says_from_when_it_is_known(family: str) -> None:
    since = TABLES[family].known_since
    assert since == (date(2019, 2, 18) if family == "B3 cash equity" else date(2020, 3, 9))
