"""The MetaTrader 5 adapter: its rules, its manners with a terminal, and the process it lives in."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertlib.errors import ConfigError, DataError
from alertlib.market.clock import EPOCH
from alertlib.market.instruments import find_instrument
from runners.mt5.adapter import Terminal
from runners.mt5.api import Credentials, load_api, require_package, same_path
from runners.mt5.client import TerminalClient, read_credentials
from runners.mt5.rates import RECORD, signed
from runners.mt5.rules import (
    choose_offset,
    find_shift,
    is_closed,
    measure_offset,
    page_limit,
    request_time,
    retry_waits,
    server_clock,
    spans_by_day,
    timeframe_code,
    wall_clock,
)
from runners.mt5.server_clock import ServerClock, SteadyClock, tell_clock
from runners.mt5.wire import Rate
from tests.support.fake_mt5 import BRASILIA, LOST, RATES, FakeTerminal, Fault, epoch

ROOT = Path(__file__).parents[2]
REAL = ROOT.parent / "shared" / "data"
ACCOUNT = Credentials(1234, "secret", "XPMT5-DEMO")
NOW = "2026-03-10 14:02:30"
POSIX_ONLY = pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")


class Watch:
    """A terminal's adapter with a clock that only sleeping moves, and what it was told."""

    def __init__(self, fake: FakeTerminal, credentials: Credentials = ACCOUNT, **options: Any):
        self.fake = fake
        self.slept: list[float] = []
        self.notices: list[str] = []
        self.terminal = Terminal(
            fake,
            credentials,
            notice=lambda text, wait: self.notices.append(text),
            clock=fake.utc,
            sleep=self.slept.append,
            jitter=lambda: 0.0,
            **options,
        )


def adapt(now: str | None = NOW, **changes: Any) -> Watch:
    credentials = changes.pop("credentials", ACCOUNT)
    retries = changes.pop("retries", 4)
    return Watch(FakeTerminal(now=now, **changes), credentials, retries=retries)


def opens(bars: Any) -> list[str]:
    return [f"{wall_clock(time):%d %H:%M}" for time in bars["time"].tolist()]


# --- rules ----------------------------------------------------------------------------------


def test_timeframes_have_the_numbers_of_the_api() -> None:
    assert [timeframe_code(n) for n in (1, 5, 30, 60, 240, 1_440)] == [
        1,
        5,
        30,
        0x4001,
        0x4004,
        0x4018,
    ]


def test_waits_double_up_to_a_minute() -> None:
    assert list(retry_waits(4)) == [1, 2, 4, 8]
    assert list(islice(retry_waits(None), 9)) == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_a_page_stays_below_what_fails_whole() -> None:
    assert page_limit(500) == 499
    assert page_limit(2**31 - 1) == 10_000


@given(st.integers(epoch("1990-01-01"), epoch("2100-01-01")))
def test_wall_clock_and_request_are_inverse_and_never_convert(seconds: int) -> None:
    moment = wall_clock(seconds)
    assert moment.tzinfo is None
    assert epoch(moment) == seconds
    assert request_time(seconds).utcoffset() == timedelta(0)
    assert request_time(seconds).replace(tzinfo=None) == moment


@pytest.mark.parametrize(
    ("clock", "closed"), [("18:24:59", False), ("18:25:02", False), ("18:25:03", True)]
)
def test_the_last_bar_closes_with_the_clock_and_grace(clock: str, closed: bool) -> None:
    now, tick = epoch(f"2026-03-10 {clock}"), epoch("2026-03-10 18:24:50")
    assert is_closed(epoch("2026-03-10 18:20"), 5, now, 3, tick) is closed


def test_a_bar_in_which_the_feed_stopped_days_ago_is_not_closed_by_the_clock() -> None:
    bar, later = epoch("2026-03-10 14:00"), epoch("2026-03-17 09:00")
    assert not is_closed(bar, 5, later, 3, epoch("2026-03-10 14:02:30"))
    assert is_closed(bar, 5, later, 3, epoch("2026-03-10 14:05:00"))
    # Over Carnival the last tick of Friday is that old and the bar is whole.
    assert is_closed(bar, 5, epoch("2026-03-15 12:59"), 3, epoch("2026-03-10 14:04:50"))


def test_an_unknown_offset_leaves_the_least_the_clock_can_show() -> None:
    utc = epoch("2026-03-10 12:00")
    assert server_clock(utc, BRASILIA, None) == epoch("2026-03-10 09:00")
    assert server_clock(utc, None, None) == epoch("2026-03-10 00:00")
    assert server_clock(utc, None, epoch("2026-03-10 11:00")) == epoch("2026-03-10 11:00")


