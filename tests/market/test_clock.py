"""The exchange's clock: days by number and the ISO forms of times."""

from __future__ import annotations

from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st

from alertlib.market.clock import (
    date_of,
    day_number,
    exchange_time,
    exchange_zone,
    utc_stamp,
    with_offset,
)


@given(st.dates())
def test_a_day_and_its_number_lead_to_each_other(day: date) -> None:
    assert date_of(day_number(day)) == day


def test_days_are_counted_from_1970() -> None:
    assert day_number(date(1970, 1, 1)) == 0
    assert day_number(date(2024, 3, 1)) == 19_783


def test_wall_clock_carries_the_offset_of_its_day() -> None:
    """Brazil had daylight saving until February 2019."""
    assert with_offset(datetime(2024, 3, 1, 9, 35)) == "2024-03-01T09:35:00-03:00"
    assert with_offset(datetime(2018, 12, 3, 9, 35)) == "2018-12-03T09:35:00-02:00"


def test_a_time_without_a_zone_is_the_exchanges() -> None:
    naive = datetime(2024, 3, 1, 9, 35)
    assert exchange_time(naive) == datetime(2024, 3, 1, 12, 35, tzinfo=UTC)
    assert exchange_time(datetime(2024, 3, 1, 12, 35, tzinfo=UTC)).replace(tzinfo=None) == naive
    assert exchange_time(naive).tzinfo is exchange_zone()


def test_a_stamp_has_six_decimals_and_a_z() -> None:
    assert utc_stamp(0.0) == "1970-01-01T00:00:00.000000Z"
    assert utc_stamp(1_709_282_100.25) == "2024-03-01T08:35:00.250000Z"
