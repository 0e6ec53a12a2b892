"""Relations that have to hold whatever the figures are: tests that kill invented numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import naive
import naive_score
import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from steps import mirrored
from synthetic import Row, bars_of, frame, shared_rows, walk

from alertlib.backtesting import Run, backtest
from alertlib.bars import from_frame
from alertlib.batch import AlertColumns
from alertlib.config import Config
from alertlib.config.schema import SymbolSpec
from alertlib.detectors import _REGISTRY, frame_detector
from alertlib.matching import REDUNDANT, find_validity, match
from alertlib.mirror import coin_flips, mirror
from alertlib.scoring import Detected, Scored, score
from alertlib.series import make_series

# Everything an alert made may be delivered, so that it is scoring that is under test.
OPEN_POLICY = {"policy.cooldown_bars": 0, "policy.rate_limit_per_minute": 0}


@pytest.fixture(autouse=True)
def _own_registry() -> Iterator[None]:
    before = dict(_REGISTRY)
    yield
    _REGISTRY.clear()
    _REGISTRY.update(before)


def run_of(rows: list[Row], symbol: str = "WIN$N", **changes: Any) -> Run:
    config = Config()
    for name, value in changes.items():
        config = config.set(name.replace("__", "."), value)
    bars = from_frame(frame(rows), symbol=symbol, timeframe="M5", symbols=config.data.symbols)
    return backtest(bars, config, audits="none", chance=False)


def plant(name: str, signals: Callable[[pl.DataFrame], Any]) -> str:
    """Register a detector that gives what it is told to give; no warm-up."""
    frame_detector(name, patterns=(f"{name}_up", f"{name}_down"))(signals)
    return name


ROWS = walk(91, sessions=40)


@pytest.fixture(scope="module")
def plain() -> Run:
    return run_of(ROWS)


# --- oracles and silence ------------------------------------------------------------------


def oracle_signals(k: float, least: float, inside: int = 0) -> np.ndarray[Any, Any]:
    """One alert per move, on the first deliverable bar that is valid for it, by the slow scorer.

    Nothing before the average range is defined, so warm-up days have no oracle. ``inside``
    keeps the alert so many bars from where the alert would be early or late.
    """
    bars, _ = naive.in_units(ROWS)
    rules = naive.Rules(k=k, min_move_left=least)
    signals = np.zeros(len(bars), dtype=int)
    for leg in naive_score.legs_of(bars, naive.atr(bars), k):
        for t in range(max(leg.p - 2 + inside, 14), leg.e - inside):
            closing = naive.minute(bars[t].time + timedelta(minutes=5))
            in_window = rules.window[0] <= closing <= rules.window[1]
            valid = naive_score.valid(t, leg.direction, leg, bars, least)
            if in_window and valid and signals[t] == 0:
                signals[t] = leg.direction
                break
    return signals


def oracle(k: float = 3.0, least: float = 0.0, *, inside: int = 0, sign: int = 1) -> Run:
    signals = sign * oracle_signals(k, least, inside)
    changes = {
        "detection__enabled": (plant("oracle", lambda _: signals),),
        "scoring__k": k,
        "scoring__min_move_left": least,
    } | {name.replace(".", "__"): value for name, value in OPEN_POLICY.items()}
    return run_of(ROWS, **changes)


@pytest.mark.parametrize("k", [2.0, 3.0])
@pytest.mark.parametrize("least", [0.0, 0.5, 1.0])
def test_oracle_alerts_reach_the_printed_ceiling_without_a_false_positive(
    k: float, least: float
) -> None:
    card = oracle(k, least).scorecard

    assert card.counts["opportunities"] > 50
    assert card.rates["capture_rate"] == card.rates["oracle_ceiling"]
    assert card.counts["false_positives"] == 0
    assert card.rates["false_positive_share"] == 0.0


def test_the_ceiling_is_no_formality() -> None:
    """A whole move left is asked of every capture: some moves cannot be had."""
    ceiling = oracle(3.0, 1.0).scorecard.rates["oracle_ceiling"]

    assert ceiling is not None
    assert 0.0 < ceiling < 1.0


def test_flipped_oracle_alerts_catch_nothing() -> None:
    """The null or worse. Two bars inside a move, no move of the other way is in reach."""
    right, wrong = (oracle(inside=2, sign=sign).scorecard for sign in (1, -1))

    assert right.rates["capture_rate"] > 0.8
    assert right.counts["false_positives"] == 0
    assert wrong.rates["capture_rate"] == 0.0
    assert wrong.rates["false_positive_share"] == 1.0
    assert wrong.rates["win_rate"] < right.rates["win_rate"]


def test_no_alerts_fail(plain: Run) -> None:
    card = run_of(ROWS, detection__enabled=()).scorecard

    assert plain.scorecard.data["sessions"] >= 30
    assert card.counts["opportunities"] == plain.scorecard.counts["opportunities"] >= 100
    assert card.verdict == "FAIL"
    assert card.rates["false_positive_share"] is None
    assert card.rates["win_rate"] is None


def test_alerting_on_every_bar_both_ways_captures_all_and_fails_on_false_positives() -> None:
    up = plant("always", lambda f: np.ones(f.height, dtype=int))
    down = plant("never", lambda f: -np.ones(f.height, dtype=int))

    changes = {name.replace(".", "__"): value for name, value in OPEN_POLICY.items()}
    card = run_of(ROWS, detection__enabled=(up, down), **changes).scorecard

    assert card.rates["capture_rate"] == card.rates["oracle_ceiling"]
    assert card.rates["capture_rate"] > 0.99
    assert card.rates["false_positive_share"] > 0.9
    assert card.verdict == "FAIL"
    assert any("redundant alerts per capture" in warning for warning in card.warnings)


# --- symmetries ---------------------------------------------------------------------------

MIRRORED_PATTERN = {
    "engulfing_bullish": "engulfing_bearish",
    "divergencia_rsi_alta": "divergencia_rsi_baixa",
    "break_resistencia": "break_suporte",
}
MIRRORED_PATTERN |= {b: a for a, b in MIRRORED_PATTERN.items()}


def assert_same_numbers(a: Run, b: Run, factor: float = 1.0) -> None:
    """The same scorecard but for the unit of points."""
    ours, theirs = a.scorecard, b.scorecard
    assert theirs.counts == ours.counts
    assert theirs.rates == pytest.approx(ours.rates)
    assert theirs.timeliness["bars_from_onset"] == ours.timeliness["bars_from_onset"]
    assert theirs.timeliness["move_left"] == pytest.approx(ours.timeliness["move_left"])
    for row, twin in zip(ours.sensitivity, theirs.sensitivity, strict=True):
        assert twin == pytest.approx(row)
    shares = ("break_even_win_rate", "expectancy_r", "profit_factor", "outside_entry_band")
    for name in shares:
        assert theirs.trade[name] == pytest.approx(ours.trade[name]), name
    for name in ("expectancy_points", "total_points", "mean_stop_points"):
        assert theirs.trade[name] == pytest.approx(factor * ours.trade[name]), name


def test_price_and_direction_mirrored_score_the_same(plain: Run) -> None:
    turned = run_of(mirrored(ROWS))

    assert_same_numbers(plain, turned)
    for row in plain.scorecard.per_detector:
        pattern = MIRRORED_PATTERN.get(row["pattern"], row["pattern"])
        (twin,) = [r for r in turned.scorecard.per_detector if r["pattern"] == pattern]
        for name in ("alerts", "tp", "false_positives", "redundant", "captured", "wins"):
            assert twin[name] == row[name], (pattern, name)
    assert turned.alerts["direction"].to_list() != plain.alerts["direction"].to_list()
    ups, downs = (
        r.alerts.filter(pl.col("direction") == d).height for r, d in ((plain, 1), (turned, -1))
    )
    assert ups == downs


@pytest.mark.parametrize("factor", [0.5, 3.0, 100.0])
def test_prices_tick_fees_and_slippage_times_anything_score_the_same(factor: float) -> None:
    """Slippage is in ticks and so scales by itself."""

    def scaled(c: float) -> Run:
        spec = SymbolSpec(
            "SCALED", tick=5 * c, fees_points=2.56 * c, session_open="09:00", session_close="17:55"
        )
        rows = [(t, *(c * p for p in prices)) for t, *prices in ROWS]
        return run_of(rows, "SCALED", data__symbols=(spec,))

    assert_same_numbers(scaled(1.0), scaled(factor), factor)


def test_sessions_scored_apart_and_summed_are_the_whole(plain: Run) -> None:
    """Each scored session alone: the file cut after it, one session asked for."""
    counts = ("opportunities", "captured", "tp", "redundant", "trades", "wins")
    total: dict[str, int] = dict.fromkeys((*counts, "false_positives"), 0)
    dates = [row["date"] for row in plain.scorecard.per_session]

    for row in plain.scorecard.per_session:
        until = [r for r in ROWS if r[0].date().isoformat() <= row["date"]]
        alone = run_of(until, scoring__sessions=1).scorecard
        assert [s["date"] for s in alone.per_session] == [row["date"]]
        for name in counts:
            assert alone.counts[name] == row[name], (row["date"], name)
        for name in total:
            total[name] += alone.counts[name]

    assert dates == sorted(dates)
    assert total == {name: plain.scorecard.counts[name] for name in total}


# --- spam and stricter rules --------------------------------------------------------------


def with_alerts(scored: Scored, bar: Sequence[int], direction: Sequence[int]) -> Scored:
    """Score the delivered alerts again with more of them, in order of delivery."""
    delivered = scored.detected.delivered
    copies = delivered.only(np.zeros(len(bar), dtype=np.int64))
    extra = replace(
        copies, bar=np.array(bar, dtype=np.int64), direction=np.array(direction, dtype=np.int64)
    )
    columns = [
        np.concatenate([getattr(delivered, name), getattr(extra, name)])
        for name in AlertColumns.__dataclass_fields__
    ]
    order = np.lexsort((-columns[1], columns[0]))
    together = AlertColumns(*(column[order] for column in columns))
    detected = scored.detected
    return score(
        Detected(
            detected.series, detected.rules, detected.atr, together, detected.suppressed,
            detected.engine,
        ),
        scored.settings,
    )  # fmt: skip


def test_adding_redundant_alerts_changes_neither_capture_nor_false_positives(plain: Run) -> None:
    """Every bar on which an alert would be valid, but only for moves captured before it."""
    scored = plain.scored
    match_ = scored.match
    caught_at = np.where(match_.captured, scored.alerts.bar[match_.captured_by], 10**9)
    added = [
        (t, way)
        for side, way in ((0, 1), (1, -1))
        for t, found in enumerate(scored.validity.table[side].tolist())
        for moves in [[m for m in found if 0 <= m < len(scored.moves)]]
        if moves and all(caught_at[m] < t for m in moves)
    ]
    assert len(added) > len(scored.rows)

    spammed = with_alerts(scored, *zip(*added, strict=True))

    assert len(spammed.rows) == len(scored.rows) + len(added)
    assert spammed.outcomes(REDUNDANT) == scored.outcomes(REDUNDANT) + len(added)
    assert spammed.capture_rate == scored.capture_rate
    assert spammed.false_positive_share == scored.false_positive_share


@given(
    st.integers(0, 10**6), st.lists(st.sampled_from((0.0, 0.1, 0.25, 0.5, 0.9, 1.0)), min_size=2)
)
def test_raising_min_move_left_never_raises_capture(seed: int, shares: list[float]) -> None:
    run = run_of(walk(seed, sessions=4), scoring__warmup_bars=107)
    series, moves, alerts = run.scored.detected.series, run.scored.moves, run.scored.alerts

    captured, false = [], []
    for least in sorted(shares):
        found = match(find_validity(series, moves, 2, least), alerts.bar, alerts.direction)
        captured.append(int(found.captured.sum()))
        false.append(int((found.outcome == 1).sum()))

    assert captured == sorted(captured, reverse=True)
    assert false == sorted(false)


# --- the data themselves ------------------------------------------------------------------


@given(st.integers(0, 213), st.sampled_from(("open", "high", "low", "close")))
def test_one_changed_price_changes_the_hash(row: int, column: str) -> None:
    table = frame(walk(92, sessions=2))
    values = table[column].to_list()
    # A tick that keeps the bar a bar: outward for high and low, inward where there is room.
    up = column == "high" or (column != "low" and values[row] < table["high"][row])
    values[row] += 5.0 if up else -5.0
    if column != "high" and not up and column != "low" and values[row] < table["low"][row]:
        return
    other = table.with_columns(pl.Series(column, values))

    before, after = (from_frame(t, symbol="WIN$N").sha256 for t in (table, other))

    assert before != after
    assert before == from_frame(table.clone(), symbol="WIN$N").sha256


def test_twenty_mirror_surrogates_of_a_recorded_file_all_fail() -> None:
    """Each bar's move up or down by a coin: what a detector still scores is chance."""
    rows = shared_rows("win_n_m5_2020-11_2021-03")
    series = make_series(bars_of(rows))
    rng = np.random.default_rng(93)

    for _ in range(20):
        other = mirror(series, coin_flips(len(series), rng))
        shown = other.frame().select("time", "open", "high", "low", "close")
        run = backtest(from_frame(shown, symbol="WIN$N"), audits="none", chance=False)
        card = run.scorecard
        assert card.verdict == "FAIL"
        # And not for want of audits or nulls, which were left out: on their own criteria.
        assert not all(c.passed for c in card.criteria[:3])
        assert card.counts["opportunities"] > 100


