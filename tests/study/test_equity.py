"""Running totals and drawdowns against a plain loop, and the scorecard's own totals."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertlib.backtesting.run import Run
from alertlib.study.equity import Unit, deepest_drawdown, equity_frame

START = datetime(2021, 4, 5, 9, 0)


def trades_of(results: list[tuple[int, float]]) -> pl.DataFrame:
    """Trades that end so many minutes after the start with these points; R is a tenth of them."""
    return pl.DataFrame(
        {
            "alert_id": [str(i) for i in range(len(results))],
            "pattern": "p",
            "direction": 1,
            "entry_time": START,
            "exit_time": [START + timedelta(minutes=m) for m, _ in results],
            "exit_reason": "time",
            "pnl_points": [p for _, p in results],
            "r": [p / 10 for _, p in results],
        },
        schema_overrides={"exit_time": pl.Datetime("us"), "pnl_points": pl.Float64},
    )


RESULTS = st.lists(st.tuples(st.integers(0, 9), st.integers(-40, 40).map(float)), min_size=1)


@given(RESULTS)
def test_each_trade_is_booked_when_it_ends(results: list[tuple[int, float]]) -> None:
    frame = equity_frame(trades_of(results))

    in_order = sorted(enumerate(results), key=lambda row: row[1][0])
    total = highest = deepest = 0.0
    for row, (number, (_, points)) in zip(frame.to_dicts(), in_order, strict=True):
        total += points
        highest = max(highest, total)
        deepest = min(deepest, total - highest)
        assert row["alert_id"] == str(number)
        assert row["equity_points"] == total
        assert row["drawdown_points"] == total - highest
        assert row["drawdown_r"] == pytest.approx((total - highest) / 10)
    assert deepest_drawdown(frame, "points").depth == -deepest


@given(RESULTS)
def test_the_deepest_drawdown_runs_from_its_peak_to_its_trough(
    results: list[tuple[int, float]],
) -> None:
    frame = equity_frame(trades_of(results))
    fall = deepest_drawdown(frame, "points")
    total = [0.0, *frame["equity_points"].to_list()]

    assert total[fall.peak] - total[fall.trough] == fall.depth
    assert total[fall.peak] == max(total[: fall.trough + 1])
    assert fall.peak <= fall.trough


def test_a_start_that_loses_falls_from_the_start() -> None:
    assert deepest_drawdown(equity_frame(trades_of([(1, -5.0), (2, 3.0)])), "points") == (5.0, 0, 1)


def test_what_only_rises_has_no_drawdown() -> None:
    assert deepest_drawdown(equity_frame(trades_of([(1, 5.0), (2, 3.0)])), "r") == (0.0, 0, 0)


@pytest.mark.parametrize(("unit", "mean"), [("points", "expectancy_points"), ("r", "expectancy_r")])
def test_the_last_total_is_the_scorecards(plain: Run, unit: Unit, mean: str) -> None:
    card = plain.scorecard
    last = plain.equity()[f"equity_{unit}"][-1]

    assert len(plain.equity()) == card.counts["trades"]
    assert last == pytest.approx(card.trade[mean] * card.counts["trades"])
    if unit == "points":
        assert last == pytest.approx(card.trade["total_points"])
        assert last == pytest.approx(sum(s["points"] for s in card.per_session))