@given(st.integers(-24, 28), st.floats(-14, 14))
def test_a_fresh_tick_shows_the_offset(half_hours: int, late: float) -> None:
    utc = float(epoch("2026-03-10 12:00:07"))
    assert measure_offset(round(utc + 1_800 * half_hours + late), utc) == 1_800 * half_hours


@pytest.mark.parametrize("age", [60, 600, 1_770, 86_400 * 3])
def test_an_old_tick_shows_nothing(age: int) -> None:
    utc = epoch("2026-03-10 12:00")
    assert measure_offset(utc + BRASILIA - age, utc) is None
    assert measure_offset(None, utc) is None


@pytest.mark.parametrize(
    ("measured", "expected", "is_open", "chosen"),
    [
        (BRASILIA, BRASILIA, True, BRASILIA),
        (None, BRASILIA, True, BRASILIA),
        (None, None, False, None),
        (7_200, None, False, 7_200),
        # Half an hour after the close the last tick is half an hour old.
        (BRASILIA - 1_800, BRASILIA, False, BRASILIA),
        (BRASILIA - 1_800, BRASILIA, True, BRASILIA - 1_800),
        # No tick is stamped in the future.
        (BRASILIA + 3_600, BRASILIA, False, BRASILIA + 3_600),
    ],
)
def test_an_old_tick_is_not_taken_for_another_offset(
    measured: int | None, expected: int | None, is_open: bool, chosen: int | None
) -> None:
    assert choose_offset(measured, expected, is_open) == chosen


def test_the_clock_is_told_from_tick_zone_and_hours() -> None:
    win, unknown = find_instrument("WIN$N", "M5"), find_instrument("EURUSD", "M1")
    utc = float(epoch("2026-03-10 17:02:30"))
    at_night = float(epoch("2026-03-10 22:02:30"))
    last_tick = epoch("2026-03-10 18:24:58")

    right = datetime(2026, 3, 10, 14, 2, 30)
    assert tell_clock(utc, epoch("2026-03-10 14:02:29"), win) == ServerClock(
        BRASILIA, BRASILIA, now=right, exchange=right, ahead=0, is_off=False, warning=None
    )
    assert tell_clock(at_night, last_tick, win).now == datetime(2026, 3, 10, 19, 2, 30)
    assert tell_clock(at_night, last_tick, win).warning is None
    ahead = tell_clock(utc, epoch("2026-03-10 15:02:29"), win)
    assert (ahead.offset, ahead.ahead, ahead.is_off) == (-7_200, 3_600, True)
    assert (ahead.now, ahead.exchange) == (right + timedelta(hours=1), right)
    assert ahead.warning is not None
    assert "+1 h from the exchange's" in ahead.warning
    stale = tell_clock(utc, epoch("2026-03-10 13:21:00"), win)
    assert (stale.offset, stale.closing_offset) == (BRASILIA, None)
    assert stale.warning is not None
    assert "not of now though the exchange should be open" in stale.warning
    assert tell_clock(at_night, last_tick, unknown).offset is None
    assert tell_clock(utc, epoch("2026-03-10 19:02:29"), unknown).offset == 7_200


@pytest.mark.parametrize("jump", [3_600.0, -3_600.0])
def test_a_clock_that_jumps_is_not_believed_against_the_ticks(jump: float) -> None:
    steady, utc = SteadyClock(), float(epoch("2026-03-10 17:00:00"))

    def tell(passed: float, off: float, tick: bool) -> float:
        last = int(utc + passed) + BRASILIA if tick else None
        return steady.tell(utc + passed + off, 50.0 + passed, last, BRASILIA) - utc

    assert tell(0.0, 0.0, tick=True) == 0.0
    assert tell(10.0, jump, tick=True) == 10.0
    assert tell(20.0, jump, tick=True) == 20.0
    assert tell(30.0, jump, tick=False) == 30.0
    assert tell(40.0, jump, tick=False) == 40.0 + max(jump, 0.0), "no bar may lie ahead of it"
    assert tell(45.0, 0.0, tick=False) == 45.0
    assert tell(50.0, 0.0, tick=True) == 50.0


def test_a_clock_that_is_put_right_is_believed() -> None:
    """As a machine is that slept, or that a time server corrects: the ticks are with it."""
    steady, utc = SteadyClock(), float(epoch("2026-03-10 17:00:00"))
    steady.tell(utc, 50.0, None, BRASILIA)
    woken = utc + 7_200.0
    assert steady.tell(woken, 60.0, int(woken) + BRASILIA, BRASILIA) == woken
    assert steady.tell(woken + 5.0, 65.0, None, BRASILIA) == woken + 5.0


