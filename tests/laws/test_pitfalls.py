"""Ways in which a backtest fools itself, each a test."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from alertlib.backtesting.backtester import backtest
from alertlib.backtesting.run import Run
from alertlib.config import Config
from tests.support.backtests import FORTY_SESSIONS, run_of
from tests.support.synthetic import bars_of, walk


def test_an_alert_is_stamped_when_it_can_be_known_and_filled_after(plain: Run) -> None:
    alerts = plain.alerts
    assert (alerts["time"] - alerts["bar_time"] == timedelta(minutes=5)).all()
    entered = alerts.filter(pl.col("entry_time").is_not_null())
    assert (entered["entry_time"] >= entered["time"]).all()
    opens = dict(zip((r[0] for r in FORTY_SESSIONS), (r[1] for r in FORTY_SESSIONS), strict=True))
    for row in entered.iter_rows(named=True):
        assert row["entry_price"] == opens[row["entry_time"]] + 5.0 * row["direction"]


def test_the_last_bar_cut_off_changes_no_earlier_alert(plain: Run) -> None:
    """Whatever is appended to a file, the alerts before it stay: no day's high, no hindsight."""
    for cut in (1, 30, 107, 500):
        shorter = run_of(FORTY_SESSIONS[:-cut])
        ids = shorter.alerts["id"].to_list()
        assert plain.alerts["id"].to_list()[: len(ids)] == ids


def test_a_partial_session_is_left_out_of_the_score_but_not_of_the_indicators(plain: Run) -> None:
    day = datetime(2021, 5, 12)
    partial = [r for r in FORTY_SESSIONS if r[0].date() != day.date() or r[0].hour < 13]
    assert day.date().isoformat() in {s["date"] for s in plain.scorecard.per_session}

    run = run_of(partial)

    assert day.date().isoformat() not in {s["date"] for s in run.scorecard.per_session}
    assert day.date().isoformat() in run.scorecard.data["quality"]["short_sessions"]
    outcomes = run.alerts.filter(pl.col("bar_time").dt.date() == day.date())["outcome"]
    assert len(outcomes)
    assert set(outcomes) == {"unscored"}
    # Without the day at all, the next morning's averages would be others.
    gone = run_of([r for r in FORTY_SESSIONS if r[0].date() != day.date()])
    after = pl.col("bar_time").dt.date() > day.date()
    assert run.alerts.filter(after)["stop"].to_list() != gone.alerts.filter(after)["stop"].to_list()


def test_a_day_without_its_first_bars_is_scored_by_the_clock(plain: Run) -> None:
    """A late open: the bars there are keep their times, alerts and moves."""
    day = date(2021, 5, 12)
    first = datetime(2021, 5, 12, 9, 15)
    late = [r for r in FORTY_SESSIONS if r[0].date() != day or r[0] >= first]

    run = run_of(late)

    entries = run.alerts.filter(pl.col("bar_time").dt.date() == day)["entry_time"].drop_nulls()
    assert entries.min() >= first
    before = pl.col("bar_time").dt.date() < day
    assert run.alerts.filter(before)["id"].to_list() == plain.alerts.filter(before)["id"].to_list()


def test_an_alert_is_delivered_once(plain: Run) -> None:
    assert plain.alerts["id"].is_unique().all()
    keys = plain.alerts.select("bar_time", "direction")
    assert keys.is_unique().all()


def test_a_bar_given_twice_does_not_alert_twice(plain: Run) -> None:
    doubled = [row for i, row in enumerate(FORTY_SESSIONS) for _ in range(1 + (i % 50 == 0))]

    run = run_of(doubled)

    assert run.alerts["id"].to_list() == plain.alerts["id"].to_list()
    assert run.scorecard.counts == plain.scorecard.counts


def test_runs_side_by_side_do_not_disturb_each_other() -> None:
    """The same runs one after another and in four threads: to the last character."""
    config = Config().set("scoring.null_runs", 49).set("scoring.bootstrap", 100)
    files = [bars_of(walk(seed, sessions=10)) for seed in range(4)]

    def card(bars: Any) -> str:
        return backtest(bars, config, audits="quick", engine="compiled").scorecard.to_json()

    alone = [card(bars) for bars in files]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(card, files))

    assert together == alone


def test_both_engines_write_the_same_scorecard() -> None:
    config = Config().set("scoring.null_runs", 49).set("scoring.bootstrap", 100)
    bars = bars_of(walk(94, sessions=14))

    interpreted, compiled = (
        backtest(bars, config, engine=engine).scorecard.to_json()
        for engine in ("interpreted", "compiled")
    )

    assert interpreted == compiled
