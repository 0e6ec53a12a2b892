"""Bars from frames, Parquet and folders: what is kept, what is refused, and one hash for all."""

from __future__ import annotations

import copy
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from pickle import dumps, loads
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from alertlib.bars import bars as bars_module
from alertlib.bars.bars import Bars
from alertlib.bars.opening import from_frame, read_bars
from alertlib.bars.quality.grid import infer_grid
from alertlib.bars.schema import BAR_SCHEMA
from alertlib.bars.store.writer import Provenance, write_bars
from alertlib.config.schema import SymbolSpec
from alertlib.errors import DataError
from alertlib.market.ticks import Grid, decimal_grid, tick_grid
from tests.support.synthetic import SHARED, SMALL, bars_of, frame, walk

ROOT = Path(__file__).parents[2]


def walked(sessions: int = 2, **options: Any) -> pl.DataFrame:
    """A random walk with volumes."""
    bars = frame(walk(7, sessions, **options))
    count = pl.int_range(pl.len(), dtype=pl.Int64)
    spread = pl.lit(5, pl.Int64)
    return bars.with_columns(tick_volume=count + 5, real_volume=count * 3 + 9, spread=spread)


def parquet(folder: Path, bars: pl.DataFrame, name: str = "bars.parquet") -> Path:
    path = folder / name
    bars.write_parquet(path)
    return path


def changed(bars: pl.DataFrame, row: int, **values: Any) -> pl.DataFrame:
    """The same bars with other values in one row."""
    here = pl.int_range(pl.len()) == row
    return bars.with_columns(
        pl.when(here)
        .then(pl.lit(value))
        .otherwise(pl.col(name))
        .cast(bars.schema[name])
        .alias(name)
        for name, value in values.items()
    )


# --- the frame ------------------------------------------------------------------------------


def test_columns_are_canonical_whatever_comes_in() -> None:
    source = walked().select(
        pl.col("close"), pl.col("time").cast(pl.Datetime("ns")).alias("Time"), pl.col("open"),
        pl.col("low").alias("LOW"), pl.col("high").cast(pl.Int32).alias("High"),
        pl.col("spread").cast(pl.UInt16), pl.lit("noise").alias("other"),
    )  # fmt: skip
    bars = from_frame(source, symbol="WIN$N")
    assert bars.frame.schema == BAR_SCHEMA
    expected = walked().with_columns(tick_volume=None, real_volume=None).cast(BAR_SCHEMA)
    assert_frame_equal(bars.frame, expected.select(BAR_SCHEMA.names()))


def test_facts_of_the_bars() -> None:
    bars = from_frame(walked(), symbol="WIN$N", source="mine")
    assert (len(bars), bars.symbol, bars.timeframe, bars.minutes) == (214, "WIN$N", "M5", 5)
    assert (bars.source, bars.synthetic, bars.quality.clean) == ("mine", False, True)
    assert bars.instrument.grid == tick_grid(5.0)
    assert repr(bars) == (
        "<Bars WIN$N M5: 214 bars, 2 sessions, 2021-04-05 09:00 to 2021-04-06 17:50>"
    )
    assert "<th style='text-align:left'>source</th><td>mine</td>" in bars._repr_html_()


def test_structured_array_of_the_package_is_a_frame() -> None:
    """The 60-byte rows of ``copy_rates_from_pos``, epochs and unsigned volumes included."""
    bars = walked()
    kind = np.dtype(
        [("time", "<i8"), ("open", "<f8"), ("high", "<f8"), ("low", "<f8"), ("close", "<f8"),
         ("tick_volume", "<u8"), ("spread", "<i4"), ("real_volume", "<u8")]
    )  # fmt: skip
    assert kind.itemsize == 60
    rates = np.zeros(bars.height, dtype=kind)
    rates["time"] = bars["time"].dt.epoch("s").to_numpy()
    for name in BAR_SCHEMA.names()[1:]:
        rates[name] = bars[name].to_numpy()
    assert_frame_equal(from_frame(rates, symbol="WIN$N").frame, bars.select(BAR_SCHEMA.names()))


def test_arrow_table_is_a_frame() -> None:
    bars = from_frame(walked().to_arrow(), symbol="WIN$N")
    assert bars.sha256 == from_frame(walked(), symbol="WIN$N").sha256


@pytest.mark.parametrize("unit", [1, 1_000, 1_000_000, 1_000_000_000])
def test_epochs_are_wall_clock_in_any_unit(unit: int) -> None:
    source = walked().with_columns(pl.col("time").dt.epoch("s") * unit)
    assert from_frame(source, symbol="WIN$N").frame["time"][0] == datetime(2021, 4, 5, 9, 0)


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "America/Sao_Paulo"])
def test_zoned_times_become_exchange_wall_clock(zone: str) -> None:
    local = pl.col("time").dt.replace_time_zone("America/Sao_Paulo")
    bars = from_frame(walked().with_columns(local.dt.convert_time_zone(zone)), symbol="WIN$N")
    assert bars.sha256 == from_frame(walked(), symbol="WIN$N").sha256
    (found,) = bars.quality.of_kind("zone")
    assert found.severity == "info"
    assert zone in found.message


