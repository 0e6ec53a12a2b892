"""The session table and the roll calendar against an independent calendar and real files."""

from __future__ import annotations

import warnings
from datetime import date, datetime, time, timedelta
from pathlib import Path

import exchange_calendars
import polars as pl
import pytest

from alertlib.market.calendar import is_trading_day, roll_days, trading_days
from alertlib.market.clock import EPOCH
from alertlib.market.futures import Expiry, adjustment, expiries
from alertlib.market.instruments import find_instrument
from alertlib.market.sessions import B3CashHours, B3FuturesHours

FIRST, LAST = date(2019, 1, 1), date(2026, 12, 31)
REAL = Path(__file__).parents[3] / "shared" / "data"

needs_real_files = pytest.mark.skipif(
    not REAL.is_dir(), reason="the files of real bars are not beside the project"
)


@pytest.fixture(scope="module")
def bvmf() -> exchange_calendars.ExchangeCalendar:
    """The calendar of B3's cash market: the same days, other hours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own use of pandas, which deprecates it
        return exchange_calendars.get_calendar("BVMF", start=str(FIRST), end=str(LAST))


def test_trading_days_are_those_of_bvmf(bvmf: exchange_calendars.ExchangeCalendar) -> None:
    assert trading_days(FIRST, LAST) == [session.date() for session in bvmf.sessions]


@pytest.mark.parametrize("year", range(2004, 2019))
def test_trading_days_of_earlier_years_are_those_of_bvmf(year: int) -> None:
    first, last = date(year, 1, 1), date(year, 12, 31)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        calendar = exchange_calendars.get_calendar("BVMF", start=str(first), end=str(last))
    assert trading_days(first, last) == [session.date() for session in calendar.sessions]


def test_ash_wednesday_opens_late_as_at_bvmf(bvmf: exchange_calendars.ExchangeCalendar) -> None:
    late = {session.date() for session in bvmf.late_opens if session.date() >= FIRST}
    table = B3FuturesHours()
    ours = {
        day for day in trading_days(FIRST, LAST) if table.hours((day - EPOCH).days).open == 13 * 60
    }
    assert ours == late


def test_cash_equities_open_when_bvmf_does(bvmf: exchange_calendars.ExchangeCalendar) -> None:
    """Closes are not compared: the calendar has none for daylight saving."""
    table = B3CashHours()
    for session, opened in bvmf.opens.items():
        local = opened.tz_convert("America/Sao_Paulo")
        opening = table.hours((session.date() - EPOCH).days).open
        assert opening == 60 * local.hour + local.minute, session


@needs_real_files
def test_a_real_share_trades_to_the_tables_close() -> None:
    """PETR4 on both sides of 2020-11-01: the last five minutes are the closing call."""
    bars = pl.read_parquet(REAL / "petr4_m1_2020-08_2020-12.parquet").select("time")
    minute = pl.col("time").dt.hour().cast(int) * 60 + pl.col("time").dt.minute()
    days = bars.group_by(pl.col("time").dt.date()).agg(
        first=minute.min(), last=minute.filter(minute < 18 * 60).max()
    )
    opened, ended = [], 0
    for day, first, last in days.sort("time").iter_rows():
        hours = B3CashHours().hours((day - EPOCH).days)
        opened.append(first - hours.open)
        ended += last == hours.close - 6
    assert sum(4 <= delay <= 15 for delay in opened[1:]) == days.height - 1
    assert days.height - ended == 3  # 09-04 and 12-30 end 5 minutes early, 08-25 prints at 17:09


# --- real bars ------------------------------------------------------------------------------

FILES = [
    ("WIN$N", "M5", "win_n_m5_2020-11_2021-03"),
    ("WIN$N", "M15", "win_n_m15_2020-01_2021-03"),
    ("WIN$N", "M30", "win_n_m30_2020-10_2022-01"),
    ("WIN$N", "M5", "winfut_m5_2021-08_2022-01"),
    ("WDO$N", "M15", "wdo_n_m15_2020-10_2023-12"),
    ("BIT$N", "M5", "bit_n_m5_2024-04_2025-03"),
]


@needs_real_files
@pytest.mark.parametrize(("symbol", "timeframe", "name"), FILES)
def test_real_sessions_lie_in_the_table(symbol: str, timeframe: str, name: str) -> None:
    """Every bar on a trading day; the usual first and last one where the table puts them."""
    instrument = find_instrument(symbol, timeframe)
    assert instrument.sessions is not None
    bars = pl.read_parquet(REAL / f"{name}.parquet").select("time")
    days = bars.group_by(pl.col("time").dt.date().alias("day")).agg(
        first=pl.col("time").min(), last=pl.col("time").max()
    )
    early, late, full = [], [], 0
    for day, first, last in days.sort("day").iter_rows():
        assert is_trading_day(day), f"{day} has bars and is no trading day"
        hours = instrument.sessions.hours((day - EPOCH).days)
        opening, end = _at(day, hours.open), _at(day, hours.close)
        closing = end - timedelta(minutes=instrument.minutes)
        early += [first] if first < opening else []
        late += [last] if last >= end else []
        full += first == opening and last >= closing - timedelta(minutes=instrument.minutes)
    assert early == []
    # After the close only the closing call (WDO) prints, in a bar of its own.
    assert len(late) <= 0.01 * days.height + 2, late
    assert full >= 0.85 * days.height


def _at(day: date, minute: int) -> datetime:
    return datetime.combine(day, time()) + timedelta(minutes=minute)


@needs_real_files
@pytest.mark.parametrize(
    ("symbol", "timeframe", "name", "least"),
    [
        ("WIN$N", "M30", "win_n_m30_2020-10_2022-01", 0.0030),
        ("WDO$N", "M15", "wdo_n_m15_2020-10_2023-12", 0.0020),
    ],
)
def test_real_series_step_up_on_roll_days(
    symbol: str, timeframe: str, name: str, least: float
) -> None:
    """The carry lifts the average roll morning, and the mornings beside it not."""
    bars = pl.read_parquet(REAL / f"{name}.parquet").sort("time")
    daily = bars.group_by(pl.col("time").dt.date().alias("day"), maintain_order=True).agg(
        pl.col("open").first(), pl.col("close").last()
    )
    steps = dict(
        zip(
            daily["day"],
            (daily["open"] / daily["close"].shift(1) - 1).fill_null(0.0),
            strict=True,
        )
    )
    days = list(steps)
    rolls = [day for day in roll_days(symbol, days[1], days[-1]) if day in steps]
    assert len(rolls) >= 7
    after = [days[days.index(day) + 1] for day in rolls if day != days[-1]]
    assert _mean(steps, rolls) > least
    assert abs(_mean(steps, after)) < _mean(steps, rolls) / 2


def _mean(steps: dict[date, float], days: list[date]) -> float:
    return sum(steps[day] for day in days) / len(days)


# --- rolls ----------------------------------------------------------------------------------


def test_index_contracts_of_2021_expire_as_recorded() -> None:
    """Dates read off the unadjusted series of that year; 17 February was Ash Wednesday."""
    assert [
        (one.contract, one.day) for one in expiries("WIN", date(2021, 1, 1), date(2021, 12, 31))
    ] == [
        ("WING21", date(2021, 2, 17)),
        ("WINJ21", date(2021, 4, 14)),
        ("WINM21", date(2021, 6, 16)),
        ("WINQ21", date(2021, 8, 18)),
        ("WINV21", date(2021, 10, 13)),
        ("WINZ21", date(2021, 12, 15)),
    ]


def test_dollar_contracts_roll_on_the_session_before_their_month() -> None:
    assert expiries("WDO", date(2021, 12, 1), date(2022, 1, 31)) == [
        Expiry("WDOF22", date(2022, 1, 3), date(2021, 12, 30)),
        Expiry("WDOG22", date(2022, 2, 1), date(2022, 1, 31)),
    ]


def test_every_expiry_is_a_session(bvmf: exchange_calendars.ExchangeCalendar) -> None:
    sessions = {session.date() for session in bvmf.sessions}
    index, dollar = expiries("WIN", FIRST, LAST), expiries("WDO", FIRST, LAST)
    assert (len(index), len(dollar)) == (6 * 8, 12 * 8)
    for end in (*index, *dollar[:-1]):  # the last one expires in 2027
        assert {end.day, end.roll} <= sessions


@pytest.mark.parametrize(
    ("symbol", "kind"),
    [
        ("WIN$N", "none"),
        ("WDO@N", "none"),
        ("WIN$", "proportional"),
        ("WIN@", "proportional"),
        ("WIN$D", "difference"),
        ("WINJ26", None),
        ("PETR4", None),
    ],
)
def test_the_symbol_tells_the_adjustment(symbol: str, kind: str | None) -> None:
    assert adjustment(symbol) == kind
