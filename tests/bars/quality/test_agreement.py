"""Whether times agree with the exchange: its days, opens of bars, its clock."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertlib.bars.examination import examine
from alertlib.bars.opening import from_frame, read_bars
from alertlib.bars.series import make_series
from alertlib.config.types import minutes
from alertlib.market.calendar import is_trading_day
from alertlib.market.clock import day_number
from alertlib.market.instruments import find_instrument
from alertlib.market.sessions import NO_SESSION
from tests.support.synthetic import SHARED, frame

CASES = SHARED.parent / "cases"
MONDAY = date(2024, 6, 3)
clock = pl.col("time")


def sessions(
    symbol: str, timeframe: str, count: int = 12, first: date = MONDAY, phase: int = 0
) -> pl.DataFrame:
    """Full sessions by the table, bars on the clock (or ``phase`` minutes after it)."""
    instrument = find_instrument(symbol, timeframe)
    length = minutes(timeframe)
    rows = []
    day = first
    while len({row[0].date() for row in rows}) < count:
        hours = instrument.hours(day_number(day))
        if hours == NO_SESSION:
            day += timedelta(days=1)
            continue
        at = hours.open - (hours.open - phase) % length
        while at < hours.close:
            n = len(rows)
            low = 20_000.0 + 20 * (n * 7 % 13)
            time = datetime(day.year, day.month, day.day) + timedelta(minutes=at)
            rows.append((time, low + 20, low + 60, low, low + 40))
            at += length
        day += timedelta(days=1)
    return frame(rows)


def moved(bars: pl.DataFrame, **by: int) -> pl.DataFrame:
    return bars.with_columns(clock + timedelta(**by))


def errors(bars: pl.DataFrame, symbol: str) -> list[str]:
    read = from_frame(bars, symbol=symbol)
    assert read.quality.clean == (not read.quality.findings)
    return [one.kind for one in read.quality.findings if one.severity == "error"]


TIMEFRAMES = ["M1", "M5", "M15", "M30", "H1", "H2", "H4", "D1"]
SYMBOLS = ["WIN$N", "WDO$N", "BIT$N", "PETR4"]


@pytest.mark.parametrize("timeframe", TIMEFRAMES)
@pytest.mark.parametrize("symbol", SYMBOLS)
def test_sessions_by_the_table_agree(symbol: str, timeframe: str) -> None:
    bars = from_frame(sessions(symbol, timeframe), symbol=symbol, timeframe=timeframe)

    assert bars.quality.findings == ()
    assert len(make_series(bars)) == len(bars)
    assert [f.kind for f in examine(bars).findings if f.kind != "roll"] == []


# --- closes for opens -----------------------------------------------------------------------


@pytest.mark.parametrize("timeframe", ["M1", "M5", "M15", "M30", "H1", "H2", "H4"])
@pytest.mark.parametrize("symbol", SYMBOLS)
def test_bars_a_whole_bar_late_are_closes(symbol: str, timeframe: str) -> None:
    late = moved(sessions(symbol, timeframe), minutes=minutes(timeframe))

    (found,) = from_frame(late, symbol=symbol).quality.findings

    assert (found.kind, found.severity, found.count) == ("closes_for_opens", "error", 12)
    assert "subtract" in found.message
    assert found.message.startswith(f"12 of 12 sessions begin and end one bar of {timeframe} after")


@pytest.mark.parametrize("timeframe", TIMEFRAMES)
@pytest.mark.parametrize("symbol", [*SYMBOLS, "XYZ"])
@pytest.mark.parametrize("less", [timedelta(seconds=1), timedelta(milliseconds=1)])
def test_bars_a_second_before_their_close_are_closes(
    symbol: str, timeframe: str, less: timedelta
) -> None:
    """Without a session table, too: no bar opens a second before the next one."""
    bars = sessions("WIN$N" if symbol == "XYZ" else symbol, timeframe)
    closes = bars.with_columns(clock + timedelta(minutes=minutes(timeframe)) - less)

    found = from_frame(closes, symbol=symbol).quality.findings

    assert [(one.kind, one.count) for one in found] == [("closes_for_opens", bars.height)]
    assert f"{less.total_seconds():g} s before a bar of {timeframe} ends" in found[0].message


def test_bars_stamped_with_their_last_minute_are_closes() -> None:
    assert errors(moved(sessions("WIN$N", "M5"), minutes=4), "WIN$N") == ["closes_for_opens"]


def test_a_missing_first_bar_and_a_print_after_the_close_are_no_closes() -> None:
    bars = sessions("WIN$N", "M5")
    late = bars.filter((clock.dt.time() != datetime(1970, 1, 1, 9).time()) | (clock.dt.day() < 7))
    closing_call = moved(bars.filter(clock.dt.time() == datetime(1970, 1, 1, 18, 20).time()),
                         minutes=5)  # fmt: skip

    assert errors(pl.concat([late, closing_call]).sort("time"), "WIN$N") == []


def test_a_share_that_opens_late_and_prints_its_closing_call_is_no_close() -> None:
    """First trade 10:08, none from 16:55 on, the call prints at 17:05: so every day in files."""
    bars = sessions("PETR4", "M5")
    time = clock.dt.hour().cast(int) * 60 + clock.dt.minute()
    traded = bars.filter(time.is_between(605, 1_010))
    call = moved(bars.filter(time == 1_015), minutes=5)

    assert errors(pl.concat([traded, call]).sort("time"), "PETR4") == []


# --- days without trading -------------------------------------------------------------------


@given(st.integers(0, 365 * 24 * 2))
def test_a_day_is_an_error_exactly_where_the_calendar_has_none(days: int) -> None:
    day = date(2002, 1, 1) + timedelta(days=days)
    bars = sessions("WIN$N", "M30", 1).with_columns(clock.dt.offset_by(f"{(day - MONDAY).days}d"))

    found = from_frame(bars, symbol="WIN$N", timeframe="M30").quality.of_kind("non_trading_day")

    assert [one.date for one in found] == ([] if is_trading_day(day) else [day])


@pytest.mark.parametrize(
    ("day", "what"),
    [
        (date(2024, 6, 8), "a Saturday"),
        (date(2024, 6, 9), "a Sunday"),
        (date(2024, 5, 30), "a holiday"),
        (date(2024, 11, 20), "a holiday"),
    ],
)
@pytest.mark.parametrize("symbol", SYMBOLS)
def test_sessions_on_days_without_trading_are_listed_and_left_out(
    symbol: str, day: date, what: str
) -> None:
    whole = sessions(symbol, "M15")
    some = sessions(symbol, "M15", 1).height
    wrong = whole.head(some).with_columns(clock.dt.offset_by(f"{(day - MONDAY).days}d"))
    bars = from_frame(pl.concat([whole, wrong]).sort("time"), symbol=symbol)

    (found,) = bars.quality.of_kind("non_trading_day")

    assert (found.severity, found.date, found.count) == ("error", day, some)
    assert f"{some} bars on {day}, {what} without trading at B3" in found.message
    assert not bars.quality.clean
    series = make_series(bars)
    assert series.removed == some
    assert day_number(day) not in series.days.tolist()
    later = {one.kind for one in examine(bars).findings if one.date == day}
    assert later == {"non_trading_day"}  # told once


def test_an_instrument_of_no_family_trades_when_its_file_does() -> None:
    weekend = moved(sessions("WIN$N", "M15", 5), days=4)

    assert errors(weekend, "XYZ") == []
    assert make_series(from_frame(weekend, symbol="XYZ")).removed == 0


# --- the exchange's clock -------------------------------------------------------------------


@pytest.mark.parametrize("shift", [-9, -3, -2, -1, 2, 3, 5])
@pytest.mark.parametrize("timeframe", ["M1", "M5", "M15", "M30", "H1", "H2", "H4"])
@pytest.mark.parametrize("symbol", SYMBOLS)
def test_a_clock_shifted_by_whole_hours_is_an_error(
    symbol: str, timeframe: str, shift: int
) -> None:
    if 60 * shift == minutes(timeframe) or (timeframe, shift) == ("H4", 5):
        pytest.skip("a whole bar late, of bars on the clock or of bars that begin with the session")

    bars = from_frame(moved(sessions(symbol, timeframe), hours=shift), symbol=symbol)

    (found,) = (one for one in bars.quality.findings if one.kind != "non_trading_day")
    assert (found.kind, found.severity) == ("zone", "error")
    assert f"sessions lie {shift:+g} h from the exchange's hours, the first on" in found.message
    assert found.message.endswith("export it by Brasilia time, or with offsets from UTC")


@pytest.mark.parametrize("shift", [12, 9, -11])
@pytest.mark.parametrize("timeframe", ["M5", "H1"])
def test_sessions_moved_across_midnight_are_an_error_too(timeframe: str, shift: int) -> None:
    bars = from_frame(moved(sessions("WIN$N", timeframe), hours=shift), symbol="WIN$N")

    (found,) = bars.quality.of_kind("zone")

    assert found.severity == "error"
    assert f"lie {shift:+g} h from" in found.message


def test_days_stamped_at_midnight_of_utc_are_an_error() -> None:
    days = sessions("WIN$N", "D1")

    assert errors(days, "WIN$N") == []
    assert errors(moved(days, hours=3), "WIN$N") == ["zone"]
    assert errors(moved(days, hours=9), "WIN$N") == []  # stamped with the session's open


@pytest.mark.parametrize("timeframe", ["H2", "H4"])
def test_long_bars_may_begin_with_the_session(timeframe: str) -> None:
    bars = from_frame(sessions("WIN$N", timeframe, phase=9 * 60 % minutes(timeframe)),
                      symbol="WIN$N")  # fmt: skip

    assert bars.quality.findings == ()
    assert bars.frame["time"][0].hour == 9
    assert make_series(bars).removed == 0


def test_without_a_table_a_clock_that_changes_within_the_file_is_told() -> None:
    bars = sessions("WIN$N", "M5", 20)
    day = bars["time"].dt.date()
    late = moved(bars.filter(day >= date(2024, 6, 20)), hours=1)
    changed = pl.concat([bars.filter(day < date(2024, 6, 20)), late])

    (found,) = from_frame(changed, symbol="XYZ").quality.findings

    assert (found.kind, found.severity, found.date) == ("zone", "error", date(2024, 6, 20))
    assert "7 of 20 sessions lie +1 h from the file's usual hours" in found.message
    few = pl.concat(
        [bars.filter(day < date(2024, 6, 28)), late.filter(clock >= datetime(2024, 6, 28))]
    )
    assert [one.severity for one in from_frame(few, symbol="XYZ").quality.findings] == []


@pytest.mark.parametrize("timeframe", ["M1", "M5", "M30", "H1"])
@pytest.mark.parametrize("since", [7, 10, 13])
def test_without_a_table_the_season_of_the_close_hides_no_change_of_clock(
    timeframe: str, since: int
) -> None:
    """The commonest ends of all sessions were 09:00 and 21:25: nothing lay elsewhere."""
    bars = sessions("WIN$N", timeframe, 20, date(2021, 3, 1))  # the close moves on 15 March
    day = bars["time"].dt.date()
    at = day.unique().sort()[since]
    changed = pl.concat([bars.filter(day < at), moved(bars.filter(day >= at), hours=3)])

    (found,) = from_frame(changed, symbol="XYZ").quality.findings

    assert (found.kind, found.severity) == ("zone", "error")
    assert f"{min(since, 20 - since)} of 20 sessions lie" in found.message


def test_a_quarter_of_the_sessions_on_another_clock_is_an_error_beside_a_table_too() -> None:
    bars = sessions("WIN$N", "M5", 20)
    day = bars["time"].dt.date()
    at = day.unique().sort()[15]
    changed = pl.concat([bars.filter(day < at), moved(bars.filter(day >= at), hours=3)])

    (found,) = from_frame(changed, symbol="WIN$N").quality.findings

    assert (found.kind, found.severity) == ("zone", "error")
    assert "5 of 20 sessions lie +3 h from the exchange's hours" in found.message


def test_a_zone_or_closes_are_told_instead_of_what_follows_from_them() -> None:
    bars = sessions("WIN$N", "M5")

    for wrong in (moved(bars, hours=3), moved(bars, minutes=5)):
        assert len(examine(from_frame(wrong, symbol="WIN$N")).findings) == 1


# --- files ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("02_end_stamped_minus_1s_m5", ["closes_for_opens"]),
        ("03_day_month_swapped_m30", ["bad_row", "non_trading_day", "non_trading_day"]),
        ("08_h1_utc_epochs", ["non_trading_day", "zone"]),
    ],
)
def test_files_that_were_called_safe(name: str, kinds: list[str]) -> None:
    path = CASES / f"{name}.csv"
    if not path.exists():
        pytest.skip("the collected cases are not beside the project")
    quality = read_bars(path, symbol="WIN$N").quality

    assert sorted(one.kind for one in quality.findings) == kinds
    assert not quality.clean
