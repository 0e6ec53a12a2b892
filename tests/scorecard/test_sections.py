"""The sections of a scorecard, counted again row by row from the tables of its run."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

import alertlib as al
from alertlib.backtesting.run import Run
from alertlib.config import Config
from alertlib.config.schema import Chosen
from alertlib.detection.builtin import BUILT_IN
from alertlib.scorecard import sections
from alertlib.scoring.scored import Scored
from alertlib.stats.nulls import CoinFlipRates
from tests.support.backtests import run_of
from tests.support.synthetic import frame, walk

Row = dict[str, Any]


@pytest.fixture(scope="module")
def run() -> Run:
    """Fourteen sessions, eight of them scored, with more redundant alerts than captures."""
    enabled = ("volatility", "engulfing", "rsi_divergence", "breakout", "directional_change")
    return run_of(walk(211, sessions=14), detection__enabled=enabled, policy__cooldown_bars=0)


def scored_rows(run: Run) -> list[Row]:
    return [row for row in run.alerts.iter_rows(named=True) if row["outcome"] != "unscored"]


def counted(rows: list[Row], moves: int) -> Row:
    """The counts of some alerts, from their rows alone."""
    outcomes = [row["outcome"] for row in rows]
    tp, fp, redundant = (outcomes.count(o) for o in ("tp", "fp", "redundant"))
    points = [row["pnl_points"] for row in rows if row["pnl_points"] is not None]
    wins = sum(p > 0 for p in points)
    return {
        "alerts": len(rows), "tp": tp, "false_positives": fp, "redundant": redundant,
        "false_positive_share": fp / (tp + fp) if tp + fp else None,
        "trades": len(points), "wins": wins, "win_rate": wins / len(points) if points else None,
        "expectancy_points": pytest.approx(sum(points) / len(points)) if points else None,
    }  # fmt: skip


def test_each_patterns_counts_are_those_of_its_alerts(run: Run) -> None:
    rows, moves = scored_rows(run), run.opportunities
    found = sections.detector_section(run.scored)

    names = [(row["name"], row["pattern"]) for row in found]
    assert sorted(names) == sorted((n, p) for n in BUILT_IN for p in set(BUILT_IN[n].patterns))
    for row in found:
        mine = [r for r in rows if r["pattern"] == row["pattern"]]
        ids = {r["id"] for r in mine}
        captured = sum(by in ids for by in moves["alert_id"])
        expected = counted(mine, moves.height)
        assert {k: row[k] for k in expected} == expected
        assert (row["captured"], row["capture_rate"]) == (captured, captured / moves.height)
    assert len({row["alerts"] for row in found}) > 3


def test_each_sessions_counts_are_those_of_its_alerts(run: Run) -> None:
    rows, moves = scored_rows(run), run.opportunities
    found = sections.session_section(run.scored)

    assert [row["date"] for row in found] == sorted({row["date"] for row in found})
    for row in found:
        mine = [r for r in rows if r["bar_time"].date().isoformat() == row["date"]]
        expected = counted(mine, moves.height)
        begun = moves.filter(moves["time_start"].dt.date().cast(str) == row["date"])
        points = sum(r["pnl_points"] for r in mine if r["pnl_points"] is not None)
        assert (row["tp"], row["fp"], row["redundant"], row["trades"], row["wins"]) == (
            expected["tp"], expected["false_positives"], expected["redundant"],
            expected["trades"], expected["wins"],
        )  # fmt: skip
        assert (row["opportunities"], row["captured"]) == (
            begun.height, begun["captured"].sum(),
        )  # fmt: skip
        assert row["points"] == pytest.approx(points)
        assert (row["bars"], row["expected"]) == (107, 107)


def test_the_rates_are_those_of_the_counts(run: Run) -> None:
    counts, rates = sections.count_section(run.scored), sections.rate_section(run.scored)
    tp, fp, redundant = (counts[name] for name in ("tp", "false_positives", "redundant"))

    assert counts["alerts"] == tp + fp + redundant == len(scored_rows(run)) - counts["censored"]
    assert rates["fp_share_all"] == fp / (tp + fp + redundant)
    assert rates["fp_share_strict"] == (fp + redundant) / (tp + fp + redundant)
    assert rates["redundant_per_capture"] == redundant / counts["captured"]
    trades = run.trades
    assert rates["ambiguous_share"] == trades["ambiguous"].mean()
    assert counts["ambiguous"] == trades["ambiguous"].sum()
    optimistic = sum(
        row["ambiguous"] or row["pnl_points"] > 0 for row in trades.iter_rows(named=True)
    )
    assert rates["optimistic_win_rate"] == pytest.approx(optimistic / trades.height)
    days = {row["date"] for row in sections.session_section(run.scored)}
    held = [
        row["reason"]
        for row in run.suppressed.iter_rows(named=True)
        if row["bar_time"].date().isoformat() in days
    ]
    assert {k: n for k, n in counts["suppressed"].items() if n} == dict(Counter(held))
    assert list(counts["suppressed"]) == [
        "severity", "window", "duplicate", "rate_limit", "cooldown", "accept",
    ]  # fmt: skip


def test_what_trades_earned_and_had_to(run: Run) -> None:
    """From the alerts' levels and the trades' points, both in points."""
    made = sections.trade_section(run.scored)
    rows = [row for row in scored_rows(run) if row["pnl_points"] is not None]
    stops = [abs(row["price"] - row["stop"]) for row in rows]
    targets = [abs(row["target"] - row["price"]) for row in rows]
    points = [row["pnl_points"] for row in rows]

    mean_stop, mean_target = (sum(x) / len(x) for x in (stops, targets))
    expected = {
        "mean_stop_points": mean_stop, "mean_target_points": mean_target, "fees_points": 2.56,
        "total_points": sum(points), "expectancy_points": sum(points) / len(points),
        "expectancy_brl": 0.2 * sum(points) / len(points),
        "expectancy_r": sum(p / s for p, s in zip(points, stops, strict=True)) / len(points),
        "profit_factor": sum(p for p in points if p > 0) / -sum(p for p in points if p < 0),
        # A win pays the fees and one tick of 5 points, a loss the fees and two.
        "break_even_win_rate": (mean_stop + 12.56) / (mean_stop + 12.56 + mean_target - 7.56),
        "outside_entry_band": run.trades["outside_entry_band"].mean(),
    }  # fmt: skip
    assert {name: made[name] for name in expected} == pytest.approx(expected)


def test_the_profit_factor_counts_gains_and_losses_of_fractions_of_a_point(run: Run) -> None:
    trades = run.scored.trades
    small = replace(run.scored, trades=replace(trades, points=trades.points / 1_000.0))

    factor = sections.trade_section(run.scored)["profit_factor"]
    assert sections.trade_section(small)["profit_factor"] == pytest.approx(factor)


@pytest.mark.parametrize("known", [(None, 30.0, 1.0), (20.0, None, 1.0), (20.0, 30.0, None)])
def test_nothing_breaks_even_where_a_part_is_not_known(known: tuple[Any, ...]) -> None:
    assert sections._break_even(20.0, 30.0, 1.0, 0.5) == (20.0 + 2.0) / (50.0 + 0.5)
    assert sections._break_even(*known, 0.5) is None


def test_points_are_worth_money_only_where_all_of_their_price_is_known(run: Run) -> None:
    instrument = run.scored.detected.series.instrument

    def with_instrument(**changes: Any) -> Scored:
        series = replace(run.scored.detected.series, instrument=replace(instrument, **changes))
        return replace(run.scored, detected=replace(run.scored.detected, series=series))

    assert sections._brl(run.scored, 10.0) == 2.0
    assert sections._brl(with_instrument(point_value=None), 10.0) is None
    assert sections._brl(with_instrument(fees=()), 10.0) is None
    adjusted = with_instrument(grid=replace(instrument.grid, on_tick=False))
    assert sections._brl(adjusted, 10.0) is None
    told = replace(
        with_instrument(fees=()),
        settings=run.config.set("trade.fees_points", 1.0),
    )
    assert sections._brl(told, 10.0) == 2.0


# --- what may have been seen before -------------------------------------------------------


def seen(run: Run, chosen: Chosen, until: date | None = None) -> int:
    detected = run.scored.detected
    first, *others = detected.rules.detectors
    rules = replace(detected.rules, detectors=(replace(first, fitted_until=until), *others))
    settings = replace(run.scored.settings, chosen=chosen)
    scored = replace(run.scored, settings=settings, detected=replace(detected, rules=rules))
    return sections.seen_sessions(scored)


def test_sessions_seen_before_are_those_up_to_and_within_the_dates(run: Run) -> None:
    days = [date.fromisoformat(row["date"]) for row in sections.session_section(run.scored)]
    assert len(days) == 8
    nothing, day = Chosen(), timedelta(days=1)

    assert seen(run, nothing) == 0
    assert seen(run, nothing, until=days[0] - day) == 0
    assert seen(run, nothing, until=days[0]) == 1
    assert seen(run, nothing, until=days[7]) == 8
    assert seen(run, Chosen(str(days[2]), str(days[4]))) == 3
    assert seen(run, Chosen(str(days[2]), str(days[4])), until=days[2]) == 5
    assert seen(run, Chosen(str(days[7] + day), str(days[7] + day))) == 0
    assert seen(run, Chosen(first=str(days[2]))) == 0  # no end, nothing chosen


def test_only_a_detector_of_ones_own_that_says_nothing_may_be_in_sample(run: Run) -> None:
    detected = run.scored.detected
    first, *others = detected.rules.detectors

    def possible(**changes: Any) -> bool:
        rules = replace(detected.rules, detectors=(replace(first, **changes), *others))
        return sections.in_sample_possible(
            replace(run.scored, detected=replace(detected, rules=rules))
        )

    assert not possible()
    assert possible(name="my.own")
    assert not possible(name="my.own", fitted_until=date(2021, 1, 1))
    filtered = replace(detected, rules=replace(detected.rules, accept=lambda alert: True))
    assert sections.in_sample_possible(replace(run.scored, detected=filtered))


# --- words and small figures --------------------------------------------------------------


def test_a_trader_who_would_be_spammed_is_warned(run: Run) -> None:
    counts = sections.count_section(run.scored)
    assert counts["redundant"] > counts["captured"] > 0
    (spam,) = sections.warnings_of(run.scored, run.bars)
    assert spam.startswith(f"{counts['redundant'] / counts['captured']:.1f} redundant alerts per")

    outcome = run.scored.match.outcome.copy()
    surplus = counts["redundant"] - counts["captured"]
    outcome[np.flatnonzero(outcome == sections.REDUNDANT)[:surplus]] = sections.FALSE_POSITIVE
    as_many = replace(run.scored, match=replace(run.scored.match, outcome=outcome))
    assert sections.warnings_of(as_many, run.bars) == ()


def test_coin_flips_are_the_means_of_the_runs_that_say_something() -> None:
    some = np.array([0.25, np.nan, 0.75])

    made = sections.coin_flip_section(CoinFlipRates(some, some, some, 0, some, np.array([3, 4, 8])))

    rates = ("capture_rate", "false_positive_share", "win_rate", "expectancy_points")
    assert made == {**dict.fromkeys(rates, 0.5), "alerts": 5.0, "runs": 3}
    assert sections.coin_flip_section(None) is None


def test_nothing_has_no_mean_and_over_nought_there_is_no_ratio() -> None:
    assert sections.mean(np.array([])) is None
    assert sections.mean([0.0]) == 0.0
    assert sections.ratio(1, 0) is None
    assert sections.ratio(0, 2) == 0.0


def test_settings_that_differ_are_named_with_their_defaults() -> None:
    changed = Config().update({"gate.win_rate": 0.5, "detection.breakout.window": 9})

    assert sections.changed_settings(changed) == {
        "gate.win_rate": [0.5, Config().gate.win_rate],
        "detection.breakout.window": [9, 5],
    }
    assert sections.changed_settings(Config()) == {}


def test_what_was_scored_is_said_by_its_first_and_last(run: Run) -> None:
    made = run.scorecard.data
    times = run.bars.frame["time"]

    assert (made["bars"], made["sessions"], made["sessions_in_file"]) == (14 * 107, 8, 14)
    assert made["first"].startswith(times[0].isoformat())
    assert made["last"].startswith(times[-1].isoformat())
    days = [row["date"] for row in sections.session_section(run.scored)]
    assert (made["first_session"], made["last_session"]) == (days[0], days[-1])
    assert (made["quality"]["short_sessions"], made["quality"]["on_grid"]) == ([], True)


@pytest.mark.parametrize("symbol", ["WIN$N", "ODD"])
def test_prices_off_the_grid_are_said_to_be(symbol: str) -> None:
    prices = pl.col("open", "high", "low", "close") * 1.01234567
    rows = frame(walk(3, sessions=8)).with_columns(prices)

    made = al.backtest(al.from_frame(rows, symbol=symbol, timeframe="M5"), chance=False)

    assert made.scorecard.data["quality"]["on_grid"] is False
    assert any(one.startswith("prices are off the ") for one in made.scorecard.warnings)


def test_a_bar_that_only_the_live_core_refuses_is_one_unsafe_finding() -> None:
    assert sections.unreadable_finding("bar 7: high is below low") == {
        "kind": "bad_row", "severity": "error", "time": None, "date": None, "count": 1,
        "message": "bar 7: high is below low",
    }  # fmt: skip
