"""Which sign is decimal: by the prices, else by the tick, else by the other numbers."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertlib.bars.bars import Bars
from alertlib.bars.opening import read_bars
from alertlib.bars.readers.numbers import UNSIGNED, Decimal, find_decimal, parse_prices
from alertlib.config.schema import SymbolSpec
from alertlib.errors import DataError
from tests.support.cases import case

COMMA, POINT = Decimal(",", "."), Decimal(".", ",")
AMBIGUOUS = "can be read with a decimal sign or with grouped"


def decimal_of(
    prices: tuple[str, ...],
    *others: tuple[str, ...],
    tick: float | None = None,
    localised: bool = True,
) -> Decimal:
    columns = [pl.Series(texts) for texts in others]
    return find_decimal([pl.Series(prices)], localised, "f.csv", columns, tick)


GROUPED = ("137.910", "138.065")


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ([("3.049.188.350,00", "559.465.989,00")], COMMA),
        ([("110.578", "20.283"), ("3.049.188.350,00", "12,50")], COMMA),
        ([("1.110.578", "20.283")], COMMA),
        ([("1,21967534E10", "2237863956,00")], COMMA),
        ([("0,25", "-0,10")], COMMA),
        ([("0,25%", "-0,10%")], COMMA),
        ([("R$ 1.250,40", "R$ 12,50")], COMMA),
        ([("69,94K", "1,20M")], COMMA),
        ([("1,110,578", "20,283")], POINT),
        ([("1234.5", "17.25")], Decimal(".", "")),
        ([("26/08/2021", "27/08/2021"), ("09:00", "09:05"), ("WIN", ""), ("12,5", "1")], COMMA),
    ],
)
def test_other_numbers_decide_where_prices_can_be_read_both_ways(
    others: list[tuple[str, ...]], expected: Decimal
) -> None:
    assert decimal_of(GROUPED, *others) == expected


@pytest.mark.parametrize(
    "others",
    [[], [("110.578", "20.283")], [("12", "15")], [("12,5", "1"), ("12.5", "1")], [("", "x")]],
)
def test_nothing_that_decides_is_refused(others: list[tuple[str, ...]]) -> None:
    with pytest.raises(DataError, match=AMBIGUOUS):
        decimal_of(GROUPED, *others)


@pytest.mark.parametrize(
    ("prices", "tick", "expected"),
    [
        (GROUPED, 5.0, COMMA),  # three decimals cannot be multiples of 5
        (("137,910", "138,065"), 5.0, POINT),
        (("5.402", "5.403"), 0.5, COMMA),
        (("126.505", "126.511"), 0.001, None),
        (("32.150", "32.160"), 0.01, None),
        (("32.155", "32.160"), 0.01, COMMA),
        (("1.19802", "1.198"), 0.00001, Decimal(".", "")),
        (GROUPED, None, None),
    ],
)
def test_the_tick_decides_where_one_reading_only_lies_on_it(
    prices: tuple[str, ...], tick: float | None, expected: Decimal | None
) -> None:
    if expected is None:
        with pytest.raises(DataError, match=AMBIGUOUS):
            decimal_of(prices, tick=tick)
    else:
        assert decimal_of(prices, tick=tick) == expected


def test_the_tick_is_believed_before_other_numbers() -> None:
    assert decimal_of(GROUPED, ("0.25", "12.5"), tick=5.0) == COMMA


def test_a_tick_that_no_reading_lies_on_decides_nothing() -> None:
    assert decimal_of(("126.511", "126.512"), ("0.25", "12.5"), tick=5.0) == Decimal(".", "")


def test_prices_that_decide_by_themselves_need_no_other_evidence() -> None:
    assert decimal_of(("6.123,006", "5.402"), ("12.5", "1.5")) == COMMA
    assert decimal_of(("126505.5", "126505"), ("1.234,50", "1,5"), tick=5.0) == Decimal(".", "")


@pytest.mark.parametrize(("tick", "expected"), [(5.0, COMMA), (None, Decimal(".", ""))])
def test_a_file_that_never_groups_is_believed_unless_the_tick_says_it_did(
    tick: float | None, expected: Decimal
) -> None:
    assert decimal_of(GROUPED, tick=tick, localised=False) == expected
    assert decimal_of(("137910.5", "138065"), tick=tick, localised=False) == Decimal(".", "")


def test_prices_without_a_sign_take_it_from_the_volumes() -> None:
    assert decimal_of(("137910", "138065"), ("1.234,5", "2")) == COMMA
    assert decimal_of(("137910", "138065"), ("1234", "2")) == UNSIGNED


@given(st.lists(st.integers(201, 99_999), min_size=5, max_size=50), st.booleans())
def test_grouped_index_prices_are_read_right_with_their_tick(
    quanta: list[int], comma: bool
) -> None:
    points = [5 * one for one in quanta]
    texts = [f"{one:,}" if comma else f"{one:,}".replace(",", ".") for one in points]
    decimal = decimal_of(tuple(texts), tick=5.0)
    assert parse_prices(pl.Series(texts), decimal).to_list() == points


# --- files ------------------------------------------------------------------------------------

HEAD = "Data;Hora;Abertura;Máximo;Mínimo;Fechamento"


def write(folder: Path, head: str, *rows: str) -> Path:
    path = folder / "bars.csv"
    text = "\n".join((head, *reversed(rows), ""))
    path.write_bytes(text.encode("latin-1"))
    return path


def clocked(*tails: str, symbol: str = "") -> list[str]:
    return [
        f"{symbol}03/06/2025;09:{5 * n:02d}:00;137.910;137.940;137.835;137.875{tail}"
        for n, tail in enumerate(tails)
    ]


def closes(bars: Bars) -> set[float]:
    return set(bars.frame["close"].to_list())


def test_money_beside_grouped_prices(tmp_path: Path) -> None:
    rows = clocked(";3.049.188.350,00;110.578", ";559.465.989,00;20.283", ";1,00;7")
    path = write(tmp_path, f"{HEAD};Volume;Quantidade", *rows)
    bars = read_bars(path, symbol="XYZ")
    assert closes(bars) == {137_875.0}
    assert bars.frame["real_volume"].to_list() == [110_578, 20_283, 7]


def test_money_in_a_file_without_a_header(tmp_path: Path) -> None:
    rows = clocked(";3.049.188.350,00;110.578", ";559.465.989,00;20.283", symbol="XYZ;")
    bars = read_bars(write(tmp_path, rows[0], rows[1]), symbol="XYZ")
    assert closes(bars) == {137_875.0}


def test_tick_of_the_stated_the_named_and_the_configured_symbol(tmp_path: Path) -> None:
    path = write(tmp_path, HEAD, *clocked("", "", ""))
    assert closes(read_bars(path, symbol="WINFUT")) == {137_875.0}
    spec = SymbolSpec(symbol="MINE", tick=5.0)
    assert closes(read_bars(path, symbol="MINE", symbols=(spec,))) == {137_875.0}
    named = write(tmp_path, f"Ativo;{HEAD}", *clocked("", "", "", symbol="WINFUT;"))
    assert closes(read_bars(named)) == {137_875.0}


def test_the_tick_of_an_assumed_symbol_decides_nothing(tmp_path: Path) -> None:
    path = write(tmp_path, HEAD, *clocked("", "", ""))
    with pytest.raises(DataError, match=AMBIGUOUS):
        read_bars(path, default_symbol="WIN$N")


def test_dollar_of_three_decimals_and_four_digits(tmp_path: Path) -> None:
    rows = [f"03/06/2025;09:{5 * n:02d}:00;6.123,006;6.130,5;6.120;6.125,5" for n in range(3)]
    assert closes(read_bars(write(tmp_path, HEAD, *rows), symbol="WDOFUT")) == {6_125.5}


def test_collected_export_of_grouped_prices() -> None:
    bars = read_bars(case("01"))
    assert (bars.symbol, len(bars), bars.quality.clean) == ("WINFUT", 226, True)
    assert bars.frame["low"].min() > 100_000
    assert bars.frame["real_volume"].null_count() == 0