def test_dates_are_daily_bars() -> None:
    daily = walked(9)[::107].with_columns(pl.col("time").dt.date())
    bars = from_frame(daily, symbol="XYZ")
    assert bars.timeframe == "D1"
    assert bars.frame["time"][0] == datetime(2021, 4, 5)


def test_unknown_zone_is_refused() -> None:
    stamps = pa.array(walked()["time"].dt.epoch("us").to_list(), pa.timestamp("us", "Mars/Base"))
    table = walked().to_arrow().set_column(0, "time", stamps)
    with pytest.raises(DataError, match="Mars/Base"):
        from_frame(table, symbol="WIN$N")


REFUSED_FRAMES: dict[str, tuple[Any, str]] = {
    "no rows": (walked().clear(), "frame: no rows; expected bars with time, open, high"),
    "no columns": (pl.DataFrame(), "no rows"),
    "no close": (walked().drop("close"), "no column `close`; got time, open, high, low"),
    "no time": (walked().drop("time"), "no column `time`"),
    "text prices": (
        walked().with_columns(pl.col("low").cast(pl.String)),
        "column `low` is String; expected numbers",
    ),
    "times of no kind": (
        walked().with_columns(time=pl.lit(True)),
        "column `time` is Boolean; expected datetimes, text or epoch seconds",
    ),
    "two symbols": (
        walked().with_columns(
            symbol=pl.when(pl.int_range(pl.len()) > 3).then(pl.lit("A")).otherwise(pl.lit("B"))
        ),
        r"2 values in column `symbol` \(A, B\); expected one symbol",
    ),
    "other symbol": (
        walked().with_columns(symbol=pl.lit("WDO$N")),
        r"frame: holds symbol WDO\$N; expected WIN\$N",
    ),
    "no frame": (object(), "frame: got object, of which no frame can be made"),
    "no epochs": (walked().with_columns(time=pl.lit(0)), "holds no epochs"),
    "all bad": (
        walked().with_columns(low=pl.lit(-1.0)),
        r"none of 214 rows is a usable bar \(row 0: price zero or negative, got ",
    ),
}


@pytest.mark.parametrize("case", REFUSED_FRAMES)
def test_frame_is_refused_in_one_line(case: str) -> None:
    source, message = REFUSED_FRAMES[case]
    with pytest.raises(DataError, match=message) as caught:
        from_frame(source, symbol="WIN$N")
    assert "\n" not in str(caught.value)