def shift_of(
    days: list[tuple[str, str]], ahead: int | None = None, today: str = "2026-03-20"
) -> tuple[int, int] | None:
    """Look for a shift in days given by their first and last bar."""
    times = [epoch(text) for first, last in days for text in dict.fromkeys((first, last))]
    spans = spans_by_day(times, (date.fromisoformat(today) - EPOCH).days)
    return find_shift(spans, [(540, 1_105)] * len(spans), 5, ahead)


BEFORE = ("2026-03-09 09:00", "2026-03-09 18:20")


def test_a_day_moved_at_both_ends_is_another_clock() -> None:
    found = shift_of([BEFORE, ("2026-03-10 10:00", "2026-03-10 19:20")])
    assert found == ((date(2026, 3, 10) - EPOCH).days, 3_600)


@pytest.mark.parametrize(
    "day",
    [
        ("2026-03-10 09:00", "2026-03-10 18:20"),
        ("2026-03-10 09:05", "2026-03-10 18:25"),  # late print at both ends
        ("2026-03-10 13:00", "2026-03-10 18:20"),  # late open
        ("2026-03-10 09:00", "2026-03-10 17:25"),  # early end
        ("2026-03-10 00:00", "2026-03-10 23:55"),  # another market's hours
    ],
)
def test_late_opens_and_early_ends_are_no_other_clock(day: tuple[str, str]) -> None:
    assert shift_of([BEFORE, day]) is None


def test_a_day_that_is_not_over_needs_a_fresh_tick_to_tell() -> None:
    today = [BEFORE, ("2026-03-10 10:00", "2026-03-10 12:00")]
    assert shift_of(today, today="2026-03-10") is None
    assert shift_of(today, ahead=0, today="2026-03-10") is None
    assert shift_of(today, ahead=3_600, today="2026-03-10") is not None


