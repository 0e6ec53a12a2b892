"""Frames of other libraries: indices, zones, levels, and types that prices come in."""

from __future__ import annotations

from datetime import datetime, time
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from alertlib.bars.opening import from_frame
from alertlib.errors import DataError
from tests.support.synthetic import frame, walk

pd = pytest.importorskip("pandas")

BARS = frame(walk(7, 1, bars=20)).with_columns(volume=pl.int_range(20, dtype=pl.Int64))
HASH = from_frame(BARS, symbol="WIN$N").sha256


def pandas() -> Any:
    return pd.DataFrame(BARS.to_dict(as_series=False))


INDICES = {
    "unnamed": lambda df: df.set_index("time").rename_axis(None),
    "named": lambda df: df.set_index("time").rename_axis("Datetime"),
    "zoned": lambda df: df.set_index("time").tz_localize("America/Sao_Paulo"),
    "of utc": lambda df: df.set_index("time").tz_localize("America/Sao_Paulo").tz_convert("UTC"),
    "of periods": lambda df: df.set_index("time").to_period("5min"),
    "of times and symbols": lambda df: df.assign(symbol="WIN$N").set_index(["time", "symbol"]),
    "of symbols and times": lambda df: df.assign(symbol="WIN$N").set_index(["symbol", "time"]),
    "of texts": lambda df: df.assign(time=df["time"].astype(str)).set_index("time"),
    "of epochs": lambda df: df.set_index(df["time"].astype("int64") // 10**6).drop(columns="time"),
    "none": lambda df: df,
    "left over from a filter": lambda df: df.set_index(df.index + 7),
}


@pytest.mark.parametrize("kind", INDICES)
def test_index_of_times_is_the_time(kind: str) -> None:
    bars = from_frame(INDICES[kind](pandas()), symbol="WIN$N")
    assert bars.sha256 == HASH
    assert bars.frame["real_volume"].to_list() == list(range(20))


def test_columns_of_two_levels() -> None:
    """What yfinance.download gives, one ticker or several."""
    one = pandas().set_index("time")
    several = pd.concat({"PETR4.SA": one * 2, "WIN$N": one}, axis=1)
    for frame_ in (several, several.swaplevel(axis=1), several[["WIN$N"]]):
        assert from_frame(frame_, symbol="WIN$N").sha256 == HASH
    with pytest.raises(DataError, match=r"holds 2 symbols side by side .*got VALE3"):
        from_frame(several, symbol="VALE3")


def test_lazy_frame_is_a_frame() -> None:
    assert from_frame(BARS.lazy(), symbol="WIN$N").sha256 == HASH


@pytest.mark.parametrize("kind", [pl.Decimal(18, 2), pl.Float32, pl.Int64])
def test_prices_of_any_number_type(kind: Any) -> None:
    prices = pl.col("open", "high", "low", "close").cast(kind)
    assert from_frame(BARS.with_columns(prices), symbol="WIN$N").sha256 == HASH


def test_decimal_prices_of_pandas_and_of_rows() -> None:
    df = pandas()
    for name in ("open", "high", "low", "close"):
        df[name] = [Decimal(str(price)) for price in df[name]]
    assert from_frame(df, symbol="WIN$N").sha256 == HASH
    assert from_frame(df.to_dict("list"), symbol="WIN$N").sha256 == HASH


@pytest.mark.parametrize("odd", [Decimal("1.5"), "soon"])
def test_prices_of_mixed_kinds_are_refused_in_one_line(odd: object) -> None:
    df = pandas().astype({"open": object})
    df.loc[3, "open"] = odd
    with pytest.raises(DataError, match=r"^frame: .*; expected .*; convert it") as caught:
        from_frame(df, symbol="WIN$N")
    assert "\n" not in str(caught.value)


TIMES = {
    "text": pl.col("time").dt.strftime("%Y-%m-%d %H:%M"),
    "text with T": pl.col("time").dt.strftime("%Y-%m-%dT%H:%M:%S"),
    "text of utc": (pl.col("time") + pl.duration(hours=3)).dt.strftime("%Y-%m-%d %H:%M:%SZ"),
    "day first": pl.col("time").dt.strftime("%d/%m/%Y %H:%M:%S"),
    "MetaTrader": pl.col("time").dt.strftime("%Y.%m.%d %H:%M"),
    "categories": pl.col("time").dt.strftime("%Y-%m-%d %H:%M").cast(pl.Categorical),
    "epoch text": pl.col("time").dt.epoch("s").cast(pl.String),
}


@pytest.mark.parametrize("kind", TIMES)
def test_text_times_of_a_frame(kind: str) -> None:
    assert from_frame(BARS.with_columns(TIMES[kind]), symbol="WIN$N").sha256 == HASH


def test_text_times_in_parquet(tmp_path: Any) -> None:
    from alertlib.bars.opening import read_bars

    path = tmp_path / "bars.parquet"
    BARS.with_columns(TIMES["text"]).write_parquet(path)
    assert read_bars(path, symbol="WIN$N").sha256 == HASH


def test_pandas_index_in_parquet(tmp_path: Any) -> None:
    from alertlib.bars.opening import read_bars

    path = tmp_path / "bars.parquet"
    pandas().set_index("time").rename_axis(None).to_parquet(path)
    assert read_bars(path, symbol="WIN$N").sha256 == HASH


def test_columns_of_two_levels_in_parquet(tmp_path: Any) -> None:
    """What yfinance downloads, saved: pandas writes ``('close', 'WIN$N')`` for both levels."""
    from alertlib.bars.opening import read_bars

    path = tmp_path / "bars.parquet"
    one = pandas().set_index("time")
    for place in (0, 1):
        several = pd.concat({"PETR4.SA": one * 2, "WIN$N": one}, axis=1)
        (several if place else several.swaplevel(axis=1)).to_parquet(path)
        assert read_bars(path, symbol="WIN$N").sha256 == HASH
        with pytest.raises(DataError, match=r"holds 2 symbols side by side .*got none stated"):
            read_bars(path, default_symbol="WIN$N")
    several[["WIN$N"]].to_parquet(path)
    alone = read_bars(path)
    assert (alone.sha256, alone.symbol, alone.assumed_symbol) == (HASH, "WIN$N", False)


@pytest.mark.parametrize("seconds", [True, False])
def test_dates_and_clocks_that_are_numbers(seconds: bool) -> None:
    """20210405 beside 90500 or 905, as pandas reads <DATE> and <TIME>."""
    form = "%H%M%S" if seconds else "%H%M"
    source = BARS.with_columns(
        date=pl.col("time").dt.strftime("%Y%m%d").cast(pl.Int64),
        time=pl.col("time").dt.strftime(form).cast(pl.Int64),
    )
    assert from_frame(source, symbol="WIN$N").sha256 == HASH


def test_epochs_of_floats() -> None:
    """Of a column with a missing value pandas makes floats."""
    epochs = pl.col("time").dt.epoch("s").cast(pl.Float64)
    assert from_frame(BARS.with_columns(epochs), symbol="WIN$N").sha256 == HASH
    with pytest.raises(DataError, match="column `time` is Float64; expected datetimes, text or"):
        from_frame(BARS.with_columns(epochs + 0.5), symbol="WIN$N")


@pytest.mark.parametrize("as_text", [True, False])
def test_date_and_clock_in_columns_of_their_own(as_text: bool) -> None:
    day, clock = pl.col("time").dt.date(), pl.col("time").dt.time()
    if as_text:
        day, clock = day.cast(pl.String), clock.dt.strftime("%H:%M")
    source = BARS.with_columns(date=day, time=clock)
    assert from_frame(source, symbol="WIN$N").sha256 == HASH


def test_a_clock_without_a_date_is_refused() -> None:
    source = BARS.with_columns(time=pl.lit(time(9)))
    with pytest.raises(DataError, match="column `time` is Time; expected datetimes, text or epoch"):
        from_frame(source, symbol="WIN$N")


BAD_TIMES = {
    "text": ("soon", "not a time", "soon"),
    "no such day": ("2021-02-30 09:15", "not a time", "2021-02-30 09:15"),
    "another age": ("1970-01-01 00:00", "time outside 1990-2100", "1970-01-01 00:00:00"),
    "nothing": (None, "no time", "nothing"),
}


@pytest.mark.parametrize("kind", BAD_TIMES)
def test_a_time_that_cannot_be_read_is_shown_not_the_prices_beside_it(kind: str) -> None:
    text, reason, shown = BAD_TIMES[kind]
    times = BARS.select(TIMES["text"]).to_series().to_list()
    times[3] = text
    bars = from_frame(BARS.with_columns(time=pl.Series(times)), symbol="WIN$N")
    row = bars.quality.quarantined.row(0, named=True)
    assert (row["row"], row["reason"], row["value"]) == (3, reason, shown)
    assert len(bars) == 19


def test_datetime_of_another_age_is_shown() -> None:
    times = BARS["time"].to_list()
    times[3] = datetime(1900, 1, 1, 9, 15)
    bars = from_frame(BARS.with_columns(time=pl.Series(times)), symbol="WIN$N")
    assert bars.quality.quarantined["value"].to_list() == ["1900-01-01 09:15:00"]


@pytest.mark.parametrize("what", [object(), 7, "WIN$N", [1, 2], None])
def test_what_is_no_frame_is_refused_in_one_line(what: Any) -> None:
    with pytest.raises(DataError) as caught:
        from_frame(what, symbol="WIN$N")
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("frame: ")
