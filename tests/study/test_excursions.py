"""Excursions against a loop over each trade's bars."""

from __future__ import annotations

import pytest
from polars.testing import assert_frame_equal

from alertlib.backtesting.run import Run
from tests.support.backtests import FORTY_SESSIONS, run_of
from tests.support.steps import mirrored
from tests.support.synthetic import walk

ROWS = walk(92, sessions=12)
UNSIGNED = ("outcome", "exit_reason", "pnl_points", "r", "bars", "mfe_points", "mae_points",
            "risk_points", "target_points", "mfe_r", "mae_r", "target_r")  # fmt: skip


def test_excursions_are_those_of_a_loop_over_the_bars(plain: Run) -> None:
    alerts = {alert["id"]: alert for alert in plain.alerts.to_dicts()}
    rows = plain.excursions().to_dicts()

    assert len(rows) == plain.scorecard.counts["trades"]
    for row in rows:
        alert = alerts[row["alert_id"]]
        inside = [b for b in FORTY_SESSIONS if row["entry_time"] <= b[0] <= row["exit_time"]]
        highest, lowest = max(b[2] for b in inside), min(b[3] for b in inside)
        best, worst = (highest, lowest) if row["direction"] > 0 else (lowest, highest)
        entry, sign = alert["entry_price"], row["direction"]
        risk = abs(alert["price"] - alert["stop"])
        assert row["bars"] == len(inside)
        assert row["outcome"] == alert["outcome"]
        assert row["pnl_points"] == alert["pnl_points"]
        assert row["mfe_points"] == pytest.approx(sign * (best - entry))
        assert row["mae_points"] == pytest.approx(sign * (worst - entry))
        assert row["risk_points"] == pytest.approx(risk)
        assert row["target_points"] == pytest.approx(abs(alert["target"] - alert["price"]))
        for name in ("mfe", "mae", "target"):
            assert row[f"{name}_r"] == pytest.approx(row[f"{name}_points"] / risk)


def test_means_are_the_scorecards(plain: Run) -> None:
    frame, trade = plain.excursions(), plain.scorecard.trade

    assert frame["mfe_points"].mean() == pytest.approx(trade["mean_favourable_points"])
    assert frame["mae_points"].mean() == pytest.approx(trade["mean_adverse_points"])
    assert frame["r"].mean() == pytest.approx(trade["expectancy_r"])


def test_no_excursion_falls_short_of_the_level_that_ended_its_trade(plain: Run) -> None:
    """A target is reached and a stop was hit, whatever the slippage at the entry."""
    frame = plain.excursions()
    alerts = {alert["id"]: alert for alert in plain.alerts.to_dicts()}
    for row in frame.to_dicts():
        alert, sign = alerts[row["alert_id"]], row["direction"]
        if row["exit_reason"] == "stop":
            assert row["mae_points"] <= sign * (alert["stop"] - alert["entry_price"]) + 1e-9
        if row["exit_reason"] == "target":
            assert row["mfe_points"] >= sign * (alert["target"] - alert["entry_price"]) - 1e-9


def test_prices_moved_by_a_constant_leave_every_excursion() -> None:
    moved = [(t, *(p + 10_000.0 for p in prices)) for t, *prices in ROWS]

    before, after = (run_of(rows).excursions() for rows in (ROWS, moved))

    assert_frame_equal(before.drop("alert_id"), after.drop("alert_id"))


def test_mirrored_prices_leave_every_excursion() -> None:
    before, after = (run_of(rows).excursions() for rows in (ROWS, mirrored(ROWS)))

    assert before["direction"].to_list() == (-after["direction"]).to_list()
    assert_frame_equal(before.select(UNSIGNED), after.select(UNSIGNED))
