"""Headers of several lines: pandas' columns of two levels, as yfinance downloads are saved."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from alertlib.bars.bars import Bars
from alertlib.bars.opening import read_bars
from alertlib.bars.readers.stacked import find_stacked
from alertlib.errors import DataError
from tests.support.cases import case

ROWS = "".join(
    f"2025-06-02 10:{5 * n:02d}:00-03:00,31.95,31.99,31.9,31.94,{1000 + n}\n" for n in range(4)
)
HEADS = {
    "prices over tickers": "Price,Close,High,Low,Open,Volume\nTicker,{0}\nDatetime,,,,,\n",
    "tickers over prices": "Ticker,{0}\nPrice,Close,High,Low,Open,Volume\nDatetime,,,,,\n",
    "an index without a name": "Price,Close,High,Low,Open,Volume\nTicker,{0}\n",
    "levels without names": ",Close,High,Low,Open,Volume\n,{0}\nDatetime,,,,,\n",
    "no tickers": "Price,Close,High,Low,Open,Volume\nDatetime,,,,,\n",
}


def read(folder: Path, text: str, symbol: str | None = None) -> Bars:
    path = folder / "download.csv"
    path.write_text(text)
    return read_bars(path, symbol=symbol, default_symbol="WIN$N")


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS.keys())
def test_header_of_several_lines(head: str, tmp_path: Path) -> None:
    bars = read(tmp_path, head.format(",".join(["PETR4.SA"] * 5)) + ROWS, "PETR4")
    assert len(bars) == 4
    assert bars.frame.row(0)[:5] == (datetime(2025, 6, 2, 10), 31.94, 31.99, 31.9, 31.95)
    assert bars.frame["real_volume"].to_list() == [1000, 1001, 1002, 1003]
    assert [one.kind for one in bars.quality.findings] == ["zone"]
    assert f"header of {head.count(chr(10))} lines" in bars.quality.layout


def test_the_ticker_is_the_symbol(tmp_path: Path) -> None:
    bars = read(tmp_path, HEADS["prices over tickers"].format(",".join(["PETR4.SA"] * 5)) + ROWS)
    assert (bars.symbol, bars.assumed_symbol) == ("PETR4", False)
    assert "header of 3 lines, ticker PETR4.SA" in bars.quality.layout


def test_lines_are_counted_with_the_header(tmp_path: Path) -> None:
    head = HEADS["prices over tickers"].format(",".join(["PETR4.SA"] * 5))
    bars = read(tmp_path, head + ROWS.replace("10:05:00-03:00,31.95", "10:05:00-03:00,oops"))
    assert bars.quality.quarantined["row"].to_list() == [5]


def test_of_several_tickers_the_stated_one_is_read(tmp_path: Path) -> None:
    head = (
        "Price,Close,Close,High,High,Low,Low,Open,Open\n"
        "Ticker,PETR4.SA,VALE3.SA,PETR4.SA,VALE3.SA,PETR4.SA,VALE3.SA,PETR4.SA,VALE3.SA\n"
        "Datetime,,,,,,,,\n"
    )
    rows = "".join(
        f"2025-06-02 10:{5 * n:02d}:00-03:00,31.95,54,31.99,55,31.9,53,31.94,54\n" for n in range(4)
    )
    assert read(tmp_path, head + rows, "VALE3").frame["high"].to_list() == [55.0] * 4
    assert read(tmp_path, head + rows, "PETR4").frame["high"].to_list() == [31.99] * 4
    with pytest.raises(DataError, match=r"holds 2 symbols side by side \(PETR4\.SA, VALE3\.SA\)"):
        read(tmp_path, head + rows)


@pytest.mark.parametrize(
    "text",
    ["", "hello\nworld\n", "a,b\n1,2\n", "2021-01-04,1,2,1,2\n", "Price,Close\nTicker,X\n"],
)
def test_other_beginnings_are_none(text: str) -> None:
    assert find_stacked(text.splitlines(), None, "f.csv") is None


def test_collected_download() -> None:
    bars = read_bars(case("15"))
    assert (bars.symbol, len(bars), bars.quality.clean) == ("PETR4", 84, True)
    assert bars.instrument.grid is not None
    assert bars.instrument.grid.tick == 0.01
