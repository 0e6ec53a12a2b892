"""Counts by hour and weekday against a plain loop over the run's own frames."""

from __future__ import annotations

from collections import Counter
from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertlib.backtesting.run import Run
from alertlib.errors import ConfigError
from alertlib.stats.intervals import clustered_interval, session_weights
from alertlib.study.by_session import percentile_bounds
from alertlib.study.hours import By
from tests.support.backtests import run_of
from tests.support.synthetic import walk

SUMMED = ("opportunities", "captured", "alerts", "tp", "false_positives", "redundant", "trades",
          "wins")  # fmt: skip


@pytest.mark.parametrize("by", ["hour", "weekday"])
def test_the_slots_add_up_to_the_scorecard(plain: Run, by: By) -> None:
    frame, card = plain.hours(by), plain.scorecard

    assert {name: frame[name].sum() for name in SUMMED} == {n: card.counts[n] for n in SUMMED}
    assert frame["points"].sum() == pytest.approx(card.trade["total_points"])


def test_hours_are_counted_as_a_loop_over_alerts_and_moves_does(plain: Run) -> None:
    outcome, hits, moves, captured = Counter(), Counter(), Counter(), Counter()
    points: dict[int, list[float]] = {}
    for alert in plain.alerts.filter(pl.col("outcome").is_in(["tp", "fp", "redundant"])).to_dicts():
        hour = alert["time"].hour
        outcome[hour, alert["outcome"]] += 1
        if alert["pnl_points"] is not None:
            points.setdefault(hour, []).append(alert["pnl_points"])
            hits[hour] += alert["pnl_points"] > 0
    for move in plain.opportunities.to_dicts():
        moves[move["time_start"].hour] += 1
        captured[move["time_start"].hour] += move["captured"]

    rows = plain.hours().to_dicts()
    assert [row["hour"] for row in rows] == sorted({h for h, _ in outcome} | set(moves))
    for row in rows:
        hour, traded = row["hour"], points.get(row["hour"], [])
        tp, fp = outcome[hour, "tp"], outcome[hour, "fp"]
        assert (row["tp"], row["false_positives"]) == (tp, fp)
        assert row["redundant"] == outcome[hour, "redundant"]
        assert (row["opportunities"], row["captured"]) == (moves[hour], captured[hour])
        assert (row["trades"], row["wins"]) == (len(traded), hits[hour])
        assert row["points"] == pytest.approx(sum(traded))
        assert row["capture_rate"] == (captured[hour] / moves[hour] if moves[hour] else None)
        assert row["false_positive_share"] == (fp / (tp + fp) if tp + fp else None)
        assert row["win_rate"] == (hits[hour] / len(traded) if traded else None)
        if traded:
            assert row["expectancy_points"] == pytest.approx(sum(traded) / len(traded))


def test_weekdays_are_those_of_the_sessions(plain: Run) -> None:
    days = [date.fromisoformat(s["date"]).weekday() for s in plain.scorecard.per_session]
    wins = Counter()
    for weekday, session in zip(days, plain.scorecard.per_session, strict=True):
        wins[weekday] += session["wins"]

    frame = plain.hours("weekday")
    assert dict(zip(frame["weekday"], frame["wins"], strict=True)) == dict(wins)


def test_intervals_are_those_of_the_scorecards_bootstrap(plain: Run) -> None:
    """Of each hour, from sessions counted by a loop and the whole table of weights."""
    settings, sessions = plain.config.scoring, [s["date"] for s in plain.scorecard.per_session]
    rng = np.random.default_rng((settings.seed, 0))
    weights = session_weights(len(sessions), settings.bootstrap, rng)
    for row in plain.hours().to_dicts():
        hits, total = np.zeros((2, len(sessions)), dtype=np.int64)
        points = np.zeros(len(sessions))
        scored = pl.col("outcome").is_in(["tp", "fp", "redundant"])
        for alert in plain.alerts.filter(scored).to_dicts():
            if alert["time"].hour == row["hour"] and alert["pnl_points"] is not None:
                place = sessions.index(alert["bar_time"].date().isoformat())
                hits[place] += alert["pnl_points"] > 0
                total[place] += 1
                points[place] += alert["pnl_points"]
        interval = clustered_interval(hits, total, weights)
        if interval is None:
            assert row["win_rate_low"] is None
            continue
        assert (row["win_rate_low"], row["win_rate_high"]) == (interval.low, interval.high)
        drawn = weights @ total
        means = (weights @ points)[drawn > 0] / drawn[drawn > 0]
        low, high = np.quantile(means, (0.025, 0.975))
        assert row["expectancy_points_low"] == pytest.approx(low)
        assert row["expectancy_points_high"] == pytest.approx(high)


@given(
    st.lists(
        st.lists(st.tuples(st.floats(-9, 9), st.integers(0, 3)), min_size=7, max_size=7),
        min_size=1,
        max_size=4,
    )
)
def test_percentiles_are_numpys_over_the_runs_that_have_a_count(
    rows: list[list[tuple[float, int]]],
) -> None:
    sums, counts = np.moveaxis(np.array(rows, dtype=float), 2, 0)

    found = np.array(percentile_bounds(sums, counts)).T

    for bounds, total, count in zip(found, sums, counts, strict=True):
        means = total[count > 0] / count[count > 0]
        if len(means):
            assert bounds == pytest.approx(np.quantile(means, (0.025, 0.975)))
        else:
            assert np.isnan(bounds).all()


def test_without_alerts_rates_are_null_and_moves_stay() -> None:
    silent = run_of(
        walk(1, sessions=9), detection__enabled=("volatility",),
        detection__volatility__threshold_sigma=50.0,
    )  # fmt: skip
    frame = silent.hours()

    assert frame["opportunities"].sum() == silent.scorecard.counts["opportunities"] > 0
    for name in ("win_rate", "win_rate_low", "expectancy_points", "expectancy_points_high"):
        assert frame[name].null_count() == len(frame)
        assert frame[name].dtype == pl.Float64


def test_without_a_scored_session_there_is_no_slot() -> None:
    """Resampling nothing was an error."""
    assert run_of(walk(1, sessions=2)).hours("weekday").is_empty()


def test_another_slot_is_refused(plain: Run) -> None:
    with pytest.raises(ConfigError, match=r"^by: got 'minute'; expected one of hour, weekday$"):
        plain.hours("minute")  # type: ignore[arg-type]
