"""Why moves were missed: no row without a reason, and every reason holds when looked up."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import polars as pl
import pytest

import alertlib as al
from alertlib.kernels.policy import REASONS
from tests.support.synthetic import bars_of, walk

BARS = bars_of(walk(103, sessions=40), timeframe="M5")
EARLY = 2


def run_of(**changes: Any) -> al.Run:
    config = al.Config()
    for name, value in changes.items():
        config = config.set(name.replace("__", "."), value)
    return al.backtest(BARS, config, audits="none", chance=False)


@pytest.fixture(scope="module", params=[
    {},
    {"policy__min_severity": "CRITICO"},
    {"detection__enabled": ("directional_change",)},
    {"detection__enabled": ("rsi_divergence",)},
    {"scoring__min_move_left": 0.6},
])  # fmt: skip
def run(request: pytest.FixtureRequest) -> al.Run:
    return run_of(**request.param)


def bar_at(run: al.Run, time: Any) -> int:
    return run.scored.detected.series.times().to_list().index(time)


def test_every_missed_move_has_its_reason(run: al.Run) -> None:
    missed = run.missed()

    assert missed.height == (~run.opportunities["captured"]).sum() > 0
    for name in ("reason", "why", "against", "reachable", "near_detector", "near"):
        assert missed[name].null_count() == 0, name


def test_signals_against_a_move_are_told_beside_a_reason_of_another_kind(run: al.Run) -> None:
    """Found by reading: a signal 45 minutes early was told, two against the move were not."""
    made = pl.concat([f.select("bar_time", "direction") for f in (run.alerts, run.suppressed)])
    told = 0
    for row in run.missed().iter_rows(named=True):
        start = row["time_start"] - EARLY * timedelta(minutes=5)
        inside = pl.col("bar_time").is_between(start, row["time_end"], closed="left")
        against = made.filter(inside, direction=-row["direction"]).height
        assert row["against"] == against
        said = f"; {against} against it where one would count"
        assert (said in row["why"]) == (against > 0 and row["reason"] != "opposite")
        told += said in row["why"]
    assert told


def test_a_reason_holds_when_its_signal_is_looked_up(run: al.Run) -> None:
    made = pl.concat(
        [
            frame.select("bar_time", "direction", "pattern").with_columns(delivered=pl.lit(there))
            for frame, there in ((run.alerts, True), (run.suppressed, False))
        ]
    )
    least = run.config.scoring.min_move_left
    opened = BARS.frame.select("time", "open")
    for row in run.missed().iter_rows(named=True):
        start, end = (bar_at(run, row[name]) for name in ("time_start", "time_end"))
        if row["signal_time"] is None:
            assert row["reason"] == "no_signal"
            continue
        signal = made.filter(
            bar_time=row["signal_time"], direction=row["signal_direction"],
            pattern=row["signal_pattern"],
        )  # fmt: skip
        assert signal.height == 1
        bar = bar_at(run, row["signal_time"])
        assert row["signal_bars"] == bar - start
        own = row["signal_direction"] == row["direction"]
        assert own == (row["reason"] != "opposite")
        nxt = opened.filter(pl.col("time") > row["signal_time"])["open"]
        size = abs(row["price_end"] - row["price_start"])
        left = (row["price_end"] - nxt[0]) * row["direction"] / size if len(nxt) else 0.0
        holds = {
            "too_early": bar < start - EARLY,
            "too_late": bar + 1 > end,
            "too_little_left": start - EARLY <= bar < end and left < least,
            "opposite": start - EARLY <= bar < end,
        }
        if row["reason"] in holds:
            assert holds[row["reason"]]
        else:
            assert row["reason"] in REASONS
            assert not signal["delivered"][0]
            assert row["reason"] in row["reasons"]
            assert start - EARLY <= bar < end
            assert left >= least


def test_a_move_that_a_held_back_alert_would_have_caught_says_so(run: al.Run) -> None:
    missed = run.missed()

    held = missed["reason"].is_in(REASONS)
    assert held.to_list() == (missed["suppressed"] > 0).to_list()


def test_the_reasons_of_these_runs_are_of_every_kind() -> None:
    found = {
        reason
        for changes in ({}, {"policy__min_severity": "CRITICO"}, {"scoring__min_move_left": 0.6},
                        {"detection__enabled": ("rsi_divergence",)})
        for reason in run_of(**changes).missed()["reason"]
    }  # fmt: skip

    assert {
        "severity", "cooldown", "window", "too_early", "too_late", "too_little_left", "opposite",
        "no_signal",
    } <= found  # fmt: skip


def test_the_nearest_approach_is_the_nearest(run: al.Run) -> None:
    """Of a detector's bars at which an alert would count, none had fewer limits unmet."""
    for row in run.missed().head(5).iter_rows(named=True):
        told = run.explain_move(row["opportunity_id"])
        assert told.why == row["why"]
        first = told.detectors.row(0, named=True)
        assert first["detector"] == row["near_detector"]
        assert f"at {first['time']:%H:%M}: " in row["near"]
        unmet = told.detectors.filter(~pl.col("met")).group_by("detector").len()
        fewest = unmet.filter(detector=first["detector"])["len"]
        assert fewest[0] == unmet["len"].min()
        assert first["signal"] != row["direction"]


def test_without_detectors_that_is_the_reason() -> None:
    missed = run_of(detection__enabled=()).missed()

    assert missed["why"].str.starts_with("no detector is enabled").all()
    assert missed["near"].is_null().all()


def test_detectors_in_their_warm_up_are_the_reason() -> None:
    run = run_of(detection__enabled=("rsi_divergence",), scoring__warmup_bars=0,
                 scoring__sessions=40)  # fmt: skip
    early = run.missed().filter(pl.col("time_end") < run.scored.detected.series.times()[500])

    assert early.height
    assert set(early["reason"]) == {"warm_up"}
    assert set(early["why"]) == {"still in their warm-up: rsi_divergence"}


def test_what_no_alert_can_reach_is_told_so() -> None:
    run = run_of(policy__window_start="11:00", policy__window_end="11:30")
    missed = run.missed()

    beyond = missed.filter(~pl.col("reachable"))
    assert beyond.height
    assert beyond["why"].str.ends_with("no bar that can be delivered would have counted").all()
    ceiling = run.scorecard.rates["oracle_ceiling"]
    assert beyond.height == round((1 - ceiling) * run.opportunities.height)


def test_a_captured_move_names_its_alert(run: al.Run) -> None:
    moves = run.opportunities.filter(captured=True)
    if moves.height:
        row = moves.row(0, named=True)
        told = run.explain_move(row["opportunity_id"])
        assert told.why == f"captured by alert {row['alert_id']}"
        assert len(repr(told).splitlines()) <= 25
        assert told._repr_html_().startswith("<pre>")


@pytest.mark.parametrize("number", [-1, 10**6, "3", True, None])
def test_a_move_there_is_not_is_refused(number: Any) -> None:
    with pytest.raises(al.DataError, match="expected a whole number from 0 to"):
        run_of().explain_move(number)
