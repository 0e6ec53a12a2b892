"""What a source says its bars are of: its columns, its header, its name."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from alertlib.bars.bars import Bars
from alertlib.bars.opening import from_frame, read_bars
from alertlib.bars.readers.symbols import contradicts, exchange_symbol, read_file_name
from alertlib.errors import DataError
from tests.support.cases import case
from tests.support.synthetic import frame, walk

BARS = frame(walk(7, 1, bars=20))
TWO = pl.concat(
    [BARS.with_columns(symbol=pl.lit("WINJ25")), BARS[5:].with_columns(symbol=pl.lit("WINM25"))]
)
KINDS = ("csv", "parquet", "frame")


def read(kind: str, source: pl.DataFrame, folder: Path, symbol: str | None) -> Bars:
    if kind == "frame":
        return from_frame(source, symbol=symbol or "")
    path = folder / f"bars.{kind}"
    source.write_csv(path) if kind == "csv" else source.write_parquet(path)
    return read_bars(path, symbol=symbol, default_symbol="WIN$N")


# --- several symbols --------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_stated_symbol_selects_its_rows(kind: str, tmp_path: Path) -> None:
    bars = read(kind, TWO, tmp_path, "WINM25")
    assert (bars.symbol, len(bars), bars.quality.rows_read) == ("WINM25", 15, 15)
    assert bars.quality.clean
    assert "20 rows of WINJ25 left out" in bars.quality.layout


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize("symbol", [None, "WDO$N"])
def test_of_several_symbols_one_has_to_be_stated(
    kind: str, symbol: str | None, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=r"2 values in column `symbol` \(WINJ25, WINM25\); expect"):
        read(kind, TWO, tmp_path, symbol)


def test_bad_rows_of_another_symbol_are_none_of_this_one(tmp_path: Path) -> None:
    other = pl.col("symbol") == "WINJ25"
    source = TWO.with_columns(
        high=pl.when(other).then(-1.0).otherwise("high"),
        volume=pl.when(other).then(-1).otherwise(7),
    )
    bars = read("csv", source, tmp_path, "WINM25")
    assert bars.quality.findings == ()
    assert bars.frame["real_volume"].to_list() == [7] * 15


def test_two_contracts_of_a_collected_file() -> None:
    bars = read_bars(case("13"), symbol="WINM25")
    assert bars.symbol == "WINM25"
    assert bars.quality.clean


# --- Yahoo's spelling -------------------------------------------------------------------------


def test_yahoo_s_spelling_is_the_exchange_s_symbol(tmp_path: Path) -> None:
    assert [exchange_symbol(one) for one in ("PETR4.SA", "PETR4", "WIN$N")] == [
        "PETR4", "PETR4", "WIN$N",
    ]  # fmt: skip
    source = BARS.with_columns(symbol=pl.lit("PETR4.SA"))
    assert read("csv", source, tmp_path, None).symbol == "PETR4"
    assert read("csv", source, tmp_path, "PETR4").symbol == "PETR4"
    assert read("csv", source, tmp_path, "PETR4.SA").symbol == "PETR4.SA"
    with pytest.raises(DataError, match=r"holds symbol PETR4\.SA; expected VALE3"):
        read("csv", source, tmp_path, "VALE3")


# --- names of files ---------------------------------------------------------------------------

NAMES = {
    "WIN$N_M5_202101040900_202103311820.csv": ("WIN$N", "M5"),
    "EURUSD_Daily_202001010000_202012310000.csv": ("EURUSD", "D1"),
    "PETR4_H1_202101041000_202103311700 (1).csv": ("PETR4", "H1"),
    "EURUSD.r_M15_20210104_20210331.csv.gz": ("EURUSD.r", "M15"),
    "BTC_USD_MN1_202001.txt": ("BTC_USD", "MN1"),
    "win_n_m5_2020-11_2021-03.parquet": (None, None),
    "bars.csv": (None, None),
    "07_r_write_csv_1e5.csv": (None, None),
}


@pytest.mark.parametrize("name", NAMES)
def test_metatrader_s_name_of_an_export(name: str) -> None:
    assert read_file_name(Path("folder_M1_2020") / name) == NAMES[name]


@pytest.mark.parametrize(
    ("name", "symbol", "expected"),
    [
        ("WIN$N", "WIN$N", False), ("WIN", "WIN$N", False), (None, "WIN$N", False),
        ("PETR4", "PETR4.SA", False), ("WDO$N", "WIN$N", True), ("WIN$", "WIN$N", True),
        ("WIN", "WINJ25", True), ("WINJ25", "WIN$N", True),
    ],
)  # fmt: skip
def test_which_names_contradict(name: str | None, symbol: str, expected: bool) -> None:
    assert contradicts(name, symbol) == expected


def export(folder: Path, name: str) -> Path:
    path = folder / name
    BARS.write_csv(path)
    return path


def test_a_name_that_contradicts_is_an_error(tmp_path: Path) -> None:
    path = export(tmp_path, "WDO$N_M5_202104050900_202104051035.csv")
    with pytest.raises(DataError, match=r"its name says WDO\$N; got WIN\$N \(stated\); state the"):
        read_bars(path, symbol="WIN$N")
    with pytest.raises(DataError, match=r"got WIN\$N \(assumed, as nothing else was stated\)"):
        read_bars(path, default_symbol="WIN$N")
    assert read_bars(path, symbol="WDO$N").symbol == "WDO$N"


def test_a_name_says_what_the_bars_are_of_where_nothing_else_does(tmp_path: Path) -> None:
    path = export(tmp_path, "WIN$N_M5_202104050900_202104051035.csv")
    for bars in (read_bars(path), read_bars(path, default_symbol="WIN$N")):
        assert (bars.symbol, bars.assumed_symbol) == ("WIN$N", False)
        assert bars.quality.findings == ()


def test_a_name_of_another_timeframe_is_an_error_finding(tmp_path: Path) -> None:
    bars = read_bars(export(tmp_path, "WIN$N_Daily_202104050000_202104050000.csv"))
    (found,) = bars.quality.of_kind("timeframe")
    assert (found.severity, bars.timeframe) == ("error", "M5")
    assert "declared D1, but bars are 5 minutes apart" in found.message


# --- an assumption ----------------------------------------------------------------------------


def test_an_assumed_symbol_is_a_warning(tmp_path: Path) -> None:
    bars = read_bars(export(tmp_path, "bars.csv"), default_symbol="WIN$N")
    assert bars.assumed_symbol
    assert bars.quality.clean
    (found,) = bars.quality.findings
    assert (found.kind, found.severity, found.count) == ("assumed_symbol", "warning", 1)
    assert found.message == (
        "bars.csv does not say what its bars are of: read as the configured WIN$N; state the "
        "symbol (--symbol 'WIN$N' if it is that)"
    )
    assert read_bars(tmp_path / "bars.csv", symbol="WIN$N").quality.findings == ()