# --- recomputed from the tables alone -----------------------------------------------------


def test_win_rate_recomputed_by_a_slow_loop(plain: Run) -> None:
    """From the alert table and the bars, knowing nothing else: stop, target, next opens."""
    at = {row[0]: i for i, row in enumerate(ROWS)}
    wins = trades = 0
    for alert in plain.alerts.iter_rows(named=True):
        if alert["outcome"] in ("unscored", "censored"):
            assert alert["entry_time"] is None
            continue
        i = at[alert["bar_time"]]
        day = [r for r in ROWS[i + 1 : i + 200] if r[0].date() == alert["bar_time"].date()]
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
    opens = dict(zip((r[0] for r in ROWS), (r[1] for r in ROWS), strict=True))
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


# --- pitfalls -----------------------------------------------------------------------------


def test_an_alert_is_stamped_when_it_can_be_known_and_filled_after(plain: Run) -> None:
    alerts = plain.alerts
    assert (alerts["time"] - alerts["bar_time"] == timedelta(minutes=5)).all()
    entered = alerts.filter(pl.col("entry_time").is_not_null())
    assert (entered["entry_time"] >= entered["time"]).all()
    opens = dict(zip((r[0] for r in ROWS), (r[1] for r in ROWS), strict=True))
    for row in entered.iter_rows(named=True):
        assert row["entry_price"] == opens[row["entry_time"]] + 5.0 * row["direction"]


