"""The alert itself, worked by hand; and what a night must not do to it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from alertlib.config import Config
from alertlib.detection.alert import KERNEL_VERSION, Alert, alert_id
from alertlib.detection.bar import Bar
from alertlib.detection.stream import Decision, Stream
from tests.support.synthetic import SMALL, Row, session, walk


def stream_of(config: Config | None = None, symbol: str = "WIN$N") -> Stream:
    chosen = config or Config()
    return Stream(chosen.set("data.symbols", (SMALL,)), symbol=symbol, timeframe="M5")


def decisions(stream: Stream, rows: Iterable[Row]) -> list[Decision]:
    return [stream.decide(Bar(*row)) for row in rows]


def breaking_rows() -> list[Row]:
    """Fourteen bars of range 10 (ATR 10), then a close 20 above the channel.

    Ranges: 14 bars of 10, then high 130 - low 100: true range 30. Wilder: (10 * 13 + 30) / 14.
    """
    calm = [(100_100.0, 100_105.0, 100_095.0, 100_100.0)] * 14
    return session([*calm, (100_100.0, 100_130.0, 100_100.0, 100_125.0)])


def test_an_alert_worked_by_hand() -> None:
    """ATR = 160/14 = 11.43; 1.5 ATR = 17.14; 0.25 ATR = 2.86; price 100125, tick 5.

    Stop 100107.86 -> 100110 (toward the price), target 100142.14 -> 100145 (away), band
    100122.14 .. 100127.86 -> 100120 .. 100130. Risk:reward 20 / 15.
    """
    stream = stream_of()
    made = decisions(stream, breaking_rows())

    assert [len(d.alerts) for d in made] == [0] * 14 + [1]
    (alert,) = made[-1].alerts
    opened = datetime(2021, 4, 5, 10, 10)
    assert alert == Alert(
        id=alert_id("WIN$N", "M5", "break_resistencia", 1, "2021-04-05T10:10"),
        time=opened + timedelta(minutes=5),
        bar_time=opened,
        symbol="WIN$N",
        timeframe="M5",
        pattern="break_resistencia",
        direction=1,
        severity="ALTO",
        confidence=0.70,
        price=100_125.0,
        entry_min=100_120.0,
        entry_max=100_130.0,
        stop=100_110.0,
        target=100_145.0,
        risk_reward=20 / 15,
        agreeing=(),
    )


def test_an_alert_is_stamped_at_the_close_of_its_bar() -> None:
    (alert,) = decisions(stream_of(), breaking_rows())[-1].alerts

    assert alert.time - alert.bar_time == timedelta(minutes=5)


def test_its_identity_is_a_hash_of_what_it_is() -> None:
    text = f"WIN$N|M5|break_resistencia|+1|2021-04-05T10:10|{KERNEL_VERSION}"
    expected = hashlib.sha256(text.encode()).hexdigest()[:32]

    assert alert_id("WIN$N", "M5", "break_resistencia", 1, "2021-04-05T10:10") == expected
    ids = {
        alert_id(symbol, timeframe, pattern, direction, at)
        for symbol in ("WIN$N", "WINFUT")
        for timeframe in ("M5", "M15")
        for pattern in ("break_resistencia", "break_suporte")
        for direction in (1, -1)
        for at in ("2021-04-05T10:10", "2021-04-05T10:15")
    }
    assert len(ids) == 32


def test_an_alert_needs_an_average_range() -> None:
    """The same break one bar earlier: thirteen ranges are not fourteen."""
    rows = breaking_rows()[2:]

    assert not any(d.alerts for d in decisions(stream_of(), rows))


def test_suppressed_alerts_are_told_with_their_reason() -> None:
    rows = breaking_rows()
    time, *_ = rows[-1]
    back = [(100_100.0, 100_105.0, 100_095.0, 100_100.0)] * 2
    again = [(100_100.0, 100_150.0, 100_100.0, 100_145.0)]
    later = [(time + timedelta(minutes=5 * n), *p) for n, p in enumerate([*back, *again], 1)]

    made = decisions(stream_of(Config().set("detection.enabled", ("breakout",))), rows + later)

    assert not made[-1].alerts
    (held,) = made[-1].suppressed
    assert (held.reason, held.alert.pattern) == ("cooldown", "break_resistencia")


def test_two_detectors_of_one_bar_make_one_alert() -> None:
    """A bullish engulfing that also breaks out: named after the break, 0.70 + 0.10 = 0.80."""
    calm = [(100_100.0, 100_105.0, 100_095.0, 100_100.0)] * 13
    bear, bull = (
        (100_100.0, 100_105.0, 100_085.0, 100_090.0),
        (100_090.0, 100_130.0, 100_085.0, 100_125.0),
    )
    rows = session([*calm, bear, bull])
    config = Config().set("detection.enabled", ("engulfing", "breakout"))

    (alert,) = decisions(stream_of(config), rows)[-1].alerts

    assert (alert.pattern, alert.agreeing) == ("break_resistencia", ("engulfing_bullish",))
    assert (alert.confidence, alert.severity) == (0.80, "CRITICO")


def test_opposite_directions_of_one_bar_both_stand_up_first() -> None:
    rows = walk(47, sessions=8)
    config = (
        Config()
        .set("detection.enabled", ("breakout", "tests.support.user_detectors:metronome"))
        .set("policy.cooldown_bars", 0)
    )

    made = decisions(stream_of(config), rows)

    both = [d.alerts for d in made if len(d.alerts) == 2]
    assert both
    assert all([a.direction for a in alerts] == [1, -1] for alerts in both)


# --- nights, rolls and indicators ---------------------------------------------------------


def test_a_roll_gap_is_not_a_break() -> None:
    """The morning opens 2 % higher; the joined series has not moved."""
    evening = session([(100_100.0, 100_105.0, 100_095.0, 100_100.0)] * 20)
    up = 2_000.0
    morning = [(time + timedelta(days=1), *(p + up for p in prices)) for time, *prices in evening]

    assert not any(d.alerts or d.suppressed for d in decisions(stream_of(), evening + morning))


def test_indicators_do_not_see_the_night() -> None:
    """Whatever the overnight gap, the alerts of the next day are the same but for the price."""
    rows = walk(48, sessions=4)
    day = rows[-1][0].date()
    moved = [(t, *(p + 5_000.0 * (t.date() == day) for p in prices)) for t, *prices in rows]

    def brief(made: list[Decision]) -> list[tuple[Any, ...]]:
        return [
            (a.bar_time, a.pattern, a.direction, a.confidence, a.stop - a.price, a.target - a.price)
            for d in made
            for a in d.alerts
        ]

    before, after = decisions(stream_of(), rows), decisions(stream_of(), moved)
    assert brief(after) == brief(before)
    assert any(a.bar_time.date() == day for d in after for a in d.alerts)