@pytest.mark.skipif(not REAL.is_dir(), reason="the files of real bars are not beside the project")
@pytest.mark.parametrize(
    ("symbol", "timeframe", "name"),
    [
        ("WIN$N", "M5", "win_n_m5_2020-11_2021-03"),
        ("WIN$N", "M15", "win_n_m15_2020-01_2021-03"),
        ("WIN$N", "M30", "win_n_m30_2020-10_2022-01"),
        ("WIN$N", "M5", "winfut_m5_2021-08_2022-01"),
        ("WDO$N", "M15", "wdo_n_m15_2020-10_2023-12"),
        ("BIT$N", "M5", "bit_n_m5_2024-04_2025-03"),
    ],
)
def test_no_real_session_is_taken_for_another_clock(symbol: str, timeframe: str, name: str) -> None:
    instrument = find_instrument(symbol, timeframe)
    assert instrument.sessions is not None
    bars = pl.read_parquet(REAL / f"{name}.parquet")
    for seconds, found in ((0, False), (3_600, True), (-1_800, True), (18_000, True)):
        times = (bars["time"].dt.epoch("s") + seconds).to_list()
        spans = spans_by_day(times, 10**6)
        hours = [instrument.sessions.hours(span.first // 86_400) for span in spans]
        shift = find_shift(spans, hours, instrument.minutes, None)
        assert (shift is not None) is found
        assert shift is None or shift[1] == seconds


# --- finding the API ------------------------------------------------------------------------


def test_the_api_may_be_a_module_an_object_or_a_class() -> None:
    assert load_api("tests.support.fake_mt5").RATES is RATES
    assert isinstance(load_api("tests.support.fake_mt5:FakeTerminal"), FakeTerminal)


@pytest.mark.parametrize("name", ["no_such_module", "json:no.such", "tests.", ":x"])
def test_a_module_that_cannot_be_imported_is_named(name: str) -> None:
    with pytest.raises(
        ConfigError, match=r"\$ALERTAS_MT5_MODULE: got '.*', which cannot be imported"
    ):
        load_api(name)


def test_without_the_package_the_message_says_what_else_to_do() -> None:
    with pytest.raises(DataError, match=r"linux.*--import FILE.*mt5linux:MetaTrader5"):
        require_package({}, "linux")
    with pytest.raises(DataError, match=r"pip install 'alertlib-b3\[mt5\]'"):
        require_package({}, "win32")
    require_package({"ALERTAS_MT5_MODULE": "anything"}, "linux")


def test_credentials_come_from_the_environment() -> None:
    given = {"MT5_LOGIN": "1234", "MT5_PASSWORD": "secret", "MT5_SERVER": "XPMT5-DEMO"}
    assert read_credentials(given) == ACCOUNT
    assert read_credentials({}) == Credentials()
    assert "secret" not in repr(read_credentials(given))
    with pytest.raises(ConfigError, match=r"\$MT5_LOGIN: .* expected the account's number"):
        read_credentials({"MT5_LOGIN": "joao"})


@pytest.mark.parametrize(
    ("folder", "program", "same"),
    [
        (r"C:\Program Files\MT5", r"c:/program files/mt5/terminal64.exe", True),
        (r"C:\Program Files\MT5", "C:\\Program Files\\MT5\\", True),
        (r"C:\Program Files\MT5", r"C:\Other\terminal64.exe", False),
    ],
)
def test_paths_are_compared_as_windows_does(folder: str, program: str, same: bool) -> None:
    assert same_path(folder, program) is same


# --- the stand-in itself --------------------------------------------------------------------


def test_the_stand_in_keeps_the_manners_of_the_package() -> None:
    fake = FakeTerminal(now=NOW, maxbars=500)
    assert fake.copy_rates_from_pos("WIN$N", 5, 0, 1) is None
    assert fake.last_error() == (LOST, "No IPC connection")
    assert fake.initialize(login=1234, password="secret", server="XPMT5-DEMO")
    assert fake.last_error() == (1, "Success")

    bars = fake.copy_rates_from_pos("WIN$N", 5, 0, 3)
    assert bars.dtype == RATES
    assert RATES.itemsize == 60
    assert opens(bars) == ["10 13:50", "10 13:55", "10 14:00"]
    again = fake.copy_rates_from_pos("WIN$N", 5, 0, 3)
    assert (bars[:2] == again[:2]).all()
    assert bars[2] != again[2], "the forming bar changes"

    ranged = fake.copy_rates_range("WIN$N", 5, request_time(epoch("2026-03-10 13:00")),
                                   request_time(epoch("2026-03-10 13:10")))  # fmt: skip
    assert opens(ranged) == ["10 13:00", "10 13:05", "10 13:10"]
    backward = fake.copy_rates_from("WIN$N", 5, request_time(epoch("2026-03-10 09:02")), 2)
    assert opens(backward) == ["09 18:20", "10 09:00"]
    assert fake.copy_rates_from_pos("WIN$N", 5, 0, 500) is None
    assert fake.last_error()[0] == -2
    assert fake.symbol_info("XXX") is None
    assert fake.symbol_info("WIN$N").trade_tick_value == 1.0
    assert wall_clock(fake.symbol_info_tick("WIN$N").time) == datetime(2026, 3, 10, 14, 2, 30)


# --- bars -----------------------------------------------------------------------------------


def test_unsigned_volumes_get_a_sign_before_anything_is_subtracted() -> None:
    raw = FakeTerminal(now=NOW)._visible(5)[-3:]
    assert raw["tick_volume"].dtype.kind == "u"
    bars = signed(raw, "WIN$N")
    assert bars.dtype == RECORD
    assert (bars["tick_volume"] - bars["tick_volume"].max() <= 0).all()


def test_a_forming_bar_is_left_out_and_the_same_bar_comes_when_closed() -> None:
    watch = adapt()
    since = epoch("2026-03-10 13:50")
    page = watch.terminal.closed_bars("WIN$N", 5, since, BRASILIA, 3)
    assert opens(page.bars) == ["10 13:50", "10 13:55"]

    watch.fake.move_clock("2026-03-10 14:05:01")  # a newer bar exists
    page = watch.terminal.closed_bars("WIN$N", 5, since, BRASILIA, 3)
    assert opens(page.bars) == ["10 13:50", "10 13:55", "10 14:00"]


@pytest.mark.parametrize(("now", "last"), [("18:25:01", "10 18:15"), ("18:25:03", "10 18:20")])
def test_the_last_bar_of_the_day_is_not_lost(now: str, last: str) -> None:
    """No newer bar follows it before the next morning: the clock closes it."""
    watch = adapt(f"2026-03-10 {now}")
    page = watch.terminal.closed_bars("WIN$N", 5, epoch("2026-03-10 18:00"), BRASILIA, 3)
    assert opens(page.bars)[-1] == last
    page = watch.terminal.history("WIN$N", 5, None, 9, BRASILIA, 3)
    assert opens(page.bars)[-1] == last


@pytest.mark.parametrize("jump", [3_600, -3_600])
def test_a_clock_that_jumps_after_it_was_told_closes_no_forming_bar(jump: int) -> None:
    """The bar of 14:00 came half formed where the jump fell between clock and bars."""
    watch = adapt("2026-03-10 14:04:56")
    skew, passed = 0.0, 0.0
    terminal = Terminal(
        watch.fake, ACCOUNT, clock=lambda: watch.fake.utc() + skew, monotonic=lambda: passed
    )
    terminal.clock("WIN$N")
    skew = jump
    since = epoch("2026-03-10 13:55")
    assert opens(terminal.closed_bars("WIN$N", 5, since, BRASILIA, 3).bars) == ["10 13:55"]
    passed = 8.0
    bars = terminal.closed_bars("WIN$N", 5, since, BRASILIA, 3).bars
    assert opens(bars) == ["10 13:55", "10 14:00"]


def test_without_an_offset_only_what_is_certain_is_closed() -> None:
    watch = adapt("2026-03-10 18:40:00")
    since = epoch("2026-03-10 18:00")
    assert opens(watch.terminal.closed_bars("WIN$N", 5, since, None, 3).bars)[-1] == "10 18:15"
    watch.fake.move_clock("2026-03-11 06:00:00")
    assert opens(watch.terminal.closed_bars("WIN$N", 5, since, None, 3).bars)[-1] == "10 18:20"


def test_a_terminal_without_connection_closes_no_bar_by_the_clock() -> None:
    """Its newest bar is as far as the connection was: the rest is not there yet."""
    watch = adapt("2026-03-10 18:40:00", connected=False)
    page = watch.terminal.closed_bars("WIN$N", 5, epoch("2026-03-10 18:10"), BRASILIA, 3)
    assert opens(page.bars) == ["10 18:10", "10 18:15"]


def test_a_look_at_a_live_market_is_one_call() -> None:
    watch = adapt()
    since = epoch("2026-03-10 13:55")
    watch.terminal.closed_bars("WIN$N", 5, since, BRASILIA, 3)
    before = watch.fake.calls.total()
    page = watch.terminal.closed_bars("WIN$N", 5, since, BRASILIA, 3)
    assert watch.fake.calls.total() - before == 1
    assert opens(page.bars) == ["10 13:55"]
    assert watch.slept == []


def test_a_gap_is_backfilled_in_pages_without_a_hole() -> None:
    watch = adapt(maxbars=200)
    since, seen = epoch("2026-03-02 09:00"), []
    while True:
        page = watch.terminal.closed_bars("WIN$N", 5, since, BRASILIA, 3)
        assert len(page.bars) < 200
        seen += page.bars["time"].tolist()
        if page.through >= page.newest:
            break
        since = page.through + 300
    days = [date(2026, 3, day) for day in (2, 3, 4, 5, 6, 9)]
    assert len(seen) == len(set(seen)) == 113 * len(days) + 60
    assert seen == sorted(seen)


def test_history_that_loads_while_it_is_asked_for_is_read_until_it_stands_still() -> None:
    watch = adapt(lazy_start=50, lazy_step=20)
    page = watch.terminal.history("WIN$N", 5, None, 900, BRASILIA, 3)
    assert len(page.bars) == 899  # the forming one is left out
    assert watch.fake.calls["copy_rates_from"] > 40
    assert sum(watch.slept) < 5


def test_history_that_loads_slowly_is_not_taken_for_its_beginning() -> None:
    """Three equal reads of a short history do not mean that there is no more."""
    watch = adapt(lazy_start=100, lazy_step=0)
    begun = watch.fake.calls["copy_rates_from"]
    sleep = watch.terminal._sleep

    def load(wait: float) -> None:
        sleep(wait)
        if watch.fake.calls["copy_rates_from"] - begun == 4:
            watch.fake.scenario.lazy_start = 5_000

    watch.terminal._sleep = load
    assert len(watch.terminal.history("WIN$N", 5, None, 900, BRASILIA, 3).bars) == 899


def test_bars_that_never_agree_are_refused() -> None:
    watch = adapt()
    ask, closes = watch.fake.copy_rates_from, iter(range(100))

    def unsteady(*args: Any) -> Any:
        bars = ask(*args)
        bars["close"][0] += next(closes)
        return bars

    watch.fake.copy_rates_from = unsteady  # type: ignore[method-assign]  # an unsteady history
    with pytest.raises(DataError, match=r"WIN\$N: the bars up to .* differ from one read to"):
        watch.terminal.history("WIN$N", 5, None, 900, BRASILIA, 3)


def test_the_forming_bar_does_not_keep_reads_from_agreeing() -> None:
    watch = adapt()
    watch.terminal.history("WIN$N", 5, None, 900, BRASILIA, 3)
    assert watch.fake.calls["copy_rates_from"] == 2


def test_empty_with_success_is_not_yet_and_none_is_unknown() -> None:
    watch = adapt(empty_first=3)
    page = watch.terminal.history("WIN$N", 5, None, 10, BRASILIA, 3)
    assert len(page.bars) == 9
    nothing = adapt(empty_first=10**6).terminal.history("WIN$N", 5, None, 10, BRASILIA, 3)
    assert (len(nothing.bars), nothing.newest) == (0, None)
    with pytest.raises(DataError, match=r"gave no bars \(-1, Terminal: Call failed\)"):
        adapt(fail_first=10**6).terminal.history("WIN$N", 5, None, 10, BRASILIA, 3)


def test_the_first_call_after_connecting_may_fail() -> None:
    assert len(adapt(fail_first=2).terminal.history("WIN$N", 5, None, 10, BRASILIA, 3).bars) == 9


def test_a_terminal_that_gives_next_to_no_bars_is_refused_with_the_setting() -> None:
    with pytest.raises(DataError, match=r"at most 3 bars; .* Max bars in chart"):
        adapt(maxbars=3).terminal.identity()


def test_an_unknown_symbol_is_refused_with_those_like_it() -> None:
    with pytest.raises(ConfigError, match=r"WINZ99: unknown at the terminal \(it has WIN\$N\)"):
        adapt().terminal.info("WINZ99")


def test_a_specification_is_passed_on() -> None:
    info = adapt().terminal.info("WIN$N")
    assert info["trade_tick_value"] / info["trade_tick_size"] == 0.2


# --- connection -----------------------------------------------------------------------------


def test_a_lost_connection_is_made_again_and_the_question_repeated() -> None:
    watch = adapt(faults=[Fault("copy_rates_from", 2, "disconnect")])
    page = watch.terminal.history("WIN$N", 5, None, 900, BRASILIA, 3)
    assert len(page.bars) == 899
    at = watch.fake.log.index("shutdown")
    assert watch.fake.log[at : at + 2] == ["shutdown", "initialize"]
    assert "symbol_select" in watch.fake.log[at:]
    assert watch.slept[1] == 1.0
    assert watch.notices == ["terminal does not answer (-10004, No IPC connection); again in 1 s"]


def test_waits_grow_while_the_terminal_stays_away_and_start_afresh_afterwards() -> None:
    watch = adapt(initialize=[-10_005, -10_003, -10_005])
    watch.terminal.identity()
    assert watch.slept == [1, 2, 4]
    watch.fake.connected = False
    watch.terminal.identity()
    assert watch.slept == [1, 2, 4, 1]


def test_a_bridge_that_raises_is_a_lost_connection() -> None:
    watch = adapt(faults=[Fault("copy_rates_from_pos", 1, "raise")])
    assert watch.terminal.history("WIN$N", 5, None, 10, BRASILIA, 3).newest is not None
    assert watch.notices[0].startswith("terminal does not answer (EOFError: stream has been")


def test_a_terminal_that_stays_away_is_given_up() -> None:
    watch = adapt(initialize=[-10_005] * 99, retries=3)
    with pytest.raises(DataError, match=r"does not answer \(-10005, IPC timeout\)"):
        watch.terminal.identity()
    assert watch.slept == [1, 2, 4]


def test_a_refused_account_is_not_tried_again() -> None:
    watch = adapt(credentials=ACCOUNT._replace(password="wrong"))
    with pytest.raises(ConfigError, match=r"account 1234 .* is refused \(-6") as caught:
        watch.terminal.identity()
    assert watch.fake.calls["initialize"] == 1
    assert watch.slept == []
    assert "wrong" not in str(caught.value)


def test_invalid_parameters_are_not_tried_again() -> None:
    watch = adapt(initialize=[-2])
    with pytest.raises(ConfigError, match=r"cannot be started with .* \(-2"):
        watch.terminal.identity()
    assert watch.slept == []


@pytest.mark.parametrize("code", [-1, -10_000])
def test_other_failures_to_start_are_no_terminal(code: int) -> None:
    with pytest.raises(DataError, match=rf"no MetaTrader 5 terminal \({code},"):
        adapt(initialize=[code]).terminal.identity()


def test_another_account_server_or_terminal_is_refused() -> None:
    """As when somebody else logs the terminal in: `initialize` succeeds all the same."""
    for changes, text in (
        ({"login": 99}, r"login 1234; expected 99 \(\$MT5_LOGIN\)"),
        ({"server": "B"}, r"server XPMT5-DEMO; expected B \(\$MT5_SERVER\)"),
        ({"path": r"C:\B\terminal64.exe"}, r"expected the one of C:\\B\\terminal64.exe"),
    ):
        watch = adapt(credentials=ACCOUNT._replace(**changes))
        watch.fake._refusals, watch.fake.initialize = [], _initialize_anyway(watch.fake)  # type: ignore[method-assign]  # a terminal already logged in
        with pytest.raises(ConfigError, match=text):
            watch.terminal.identity()
        assert not watch.fake.connected


def _initialize_anyway(fake: FakeTerminal) -> Any:
    def initialize(*_: Any, **__: Any) -> bool:
        fake.connected = True
        return True

    return initialize


def test_the_account_is_checked_again_after_a_reconnection() -> None:
    watch = adapt()
    watch.terminal.identity()
    watch.fake.scenario.login, watch.fake.scenario.server = 99, "ELSEWHERE"
    watch.fake.initialize = _initialize_anyway(watch.fake)  # type: ignore[method-assign]  # logged in by hand
    watch.fake.connected = False
    with pytest.raises(ConfigError, match="login 99; expected 1234"):
        watch.terminal.info("WIN$N")


# --- the process ----------------------------------------------------------------------------


@pytest.fixture
def environ(tmp_path: Path) -> Iterator[Any]:
    """Return a function that writes a scenario and gives the environment of its terminal."""

    def make(**scenario: Any) -> dict[str, str]:
        file = tmp_path / "scenario.json"
        file.write_text(json.dumps({"now": NOW, "lives": str(tmp_path / "lives"), **scenario}))
        return {
            **os.environ,
            "FAKE_MT5": str(file),
            "ALERTAS_MT5_MODULE": "tests.support.fake_mt5:terminal",
            "MT5_LOGIN": "1234",
            "MT5_PASSWORD": "secret",
            "MT5_SERVER": "XPMT5-DEMO",
        }

    return make


def wake(environ: dict[str, str], **options: Any) -> tuple[TerminalClient, list[str]]:
    notices: list[str] = []
    client = TerminalClient(environ, notice=notices.append, sleep=lambda wait: None, **options)
    return client, notices


def test_questions_cross_the_pipe(environ: Any) -> None:
    with wake(environ())[0] as client:
        assert client.identity() == {
            "login": 1234,
            "server": "XPMT5-DEMO",
            "path": "C:\\Program Files\\MetaTrader 5",
            "connected": True,
            "maxbars": 100_000,
            "page": 10_000,
        }
        assert client.info("WIN$N")["trade_tick_size"] == 5.0
        utc, tick, _ = client.clock("WIN$N")
        assert tick == utc + BRASILIA == epoch(NOW)
        page = client.closed_bars("WIN$N", 5, epoch("2026-03-10 13:50"), BRASILIA, 3)
        direct = adapt().terminal.closed_bars("WIN$N", 5, epoch("2026-03-10 13:50"), BRASILIA, 3)
        assert page.content == direct.bars.tobytes()
        assert page.rows() == [Rate._make(bar) for bar in direct.bars.tolist()]
        assert (page.newest, page.through) == (direct.newest, direct.through)
        forming = client.rates("WIN$N", 5, epoch("2026-03-10 13:50"))
        assert len(forming.rows()) == 3
        with pytest.raises(ConfigError, match="XXX: unknown at the terminal"):
            client.info("XXX")
        assert len(client.history("WIN$N", 5, None, 50, BRASILIA, 3).rows()) == 49


def test_errors_cross_the_pipe_with_their_kind(environ: Any) -> None:
    with wake(environ(password="changed"))[0] as client, pytest.raises(ConfigError, match="-6"):
        client.identity()
    with (
        wake({**os.environ, "ALERTAS_MT5_MODULE": "nowhere"})[0] as client,
        pytest.raises(ConfigError, match=r"\$ALERTAS_MT5_MODULE: got 'nowhere'"),
    ):
        client.identity()


def test_a_package_that_prints_does_not_break_the_frames(environ: Any, tmp_path: Path) -> None:
    (tmp_path / "chatty.py").write_text(
        "import sys\nprint('hello')\nfrom tests.support.fake_mt5 import terminal\nprint('there')\n"
    )
    setting = environ() | {"ALERTAS_MT5_MODULE": "chatty:terminal"}
    sys.path.insert(0, str(tmp_path))
    try:
        with wake(setting)[0] as client:
            assert client.identity()["login"] == 1234
    finally:
        sys.path.remove(str(tmp_path))


def test_a_worker_that_dies_is_replaced_and_the_question_repeated(environ: Any) -> None:
    setting = environ(faults=[{"call": "copy_rates_from_pos", "at": 2, "kind": "die", "life": 0}])
    client, notices = wake(setting)
    with client:
        client.identity()
        first = client.pid
        assert len(client.rates("WIN$N", 5, epoch("2026-03-10 13:50")).rows()) == 3
        assert len(client.rates("WIN$N", 5, epoch("2026-03-10 13:50")).rows()) == 3
        assert client.pid != first
    assert notices == ["the terminal's worker process ended; another in 1 s"]


def test_a_worker_that_cannot_be_started_is_waited_for(
    environ: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No room for a process ended the daemon."""
    client, notices = wake(environ())
    spawn, refusals = subprocess.Popen, [OSError(11, "Resource temporarily unavailable")] * 2

    def no_room(*args: Any, **options: Any) -> Any:
        if refusals:
            raise refusals.pop()
        return spawn(*args, **options)

    monkeypatch.setattr(subprocess, "Popen", no_room)
    with client:
        assert client.identity()["login"] == 1234
    assert len(notices) == 2
    assert "cannot be started ([Errno 11] Resource temporarily unavailable)" in notices[0]


def test_one_that_can_never_be_started_is_an_error_of_one_line(
    environ: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(*args: Any, **options: Any) -> Any:
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(subprocess, "Popen", no_room)
    client, _ = wake(environ())
    with client, pytest.raises(DataError, match=r"Cannot allocate memory.*; expected room"):
        client.identity()


def test_close_ends_a_worker_that_is_just_being_made(
    environ: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, _ = wake(environ())
    made, spawned, may_go_on = [], threading.Event(), threading.Event()
    spawn = subprocess.Popen

    def slowly(*args: Any, **options: Any) -> Any:
        made.append(spawn(*args, **options))
        spawned.set()
        assert may_go_on.wait(10.0)
        return made[0]

    monkeypatch.setattr(subprocess, "Popen", slowly)
    with ThreadPoolExecutor(2) as pool:
        asking = pool.submit(client.identity)
        assert spawned.wait(10.0)
        closing = pool.submit(client.close)
        may_go_on.set()
        closing.result(20.0)
        assert asking.exception(20.0) is None or isinstance(asking.exception(), DataError)
    assert made[0].poll() is not None


@pytest.mark.parametrize("kind", ["block", pytest.param("block_gil", marks=POSIX_ONLY)])
def test_a_call_that_hangs_ends_the_worker_and_another_takes_over(environ: Any, kind: str) -> None:
    """Also with the interpreter's lock held, as the package's calls hold it."""
    fault = {"call": "copy_rates_from_pos", "at": 1, "kind": kind, "value": 60, "life": 0}
    client, notices = wake(environ(faults=[fault]), call_seconds=0.5)
    with client:
        assert len(client.rates("WIN$N", 5, epoch("2026-03-10 13:50")).rows()) == 3
    assert len(notices) == 1


@POSIX_ONLY
def test_a_worker_that_cannot_even_end_itself_is_ended(environ: Any) -> None:
    client, notices = wake(environ(), silence_seconds=2.0)
    with client:
        client.identity()
        assert client.pid is not None
        os.kill(client.pid, signal.SIGSTOP)
        assert client.info("WIN$N")["digits"] == 0
    assert len(notices) == 1


def test_a_terminal_that_always_hangs_is_given_up(environ: Any) -> None:
    fault = {"call": "initialize", "at": 1, "kind": "die"}
    client, notices = wake(environ(faults=[fault]), retries=2)
    with client, pytest.raises(DataError, match="hangs or kills its worker process"):
        client.identity()
    assert len(notices) == 2


def test_a_wait_for_the_terminal_is_announced(environ: Any) -> None:
    client, notices = wake(environ(initialize=[-10_005]))
    with client:
        client.identity()
    assert notices == ["terminal does not answer (-10005, IPC timeout); again in 1 s"]


def test_a_client_that_is_closed_lets_go_of_a_question(environ: Any) -> None:
    """As when the daemon stops while the terminal hangs."""
    blocked = {"call": "copy_rates_from_pos", "at": 1, "kind": "block", "value": 60}
    client = TerminalClient(environ(faults=[blocked]), retries=None)
    client.identity()
    with ThreadPoolExecutor(1) as thread:
        question = thread.submit(client.rates, "WIN$N", 5, epoch("2026-03-10 13:50"))
        time.sleep(0.1)
        client.close()
        with pytest.raises(DataError, match="left while it was asked for rates"):
            question.result(timeout=10)
    with pytest.raises(DataError, match="left while it was asked for identity"):
        client.identity()


PARENT = """
import os, sys, time
from runners.mt5.client import TerminalClient
from tests.support.fake_mt5 import epoch
client = TerminalClient(os.environ)
client.identity()
print(client.pid, flush=True)
if sys.argv[1] == "asking":
    client.rates("WIN$N", 5, epoch("2026-03-10 13:50"))
time.sleep(60)
"""


@POSIX_ONLY
@pytest.mark.parametrize("doing", ["idle", "asking"])
def test_the_worker_dies_with_its_parent(environ: Any, doing: str) -> None:
    blocked = {"call": "copy_rates_from_pos", "at": 1, "kind": "block", "value": 60}
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, doing],
        cwd=ROOT,
        env=environ(faults=[blocked]),
        stdout=subprocess.PIPE,
    )
    with parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        parent.kill()
    deadline = time.monotonic() + 10
    while _is_running(worker) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not _is_running(worker)


def _is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_the_worker_loads_nothing_heavy() -> None:
    """Its memory counts with the daemon's: bare Python, and numpy for the arrays of the API."""
    code = (
        "import sys; import runners.mt5.worker, runners.mt5.client, runners.mt5.server_clock; "
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"numpy", "polars", "pyarrow", "msgspec", "asyncio", "multiprocessing", "yaml"} & {
        *loaded
    }
