"""The scorecard recomputed from the tables and the bars alone."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from alertlib.backtesting.run import Run
from tests.support.backtests import FORTY_SESSIONS


def test_win_rate_recomputed_by_a_slow_loop(plain: Run) -> None:
    """From the alert table and the bars, knowing nothing else: stop, target, next opens."""
    at = {row[0]: i for i, row in enumerate(FORTY_SESSIONS)}
    wins = trades = 0
    for alert in plain.alerts.iter_rows(named=True):
        if alert["outcome"] in ("unscored", "censored"):
            continue
        i = at[alert["bar_time"]]
        day = [
            r for r in FORTY_SESSIONS[i + 1 : i + 200] if r[0].date() == alert["bar_time"].date()
        ]
        if not day:
            continue
        d, stop, target = alert["direction"], alert["stop"], alert["target"]
        entry = day[0][1] + 5.0 * d
        held = day[:24]
        fill = held[-1][4] - 5.0 * d
        for _, open_, high, low, _ in held:
            worst, best = (low, high) if d > 0 else (high, low)
            if (worst - stop) * d <= 0:
                fill = (stop if (open_ - stop) * d > 0 else open_) - 5.0 * d
                break
            if (best - target) * d >= 5.0:
                fill = target
                break
        trades += 1
        wins += (fill - entry) * d - 2.56 > 0

    assert trades == plain.scorecard.counts["trades"]
    assert wins == plain.scorecard.counts["wins"]
    assert plain.scorecard.criterion("win_rate").value == wins / trades


def test_the_figures_of_the_scorecard_are_those_of_its_tables(plain: Run) -> None:
    card, alerts, trades, moves = plain.scorecard, plain.alerts, plain.trades, plain.opportunities
    outcome = dict(alerts["outcome"].value_counts().iter_rows())
    assert outcome.get("tp") == card.counts["tp"]
    assert outcome.get("fp") == card.counts["false_positives"]
    assert outcome.get("redundant") == card.counts["redundant"]
    assert moves["captured"].sum() == card.counts["captured"]
    points = trades["pnl_points"]
    assert card.trade["expectancy_points"] == pytest.approx(points.mean())
    assert card.trade["expectancy_brl"] == pytest.approx(0.2 * points.mean())
    assert card.trade["expectancy_r"] == pytest.approx(trades["r"].mean())
    assert card.trade["profit_factor"] == pytest.approx(
        points.filter(points > 0).sum() / -points.filter(points < 0).sum()
    )
    assert card.trade["outside_entry_band"] == pytest.approx(trades["outside_entry_band"].mean())
    assert card.rates["ambiguous_share"] == pytest.approx(trades["ambiguous"].mean())
    assert card.trade["mean_favourable_points"] == pytest.approx(trades["mfe_points"].mean())
    assert card.trade["mean_adverse_points"] == pytest.approx(trades["mae_points"].mean())

    hits = alerts.filter(pl.col("outcome") == "tp").join(moves, on="opportunity_id", how="left")
    onset = (hits["bar_time"] - hits["time_start"]).dt.total_minutes() / 5
    assert card.timeliness["bars_from_onset"] == onset.median()
    opens = dict(zip((r[0] for r in FORTY_SESSIONS), (r[1] for r in FORTY_SESSIONS), strict=True))
    left = [
        (row["price_end"] - opens[row["entry_time"]]) * row["direction"] / row["points"]
        for row in hits.iter_rows(named=True)
    ]
    quartiles = np.quantile(left, (0.25, 0.5, 0.75))
    expected = dict(zip(("q25", "median", "q75"), quartiles, strict=True))
    assert card.timeliness["move_left"] == pytest.approx(expected)


def test_parts_of_the_scorecard_add_up_to_the_whole(plain: Run) -> None:
    card = plain.scorecard
    names = ("alerts", "tp", "false_positives", "redundant", "trades", "wins", "captured")
    for name in names:
        assert sum(row[name] for row in card.per_detector) == card.counts[name], name
    for name, key in (("opportunities", "opportunities"), ("fp", "false_positives"), ("tp", "tp")):
        assert sum(row[name] for row in card.per_session) == card.counts[key]
    assert sum(row["points"] for row in card.per_session) == pytest.approx(
        card.trade["total_points"]
    )
    assert sum(card.counts["suppressed"].values()) == sum(
        held.date().isoformat() in {s["date"] for s in card.per_session}
        for held in plain.suppressed["bar_time"]
    )
    (default,) = [r for r in card.sensitivity if (r["k"], r["min_move_left"]) == (3, 0)]
    assert default["capture_rate"] == card.rates["capture_rate"]
    assert default["false_positive_share"] == card.rates["false_positive_share"]


def test_levels_are_fixed_in_the_alert_and_traded_as_they_stand(plain: Run) -> None:
    for row in plain.alerts.filter(pl.col("exit_reason") == "target").iter_rows(named=True):
        assert row["exit_price"] == row["target"]
    stopped = plain.alerts.filter(pl.col("exit_reason") == "stop")
    assert stopped.height > 50
    for row in stopped.iter_rows(named=True):
        assert (row["exit_price"] - row["stop"]) * row["direction"] <= -5.0
