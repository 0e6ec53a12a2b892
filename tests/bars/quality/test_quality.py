"""What a closer look finds in bars: each kind planted by hand, and in files of real bars."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, time
from typing import Any

import polars as pl
import pytest

from alertlib.bars import bars as bars_module
from alertlib.bars.bars import Bars
from alertlib.bars.examination import examine, session_coverage
from alertlib.bars.opening import from_frame, read_bars
from alertlib.bars.quality import Finding, grid, rows, timeframe, trading
from alertlib.bars.quality.findings import Kind
from alertlib.bars.series import make_series
from alertlib.config.schema import HoursSince, SymbolSpec
from tests.support.synthetic import SHARED, frame, walk

clock = pl.col("time")


def days(sessions: int = 6, *, minutes: int = 5, bars: int = 107, **options: Any) -> pl.DataFrame:
    """Full WIN sessions from Monday 2021-04-05 on, 09:00 to 17:55, that trade in every bar."""
    made = frame(walk(5, sessions, minutes=minutes, bars=bars, **options))
    count = pl.int_range(pl.len(), dtype=pl.Int64) % 7
    return made.with_columns(
        high=pl.col("high") + 5.0,
        tick_volume=count + 100,
        real_volume=3 * (count + 100),
        spread=pl.lit(5, pl.Int64),
    )


def look(bars: pl.DataFrame, symbol: str = "WIN$N") -> tuple[Finding, ...]:
    return examine(from_frame(bars, symbol=symbol)).findings


def at(day: int, text: str) -> datetime:
    return datetime.fromisoformat(f"2021-04-{day:02d} {text}")


def without(bars: pl.DataFrame, first: datetime, last: datetime) -> pl.DataFrame:
    return bars.filter(~clock.is_between(first, last))


def extra(bars: pl.DataFrame, *times: datetime, **values: Any) -> pl.DataFrame:
    """The bars and copies of the last one at other times."""
    copies = pl.concat([bars.tail(1)] * len(times)).with_columns(
        pl.Series("time", times, dtype=pl.Datetime("us")),
        *(pl.lit(value).cast(bars.schema[name]).alias(name) for name, value in values.items()),
    )
    return pl.concat([bars, copies]).sort("time")


@pytest.mark.parametrize("block", [1, 7, 107, 200])
def test_what_is_found_does_not_depend_on_how_many_bars_are_looked_at_at_once(block: int) -> None:
    """A file with a fault of every kind: out of order, twice, off the grid, ten times too high."""
    ten = pl.int_range(pl.len()) == 300
    made = days(8).with_columns(
        pl.when(ten).then(10 * pl.col("high")).otherwise("high").alias("high"),
        pl.when(pl.int_range(pl.len()) == 400).then(None).otherwise("low").alias("low"),
        pl.when(pl.int_range(pl.len()) > 500).then(0).otherwise("tick_volume").alias("tick_volume"),
    )
    off = made[600:601].with_columns(clock + pl.duration(seconds=90), pl.col("close") + 0.01)
    made = pl.concat([made[650:], made[:650], made[20:22], off])

    def told() -> Any:
        bars = from_frame(made, symbol="WIN$N")
        return examine(bars).to_dict(), bars.sha256, bars.instrument

    whole = told()
    with pytest.MonkeyPatch.context() as patch:
        for module, name in (
            (rows, "BLOCK"), (timeframe, "BLOCK"), (trading, "BLOCK"), (grid, "_BLOCK"),
            (bars_module, "_BLOCK"),
        ):  # fmt: skip
            patch.setattr(module, name, block)
        assert told() == whole
    kinds = {found["kind"] for found in whole[0]["findings"]}
    assert kinds >= {"bad_row", "duplicate", "off_grid", "timeframe", "feed_change", "gap"}


# --- sessions -------------------------------------------------------------------------------


def test_full_sessions_have_nothing_to_report() -> None:
    assert look(days()) == ()


def test_missing_first_bar() -> None:
    (found,) = look(without(days(), at(7, "09:00"), at(7, "09:00")))
    assert found == Finding(
        "missing_first", "warning", at(7, "09:00"), date(2021, 4, 7), 1,
        "no bar at 09:00, the first opens at 09:05",
    )  # fmt: skip


def test_missing_first_bar_of_the_file() -> None:
    (found,) = look(without(days(), at(5, "09:00"), at(5, "09:00")))
    assert (found.kind, found.date) == ("missing_first", date(2021, 4, 5))


def test_late_open() -> None:
    (found,) = look(without(days(), at(7, "09:00"), at(7, "10:10")))
    assert found == Finding(
        "late_open", "warning", at(7, "10:15"), date(2021, 4, 7), 15,
        "first bar opens at 10:15, 75 minutes after the session",
    )  # fmt: skip


def test_late_first_trade_in_one_minute_bars() -> None:
    """An auction that was extended to 09:08."""
    (found,) = look(without(days(3, minutes=1, bars=535), at(6, "09:00"), at(6, "09:07")))
    assert (found.kind, found.count, found.time) == ("late_open", 8, at(6, "09:08"))


def test_ash_wednesday_opens_late_by_the_table() -> None:
    """2021-02-17, 13:00: 65 bars of five minutes are all of them."""
    made = days(3, first=date(2021, 2, 11), bars=113)
    made = made.filter((clock.dt.date() != date(2021, 2, 17)) | (clock.dt.hour() >= 13))
    found = look(made)
    assert [one.kind for one in found] == ["roll"]
    coverage = session_coverage(from_frame(made, symbol="WIN$N"))
    assert coverage.row(-1) == (date(2021, 2, 17), 65, 65, 0)


def test_session_that_stops_early_but_counts() -> None:
    (found,) = look(without(days(), at(7, "17:00"), at(7, "17:50")))
    assert found == Finding(
        "short_session", "warning", at(7, "16:55"), date(2021, 4, 7), 11,
        "96 of 107 bars, ends at 17:00",
    )  # fmt: skip


def test_session_too_short_to_be_scored() -> None:
    (found,) = look(without(days(), at(7, "12:00"), at(7, "17:50")))
    assert found.message == "36 of 107 bars, ends at 12:00, left out of scoring"


def test_closing_call_may_come_ten_minutes_early() -> None:
    assert look(without(days(), at(7, "17:45"), at(7, "17:50"))) == ()


def test_session_with_no_bar_inside() -> None:
    source = without(days(), at(7, "09:00"), at(7, "17:50"))
    source = extra(source, at(7, "08:00"), at(7, "18:00"))
    outside, short = look(source)
    assert (short.kind, short.message) == ("short_session", "no bar inside the session")
    assert outside.message == (
        "2 bars, outside 09:00-17:55, the first at 08:00; left out of scoring"
    )


def test_file_that_begins_and_ends_inside_a_session() -> None:
    begins, ends = look(days().filter(clock.is_between(at(5, "12:15"), at(12, "14:20"))))
    assert (begins.kind, begins.severity, begins.time) == (
        "short_session", "info", at(5, "12:15"),
    )  # fmt: skip
    assert begins.message == "the file begins inside the session, 68 of 107 bars"
    assert (ends.severity, ends.time) == ("info", at(12, "14:20"))
    assert ends.message == (
        "the file ends inside the session, 65 of 107 bars; its last bar may not be complete"
    )


def test_hole_of_45_minutes() -> None:
    (found,) = look(without(days(), at(7, "13:45"), at(7, "14:25")))
    assert found == Finding(
        "gap", "warning", at(7, "13:45"), date(2021, 4, 7), 9,
        "9 bars missing between 13:40 and 14:30",
    )  # fmt: skip


def test_several_holes_of_a_session_are_one_finding() -> None:
    source = without(days(), at(7, "10:00"), at(7, "10:00"))
    (found,) = look(without(source, at(7, "13:45"), at(7, "14:25")))
    assert (found.time, found.count) == (at(7, "10:00"), 10)
    assert found.message == "10 bars missing in 2 holes, the longest after 13:40 (45 minutes)"


def test_missing_sessions_are_gaps_but_holidays_are_none() -> None:
    """Good Friday was 2021-04-02, Tiradentes 2021-04-21."""
    made = days(18, first=date(2021, 3, 29))
    assert made["time"].dt.date().is_in([date(2021, 4, 2), date(2021, 4, 21)]).sum() == 0
    assert [one.kind for one in look(made)] == ["roll"]
    absent = clock.dt.date().is_in([date(2021, 4, 7), date(2021, 4, 8), date(2021, 4, 20)])
    gaps = [one for one in look(made.filter(~absent)) if one.kind == "gap"]
    assert [(one.date, one.time, one.count) for one in gaps] == [
        (date(2021, 4, 7), None, 214),
        (date(2021, 4, 20), None, 107),
    ]
    assert gaps[0].message == "2 sessions from 2021-04-07 to 2021-04-08 missing"
    assert gaps[1].message == "session of 2021-04-20 missing"


def test_coverage_lists_missing_sessions() -> None:
    made = days().filter(clock.dt.date() != date(2021, 4, 7))
    coverage = session_coverage(from_frame(made, symbol="WIN$N"))
    assert coverage["date"].len() == 6
    assert coverage.row(2) == (date(2021, 4, 7), 0, 107, 0)


def test_lone_print_after_the_close() -> None:
    flat = dict.fromkeys(("open", "high", "low", "close"), 119_000.0)
    (found,) = look(extra(days(), at(7, "18:00"), **flat))
    assert found == Finding(
        "after_close", "warning", at(7, "18:00"), date(2021, 4, 7), 1,
        "lone bar at 18:00 at one price, after the close at 17:55; left out of scoring",
    )  # fmt: skip


def test_prints_before_the_open() -> None:
    (found,) = look(extra(days(), at(7, "08:50"), at(7, "08:55")))
    assert found.message == (
        "2 bars, before the open at 09:00, the first at 08:50; left out of scoring"
    )


def test_without_a_table_only_the_unusual_is_noted() -> None:
    """The file's modal session stands in, and its regular break is no hole."""
    made = days(8).filter(~clock.dt.hour().is_in([12]))
    assert look(made, "XYZ") == ()
    odd = without(made, at(7, "09:00"), at(7, "09:55"))
    odd = without(odd, at(8, "15:00"), at(8, "17:50"))
    odd = extra(without(odd, at(9, "10:00"), at(9, "10:20")), at(9, "19:00"))
    found = look(odd, "XYZ")
    assert {one.severity for one in found} == {"info"}
    assert Counter(one.kind for one in found) == {
        "late_open": 1, "short_session": 1, "after_close": 1, "gap": 1,
    }  # fmt: skip