BAD_VALUES: dict[str, tuple[dict[str, Any], str]] = {
    "null price": ({"open": None}, "price missing"),
    "nan": ({"close": float("nan")}, "price missing"),
    "infinite": ({"high": float("inf")}, "price infinite"),
    "negative": ({"low": -5.0}, "price zero or negative"),
    "zero": ({"open": 0.0}, "price zero or negative"),
    "high under low": ({"high": 1000.0}, "high below open, low or close"),
    "low over close": ({"low": 119_990.0, "high": 130_000.0, "open": 120_000.0, "close": 119_000.0},
                       "low above open or close"),
    "NaT": ({"time": None}, "no time"),
    "1970": ({"time": datetime(1970, 1, 1)}, "time outside 1990-2100"),
    "tenfold": ({"high": 1_300_000.0}, "price ten times (or a tenth of) both neighbours"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_VALUES)
@pytest.mark.parametrize("row", [0, 100, 213])
def test_bad_row_is_quarantined_with_its_place(case: str, row: int) -> None:
    values, reason = BAD_VALUES[case]
    bars = from_frame(changed(walked(), row, **values), symbol="WIN$N")
    quarantined = bars.quality.quarantined.row(0, named=True)
    assert (quarantined["row"], quarantined["reason"]) == (row, reason)
    assert len(bars) == 213
    (found,) = bars.quality.of_kind("bad_row")
    assert found.severity == "error"
    assert found.message.startswith(f"{reason} at row {row}")
    expected = walked().select(BAR_SCHEMA.names()).with_row_index().filter(pl.col("index") != row)
    assert_frame_equal(bars.frame, expected.drop("index"))


@pytest.mark.parametrize("unit", ["ms", "us"])
@pytest.mark.parametrize("zone", [None, "UTC"])
@pytest.mark.parametrize("stamp", [2**63 - 1, -(2**63), 578_000_000_000_000_000])
def test_time_beyond_python_is_quarantined(stamp: int, zone: str | None, unit: Any) -> None:
    """On a year such as 20288, which one flipped bit makes, polars panics."""
    stamps = walked()["time"].cast(pl.Datetime(unit)).to_physical().scatter(7, stamp)
    times = stamps.cast(pl.Datetime(unit, zone))
    bars = from_frame(walked().with_columns(time=times), symbol="WIN$N")
    row = bars.quality.quarantined.row(0, named=True)
    assert (row["row"], row["time"], row["value"]) == (7, None, str(stamp))
    assert row["reason"] == "time outside 1990-2100"
    assert len(bars) == 213


def test_volumes_of_a_pandas_kind_are_whole_or_missing() -> None:
    volumes = pl.Series([1.0, float("nan"), 7.0] + [7.0] * 211)
    bars = from_frame(walked().with_columns(real_volume=volumes), symbol="WIN$N")
    assert bars.frame["real_volume"].head(3).to_list() == [1, None, 7]
    assert bars.quality.findings == ()


def test_real_moves_are_never_cleaned() -> None:
    """Minus 16.6 % overnight in PETR4, 2021-02-22, and a reverse split of one for eight."""
    rows = walk(3, 3, tick=0.01, price=2_700)
    split = frame(rows).with_columns(
        pl.when(pl.col("time") < datetime(2021, 4, 6)).then(pl.col(name) * 8).otherwise(name)
        for name in ("open", "high", "low", "close")
    )
    bars = from_frame(split, symbol="PETR4")
    assert len(bars) == len(rows)
    assert not bars.quality.of_kind("bad_row")


# --- order and duplicates -------------------------------------------------------------------


def test_newest_first_is_a_layout() -> None:
    bars = from_frame(walked().reverse(), symbol="WIN$N")
    assert bars.sha256 == from_frame(walked(), symbol="WIN$N").sha256
    assert bars.quality.findings == ()


@given(st.randoms(use_true_random=False))
def test_any_order_gives_the_same_bars(rng: random.Random) -> None:
    order = list(range(214))
    rng.shuffle(order)
    bars = from_frame(walked()[order], symbol="WIN$N")
    assert_frame_equal(bars.frame, walked().select(BAR_SCHEMA.names()))


def test_rows_out_of_order_are_reported_with_row_and_time() -> None:
    source = pl.concat([walked()[:50], walked()[52:], walked()[50:52]])
    (found,) = from_frame(source, symbol="WIN$N").quality.findings
    assert (found.kind, found.severity, found.count) == ("bad_row", "warning", 2)
    assert found.message == (
        "2 rows out of order, the first at row 212 (2021-04-05 13:10); sorted by time"
    )


def test_identical_duplicate_is_a_warning() -> None:
    bars = from_frame(pl.concat([walked()[:10], walked()[9:]]), symbol="WIN$N")
    (found,) = bars.quality.findings
    assert (found.kind, found.severity, found.count) == ("duplicate", "warning", 1)
    assert found.message == "row 10 (2021-04-05 09:45) repeats an earlier row; one kept"
    assert bars.sha256 == from_frame(walked(), symbol="WIN$N").sha256
    assert bars.quality.rows_read == 215
    assert bars.quality.quarantined.is_empty()


def test_conflicting_duplicate_is_an_error_and_the_first_is_kept() -> None:
    other = changed(walked()[9:10], 0, tick_volume=99)
    bars = from_frame(pl.concat([walked(), other, walked()[9:10]]), symbol="WIN$N")
    conflict, repeat = bars.quality.of_kind("duplicate")
    assert (conflict.severity, conflict.count) == ("error", 1)
    assert conflict.message == (
        "row 214 (2021-04-05 09:45) conflicts with an earlier row of the same time; first kept"
    )
    assert (repeat.severity, repeat.count) == ("warning", 1)
    assert bars.quality.quarantined["row"].to_list() == [214]
    assert_frame_equal(bars.frame, walked().select(BAR_SCHEMA.names()))


# --- timeframe and zone ---------------------------------------------------------------------


def test_declared_timeframe_that_differs_is_an_error_and_the_bars_keep_theirs() -> None:
    """A file named D1 that holds M1."""
    bars = from_frame(frame(walk(1, 2, minutes=1)), symbol="WIN$N", timeframe="D1")
    assert (bars.timeframe, bars.minutes) == ("M1", 1)
    (found,) = bars.quality.of_kind("timeframe")
    assert found.severity == "error"
    assert found.message == "declared D1, but bars are 1 minutes apart (M1); kept as M1"


def test_bar_off_the_timeframe_is_an_error() -> None:
    source = changed(walked(), 30, time=datetime(2021, 4, 5, 11, 32))
    (found,) = from_frame(source, symbol="WIN$N").quality.of_kind("timeframe")
    assert (found.severity, found.count, found.time) == ("error", 1, datetime(2021, 4, 5, 11, 32))
    assert "1 of 214 bars open off the M5 grid" in found.message


def test_bars_within_a_minute_are_an_error() -> None:
    """Half a minute late: doctor called them safe, and the gate failed for their alerts' times."""
    late = walked().with_columns(pl.col("time") + timedelta(seconds=30))
    (found,) = from_frame(late, symbol="WIN$N").quality.of_kind("timeframe")
    assert (found.severity, found.count) == ("error", 214)
    assert found.message == (
        "bars open 30 s after a minute, the first at 2021-04-05 09:00:30; expected whole minutes"
    )


def test_unknown_timeframe_is_refused() -> None:
    with pytest.raises(DataError, match=r"timeframe: got 'M7'; expected a timeframe: M1 … M30"):
        from_frame(walked(), symbol="WIN$N", timeframe="M7")


def test_step_that_is_no_timeframe_is_an_error() -> None:
    (found,) = from_frame(walked(2, minutes=7, bars=70), symbol="WIN$N").quality.findings
    assert (found.kind, found.severity, found.count) == ("timeframe", "error", 140)
    assert (
        found.message == "bars are 7 minutes apart; expected a timeframe: M1 … M30, H1 … H12 or D1"
    )


def test_one_bar_needs_a_timeframe() -> None:
    with pytest.raises(DataError, match="one usable bar; expected two or more to tell"):
        from_frame(walked()[:1], symbol="WIN$N")
    assert from_frame(walked()[:1], symbol="WIN$N", timeframe="M15").minutes == 15


@pytest.mark.parametrize("hours", [3, -3, 1, 5.5])
def test_sessions_that_lie_hours_off_are_an_error(hours: float) -> None:
    source = walked(5).with_columns(pl.col("time") + timedelta(hours=hours))
    (found,) = from_frame(source, symbol="WIN$N").quality.of_kind("zone")
    assert (found.severity, found.count) == ("error", 5)
    assert f"5 of 5 sessions lie {hours:+g} h from the exchange's hours" in found.message


@pytest.mark.parametrize(("sessions", "severity"), [(5, "error"), (10, "warning")])
def test_clock_that_changes_in_mid_series(sessions: int, severity: str) -> None:
    day = walked(sessions)["time"].dt.date().unique().sort()[-2]
    late = pl.col("time").dt.date() >= day
    hour = pl.when(late).then(timedelta(hours=1)).otherwise(timedelta())
    (found,) = from_frame(
        walked(sessions).with_columns(pl.col("time") + hour), symbol="WIN$N"
    ).quality.of_kind("zone")
    assert (found.severity, found.count, found.date) == (severity, 2, day)


def test_late_open_is_no_shifted_clock() -> None:
    source = walked(3).filter(pl.col("time").dt.hour() >= 11)
    assert not from_frame(source, symbol="WIN$N").quality.of_kind("zone")


# --- several series in one source ---------------------------------------------------------------


def two_contracts() -> pl.DataFrame:
    """The same two sessions of two contracts, 1 % apart, the rows in turn."""
    near, far = walked(), walked().with_columns(pl.col("open", "high", "low", "close") + 1_200.0)
    both = [near.with_columns(symbol=pl.lit("WINJ21")), far.with_columns(symbol=pl.lit("WINM21"))]
    return pl.concat(both).sort("time", "symbol")


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize("symbol", ["WINJ21", "WINM21"])
def test_a_stated_symbol_selects_its_rows(tmp_path: Path, ending: str, symbol: str) -> None:
    path = tmp_path / f"both.{ending}"
    write = {"csv": two_contracts().write_csv, "parquet": two_contracts().write_parquet}[ending]
    write(path)
    alone = two_contracts().filter(pl.col("symbol") == symbol).drop("symbol")

    for bars in (read_bars(path, symbol=symbol), read_bars(path, default_symbol=symbol)):
        assert bars.sha256 == from_frame(alone, symbol=symbol).sha256
        assert (bars.symbol, bars.assumed_symbol, bars.instrument.family) == (symbol, False, "WIN")
        other = {"WINJ21": "WINM21", "WINM21": "WINJ21"}[symbol]
        assert bars.quality.layout.endswith(f"214 rows of {other} left out")
        assert bars.quality.clean


def test_without_a_stated_symbol_the_file_says_which_it_has(tmp_path: Path) -> None:
    two_contracts().write_csv(tmp_path / "both.csv")

    with pytest.raises(DataError, match=r"\(WINJ21, WINM21\); expected one symbol; state the sym"):
        read_bars(tmp_path / "both.csv", default_symbol="WIN$N")
    with pytest.raises(DataError, match="expected one symbol, and WINQ21 is none of them; state"):
        read_bars(tmp_path / "both.csv", symbol="WINQ21", default_symbol="WINJ21")


@pytest.mark.parametrize("labels", [("M5", "M15"), ("PERIOD_M5", "PERIOD_M15"), ("5", "15")])
def test_a_stated_timeframe_selects_its_rows(labels: tuple[str, str]) -> None:
    five, fifteen = (
        walked(minutes=length, bars=bars).with_columns(timeframe=pl.lit(label))
        for length, bars, label in ((5, 107, labels[0]), (15, 36, labels[1]))
    )
    bars = from_frame(pl.concat([five, fifteen]), symbol="WIN$N", timeframe="M15")

    assert (bars.timeframe, len(bars), bars.quality.clean) == ("M15", fifteen.height, True)


def test_rows_without_a_symbol_among_those_of_several_are_quarantined() -> None:
    row = pl.int_range(pl.len())
    nameless = two_contracts().with_columns(symbol=pl.when(row == 6).then(None).otherwise("symbol"))
    bars = from_frame(nameless, symbol="WINM21")

    assert bars.quality.quarantined.select("row", "reason").rows() == [(6, "no symbol")]
    assert len(bars) == 214


# --- grid -----------------------------------------------------------------------------------


def test_prices_on_the_tick_give_the_tick_grid() -> None:
    assert infer_grid(np.array([100_005.0, 99_990.0]), 5.0) == (tick_grid(5.0), 1.0)
    assert infer_grid(np.array([22.49, 1234567.89]), 0.01) == (tick_grid(0.01), 1.0)


def test_a_bad_price_keeps_rounding_to_the_tick() -> None:
    prices = np.append(np.full(199, 100_005.0), 100_002.5)
    grid, share = infer_grid(prices, 5.0)
    assert (grid, share) == (Grid(1, 10, per_tick=50, on_tick=True), 0.995)


def test_adjusted_series_gets_a_decimal_of_its_own() -> None:
    grid, share = infer_grid(np.array([123_707.57, 123_744.5, 100_000.0]), 5.0)
    assert grid == decimal_grid(2, 5.0)
    assert share == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("prices", "tick"),
    [((6819.5, 6820.75), 0.25), ((1.19802, 1.19825), 0.00001), ((36193.13, 36232.09), 0.01),
     ((100.0, 120.0), 20.0)],
)  # fmt: skip
def test_unknown_tick_is_the_common_divisor(prices: tuple[float, ...], tick: float) -> None:
    assert infer_grid(np.array(prices), None) == (tick_grid(tick), 1.0)


