"""The range of the session before."""

from __future__ import annotations

import json
from datetime import datetime

from alertlib.detection.bar import Bar
from alertlib.detection.day_ranges import DayRange, DayRanges


def bar(day: int, hour: int, high: float, low: float, close: float) -> Bar:
    return Bar(datetime(2024, 3, day, hour), close, high, low, close)


def test_the_day_before_is_known_once_it_was_seen_from_its_first_bar() -> None:
    ranges = DayRanges()
    ranges.add(bar(1, 12, 110.0, 100.0, 105.0))
    ranges.add(bar(4, 9, 120.0, 104.0, 106.0))
    assert ranges.previous is None  # the first day may have begun before noon
    ranges.add(bar(4, 10, 118.0, 90.0, 95.0))
    ranges.add(bar(5, 9, 99.0, 94.0, 98.0))
    assert ranges.previous == DayRange("2024-03-04", 120.0, 90.0, 95.0, True)


def test_a_restart_at_noon_forgets_nothing() -> None:
    ranges = DayRanges()
    for one in (bar(1, 9, 9.0, 8.0, 8.5), bar(4, 9, 7.0, 5.0, 6.0), bar(5, 9, 9.0, 8.0, 8.0)):
        ranges.add(one)
    again = DayRanges.restored(json.loads(json.dumps(ranges.snapshot())))
    again.add(bar(5, 13, 10.0, 8.0, 9.0))
    assert again.previous == ranges.previous
    again.add(bar(6, 9, 9.0, 9.0, 9.0))
    assert again.previous == DayRange("2024-03-05", 10.0, 8.0, 9.0, True)
