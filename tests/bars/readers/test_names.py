"""Headings in every spelling, for text and for frames alike."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from alertlib.bars.opening import from_frame, read_bars
from alertlib.bars.readers.names import is_known, read_headings
from tests.support.synthetic import frame, walk

PRICES = ["open", "high", "low", "close"]

VOLUMES = {
    "tick_volume": ["Volume_Tick", "TickVol", "<TICKVOL>", "tick volume", "Negócios", "Trades"],
    "real_volume": [
        "Volume_Real", "Quantity", "volume", "Volume", "<VOL>", "Vol.", "Qtde", "Contracts",
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("meaning", "spelling"), [(name, one) for name, ones in VOLUMES.items() for one in ones]
)
def test_volume_in_every_spelling_of_text_and_frames(
    meaning: str, spelling: str, tmp_path: Path
) -> None:
    source = frame(walk(7, 1, bars=9)).with_columns(pl.int_range(9).alias(spelling))
    source.write_csv(tmp_path / "bars.csv")
    source.write_parquet(tmp_path / "bars.parquet")

    for bars in (
        from_frame(source, symbol="WIN$N"),
        read_bars(tmp_path / "bars.csv", symbol="WIN$N"),
        read_bars(tmp_path / "bars.parquet", symbol="WIN$N"),
    ):
        assert bars.frame[meaning].to_list() == list(range(9))
        assert "not used" not in bars.quality.layout


def test_of_two_volumes_the_one_that_says_contracts_is_used_and_the_other_named() -> None:
    source = frame(walk(7, 1, bars=9)).with_columns(
        pl.lit(1).alias("Volume"), pl.lit(2).alias("Volume_Real"), pl.lit(3).alias("Adj Close")
    )
    bars = from_frame(source, symbol="WIN$N")
    assert bars.frame["real_volume"].to_list() == [2] * 9
    assert bars.quality.layout == "frame, not used: Volume Adj Close"


def test_columns_of_parquet_that_are_not_used_are_named(tmp_path: Path) -> None:
    path = tmp_path / "bars.parquet"
    frame(walk(7, 1, bars=9)).with_columns(rsi=pl.lit(50.0)).write_parquet(path)
    assert read_bars(path, symbol="WIN$N").quality.layout == "Parquet, not used: rsi"


@pytest.mark.parametrize(
    "heading", ["Gmt time", "GMT Time", "time (UTC)", "utc_time", "Datetime UTC", "timestamp_utc"]
)
def test_times_that_are_utc_by_their_heading_are_converted(heading: str, tmp_path: Path) -> None:
    source = frame(walk(7, 1, bars=9)).rename({"time": heading})
    path = tmp_path / "bars.csv"
    source.write_csv(path)
    for bars in (from_frame(source, symbol="XYZ"), read_bars(path, symbol="XYZ")):
        assert bars.frame["time"][0] == datetime(2021, 4, 5, 6, 0)
        (found,) = bars.quality.of_kind("zone")
        assert (found.severity, found.count) == ("info", 9)
        assert "times carry UTC by their heading" in found.message


def test_dukascopy_writes_utc_or_an_offset_behind_gmt(tmp_path: Path) -> None:
    prices = "1.19802,1.19815,1.19799,1.19801,1234.56\n"
    utc, local = tmp_path / "utc.csv", tmp_path / "local.csv"
    head = "time,Open,High,Low,Close,Volume\n"
    clocks = [f"{13 + n // 2}:{30 * (n % 2):02d}:00.000" for n in range(4)]
    utc.write_text("Gmt " + head + "".join(f"24.03.2021 {clock},{prices}" for clock in clocks))
    local.write_text(
        "Local " + head + "".join(f"24.03.2021 {clock} GMT+0100,{prices}" for clock in clocks)
    )
    first = read_bars(utc, symbol="EURUSD")
    assert first.frame["time"][0] == datetime(2021, 3, 24, 10, 0)
    assert first.frame["close"][0] == 1.19801
    assert read_bars(local, symbol="EURUSD").frame["time"][0] == datetime(2021, 3, 24, 9, 0)


@pytest.mark.parametrize("suffix", ["-03", "-0300", "-03:00", " -03:00", " GMT-03:00"])
def test_offsets_in_every_spelling(suffix: str, tmp_path: Path) -> None:
    text = "time,open,high,low,close\n" + "".join(
        f"2021-01-04 09:{5 * n:02d}:00{suffix},1,2,1,2\n" for n in range(3)
    )
    path = tmp_path / "bars.csv"
    path.write_text(text)
    bars = read_bars(path, symbol="TST")
    assert bars.frame["time"][0] == datetime(2021, 1, 4, 9, 0)
    assert [one.kind for one in bars.quality.findings] == ["zone"]


@pytest.mark.parametrize("form", ["%Y-%m-%d %I:%M:%S %p", "%d/%m/%Y %I:%M %p"])
def test_clocks_of_twelve_hours(form: str, tmp_path: Path) -> None:
    source = frame(walk(7, 1, bars=90))
    path = tmp_path / "bars.csv"
    source.with_columns(pl.col("time").dt.strftime(form)).write_csv(path)
    assert read_bars(path, symbol="WIN$N").frame["time"].equals(source["time"])


@pytest.mark.parametrize("name", ["UTC", "GMT", "Z"])
def test_times_that_end_in_the_name_of_utc(name: str, tmp_path: Path) -> None:
    text = "time,open,high,low,close\n" + "".join(
        f"2021-01-04 12:{5 * n:02d}:00 {name},1,2,1,2\n" for n in range(3)
    )
    (tmp_path / "bars.csv").write_text(text)
    bars = read_bars(tmp_path / "bars.csv", symbol="TST")
    assert bars.frame["time"][0] == datetime(2021, 1, 4, 9, 0)


@pytest.mark.parametrize("heading", ["", "index", "Unnamed: 0", "__index_level_0__"])
def test_an_index_that_nobody_named_is_the_time_where_nothing_else_is(heading: str) -> None:
    assert read_headings([heading, *PRICES]).places["datetime"] == 0
    assert not read_headings([heading, *PRICES]).missing
    assert "datetime" not in read_headings([heading, "time", *PRICES]).places
    assert read_headings([heading, "volume", "spread"]).missing == ("time", *PRICES)


def test_unnamed_first_column_of_times(tmp_path: Path) -> None:
    source = frame(walk(7, 1, bars=9)).rename({"time": ""})
    source.write_csv(tmp_path / "bars.csv")
    bars = read_bars(tmp_path / "bars.csv", symbol="WIN$N")
    assert bars.frame["time"][0] == datetime(2021, 4, 5, 9, 0)
    assert bars.quality.findings == ()


def test_unnamed_numbers_of_rows_are_no_times(tmp_path: Path) -> None:
    source = frame(walk(7, 1, bars=9)).drop("time").with_row_index("")
    source.write_csv(tmp_path / "bars.csv")
    with pytest.raises(Exception, match=r"none of 9 rows is a usable bar \(line 2: not a time"):
        read_bars(tmp_path / "bars.csv", symbol="WIN$N")


def test_other_headings_are_unknown() -> None:
    assert not any(map(is_known, ("rsi", "adj close", "price", "time est", "lucro")))
    assert all(map(is_known, ("Gmt time", "Volume_Tick", "", "Máximo", "<DTYYYYMMDD>")))