@given(
    st.sampled_from([5.0, 0.5, 20.0, 0.01, 0.25, 0.00001]),
    st.lists(st.integers(1, 10**7), min_size=1, max_size=50),
)
def test_every_multiple_of_a_tick_is_on_its_grid(tick: float, quanta: list[int]) -> None:
    grid = tick_grid(tick)
    prices = np.array([grid.price(q) for q in quanta])
    assert infer_grid(prices, tick) == (grid, 1.0)
    assert [grid.quanta(p) for p in prices] == quanta


def test_off_grid_is_an_error_with_price_and_time() -> None:
    source = changed(walked(), 20, close=walked()["low"][20] + 1.0, high=130_000.0)
    bars = from_frame(source, symbol="WIN$N")
    (found,) = bars.quality.of_kind("off_grid")
    assert (found.severity, found.count, found.time) == ("error", 1, datetime(2021, 4, 5, 10, 40))
    assert "1 of 214 bars have prices off the grid of 5 points" in found.message
    assert bars.instrument.grid == Grid(1, 1, per_tick=5, on_tick=True)


def test_configured_tick_beats_the_family() -> None:
    spec = SymbolSpec(symbol="WIN$N", tick=1.0)
    bars = from_frame(changed(walked(), 20, high=130_001.0), symbol="WIN$N", symbols=(spec,))
    assert bars.quality.clean
    assert bars.instrument.grid == tick_grid(1.0)


