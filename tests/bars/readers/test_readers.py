"""Text layouts: every one gives the same bars, and none ever gives other prices."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from alertlib.bars.bars import Bars
from alertlib.bars.opening import read_bars
from alertlib.bars.readers import parquet
from alertlib.bars.readers.numbers import Decimal, find_decimal, parse_prices, parse_volumes
from alertlib.bars.schema import BAR_SCHEMA
from alertlib.errors import DataError
from tests.support.synthetic import SHARED

PRICES = ("open", "high", "low", "close")
RAW = SHARED / "raw_samples"


def write(folder: Path, text: str | bytes, name: str = "bars.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def read(folder: Path, text: str | bytes, symbol: str | None = "TST") -> Bars:
    return read_bars(write(folder, text), symbol=symbol)


def read_unless_ambiguous(folder: Path, text: str) -> Bars | None:
    try:
        return read(folder, text)
    except DataError as error:
        if "can be read with a decimal sign or with grouped thousands" in str(error):
            return None
        raise


# --- Parquet ---------------------------------------------------------------------------------


@given(st.data(), st.integers(1, 9), st.integers(1, 9))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_parquet_gives_back_every_column_however_it_is_cut(
    tmp_path: Path, data: st.DataObject, batch: int, group: int
) -> None:
    """In row groups and batches of any size, in the types other programs write."""
    bars = data.draw(bar_frames())
    stamps = [pl.Datetime("ms"), pl.Datetime("us"), pl.Datetime("ns")]
    numbers = [pl.Int64(), pl.Float64(), pl.Decimal(20, 2)]
    volumes = BAR_SCHEMA.names()[5:]
    kinds = {"time": data.draw(st.sampled_from(stamps))}
    written = bars.cast(kinds | {name: data.draw(st.sampled_from(numbers)) for name in volumes})
    if data.draw(st.booleans()):
        some = pl.int_range(pl.len()) % 3 > 0
        written = written.with_columns(pl.when(some).then(pl.col(name)) for name in volumes)
    path = tmp_path / "bars.parquet"
    written.write_parquet(path, row_group_size=group)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parquet, "BATCH", batch)
        found = read_bars(path, symbol="TST").frame

    assert_frame_equal(found, written.cast(BAR_SCHEMA))


# --- every layout, round trip ---------------------------------------------------------------


@st.composite
def bar_frames(draw: st.DrawFn, least: int = 3) -> pl.DataFrame:
    """Bars of a few sessions whose prices have zero to five decimals, with volumes or without."""
    decimals = draw(st.sampled_from([0, 1, 2, 3, 5]))
    step = draw(st.sampled_from([1, 5])) if decimals < 5 else 1
    base = draw(st.integers(2_000, 40_000))
    count = draw(st.integers(least, 30))
    monday = datetime(2021, 1, 4, 9, 0) + timedelta(days=7 * draw(st.integers(0, 200)))
    rows = []
    for n in range(count):
        prices = [base + draw(st.integers(-40, 40)) for _ in range(4)]
        values = [p * step / 10**decimals for p in prices]
        ordered = (values[0], max(values), min(values), values[3])
        rows.append((monday + timedelta(minutes=5 * n + 1_440 * (n // 12)), *ordered))
    volumes = draw(st.sampled_from(["all", "none"]))
    frame = pl.DataFrame(rows, schema=list(BAR_SCHEMA.names()[:5]), orient="row")
    counts = [draw(st.integers(0, 2**40)) for _ in range(count)]
    column = pl.Series(counts if volumes == "all" else [None] * count, dtype=pl.Int64)
    return frame.with_columns(
        tick_volume=column, real_volume=column, spread=column.clip(0, 9)
    ).cast(BAR_SCHEMA)


def number(value: float | int | None) -> str:
    if value is None:
        return ""
    return f"{value:.5f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def comma(value: float | int | None) -> str:
    return number(value).replace(".", ",")


def grouped(value: float | int | None) -> str:
    """Brazilian thousands: 126.505,5."""
    if value is None:
        return ""
    whole, _, rest = number(value).partition(".")
    return f"{int(whole):,}".replace(",", ".") + (f",{rest}" if rest else "")


def lines(
    frame: pl.DataFrame,
    delimiter: str,
    header: str | None,
    row: Callable[[dict[str, Any]], list[str]],
    ending: str = "\n",
) -> str:
    body = [delimiter.join(row(values)) for values in frame.iter_rows(named=True)]
    return "".join(f"{line}{ending}" for line in ([header] if header else []) + body)


def mt5(delimiter: str, header: str | None) -> Callable[[pl.DataFrame], str]:
    def row(bar: dict[str, Any]) -> list[str]:
        time: datetime = bar["time"]
        rest = [number(bar[name]) for name in BAR_SCHEMA.names()[1:]]
        return [f"{time:%Y.%m.%d}", f"{time:%H:%M:%S}", *rest]

    return lambda frame: lines(frame, delimiter, header, row, "\r\n")


def package(header: str, named: bool, ending: str) -> Callable[[pl.DataFrame], str]:
    def row(bar: dict[str, Any]) -> list[str]:
        time: datetime = bar["time"]
        epoch = str(int((time - datetime(1970, 1, 1)).total_seconds()))
        label = ["TST", "M5", f"{time:%Y-%m-%d %H:%M:%S}"] if named else []
        prices = [number(bar[name]) for name in PRICES]
        rest = [number(bar[name]) for name in ("tick_volume", "spread", "real_volume")]
        return [*label, epoch, *prices, *rest]

    return lambda frame: lines(frame, ",", header, row, ending)


def profitchart(
    delimiter: str, header: str | None, style: Callable[..., str], split: bool, symbol: bool = False
) -> Callable[[pl.DataFrame], str]:
    """Newest first, dd/mm/yyyy; volume in money before the contracts where a header has both."""

    def row(bar: dict[str, Any]) -> list[str]:
        time: datetime = bar["time"]
        when = [f"{time:%d/%m/%Y}", f"{time:%H:%M:%S}"] if split else [f"{time:%d/%m/%Y %H:%M}"]
        prices = [style(bar[name]) for name in PRICES]
        return [*(["TST"] * symbol), *when, *prices, "1.234,5", style(bar["real_volume"])]

    return lambda frame: lines(frame.reverse(), delimiter, header, row)


def iso(clock: str, offset: str) -> Callable[[pl.DataFrame], str]:
    def row(bar: dict[str, Any]) -> list[str]:
        time: datetime = bar["time"]
        shifted = time + timedelta(hours={"Z": 3, "+01:00": 4}.get(offset, 0))
        rest = [number(bar[name]) for name in BAR_SCHEMA.names()[1:]]
        return [shifted.strftime(clock) + offset, *rest]

    return lambda frame: lines(frame, ",", ",".join(BAR_SCHEMA.names()), row)


MT5_HEADER = "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>"
DUMP = "time,open,high,low,close,tick_volume,spread,real_volume"
PT = "Data;Hora;Abertura;Máxima;Mínima;Fechamento;Volume;Quantidade"
ALL_COLUMNS = {
    "mt5 tab": mt5("\t", MT5_HEADER),
    "mt5 comma": mt5(",", "Date,Time,Open,High,Low,Close,Tick,Volume,Spread"),
    "package epoch": package(DUMP, False, "\r\n"),
    "package epoch, CR CR LF": package(DUMP, False, "\r\r\n"),
    "package with datetime": package(f"symbol,tf,datetime,{DUMP}", True, "\n"),
    "iso": iso("%Y-%m-%d %H:%M:%S", ""),
    "iso T minutes": iso("%Y-%m-%dT%H:%M", ""),
    "iso Z": iso("%Y-%m-%dT%H:%M:%S", "Z"),
    "iso -03:00": iso("%Y-%m-%dT%H:%M:%S", "-03:00"),
    "iso +0100 apart": iso("%Y-%m-%d %H:%M:%S", " -0300"),
    "iso +01:00": iso("%Y-%m-%d %H:%M:%S", "+01:00"),
}
REAL_VOLUME_ONLY = {
    "profitchart comma": profitchart(";", PT, comma, True),
    "profitchart short names": profitchart(
        "\t", "Data\tAbe\tMáx\tMín\tÚltimo\tVolume Financeiro\tVolume Quantidade", comma, False
    ),
    "profitchart english": profitchart(
        ";", "Date;Time;Open;High;Low;Close;Volume;Quantidade", comma, True
    ),
    "profitchart symbol": profitchart(";", f"Ativo;{PT}", comma, True, symbol=True),
    "profitchart headless": profitchart(";", None, comma, True, symbol=True),
}
GROUPED = {
    "thousands": profitchart(";", PT, grouped, True),
    "thousands, headless": profitchart(";", None, grouped, True, symbol=True),
}
ENCODINGS = {
    "utf-8": lambda text: text.encode(),
    "utf-8 BOM": lambda text: text.encode("utf-8-sig"),
    "utf-16 LE": lambda text: b"\xff\xfe" + text.encode("utf-16-le"),
    "utf-16 BE": lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
    "latin-1": lambda text: text.encode("latin-1"),
}
LAW = settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.parametrize("layout", ALL_COLUMNS)
@LAW
@given(frame=bar_frames())
def test_layout_gives_back_every_column(layout: str, frame: pl.DataFrame, tmp_path: Path) -> None:
    bars = read(tmp_path, ALL_COLUMNS[layout](frame))
    assert_frame_equal(bars.frame, frame)
    assert not bars.quality.of_kind("bad_row")
    assert bars.quality.rows_read == frame.height


@pytest.mark.parametrize("layout", REAL_VOLUME_ONLY)
@LAW
@given(frame=bar_frames())
def test_profitchart_gives_back_prices_and_contracts(
    layout: str, frame: pl.DataFrame, tmp_path: Path
) -> None:
    """A file of three-decimal prices below 1,000 only may be refused, never misread."""
    expected = frame.with_columns(tick_volume=None, spread=None).cast(BAR_SCHEMA)
    bars = read_unless_ambiguous(tmp_path, REAL_VOLUME_ONLY[layout](frame))
    if bars is None:
        assert frame.select(pl.max_horizontal(PRICES).max()).item() < 1_000
    else:
        assert_frame_equal(bars.frame, expected)


@pytest.mark.parametrize("layout", GROUPED)
@LAW
@given(frame=bar_frames())
def test_grouped_thousands_are_read_right_or_refused(
    layout: str, frame: pl.DataFrame, tmp_path: Path
) -> None:
    expected = frame.with_columns(tick_volume=None, spread=None).cast(BAR_SCHEMA)
    bars = read_unless_ambiguous(tmp_path, GROUPED[layout](frame))
    if bars is not None:
        assert_frame_equal(bars.frame, expected)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_encoding(encoding: str, tmp_path: Path) -> None:
    text = PT + "\n04/01/2021;09:05:00;119005;119100;118900;119050;1,5;20\n"
    text += "04/01/2021;09:00:00;119000;119010;118990;119005;1,5;10\n"
    bars = read(tmp_path, ENCODINGS[encoding](text))
    assert bars.frame["close"].to_list() == [119_005.0, 119_050.0]
    assert bars.frame["real_volume"].to_list() == [10, 20]


SAMPLES = {
    "mt5_export_tab_eurusd_m1": ("EURUSD", "eurusd_m1_2021-03"),
    "mt5_export_comma_win_n_m1": ("WIN$N", "win_n_m1_2020-11_2021-03"),
    "mt5_python_symbol_tf_wdo_n_m15": ("WDO$N", "wdo_n_m15_2020-10_2023-12"),
    "mt5_python_epoch_crcrlf_wdo_m15": ("WDO$N", "wdo_adj_m15_2026-05_2026-06"),
    "profitchart_semicolon_winfut_m5": ("WINFUT", "winfut_m5_2021-08_2022-01"),
    "profitchart_tab_decimal_comma_dji_m5": ("DJI", "dji_m5_2021-11_2022-01"),
}


@pytest.mark.skipif(not RAW.is_dir(), reason="the raw samples are not beside the project")
@pytest.mark.parametrize("name", SAMPLES)
def test_raw_sample_is_its_parquet(name: str) -> None:
    symbol, parquet = SAMPLES[name]
    bars = read_bars(RAW / f"{name}.csv", symbol=symbol)
    full = read_bars(SHARED / f"{parquet}.parquet", symbol=symbol).frame
    span = full["time"].is_between(bars.frame["time"][0], bars.frame["time"][-1])
    assert_frame_equal(bars.frame, full.filter(span))
    assert bars.quality.quarantined.is_empty()


@pytest.mark.skipif(not RAW.is_dir(), reason="the raw samples are not beside the project")
def test_symbol_column_needs_no_symbol_stated() -> None:
    bars = read_bars(RAW / "mt5_python_symbol_tf_wdo_n_m15.csv")
    assert (bars.symbol, bars.timeframe) == ("WDO$N", "M15")


# --- decimal sign ---------------------------------------------------------------------------


def decimal_of(*texts: str, localised: bool = True) -> Decimal:
    return find_decimal([pl.Series(texts)], localised, "f.csv")


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (("126505", "126510"), Decimal("", "")),
        (("35857,16", "36210,7"), Decimal(",", "")),
        (("5046.24", "5047.247"), Decimal(".", "")),
        (("1.234,56", "999,5"), Decimal(",", ".")),
        (("1,234.56", "999.5"), Decimal(".", ",")),
        (("126.505", "126.510,5"), Decimal(",", ".")),
        (("1.126.505", "126.505"), Decimal(",", ".")),
        (("126.505", "35857,5"), Decimal(",", ".")),
        (("105.25", "105.125", "105"), Decimal(".", "")),
        (("1.2.3", "1,2,3", "126505"), Decimal("", "")),
    ],
)
def test_decimal_sign_is_found(texts: tuple[str, ...], expected: Decimal) -> None:
    assert decimal_of(*texts) == expected


@pytest.mark.parametrize(
    "texts",
    [
        ("126.505", "126.510"),
        ("126,505", "126,510"),
        ("126.505", "105.25", "105.250"),
        ("1.234,56", "1,234.56"),
        ("126505.5", "126505,5"),
    ],
)
def test_prices_with_two_readings_are_refused(texts: tuple[str, ...]) -> None:
    with pytest.raises(DataError, match="can be read with a decimal sign or with grouped"):
        decimal_of(*texts)


def test_a_point_is_decimal_where_files_never_group() -> None:
    """USDJPY at 126.505, as MetaTrader 5 exports it."""
    assert decimal_of("126.505", "126.510", localised=False) == Decimal(".", "")


def test_grouping_is_strict() -> None:
    parsed = parse_prices(pl.Series(["12.65.05", "1.265,5", "1265,5", "1.26"]), Decimal(",", "."))
    assert parsed.to_list() == [None, 1265.5, 1265.5, None]


def test_volumes_are_whole_numbers_in_any_dress() -> None:
    texts = pl.Series(["12", "12.0", "1.234.567", "99999999999999999999", "1.5", ""])
    assert parse_volumes(texts, Decimal(",", "."), True).to_list() == [
        12, None, 1_234_567, None, None, None,
    ]  # fmt: skip
    assert parse_volumes(texts, Decimal("", ""), False).to_list() == [
        12, 12, None, None, None, None,
    ]  # fmt: skip


@settings(max_examples=200)
@given(st.floats(1e-5, 1e7, allow_nan=False))
def test_prices_are_parsed_to_the_nearest_double(value: float) -> None:
    text = repr(value)
    assert parse_prices(pl.Series([text]), Decimal(".", ""))[0] == float(text)


# --- what cannot be read --------------------------------------------------------------------

GOOD = "time,open,high,low,close\n"


def iso_rows(*bars: tuple[str, float, float, float, float]) -> str:
    return GOOD + "".join(",".join(map(str, bar)) + "\n" for bar in bars)


def three(*middle: str) -> str:
    """Three good bars around some lines."""
    return "\n".join(
        [
            GOOD.strip(),
            "2021-01-04 09:00,100,110,90,105",
            *middle,
            "2021-01-04 09:10,105,115,95,110",
            "2021-01-04 09:15,110,115,95,110",
            "",
        ]
    )


REFUSED: dict[str, tuple[str | bytes, str]] = {
    "empty": (b"", r"empty; expected Parquet, or text"),
    "blank": (b" \r\n\r\n", r"empty"),
    "header only": (GOOD, r"a header without bars"),
    "no close": (
        "time,open,high,low\n2021-01-04,1,2,1\n",
        r"no column close; got the header 'time,open,high,low'",
    ),
    "no time": ("open,high,low,close\n1,2,1,2\n", r"no column time"),
    "wrong delimiter": (
        "time~open~high~low~close\n2021-01-04~1~2~1~2\n",
        r"no recognisable layout; got 'time~open~high~low~close' as the first line",
    ),
    "prose": ("hello, world\n", r"no recognisable layout"),
    "old excel": (b"\xd0\xcf\x11\xe0rest", r"is an Excel workbook"),
    "not utf-8": (
        GOOD.encode() + b"2021-01-04 09:00,1,2,1,1\xe9\n",
        r"line 2 or later holds bytes that are not UTF-8",
    ),
    "utf-16 without mark": (GOOD.encode("utf-16-le"), r"is full of NUL bytes"),
    "utf-16 cut": (b"\xff\xfe" + GOOD.encode("utf-16-le")[:-1], r"marked as UTF-16 LE, but byte"),
    "open quote": (GOOD + '2021-01-04,"1,2,1,2\n2021-01-05,1,2,1,2\n', r"quotation marks"),
    "mixed zones": (
        three("2021-01-04T09:05:00-03:00,105,115,95,110"),
        r"with and without an offset from UTC \(line 2: 2021-01-04 09:00; line 3: ",
    ),
    "month first": (
        "Date;Open;High;Low;Close\n01/25/2021 09:00;1;2;1;2\n01/26/2021 09:00;1;2;1;2\n",
        r"look month first; expected dd/mm/yyyy",
    ),
    "month first by its weekends": (
        "Date;Open;High;Low;Close\n01/04/2021 09:00;1;2;1;2\n01/05/2021 09:00;1;2;1;2\n",
        r"look month first",
    ),
    "month first by days that lie a month apart": (
        "Date;Open;High;Low;Close\n"
        + "".join(f"06/0{d}/2025 {h:02d}:00;1;2;1;2\n" for d in (2, 3) for h in (9, 10)),
        r"look month first",
    ),
    "a year of two digits": (
        GOOD + "02/06/25 09:00,1,2,1,2\n02/06/25 09:05,1,2,1,2\n",
        r"none of 2 rows is a usable bar \(line 2: not a time, got 02/06/25 09:00\)",
    ),
    "epochs without their last digits": (
        GOOD + "1.748855e+09,1,2,1,2\n1.748855e+09,1,2,1,2\n",
        r"not a time, got 1\.748855e\+09",
    ),
    "thousands or decimals": (
        "Data;Abertura;Máxima;Mínima;Fechamento\n"
        "04/01/2021 09:00;126.505;126.510;126.500;126.505\n",
        r"prices such as 126\.505 can be read with a decimal sign or with grouped thousands",
    ),
    "decimal comma in a comma file": (
        GOOD + "2021-01-04 09:00,1,5,2,5,1,5,2,5\n2021-01-04 09:05,1,5,2,5,1,5,2,5\n",
        r"none of 2 rows is a usable bar \(line 2: 9 fields where 5 were expected",
    ),
    "two symbols": (
        "symbol,time,open,high,low,close\nWIN,2021-01-04,1,2,1,2\nWDO,2021-01-05,1,2,1,2\n",
        r"2 values in column `symbol` \(WDO, WIN\); expected one symbol",
    ),
    "other symbol": (
        "symbol,time,open,high,low,close\nWIN,2021-01-04,1,2,1,2\nWIN,2021-01-05,1,2,1,2\n",
        r"holds symbol WIN; expected TST",
    ),
    "seconds": (
        iso_rows(*((f"2021-01-04 09:00:{s:02d}", 1, 2, 1, 2) for s in range(0, 60, 15))),
        r"bars are 15 s apart; expected whole minutes",
    ),
    "one bar": (iso_rows(("2021-01-04 09:00", 1, 2, 1, 2)), r"one usable bar"),
    "no times": (iso_rows(("soon", 1, 2, 1, 2), ("later", 1, 2, 1, 2)), r"not a time, got soon"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_structure_is_refused_in_one_line(case: str, tmp_path: Path) -> None:
    content, message = REFUSED[case]
    with pytest.raises(DataError, match=message) as caught:
        read(tmp_path, content)
    assert "\n" not in str(caught.value)
    assert str(tmp_path) in str(caught.value)
    assert caught.value.exit_status == 3


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.csv: no such file; expected a bar file or"):
        read_bars(tmp_path / "none.csv", symbol="TST")


QUARANTINED = {
    "not a number": ("2021-01-04 09:05,105,abc,95,110", "high is not a number", "abc"),
    "empty price": ("2021-01-04 09:05,105,,95,110", "price missing", "105.0 nothing 95.0 110.0"),
    "nan": ("2021-01-04 09:05,nan,115,95,110", "price missing", "NaN 115.0 95.0 110.0"),
    "huge": ("2021-01-04 09:05,105,1e300,95,110", "price above 1,000,000,000", None),
    "year 0": ("0000-01-04 09:05,105,115,95,110", "not a time", "0000-01-04 09:05"),
    "NUL": ("2021-01-04 09:05,105,1\x0015,95,110", "high is not a number", None),
    "signs and no number": ("2021-01-04 09:05,105,1.1.5,95,110", "high is not a number", "1.1.5"),
    "inf": ("2021-01-04 09:05,105,inf,95,110", "price infinite", "105.0 inf 95.0 110.0"),
    "zero": ("2021-01-04 09:05,105,115,0,110", "price zero or negative", "105.0 115.0 0.0 110.0"),
    "negative": ("2021-01-04 09:05,-5,115,-9,110", "price zero or negative", None),
    "high < low": ("2021-01-04 09:05,105,95,115,110", "high below open, low or close", None),
    "low > close": ("2021-01-04 09:05,105,115,100,98", "low above open or close", None),
    "not a time": ("2021-01-04 9h05,105,115,95,110", "not a time", "2021-01-04 9h05"),
    "no such day": ("2021-02-30 09:05,105,115,95,110", "not a time", "2021-02-30 09:05"),
    "no time": (",105,115,95,110", "no time", "nothing"),
    "1970": ("1970-01-01 00:00,105,115,95,110", "time outside 1990-2100", "1970-01-01 00:00:00"),
    "year 2101": ("2101-01-01 00:00,105,115,95,110", "time outside 1990-2100", None),
    "field missing": (
        "2021-01-04 09:05,105,115,95",
        "4 fields where 5 were expected",
        "2021-01-04 09:05,105,115,95",
    ),
    "field too many": ("2021-01-04 09:05,105,115,95,110,7", "6 fields where 5 were expected", None),
    "hundredfold": (
        "2021-01-04 09:05,10500,11500,9500,11000",
        "price ten times (or a tenth of) both neighbours",
        None,
    ),
    "hundredth": (
        "2021-01-04 09:05,1.05,1.15,0.95,1.1",
        "price ten times (or a tenth of) both neighbours",
        None,
    ),
}


@pytest.mark.parametrize("case", QUARANTINED)
def test_bad_row_is_quarantined_with_line_and_reason(case: str, tmp_path: Path) -> None:
    line, reason, value = QUARANTINED[case]
    bars = read(tmp_path, three(line))
    assert bars.frame["time"].dt.strftime("%H:%M").to_list() == ["09:00", "09:10", "09:15"]
    row = bars.quality.quarantined.row(0, named=True)
    assert (row["row"], row["reason"]) == (3, reason)
    assert value is None or row["value"] == value
    (found,) = bars.quality.of_kind("bad_row")
    assert (found.severity, found.count) == ("error", 1)
    assert found.message.startswith(f"{reason} at line 3")
    assert not bars.quality.clean


def test_lines_are_counted_with_header_and_blank_lines(tmp_path: Path) -> None:
    bars = read(tmp_path, "\n" + three("", "  ", "2021-01-04 09:05,105,x,95,110"))
    assert bars.quality.quarantined["row"].to_list() == [6]


def test_truncated_last_line_is_quarantined(tmp_path: Path) -> None:
    bars = read(tmp_path, three() + "2021-01-04 09:20,105,11")
    assert bars.quality.quarantined["row"].to_list() == [5]
    assert len(bars) == 3


def test_a_million_reasons_are_one_finding_each(tmp_path: Path) -> None:
    lines_ = [f"2021-01-04 09:05,105,bad{n},95,110" for n in range(500)]
    bars = read(tmp_path, three(*lines_))
    (found,) = bars.quality.of_kind("bad_row")
    assert found.count == 500
    assert found.message == (
        "high is not a number in 500 rows, the first at line 3 (2021-01-04 09:05): got bad0; "
        "quarantined"
    )
    assert bars.quality.to_dict()["quarantined"] == 500
    assert len(bars.quality.to_dict()["quarantined_rows"]) == 100


def test_first_line_shorter_than_the_header(tmp_path: Path) -> None:
    text = GOOD + "2021-01-04 09:05,1\n" + three().removeprefix(GOOD)
    assert read(tmp_path, text).quality.quarantined["row"].to_list() == [2]


def test_quoted_fields_with_decimal_comma(tmp_path: Path) -> None:
    text = GOOD + "".join(
        f'"2021-01-04 09:{5 * n:02d}","105,5","115,25","95,5","110,0"\n' for n in range(3)
    )
    assert read(tmp_path, text).frame["high"].to_list() == [115.25] * 3


def test_trailing_delimiters_are_no_fields(tmp_path: Path) -> None:
    bars = read(tmp_path, three().replace("\n", ",\n"))
    assert len(bars) == 3
    assert bars.quality.quarantined.is_empty()


def test_excel_separator_hint_is_skipped(tmp_path: Path) -> None:
    bars = read(tmp_path, "sep=,\n" + three("2021-01-04 09:05,105,x,95,110"))
    assert bars.quality.quarantined["row"].to_list() == [4]


def test_old_mac_line_endings(tmp_path: Path) -> None:
    assert len(read(tmp_path, three().replace("\n", "\r"))) == 3


def test_clocks_with_and_without_seconds_in_one_file(tmp_path: Path) -> None:
    clocks = ("09:00", "09:05:00", "09:10", "09:15:00.000")
    bars = read(tmp_path, iso_rows(*((f"2021-01-04 {clock}", 1, 2, 1, 2) for clock in clocks)))
    assert [time.minute for time in bars.frame["time"]] == [0, 5, 10, 15]


def test_headless_metatrader_export(tmp_path: Path) -> None:
    text = "".join(f"2021.01.04,09:{5 * n:02d},1,2,1,2,3,4,5\n" for n in range(3))
    bars = read(tmp_path, text)
    assert bars.frame.row(0)[1:] == (1.0, 2.0, 1.0, 2.0, 3, 4, 5)
    assert bars.quality.layout == "MetaTrader 5 export, comma separated, UTF-8, no header"


def test_daily_bars_have_dates_only(tmp_path: Path) -> None:
    text = "<DATE>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\n" + "".join(
        f"2021.01.{4 + n:02d}\t1\t2\t1\t2\n" for n in range(4)
    )
    assert read(tmp_path, text).timeframe == "D1"


@pytest.mark.parametrize("label", ["M5", "PERIOD_M5", "5"])
def test_timeframe_column_is_a_declaration(label: str, tmp_path: Path) -> None:
    rows = "".join(f"{label},2021-01-04 09:{15 * n:02d},1,2,1,2\n" for n in range(4))
    bars = read(tmp_path, "tf,time,open,high,low,close\n" + rows)
    (found,) = bars.quality.of_kind("timeframe")
    assert found.message.startswith("declared M5, but bars are 15 minutes apart")


def test_compact_dates_and_clocks(tmp_path: Path) -> None:
    text = "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>\n" + "".join(
        f"TST,5,20210104,9{5 * n:02d}00,105,115,95,110,7\n" for n in range(3)
    )
    times = read(tmp_path, text).frame["time"].to_list()
    assert times == [datetime(2021, 1, 4, 9, 5 * n) for n in range(3)]


def test_epochs_beside_a_converted_datetime_win_and_are_reported(tmp_path: Path) -> None:
    text = "datetime,time,open,high,low,close\n" + "".join(
        f"2021-01-04 06:{5 * n:02d}:00,{1609750800 + 300 * n},105,115,95,110\n" for n in range(3)
    )
    bars = read(tmp_path, text)
    assert bars.frame["time"][0] == datetime(2021, 1, 4, 9, 0)
    (found,) = bars.quality.of_kind("zone")
    assert found.severity == "error"
    assert "datetime and epoch differ in 3 rows, the first at line 2" in found.message


def test_offsets_follow_brazilian_daylight_saving(tmp_path: Path) -> None:
    text = iso_rows(
        ("2019-02-15T11:00:00Z", 1, 2, 1, 2),
        ("2019-02-15T11:05:00Z", 1, 2, 1, 2),
        ("2019-02-18T12:00:00Z", 1, 2, 1, 2),
    )
    bars = read(tmp_path, text)
    assert [time.hour for time in bars.frame["time"]] == [9, 9, 9]
    (found,) = bars.quality.of_kind("zone")
    assert found.severity == "info"
    assert "converted to America/Sao_Paulo" in found.message


def test_layout_is_described(tmp_path: Path) -> None:
    text = (
        MT5_HEADER
        + "\tEXTRA\n"
        + "".join(f"2021.01.04\t09:{5 * n:02d}:00\t1\t2\t1\t2\t3\t4\t5\t6\n" for n in range(2))
    )
    layout = read(tmp_path, b"\xff\xfe" + text.encode("utf-16-le")).quality.layout
    assert layout == "MetaTrader 5 export, tab separated, UTF-16 LE, not used: EXTRA"


# --- other programs' ways -----------------------------------------------------------------------


DRESSES = {
    "pipes": "time|open|high|low|close\n{0:%Y-%m-%d %H:%M}|105|115|95|110\n",
    "clocks without a colon": "<DTYYYYMMDD>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>\n"
    "{0:%Y%m%d,%H%M},105,115,95,110\n",
    "numpy.savetxt": "# time,open,high,low,close\n{1:.18e},1.05e+02,1.15e+02,9.5e+01,1.1e+02\n",
    "a heading that says the exchange's clock": "Time (BRT),Open,High,Low,Close\n"
    "{0:%Y.%m.%d %H:%M:%S},105,115,95,110\n",
    "a heading that says the exchange's zone": "Time (America/Sao_Paulo);Open;High;Low;Close\n"
    "{0:%d/%m/%Y %H:%M};105;115;95;110\n",
}


@pytest.mark.parametrize("dress", DRESSES)
def test_bars_in_the_dress_of_other_programs(dress: str, tmp_path: Path) -> None:
    first = datetime(2021, 1, 4, 9)
    head, row = DRESSES[dress].splitlines(keepends=True)
    times = [first + timedelta(minutes=5 * n) for n in range(9)]
    epochs = [(one - datetime(1970, 1, 1)).total_seconds() for one in times]
    text = head + "".join(row.format(*pair) for pair in zip(times, epochs, strict=True))

    bars = read(tmp_path, text)

    assert bars.frame["time"].to_list() == times
    assert bars.frame.select(PRICES).row(0) == (105, 115, 95, 110)
    assert bars.quality.findings == ()


def test_days_of_one_bar_may_lie_a_month_apart(tmp_path: Path) -> None:
    """01/07 and 01/08 of daily or longer bars say nothing about which number is the month."""
    text = "Data;Abertura;Máxima;Mínima;Fechamento\n"
    text += "".join(f"01/0{month}/2025;1;2;1;2\n" for month in (7, 8))
    path = write(tmp_path, text)
    table = read_bars(path, symbol="TST", timeframe="D1").frame
    assert table["time"].dt.month().to_list() == [7, 8]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names on this system")
def test_a_pipe_is_refused_for_what_it_is(tmp_path: Path) -> None:
    """It can be read once, and the kind of file is told by reading: half of the bars were lost."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(DataError, match="is a pipe, which can be read once only"):
        read_bars(pipe, symbol="TST")