def test_the_last_bar_cut_off_changes_no_earlier_alert(plain: Run) -> None:
    """Whatever is appended to a file, the alerts before it stay: no day's high, no hindsight."""
    for cut in (1, 30, 107, 500):
        shorter = run_of(ROWS[:-cut])
        ids = shorter.alerts["id"].to_list()
        assert plain.alerts["id"].to_list()[: len(ids)] == ids


def test_a_partial_session_is_left_out_of_the_score_but_not_of_the_indicators(plain: Run) -> None:
    day = datetime(2021, 5, 12)
    partial = [r for r in ROWS if r[0].date() != day.date() or r[0].hour < 13]
    assert day.date().isoformat() in {s["date"] for s in plain.scorecard.per_session}

    run = run_of(partial)

    assert day.date().isoformat() not in {s["date"] for s in run.scorecard.per_session}
    assert day.date().isoformat() in run.scorecard.data["quality"]["short_sessions"]
    outcomes = run.alerts.filter(pl.col("bar_time").dt.date() == day.date())["outcome"]
    assert len(outcomes)
    assert set(outcomes) == {"unscored"}
    # Without the day at all, the next morning's averages would be others.
    gone = run_of([r for r in ROWS if r[0].date() != day.date()])
    after = pl.col("bar_time").dt.date() > day.date()
    assert run.alerts.filter(after)["stop"].to_list() != gone.alerts.filter(after)["stop"].to_list()


def test_a_day_without_its_first_bars_is_scored_by_the_clock(plain: Run) -> None:
    """A late open: the bars there are keep their times, alerts and moves."""
    day = date(2021, 5, 12)
    late = [r for r in ROWS if r[0].date() != day or r[0].hour * 60 + r[0].minute >= 9 * 60 + 15]

    run = run_of(late)

    entries = run.alerts.filter(pl.col("bar_time").dt.date() == day)["entry_time"].drop_nulls()
    assert entries.min() >= datetime(2021, 5, 12, 9, 15)
    before = pl.col("bar_time").dt.date() < day
    assert run.alerts.filter(before)["id"].to_list() == plain.alerts.filter(before)["id"].to_list()


def test_an_alert_is_delivered_once(plain: Run) -> None:
    assert plain.alerts["id"].is_unique().all()
    keys = plain.alerts.select("bar_time", "direction")
    assert keys.is_unique().all()


def test_a_bar_given_twice_does_not_alert_twice(plain: Run) -> None:
    doubled = [row for i, row in enumerate(ROWS) for _ in range(1 + (i % 50 == 0))]

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
