"""What a page is told of a stream beside its bars."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from alertlib.config import Config
from alertlib.config.schema import Trade
from alertlib.detection.bar import Bar
from alertlib.detection.intake import Core
from alertlib.detection.stream_facts import stream_facts, trade_minutes


@pytest.mark.parametrize(
    ("bars", "minutes", "expected"), [(24, 150, 120), (60, 150, 150), (1, 150, 5)]
)
def test_the_shorter_horizon_ends_a_trade(bars: int, minutes: int, expected: int) -> None:
    assert trade_minutes(Trade(horizon_bars=bars, horizon_minutes=minutes), 5) == expected


def test_facts_are_those_of_the_instrument_and_of_the_session_before() -> None:
    core = Core(Config(), "WIN$N", "M5")
    for day, price in ((4, 126_000.0), (5, 127_000.0), (6, 128_000.0)):
        for number in range(3):
            time = datetime(2024, 3, day, 9) + timedelta(minutes=5 * number)
            core.take(Bar(time, price, price + 50.0 * number, price - 25.0, price))
    facts = stream_facts(core, Trade(), ("replay",))
    assert (facts["tick"], facts["point_value"], facts["marks"]) == (5.0, 0.2, ["replay"])
    assert facts["previous"] == {
        "day": "2024-03-05", "high": 127_100.0, "low": 126_975.0, "close": 127_000.0,
        "is_whole": True,
    }  # fmt: skip
    again = Core(Config(), "WIN$N", "M5")
    again.restore(core.snapshot())
    assert stream_facts(again, Trade(), ("replay",)) == facts