# --- the hash -------------------------------------------------------------------------------


def test_hash_is_of_the_bars_not_of_the_file(tmp_path: Path) -> None:
    bars = walked()
    csv = tmp_path / "bars.csv"
    bars.write_csv(csv)
    whole = from_frame(bars, symbol="WIN$N").sha256
    assert read_bars(csv, symbol="WIN$N").sha256 == whole
    assert read_bars(parquet(tmp_path, bars), symbol="WIN$N").sha256 == whole


def test_absent_volume_hashes_as_null() -> None:
    absent = from_frame(walked().drop("spread"), symbol="WIN$N")
    null = from_frame(walked().with_columns(spread=pl.lit(None)), symbol="WIN$N")
    assert absent.sha256 == null.sha256
    assert absent.sha256 != from_frame(walked(), symbol="WIN$N").sha256


@given(st.integers(0, 213), st.sampled_from(BAR_SCHEMA.names()))
def test_any_change_changes_the_hash(row: int, name: str) -> None:
    bars = from_frame(walked(), symbol="WIN$N")
    step = timedelta(minutes=1) if name == "time" else 1
    other = pl.when(pl.int_range(pl.len()) == row).then(pl.col(name) + step).otherwise(name)
    twin = Bars(bars.frame.with_columns(other), bars.source, bars.quality, bars.instrument)
    assert twin.sha256 != bars.sha256


