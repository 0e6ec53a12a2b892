"""Prices on a tick, on it but for their precision, and on none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertlib.backtesting.backtester import backtest
from alertlib.bars.bars import Bars
from alertlib.bars.opening import from_frame, read_bars
from alertlib.bars.quality.grid import infer_grid
from alertlib.bars.quality.single import find_single
from alertlib.bars.schema import PRICES
from alertlib.config import Config
from alertlib.market.ticks import Grid, decimal_grid, tick_grid
from tests.support.cases import case
from tests.support.synthetic import SHARED, frame, walk

CENTS = frame(walk(7, 3, tick=0.01, price=3_200))
WHOLE = frame(walk(7, 3))


def scaled(bars: pl.DataFrame, factor: float) -> pl.DataFrame:
    return bars.with_columns(pl.col(PRICES) * factor)


def as_single(bars: pl.DataFrame) -> pl.DataFrame:
    return bars.with_columns(pl.col(PRICES).cast(pl.Float32).cast(pl.Float64))


def tick_of(bars: Bars) -> float:
    assert bars.instrument.grid is not None
    return bars.instrument.grid.tick


# --- no tick where there is none --------------------------------------------------------------


def test_a_tick_is_inferred_only_where_nearly_all_prices_are_on_it() -> None:
    """One in four of these is a multiple of a quarter; that makes no tick of it."""
    prices = CENTS.select(PRICES).to_numpy().astype(np.float32).astype(np.float64)
    grid, share = infer_grid(prices, None)
    assert share < 0.5
    assert not grid.on_tick
    assert grid.quantum <= 1e-6


@pytest.mark.parametrize("factor", [1.00384612345678, np.pi, 1e-6 / 3, 1_000 / 7])
def test_series_on_no_grid_is_counted_without_rounding_and_flagged(factor: float) -> None:
    bars = from_frame(scaled(WHOLE, factor), symbol="XYZ")
    (found,) = bars.quality.of_kind("off_grid")
    assert (found.severity, found.count) == ("error", 321)
    assert "321 bars are on no grid of a tick (adjusted or computed), the first" in found.message
    assert found.message.endswith("; scored without rounding to one")
    grid = bars.instrument.grid
    assert grid is not None
    assert not grid.on_tick
    assert grid.quantum <= 1e-6
    assert grid.quantum <= 1e-7 * bars.frame["high"].max()
    prices = bars.frame["close"].to_numpy()
    read = np.array([grid.price(grid.quanta(price)) for price in prices])
    assert np.abs(read - prices).max() <= grid.quantum


@pytest.mark.parametrize("symbol", ["WIN$N", "XYZ"])
@pytest.mark.parametrize("factor", [1.00384612345678, 1e-5 / 3])
def test_no_audit_of_detectors_fails_on_a_series_off_any_grid(symbol: str, factor: float) -> None:
    bars = from_frame(scaled(frame(walk(7, 12)), factor), symbol=symbol)
    card = backtest(bars, Config(), chance=False).scorecard.to_dict()
    assert card["audits"]["clean"]
    assert [one["name"] for one in card["audits"]["items"] if not one["clean"]] == []
    assert not card["data"]["quality"]["on_grid"]
    assert not card["data"]["quality"]["clean"]


def test_a_bad_price_leaves_the_inferred_tick_and_is_reported() -> None:
    prices = WHOLE["close"].to_list()
    source = WHOLE.with_columns(
        close=pl.Series([*prices[:50], 119_990.123456789, *prices[51:]]),
        high=pl.col("high") + 10_000.0, low=pl.col("low") - 10_000.0,
    )  # fmt: skip
    bars = from_frame(source, symbol="XYZ")
    (found,) = bars.quality.of_kind("off_grid")
    assert found.count == 1
    assert "off the grid of 5 points" in found.message
    assert "bad prices" in found.message
    grid = bars.instrument.grid
    assert grid is not None
    assert (grid.tick, grid.on_tick) == (5.0, True)


@pytest.mark.parametrize("tick", [1e-8, 1e-6])
def test_low_prices_may_have_more_decimals(tick: float) -> None:
    bars = from_frame(scaled(WHOLE, tick / 5), symbol="COIN")
    assert bars.quality.findings == ()
    assert tick_of(bars) == pytest.approx(tick)


def test_prices_that_fit_no_decimals_get_fine_ones_beside_a_known_tick() -> None:
    assert infer_grid(np.array([1 / 3, 2 / 3]), 5.0)[0] == decimal_grid(9, 5.0)
    assert infer_grid(np.array([100_000 / 3, 200_000 / 3]), 5.0)[0] == decimal_grid(6, 5.0)


# --- single precision -------------------------------------------------------------------------


@given(
    st.sampled_from([0.01, 0.05, 0.5, 0.001, 0.00001]),
    st.lists(st.integers(10_000, 200_000), min_size=2, max_size=40),
)
def test_ticks_in_single_precision_are_read_as_those_ticks(tick: float, quanta: list[int]) -> None:
    grid = tick_grid(tick)
    exact = np.array([[grid.price(q) for q in quanta]])
    single = exact.astype(np.float32).astype(np.float64)
    found = find_single(single, grid)
    if found is None:
        assert infer_grid(single, tick) == (grid, 1.0)  # each of them a 32-bit float by itself
    else:
        assert found.grid == grid
        assert np.where(found.rows_of, [[grid.price(q) for q in quanta]], single) == (
            pytest.approx(exact, abs=0)
        )


@pytest.mark.parametrize(("symbol", "tick"), [("PETR4", 0.01), ("XYZ", 0.01)])
def test_single_precision_is_read_on_the_tick_and_said(symbol: str, tick: float) -> None:
    bars = from_frame(as_single(CENTS), symbol=symbol)
    assert bars.sha256 == from_frame(CENTS, symbol=symbol).sha256
    assert tick_of(bars) == tick
    (found,) = bars.quality.findings
    assert (found.kind, found.severity) == ("float32", "warning")
    off = np.abs(as_single(CENTS).select(PRICES).to_numpy() - CENTS.select(PRICES).to_numpy()) > 0
    assert found.count == off.any(axis=1).sum()
    assert found.message.endswith("as a 32-bit float; read on the grid of 0.01 points")


def test_float32_columns_are_single_precision() -> None:
    source = CENTS.with_columns(pl.col(PRICES).cast(pl.Float32))
    bars = from_frame(source, symbol="XYZ")
    assert [one.kind for one in bars.quality.findings] == ["float32"]
    assert bars.sha256 == from_frame(CENTS, symbol="XYZ").sha256


@pytest.mark.parametrize("digits", [6, 7, 9])
@pytest.mark.parametrize("symbol", ["PETR4", "XYZ"])
def test_single_precision_in_print(digits: int, symbol: str, tmp_path: Path) -> None:
    """31.950000762939453 with six decimals is 31.950001, which no tick of a millionth explains."""
    texts = as_single(CENTS).with_columns(
        pl.col(name).map_elements(lambda x: f"{x:.{digits}f}", return_dtype=pl.String)
        for name in PRICES
    )
    texts.write_csv(tmp_path / "bars.csv")
    bars = read_bars(tmp_path / "bars.csv", symbol=symbol)
    assert bars.sha256 == from_frame(CENTS, symbol=symbol).sha256
    assert [one.kind for one in bars.quality.findings] == ["float32"]


def test_whole_points_in_single_precision_need_no_word() -> None:
    bars = from_frame(as_single(WHOLE), symbol="WIN$N")
    assert bars.quality.findings == ()


@pytest.mark.parametrize("symbol", ["WIN$N", "XYZ"])
def test_an_adjusted_series_in_single_precision_stays_adjusted(symbol: str) -> None:
    bars = from_frame(as_single(scaled(WHOLE, 1.00384612345678)), symbol=symbol)
    assert [one.kind for one in bars.quality.findings] == ["off_grid"]
    grid = bars.instrument.grid
    assert grid is not None
    assert not grid.on_tick


def test_a_bad_price_among_single_ones_is_still_off_the_grid() -> None:
    odd = pl.when(pl.int_range(pl.len()) == 50).then(pl.col("low") + 0.003).otherwise("low")
    bars = from_frame(as_single(CENTS.with_columns(low=odd)), symbol="PETR4")
    assert [(one.kind, one.count > 1) for one in bars.quality.findings] == [
        ("float32", True), ("off_grid", False),
    ]  # fmt: skip


@pytest.mark.parametrize("symbol", ["PETR4", "XYZ"])
def test_collected_file_of_single_precision(symbol: str) -> None:
    bars = read_bars(case("05"), symbol=symbol)
    assert bars.instrument.grid == tick_grid(0.01)
    assert {one.kind for one in bars.quality.findings} == {"zone", "float32"}
    assert bars.quality.clean


def test_recorded_shares_are_the_same_in_single_precision() -> None:
    path = SHARED / "petr4_m1_2020-08_2020-12.parquet"
    if not path.exists():
        pytest.skip("the recorded bars are not beside the project")
    recorded: Any = pl.read_parquet(path)
    bars = from_frame(as_single(recorded), symbol="XYZ")
    assert bars.sha256 == from_frame(recorded, symbol="XYZ").sha256
    assert bars.instrument.grid == Grid(1, 100)
