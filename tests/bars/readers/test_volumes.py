"""A bar with a sound time and sound prices is a bar, whatever stands where its volume should."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertlib.bars.bars import Bars
from alertlib.bars.opening import from_frame, read_bars
from alertlib.bars.readers.numbers import UNSIGNED, Decimal, parse_volumes
from alertlib.bars.readers.volumes import FRACTIONS, TOO_LARGE, find_money, read_volume
from tests.support.cases import case
from tests.support.synthetic import frame, walk

PORTUGUESE = "Data;Hora;Abertura;Máxima;Mínima;Fechamento"


def read(folder: Path, text: str, symbol: str = "WIN$N") -> Bars:
    path = folder / "bars.csv"
    path.write_text(text, encoding="utf-8")
    return read_bars(path, symbol=symbol)


def plain(*volumes: str, heading: str = "volume", delimiter: str = ",") -> str:
    head = delimiter.join(("time", "open", "high", "low", "close", heading))
    rows = [
        delimiter.join((f"2021-01-04 09:{5 * n:02d}", "105", "115", "95", "110", volume))
        for n, volume in enumerate(volumes)
    ]
    return "\n".join((head, *rows, ""))


def portuguese(*volumes: str, heading: str = "Volume") -> str:
    rows = [
        f"04/01/2021;09:{5 * n:02d}:00;105;115;95;110;{volume}" for n, volume in enumerate(volumes)
    ]
    return "\n".join((f"{PORTUGUESE};{heading}", *rows, ""))


# --- what cannot be one -----------------------------------------------------------------------

UNREADABLE = {
    "overflow": "99999999999999999999",
    "uint64": str(2**64 - 1),
    "fraction": "10.5",
    "fraction with a power": "1.05e1",
    "words": "many",
    "an error of a spreadsheet": "#REF!",
    "thousands by letter": "70.94K",
    "infinite": "inf",
}


@pytest.mark.parametrize("value", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_unreadable_volume_is_null_and_counted(value: str, tmp_path: Path) -> None:
    bars = read(tmp_path, plain("7", value, "9", value, "8"))

    assert bars.frame["real_volume"].to_list() == [7, None, 9, None, 8]
    assert bars.quality.quarantined.is_empty()
    assert bars.quality.clean
    (found,) = bars.quality.of_kind("bad_row")
    assert (found.severity, found.count) == ("warning", 2)
    assert found.message == (
        "real_volume is not a whole number of 64 bits in 2 rows, the first at line 3 "
        f"(2021-01-04 09:05): got {value}; read as not known, the bar is kept"
    )


@pytest.mark.parametrize("name", ["tick_volume", "real_volume", "spread"])
def test_negative_volume_is_null_and_counted(name: str, tmp_path: Path) -> None:
    bars = read(tmp_path, plain("1", "-1", "3", heading=name))

    assert bars.frame[name].to_list() == [1, None, 3]
    (found,) = bars.quality.of_kind("bad_row")
    assert (found.severity, found.count) == ("warning", 1)
    assert found.message == (
        f"negative {name} at line 3 (2021-01-04 09:05): got -1; read as not known, the bar is kept"
    )


@pytest.mark.parametrize("nothing", ["", "NA", "NaN", "-", "<NA>", "NULL"])
def test_absent_volume_needs_no_word(nothing: str, tmp_path: Path) -> None:
    bars = read(tmp_path, plain("1", nothing, "3"))
    assert bars.frame["real_volume"].to_list() == [1, None, 3]
    assert bars.quality.findings == ()


def test_volume_of_a_bad_row_is_not_told_twice(tmp_path: Path) -> None:
    text = plain("1", "x", "3", "4").replace("09:05,105", "09:05,oops")
    (found,) = read(tmp_path, text).quality.of_kind("bad_row")
    assert (found.severity, found.count) == ("error", 1)
    assert found.message.startswith("open is not a number at line 3")


TYPED = {
    "beyond int64": pl.Series([2**63 + 1, 7, 7], dtype=pl.UInt64),
    "fraction": pl.Series([2.5, 7.0, 7.0]),
    "infinite": pl.Series([float("inf"), 7.0, 7.0]),
    "negative": pl.Series([-3, 7, 7]),
    "text": pl.Series(["many", "7", "7"]),
    "decimal": pl.Series(["2.5", "7", "7"]).cast(pl.Decimal(10, 2)),
}


@pytest.mark.parametrize("column", TYPED.values(), ids=TYPED.keys())
def test_unreadable_volume_of_a_frame_is_null_and_counted(column: pl.Series) -> None:
    source = frame(walk(7, 1, bars=3)).with_columns(volume=column)
    bars = from_frame(source, symbol="WIN$N")
    assert bars.frame["real_volume"].to_list() == [None, 7, 7]
    (found,) = bars.quality.findings
    assert (found.kind, found.severity, found.count) == ("bad_row", "warning", 1)


def test_a_column_that_can_hold_no_numbers_is_named() -> None:
    source = frame(walk(7, 1, bars=3)).with_columns(volume=pl.Series([[1], [2], [3]]))
    bars = from_frame(source, symbol="WIN$N")
    assert bars.frame["real_volume"].null_count() == 3
    assert bars.quality.layout == "frame, not used: volume (List(Int64))"


# --- whole numbers in every dress -------------------------------------------------------------


@given(st.integers(0, 15), st.integers(1, 9))
def test_powers_of_ten_are_numbers(power: int, digit: int) -> None:
    """R writes 100000 as 1e+05, Java ten to the ten and more as 1,0E10."""
    texts = pl.Series([f"{digit}e+{power:02d}", f"{digit}E{power}", f"{digit}.0e{power}"])
    assert parse_volumes(texts, UNSIGNED, False).to_list() == [digit * 10**power] * 3
    comma = parse_volumes(texts.str.replace(".", ",", literal=True), Decimal(",", "."), True)
    assert comma.to_list() == [digit * 10**power] * 3


def test_power_beyond_what_a_double_holds_exactly_is_no_number() -> None:
    assert parse_volumes(pl.Series(["1e19", "1e+300", "1e-3"]), UNSIGNED, False).null_count() == 3


def test_r_writes_a_hundred_thousand_as_a_power(tmp_path: Path) -> None:
    bars = read(tmp_path, plain("99995", "1e+05", "100005"))
    assert bars.frame["real_volume"].to_list() == [99_995, 100_000, 100_005]
    assert bars.quality.findings == ()


def test_prices_may_be_powers_of_ten_as_well(tmp_path: Path) -> None:
    text = plain("1", "2", "3").replace("105,115", "1e+02,1.15E2")
    bars = read(tmp_path, text, "TST")
    assert bars.frame["open"].to_list() == [100.0] * 3
    assert bars.frame["high"].to_list() == [115.0] * 3


# --- money ------------------------------------------------------------------------------------

MONEY = {
    "cents": ("2237863956,15", "8935345896,20", "1,50"),
    "no cents, but two decimals": ("2237863956,00", "8935345896,00", "12,00"),
    "above ten to the ten": ("1,21967534E10", "2237863956,00", "1,00928145E10"),
    "grouped": ("3.049.188.350,00", "559.465.989,00", "12,00"),
    "a few without": ("2237863956,15", "8935345896,20", "100"),
}


@pytest.mark.parametrize("volumes", MONEY.values(), ids=MONEY.keys())
def test_money_is_not_taken_for_contracts(volumes: tuple[str, ...], tmp_path: Path) -> None:
    bars = read(tmp_path, portuguese(*volumes))

    assert len(bars) == 3
    assert bars.frame["real_volume"].null_count() == 3
    assert bars.quality.clean
    (found,) = bars.quality.of_kind("bad_row")
    assert (found.severity, found.count) == ("info", 3)
    assert found.message == (
        "column `Volume` is money, not contracts (its numbers have fractions); left out, the 3 "
        "bars are kept without a volume"
    )
    assert "real_volume left out (fractions: money, not contracts)" in bars.quality.layout


def test_one_fraction_makes_no_money(tmp_path: Path) -> None:
    bars = read(tmp_path, portuguese("110.578", "20.283", "1,5"))
    assert bars.frame["real_volume"].to_list() == [110_578, 20_283, None]
    (found,) = bars.quality.of_kind("bad_row")
    assert (found.severity, found.count) == ("warning", 1)


@pytest.mark.parametrize("heading", ["Quantidade", "Contratos", "Quantity", "Volume Quantidade"])
def test_a_heading_that_says_contracts_is_believed(heading: str, tmp_path: Path) -> None:
    bars = read(tmp_path, portuguese("110578,00", "20283,00", "1,00", heading=heading))
    assert bars.frame["real_volume"].to_list() == [110_578, 20_283, 1]
    assert bars.quality.findings == ()


def test_whole_floats_of_a_frame_are_no_money() -> None:
    """Pandas writes 12.0 beside missing values; no money is written with one decimal."""
    assert find_money(pl.Series(["12.0", "15.0", ""]), UNSIGNED, True) is None
    assert find_money(pl.Series(["12.00", "15.00", ""]), UNSIGNED, True) is FRACTIONS
    assert find_money(pl.Series(["12.00", "15.00", ""]), UNSIGNED, False) is None


WHOLE_MONEY = {
    "grouped": portuguese("3.049.188.350", "559.465.989", "1.234.567.890"),
    "as a spreadsheet saves it": portuguese("3049188350", "559465989", "1234567890"),
    "plain": plain("3049188350", "559465989", "1234567890"),
    "plain, with cents": plain("3049188350.37", "559465989.10", "1234567890.00"),
    "powers of ten": plain("3.04918E+09", "5.59465E+08", "1.23456E+09"),
}


@pytest.mark.parametrize("text", WHOLE_MONEY.values(), ids=WHOLE_MONEY.keys())
def test_money_without_cents_is_told_by_its_size(text: str, tmp_path: Path) -> None:
    bars = read(tmp_path, text)
    assert bars.frame["real_volume"].null_count() == 3
    (found,) = bars.quality.of_kind("bad_row")
    assert (found.severity, found.count) == ("info", 3)
    assert TOO_LARGE.reason in found.message
    assert TOO_LARGE.note in bars.quality.layout


def test_money_of_a_frame_is_told_by_its_size() -> None:
    source = frame(walk(7, 1, bars=3)).with_columns(volume=pl.lit(3.04918e9))
    bars = from_frame(source, symbol="WIN$N")
    assert bars.frame["real_volume"].null_count() == 3
    assert TOO_LARGE.note in bars.quality.layout


def test_one_large_bar_makes_no_money(tmp_path: Path) -> None:
    bars = read(tmp_path, plain("110578", "3049188350", "20283"))
    assert bars.frame["real_volume"].to_list() == [110_578, 3_049_188_350, 20_283]


def test_rounded_thousands_are_no_money(tmp_path: Path) -> None:
    bars = read(tmp_path, portuguese("69,94K", "120,38K", "1,20K"))
    (found,) = bars.quality.of_kind("bad_row")
    assert (found.severity, found.count) == ("warning", 3)


def test_volumes_grouped_by_comma_are_numbers(tmp_path: Path) -> None:
    bars = read(tmp_path, plain('"69,937"', '"1,069,937"', "937"))
    assert bars.frame["real_volume"].to_list() == [69_937, 1_069_937, 937]
    assert bars.quality.findings == ()


def test_money_before_contracts_in_a_file_without_a_header(tmp_path: Path) -> None:
    rows = "".join(
        f"WINFUT;04/01/2021;09:{5 * n:02d}:00;105;115;95;110;1.234,50;{n + 1},00\n"
        for n in range(3)
    )
    assert read(tmp_path, rows, "WINFUT").frame["real_volume"].to_list() == [1, 2, 3]


@given(st.lists(st.one_of(st.none(), st.integers(0, 2**53))))
def test_every_whole_number_is_read_as_itself(values: list[int | None]) -> None:
    texts = pl.Series(["" if one is None else str(one) for one in values], dtype=pl.String)
    volume = read_volume(texts, "real_volume", UNSIGNED, True)
    assert volume.values.to_list() == values
    assert volume.failed is not None
    assert not volume.failed.any()


# --- collected cases --------------------------------------------------------------------------


def test_busy_bars_of_a_money_column_are_kept() -> None:
    bars = read_bars(case("06"))
    assert (len(bars), bars.quality.quarantined.height, bars.quality.clean) == (226, 0, True)
    assert bars.frame["real_volume"].null_count() == 226


def test_bar_of_a_hundred_thousand_contracts_is_kept() -> None:
    bars = read_bars(case("07"), symbol="WIN$N")
    assert (len(bars), bars.quality.findings) == (113, ())
    assert bars.frame["real_volume"].null_count() == 0
    assert 100_000 in bars.frame["real_volume"]