def test_hash_of_known_bars() -> None:
    """Computed by hand from the description of ``Bars.sha256``, with struct and hashlib."""
    bars = from_frame(
        pl.DataFrame(
            {
                "time": [datetime(2021, 1, 4, 9, 0), datetime(2021, 1, 4, 9, 5)],
                "open": [1.0, 2.0], "high": [3.0, 4.0], "low": [0.5, 0.5], "close": [1.5, 2.5],
                "tick_volume": [7, None],
            }
        ),
        symbol="TST",
    )  # fmt: skip
    import hashlib
    import struct

    epoch = [1_609_750_800_000_000, 1_609_751_100_000_000]
    content = b"alertlib.bars.v1" + struct.pack("<2q", *epoch)
    content += struct.pack("<8d", 1, 2, 3, 4, 0.5, 0.5, 1.5, 2.5)
    content += struct.pack("<6q", 7, -(2**63), *[-(2**63)] * 4)
    assert bars.sha256 == hashlib.sha256(content).hexdigest()


def test_synthetic_by_declaration_and_by_hash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "made.parquet"
    walked().write_parquet(path, metadata={"alertlib.synthetic": "true"})
    assert read_bars(path, symbol="WIN$N").synthetic
    walked().write_parquet(path, metadata={"alertlib.synthetic": "false"})
    bars = read_bars(path, symbol="WIN$N")
    assert not bars.synthetic
    monkeypatch.setattr(bars_module, "SYNTHETIC_HASHES", frozenset({bars.sha256}))
    copy = read_bars(path, symbol="WIN$N")
    assert copy.synthetic
    assert "SYNTHETIC" in repr(copy)
    assert from_frame(walked(), symbol="WIN$N", synthetic=True).synthetic


# --- files and folders ----------------------------------------------------------------------


def test_last_sessions_are_dates_of_the_file(tmp_path: Path) -> None:
    bars = read_bars(parquet(tmp_path, walked(5)), symbol="WIN$N", sessions=2)
    assert bars.frame["time"].dt.date().unique().sort().to_list() == [
        date(2021, 4, 8), date(2021, 4, 9),
    ]  # fmt: skip
    with pytest.raises(DataError, match="sessions: got 0; expected 1 or more"):
        read_bars(tmp_path / "bars.parquet", symbol="WIN$N", sessions=0)


def test_bad_rows_of_sessions_left_out_do_not_count(tmp_path: Path) -> None:
    path = parquet(tmp_path, changed(walked(5), 3, low=-1.0))
    assert read_bars(path, symbol="WIN$N", sessions=2).quality.clean
    assert not read_bars(path, symbol="WIN$N").quality.clean


def test_symbol_comes_from_argument_column_or_default(tmp_path: Path) -> None:
    plain = parquet(tmp_path, walked(), "plain.parquet")
    named = parquet(tmp_path, walked().with_columns(symbol=pl.lit("WINFUT")), "named.parquet")
    assert read_bars(named).symbol == "WINFUT"
    assert read_bars(named, default_symbol="WIN$N").symbol == "WINFUT"
    assert read_bars(plain, default_symbol="WIN$N").symbol == "WIN$N"
    with pytest.raises(DataError, match=r"no symbol stated; expected one such as WIN\$N"):
        read_bars(plain)
    with pytest.raises(DataError, match=r"holds symbol WINFUT; expected WIN\$N"):
        read_bars(named, symbol="WIN$N")


def hive(root: Path, symbol: str, timeframe: str, bars: pl.DataFrame) -> Path:
    for year in bars["time"].dt.year().unique():
        folder = root / f"symbol={symbol}" / f"timeframe={timeframe}" / f"year={year}"
        folder.mkdir(parents=True)
        bars.filter(pl.col("time").dt.year() == year).write_parquet(folder / "part.parquet")
    return root