# --- trading --------------------------------------------------------------------------------


def locked(bars: pl.DataFrame, first: datetime, last: datetime, **values: Any) -> pl.DataFrame:
    price = bars.filter(clock < first)["close"][-1]
    held = dict.fromkeys(("open", "high", "low", "close"), price) | values
    return bars.with_columns(
        pl.when(clock.is_between(first, last))
        .then(pl.lit(value))
        .otherwise(pl.col(name))
        .cast(bars.schema[name])
        .alias(name)
        for name, value in held.items()
    )


def test_limit_lock_with_trades_and_no_hole_in_time() -> None:
    source = locked(days(), at(7, "14:45"), at(7, "15:25"))
    after = source.filter(clock == at(7, "15:30"))["open"][0]
    price = source.filter(clock == at(7, "15:25"))["close"][0]
    (found,) = look(source)
    assert (found.kind, found.severity, found.time, found.count) == (
        "limit_lock", "warning", at(7, "14:45"), 9,
    )  # fmt: skip
    assert found.message == (
        f"45 minutes at {price:.10g}: locked at a limit, halted or stale; the next bar opens "
        f"{after / price - 1:+.2%} away"
    )


def test_quiet_flat_bars_are_no_lock() -> None:
    assert look(locked(days(), at(7, "14:45"), at(7, "15:25"), tick_volume=2)) == ()
    assert look(locked(days(), at(7, "14:45"), at(7, "14:45"))) == ()