def test_hive_folders_without_a_manifest(tmp_path: Path) -> None:
    bars = walked(4, first=date(2020, 12, 30))
    root = hive(tmp_path, "WIN$N", "M5", bars)
    (root / "quarantine").mkdir()
    (root / "quarantine" / "bad.parquet").write_bytes(b"junk")
    one = read_bars(root)
    assert (one.symbol, one.timeframe) == ("WIN$N", "M5")
    assert one.sha256 == from_frame(bars, symbol="WIN$N").sha256
    assert read_bars(root / "symbol=WIN$N").sha256 == one.sha256
    hive(root, "WDO$N", "M5", bars)
    hive(root, "WIN$N", "M1", bars)
    with pytest.raises(DataError, match=r"3 series for one series; the directory holds WDO\$N M5"):
        read_bars(root)
    with pytest.raises(DataError, match=r"2 series for WIN\$N"):
        read_bars(root, symbol="WIN$N")
    assert read_bars(root, symbol="WIN$N", timeframe="M5").sha256 == one.sha256


def test_folder_without_bars(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no series for one series; the directory holds no bars"):
        read_bars(tmp_path)


def write_store(root: Path, symbol: str, bars: pl.DataFrame) -> None:
    stored = from_frame(bars, symbol=symbol).frame
    write_bars(
        root, symbol, "M5", stored, Provenance("test", datetime(2026, 1, 1, tzinfo=UTC), None)
    )


def test_store_gives_the_bars_that_went_in(tmp_path: Path) -> None:
    bars = from_frame(walked(2, first=date(2020, 12, 30)), symbol="WIN$N")
    write_store(tmp_path, "WIN$N", bars.frame)
    stored = read_bars(tmp_path)
    assert (stored.symbol, stored.timeframe) == ("WIN$N", "M5")
    assert stored.sha256 == bars.sha256
    assert read_bars(tmp_path, sessions=1).frame["time"][0] == datetime(2021, 1, 4, 9, 0)


def test_rows_left_out_on_the_way_into_a_store_stay_an_error(tmp_path: Path) -> None:
    from alertlib.bars.store.store import StoredSeries

    write_store(tmp_path, "WIN$N", walked())
    write_store(tmp_path, "WDO$N", walked())
    assert read_bars(tmp_path, default_symbol="WIN$N").symbol == "WIN$N"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StoredSeries, "bad_rows", property(lambda series: 3))
        (found,) = read_bars(tmp_path, symbol="WIN$N").quality.findings
    assert (found.kind, found.severity, found.count) == ("bad_row", "error", 3)


DAMAGED: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda raw: b"",
    "cut in half": lambda raw: raw[: len(raw) // 2],
    "cut by a byte": lambda raw: raw[:-1],
    "start only": lambda raw: raw[:4],
    "zeros inside": lambda raw: raw[:4] + bytes(200) + raw[204:],
}


@pytest.mark.parametrize("case", DAMAGED)
def test_damaged_parquet_is_refused_in_one_line(case: str, tmp_path: Path) -> None:
    path = parquet(tmp_path, walked())
    path.write_bytes(DAMAGED[case](path.read_bytes()))
    with pytest.raises(DataError, match=r"bars\.parquet: not a readable Parquet file") as caught:
        read_bars(path, symbol="WIN$N")
    assert "\n" not in str(caught.value)


def test_flipped_bits_end_in_bars_or_one_line(tmp_path: Path) -> None:
    """Hundreds of single-bit flips all over a small file: no panic, nothing on stderr.

    In a process of its own, because what polars 2.1 printed or did on some of them (a Rust panic
    text, once an abort) bypasses Python.
    """
    path = parquet(tmp_path, walked(1))
    script = """
import random, sys
from pathlib import Path
from alertlib.bars import read_bars
from alertlib.errors import DataError
path = Path(sys.argv[1])
raw = path.read_bytes()
whole = read_bars(path, symbol="WIN$N").sha256
rng = random.Random(1)
for n in range(600):
    at = rng.randrange(len(raw)) if n % 2 else rng.randrange(len(raw) - 1500, len(raw))
    damaged = bytearray(raw)
    damaged[at] ^= 1 << rng.randrange(8)
    path.write_bytes(damaged)
    try:
        bars = read_bars(path, symbol="WIN$N")
        print("same" if bars.sha256 == whole else "other")
    except DataError as error:
        assert "\\n" not in str(error), error
        print("refused")
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    outcomes = Counter(done.stdout.split())
    assert outcomes.keys() == {"same", "other", "refused"}
    assert outcomes.total() == 600


def test_page_checksums_are_verified(tmp_path: Path) -> None:
    path = tmp_path / "checked.parquet"
    pq.write_table(walked().to_arrow(), path, write_page_checksum=True, compression="none")
    raw = bytearray(path.read_bytes())
    raw[raw.index(np.float64(walked()["close"][50]).tobytes())] ^= 4
    path.write_bytes(raw)
    with pytest.raises(DataError, match="CRC checksum verification failed"):
        read_bars(path, symbol="WIN$N")


def test_parquet_of_the_wrong_kind(tmp_path: Path) -> None:
    path = tmp_path / "other.parquet"
    pq.write_table(pa.table({"a": [1], "b": [["nested"]]}), path)
    with pytest.raises(DataError, match="no column `time`, `open`, `high`, `low`, `close`; got a"):
        read_bars(path, symbol="WIN$N")


def test_text_named_parquet(tmp_path: Path) -> None:
    path = tmp_path / "bars.parquet"
    path.write_text("time,open,high,low,close\n")
    with pytest.raises(DataError, match="not a readable Parquet file"):
        read_bars(path, symbol="WIN$N")


def test_parquet_is_known_by_content(tmp_path: Path) -> None:
    path = parquet(tmp_path, walked(), "bars.csv")
    assert read_bars(path, symbol="WIN$N").quality.layout == "Parquet"


def test_zoned_parquet(tmp_path: Path) -> None:
    zone = ZoneInfo("America/Sao_Paulo")
    path = parquet(tmp_path, walked().with_columns(pl.col("time").dt.replace_time_zone(zone.key)))
    assert read_bars(path, symbol="WIN$N").frame["time"][0] == datetime(2021, 4, 5, 9, 0)


# --- files beside the project ---------------------------------------------------------------

SHARED_FILES = {
    "win_n_m5_2020-11_2021-03": ("WIN$N", 10_810, "M5", 5.0),
    "win_n_m1_2020-11_2021-03": ("WIN$N", 54_003, "M1", 5.0),
    "win_n_m15_2020-01_2021-03": ("WIN$N", 11_313, "M15", 5.0),
    "win_n_m30_2020-10_2022-01": ("WIN$N", 6_059, "M30", 5.0),
    "winfut_m5_2021-08_2022-01": ("WINFUT", 12_076, "M5", 5.0),
    "wdo_n_m15_2020-10_2023-12": ("WDO$N", 29_558, "M15", 0.5),
    "bit_n_m5_2024-04_2025-03": ("BIT$N", 26_720, "M5", 20.0),
    "petr4_m1_2020-08_2020-12": ("PETR4", 42_887, "M1", 0.01),
    "es_m5_2026-02_2026-04": ("ES", 13_768, "M5", 0.25),
    "dji_m5_2021-11_2022-01": ("DJI", 4_075, "M5", 0.01),
    "eurusd_m1_2021-03": ("EURUSD", 20_215, "M1", 0.00001),
}


@pytest.mark.parametrize("name", SHARED_FILES)
def test_recorded_file_is_clean(name: str) -> None:
    path = SHARED / f"{name}.parquet"
    if not path.exists():
        pytest.skip("the recorded bars are not beside the project")
    symbol, rows, timeframe, tick = SHARED_FILES[name]
    bars = read_bars(path, symbol=symbol)
    assert (len(bars), bars.timeframe) == (rows, timeframe)
    assert bars.quality.findings == ()
    assert bars.instrument.grid == tick_grid(tick)
    assert_frame_equal(bars.frame, pl.read_parquet(path))


@pytest.mark.parametrize(
    ("name", "symbol", "off", "decimals"),
    [
        ("winfut_adj_m5_2023-06_2023-07", "WINFUT", 3_823, 2),
        ("wdo_adj_m15_2026-05_2026-06", "WDO$N", 196, 3),
    ],
)
def test_adjusted_file_is_unsafe(name: str, symbol: str, off: int, decimals: int) -> None:
    path = SHARED / f"{name}.parquet"
    if not path.exists():
        pytest.skip("the recorded bars are not beside the project")
    bars = read_bars(path, symbol=symbol)
    (found,) = bars.quality.findings
    assert (found.kind, found.severity, found.count) == ("off_grid", "error", off)
    assert "an adjusted series" in found.message
    grid = bars.instrument.grid
    assert grid is not None
    assert (grid.quantum, grid.on_tick) == (10.0**-decimals, False)


def test_small_symbol_of_the_tests_is_read() -> None:
    assert bars_of(walk(1, 1, bars=20), "TST").instrument.family is None
    assert SMALL.tick == 5.0


@pytest.mark.parametrize("twin_of", [copy.copy, copy.deepcopy, lambda b: loads(dumps(b))])
@given(st.integers(0, 10**6), st.booleans())
def test_a_copy_of_bars_is_the_same_bars(twin_of: Any, seed: int, hashed: bool) -> None:
    bars = bars_of(walk(seed, 2, bars=20, missing=0.2), "TST")
    if hashed:
        assert len(bars.sha256) == 64
    twin = twin_of(bars)

    assert_frame_equal(twin.frame, bars.frame)
    assert twin.sha256 == bars.sha256
    assert (twin.instrument, twin.source) == (bars.instrument, bars.source)
    assert repr(twin) == repr(bars)
    assert twin.quality.findings == bars.quality.findings
    assert bars == bars