def test_lock_without_known_trades_takes_three_bars() -> None:
    untold = days().with_columns(tick_volume=None, real_volume=None)
    assert look(locked(untold, at(7, "14:45"), at(7, "14:50"))) == ()
    (found,) = look(locked(untold, at(7, "14:45"), at(7, "14:55")))
    assert found.kind == "limit_lock"


def test_two_locks_at_two_prices_are_two() -> None:
    source = locked(days(), at(7, "14:00"), at(7, "14:30"))
    source = locked(source, at(7, "14:35"), at(7, "15:00"), close=110_000.0, open=110_000.0,
                    high=110_000.0, low=110_000.0)  # fmt: skip
    assert [one.time for one in look(source)] == [at(7, "14:00"), at(7, "14:35")]


FEEDS = {
    "trades": ({"tick_volume": pl.col("tick_volume") // 3}, "contracts per trade 3 -> 9.09"),
    "spread": ({"spread": pl.lit(0)}, "spread 5 -> 0"),
    "volume lost": ({"real_volume": pl.lit(None)}, "real_volume present -> none"),
    "volume zero": ({"tick_volume": pl.lit(0)}, "tick_volume present -> all zero"),
}


@pytest.mark.parametrize("case", FEEDS)
def test_change_of_feed(case: str) -> None:
    values, text = FEEDS[case]
    made = days()
    source = made.with_columns(
        pl.when(clock >= at(9, "00:00")).then(value).otherwise(pl.col(name))
        .cast(pl.Int64).alias(name)
        for name, value in values.items()
    )  # fmt: skip
    (found,) = look(source)
    assert (found.kind, found.severity, found.date) == (
        "feed_change", "warning", date(2021, 4, 9),
    )  # fmt: skip
    assert text in found.message


def test_quoted_spread_that_varies_is_no_change_of_feed() -> None:
    varying = pl.int_range(pl.len(), dtype=pl.Int64) // 5 % 4
    assert look(days().with_columns(spread=varying)) == ()


def test_rolls_of_the_index_future() -> None:
    """Expiry on the Wednesday nearest the 15th: 2021-04-14."""
    step = pl.when(clock >= datetime(2021, 4, 14)).then(600.0).otherwise(0.0)
    made = days(10).with_columns(pl.col(name) + step for name in ("open", "high", "low", "close"))
    (found,) = look(made)
    close = made.filter(clock < datetime(2021, 4, 14))["close"][-1]
    opening = made.filter(clock >= datetime(2021, 4, 14))["open"][0]
    assert (found.kind, found.severity, found.time) == ("roll", "info", at(14, "09:00"))
    assert f"opens {opening / close - 1:+.2%} from the last close" in found.message
    assert not look(made, "WINM21")  # one contract never rolls


def test_back_adjusted_series_have_no_roll_step() -> None:
    made = days(10).with_columns(
        (pl.col(name) * 1.0557).round(2) for name in ("open", "high", "low", "close")
    )
    assert [one.kind for one in look(made, "WIN$")] == ["off_grid"]


# --- other hours than the table's -------------------------------------------------------------


def bit(first: date, opens: str, closes: str, sessions: int = 6) -> pl.DataFrame:
    """Sessions of the bitcoin future of M30 between two times of day."""
    begin, end = (60 * int(text[:2]) + int(text[3:]) for text in (opens, closes))
    rows = walk(8, sessions, bars=(end - begin) // 30, first=first, minutes=30, tick=20.0,
                opens=time(begin // 60, begin % 60))  # fmt: skip
    return frame(rows)


def test_most_sessions_with_bars_outside_the_table_are_one_finding() -> None:
    """An exchange that widened its hours: by the table 09:00 to 18:30 in January 2026."""
    (found,) = look(bit(date(2026, 1, 5), "08:00", "20:00"), "BIT$N")

    assert (found.kind, found.severity, found.count) == ("outside_table", "warning", 6)
    assert (found.time, found.date) == (datetime(2026, 1, 5, 8), None)
    assert found.message == (
        "6 of 6 sessions keep other hours than the table: most run 08:00 to 20:00, the table has "
        "09:00 to 18:30 on 2026-01-05; 30 bars outside are left out of scoring; state the "
        "symbol's hours in data.symbols, by date"
    )


def test_most_sessions_shorter_than_the_table_are_one_finding() -> None:
    """One broker's bars of the bitcoin future still began at 09:00 after B3 had said 08:00."""
    (found,) = look(bit(date(2026, 5, 4), "09:00", "18:30"), "BIT$N")

    assert (found.kind, found.count) == ("outside_table", 6)
    assert "most run 09:00 to 18:30, the table has 08:00 to 20:00" in found.message
    assert "6 sessions have less than 80% of the bars" in found.message


def test_hours_stated_by_date_agree() -> None:
    wide, old = bit(date(2026, 1, 5), "08:00", "20:00"), bit(date(2025, 12, 15), "09:00", "18:30")
    spec = SymbolSpec("BIT$N", hours=(HoursSince("2026-01-05", "08:00", "20:00"),))
    bars = from_frame(pl.concat([old, wide]), symbol="BIT$N", symbols=(spec,))

    assert {one.kind for one in examine(bars).findings} == {"gap"}  # the days between
    assert make_series(bars).removed == 0


def test_half_of_the_sessions_are_told_one_by_one() -> None:
    wide = bit(date(2026, 1, 5), "08:00", "20:00", 3)
    both = pl.concat([wide, bit(date(2026, 1, 8), "09:00", "18:30", 3)])

    assert Counter(one.kind for one in look(both, "BIT$N")) == {"after_close": 3}


def test_what_differs_from_the_habit_is_still_told() -> None:
    source = bit(date(2026, 1, 5), "08:00", "20:00", 8)
    late = source.filter((clock.dt.day() != 7) | (clock.dt.hour() >= 12))

    kinds = [one.kind for one in look(late, "BIT$N")]
    assert kinds == ["outside_table", "late_open", "short_session"]


@pytest.mark.parametrize(
    ("first", "bars", "until"),
    [
        (date(2014, 1, 6), 17, "17:30"),
        (date(2016, 1, 4), 18, "18:00"),
        (date(2018, 1, 8), 18, "18:00"),
    ],
)
def test_sessions_before_the_table_are_said_to_be(first: date, bars: int, until: str) -> None:
    (found,) = look(days(minutes=30, bars=bars, first=first))

    assert (found.kind, found.severity, found.count) == ("outside_table", "warning", 6)
    assert found.message == (
        "6 of 6 sessions lie before the table of hours, which begins on 2020-03-09: most run "
        f"09:00 to {until} and are scored as 09:00 to 18:25; state the symbol's hours in "
        "data.symbols, by date"
    )


def test_hours_stated_for_old_sessions_are_their_table() -> None:
    spec = SymbolSpec("WIN$N", hours=(HoursSince("2014-01-02", "09:00", "17:30"),))
    bars = from_frame(
        days(minutes=30, bars=17, first=date(2014, 1, 6)), symbol="WIN$N", symbols=(spec,)
    )

    assert examine(bars).findings == ()


# --- bars that no trade made ------------------------------------------------------------------


def fill(bars: pl.DataFrame, first: datetime, last: datetime, volume: int | None) -> pl.DataFrame:
    """What ``resample().ffill()`` of the closes makes of a stretch."""
    return locked(bars, first, last, tick_volume=volume, real_volume=volume)


@pytest.mark.parametrize("volume", [0, None])
def test_flat_untraded_bars_are_filled(volume: int | None) -> None:
    made = fill(days(), at(7, "12:00"), at(7, "12:25"), volume)
    (found,) = look(fill(made, at(8, "12:00"), at(8, "12:00"), volume))

    assert (found.kind, found.severity, found.count, found.time) == (
        "filled", "warning", 7, at(7, "12:00"),
    )  # fmt: skip
    assert "7 bars inside 2 sessions repeat the bar before" in found.message


def test_bars_that_are_copies_of_the_one_before_are_filled() -> None:
    made = days()
    source = made.filter(clock == at(7, "11:55")).drop("time")
    stale = made.with_columns(
        pl.when(clock.is_between(at(7, "12:00"), at(7, "12:10")))
        .then(pl.lit(source[name][0]))
        .otherwise(pl.col(name))
        .alias(name)
        for name in source.columns
    )
    found = look(stale)

    assert [(one.kind, one.count) for one in found if one.kind == "filled"] == [("filled", 3)]


def gappy(bars: pl.DataFrame, fill: str) -> pl.DataFrame:
    """Every seventh bar made of the one before, and no volume at all, as closes resampled."""
    made = pl.int_range(pl.len()) % 7 == 3
    source = "close" if fill == "close" else None
    return bars.with_columns(
        pl.when(made).then(pl.col(source or name).shift(1)).otherwise(pl.col(name)).alias(name)
        for name in ("open", "high", "low", "close")
    ).with_columns(tick_volume=None, real_volume=None)


@pytest.mark.parametrize("fill", ["close", "row"])
def test_without_any_volume_bars_filled_in_show_by_their_number(fill: str) -> None:
    source = days(10)
    day = clock.dt.date()
    made = source.with_row_index().filter((pl.col("index") % 7 == 3) & (day == day.shift(1)))
    (found,) = [one for one in look(gappy(source, fill)) if one.kind == "filled"]

    assert found.severity == "warning"
    assert found.count >= made.height
    assert "repeat the bar before and no volume says that anybody traded" in found.message


def test_a_quote_without_a_contract_is_no_trade() -> None:
    made = locked(days(), at(7, "12:00"), at(7, "12:25"), tick_volume=1, real_volume=0)

    assert [(one.kind, one.count) for one in look(made)] == [("filled", 6)]


def test_a_flat_bar_with_trades_or_without_known_volume_is_not_filled() -> None:
    flat = locked(days(), at(7, "12:00"), at(7, "12:00"))
    untold = days().with_columns(tick_volume=None, real_volume=None)

    assert look(flat) == ()
    assert look(locked(untold, at(7, "12:00"), at(7, "12:00"))) == ()


def stepped(bars: pl.DataFrame, since: datetime, points: float) -> pl.DataFrame:
    step = pl.when(clock >= since).then(points).otherwise(0.0)
    return bars.with_columns(pl.col(name) + step for name in ("open", "high", "low", "close"))


@pytest.mark.parametrize("symbol", ["WIN$N", "WINFUT", "WINM21", "XYZ"])
def test_contract_that_changes_in_mid_session(symbol: str) -> None:
    source = stepped(days(10), at(13, "11:00"), 1_200.0)
    found = [one for one in look(source, symbol) if one.kind == "mid_session_roll"]

    assert [(one.time, one.severity, one.date) for one in found] == [
        (at(13, "11:00"), "warning", date(2021, 4, 13))
    ]
    assert "join contracts with runners.fetch --roll" in found[0].message


def test_a_change_between_sessions_and_a_move_out_of_a_lock_are_none_in_mid_session() -> None:
    between = stepped(days(10), at(14, "00:00"), 1_200.0)
    halted = stepped(locked(days(10), at(7, "11:00"), at(7, "11:55")), at(7, "12:00"), 1_200.0)

    for source in (between, halted):
        assert "mid_session_roll" not in {one.kind for one in look(source)}


def test_a_volatile_session_has_no_change_of_contract() -> None:
    wild = days(10, size=80.0)

    assert "mid_session_roll" not in {one.kind for one in look(wild)}


# --- the result -----------------------------------------------------------------------------


def test_examination_keeps_what_reading_found_and_changes_nothing() -> None:
    bars = from_frame(pl.concat([days(), days()[:1]]), symbol="WIN$N")
    before = bars.frame.clone()
    looked = examine(bars)
    assert looked.findings[: len(bars.quality.findings)] == bars.quality.findings
    assert bars.frame.equals(before)
    assert looked.rows_read == bars.quality.rows_read


def test_findings_are_json_with_the_exchange_offset() -> None:
    quality = examine(from_frame(without(days(), at(7, "09:00"), at(7, "09:00")), symbol="WIN$N"))
    assert quality.to_dict()["findings"] == [
        {
            "kind": "missing_first",
            "severity": "warning",
            "time": "2021-04-07T09:00:00-03:00",
            "date": "2021-04-07",
            "count": 1,
            "message": "no bar at 09:00, the first opens at 09:05",
        }
    ]


def test_a_quarantined_row_without_a_time_has_none_in_json() -> None:
    """A backtest of a file with such a row ended in an AttributeError."""
    nowhere = pl.when(pl.int_range(pl.len()) == 300).then(None).otherwise(clock).alias("time")
    quality = from_frame(days().with_columns(nowhere), symbol="WIN$N").quality.to_dict()

    (row,) = quality["quarantined_rows"]
    assert (row["row"], row["time"], row["reason"]) == (300, None, "no time")


# --- real bars ------------------------------------------------------------------------------

REAL = {
    "win_n_m5_2020-11_2021-03": ("WIN$N", {"missing_first": 8, "short_session": 1, "roll": 2}),
    "win_n_m1_2020-11_2021-03": ("WIN$N", {"late_open": 22, "short_session": 1, "roll": 2}),
    "win_n_m15_2020-01_2021-03": (
        "WIN$N", {"limit_lock": 9, "roll": 7, "outside_table": 1},
    ),
    "win_n_m30_2020-10_2022-01": ("WIN$N", {"roll": 8}),
    "winfut_m5_2021-08_2022-01": ("WINFUT", {"missing_first": 3, "short_session": 1, "roll": 2}),
    "winfut_adj_m5_2023-06_2023-07": ("WINFUT", {"off_grid": 1, "short_session": 1}),
    "wdo_n_m15_2020-10_2023-12": ("WDO$N", {"after_close": 3, "gap": 1, "roll": 39}),
    "wdo_adj_m15_2026-05_2026-06": (
        "WDO$N", {"off_grid": 1, "short_session": 1, "feed_change": 1},
    ),
    "bit_n_m5_2024-04_2025-03": ("BIT$N", {"gap": 1, "late_open": 1, "short_session": 1}),
    "petr4_m1_2020-08_2020-12": (
        "PETR4", {"short_session": 1, "late_open": 1, "after_close": 8, "gap": 2},
    ),
    "es_m5_2026-02_2026-04": (
        "ES", {"short_session": 2, "late_open": 1, "after_close": 1, "gap": 2},
    ),
    "dji_m5_2021-11_2022-01": (
        "DJI", {"late_open": 1, "limit_lock": 1, "gap": 2, "short_session": 1},
    ),
    "eurusd_m1_2021-03": ("EURUSD", {"short_session": 3, "gap": 6, "late_open": 1}),
}  # fmt: skip


def real(name: str) -> Bars:
    path = SHARED / f"{name}.parquet"
    if not path.exists():
        pytest.skip("the recorded bars are not beside the project")
    return read_bars(path, symbol=REAL[name][0])


def days_of(name: str, kind: Kind) -> list[str]:
    return [str(one.date) for one in examine(real(name)).of_kind(kind)]


@pytest.mark.parametrize("name", REAL)
def test_what_each_recorded_file_yields(name: str) -> None:
    assert Counter(one.kind for one in examine(real(name)).findings) == REAL[name][1]


def test_locks_of_march_2020() -> None:
    assert sorted(set(days_of("win_n_m15_2020-01_2021-03", "limit_lock"))) == [
        "2020-03-09", "2020-03-12", "2020-03-13", "2020-03-16", "2020-03-18", "2020-03-24",
    ]  # fmt: skip
    locks = examine(real("win_n_m15_2020-01_2021-03")).of_kind("limit_lock")
    assert locks[1].message == (
        "60 minutes at 88540: locked at a limit, halted or stale; the next bar opens -2.19% away"
    )


def test_holes_and_prints_of_the_dollar() -> None:
    assert days_of("wdo_n_m15_2020-10_2023-12", "gap") == ["2021-10-11"]
    assert days_of("wdo_n_m15_2020-10_2023-12", "after_close") == [
        "2021-10-05", "2022-09-26", "2023-04-18",
    ]  # fmt: skip


def test_holes_of_the_bitcoin_future() -> None:
    assert days_of("bit_n_m5_2024-04_2025-03", "gap") == ["2024-04-26"]
    assert days_of("bit_n_m5_2024-04_2025-03", "short_session") == ["2024-09-27"]


def test_carry_at_the_rolls_of_2021() -> None:
    """Steps measured on the unadjusted series when the files were collected."""
    rolls = examine(real("win_n_m30_2020-10_2022-01")).of_kind("roll")
    steps = [one.message.split()[3] for one in rolls]
    assert steps == [
        "+0.11%", "+0.25%", "+0.10%", "+0.40%", "+0.48%", "+1.49%", "+1.13%", "+1.76%",
    ]  # fmt: skip


def test_feed_that_changed_on_the_last_day() -> None:
    (found,) = examine(real("wdo_adj_m15_2026-05_2026-06")).of_kind("feed_change")
    assert (found.date, found.count) == (date(2026, 6, 10), 38)
    assert found.message == (
        "another feed from here on? spread 1 -> 0, contracts per trade 4.17 -> 13.3"
    )


def test_sessions_of_a_table_fill_the_real_ones() -> None:
    """Futures hours against the files: no session but the first holds more or much less."""
    for name in ("winfut_m5_2021-08_2022-01", "bit_n_m5_2024-04_2025-03"):
        coverage = session_coverage(real(name))[1:]
        assert coverage["outside"].sum() == 0
        assert (coverage["present"] <= coverage["expected"]).all()
        assert (coverage["present"] >= coverage["expected"] - 11).all()


def test_an_opening_call_of_every_day_is_one_line() -> None:
    """Cash equities open some minutes after 10:00; a morning missing is still told by itself."""
    rows = walk(
        5, sessions=6, bars=400, minutes=1, tick=0.01, price=2_800, size=2.0, opens=time(10, 9)
    )
    del rows[400:430]  # the second morning is half an hour late

    late = examine(from_frame(frame(rows), symbol="PETR4")).of_kind("late_open")

    assert [(one.severity, one.count) for one in late] == [("info", 5 * 9), ("warning", 39)]
    assert late[0].message.startswith("5 of 6 sessions open up to 15 minutes late, after the")
    assert late[1].message == "first bar opens at 10:39, 39 minutes after the session"
