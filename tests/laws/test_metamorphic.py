"""Relations that have to hold whatever the figures are: tests that kill invented numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertlib.backtesting.backtester import backtest
from alertlib.backtesting.run import Run
from alertlib.bars.opening import from_frame
from alertlib.bars.series import make_series
from alertlib.config.schema import SymbolSpec
from alertlib.detection.detectors import frame_detector
from alertlib.scoring.batch import AlertColumns
from alertlib.scoring.matching import REDUNDANT, find_validity, match
from alertlib.scoring.scored import Detected, Scored, score
from alertlib.stats.surrogates import coin_flips, mirror
from tests import naive, naive_score
from tests.support.backtests import FORTY_SESSIONS, run_of
from tests.support.steps import mirrored
from tests.support.synthetic import bars_of, frame, frame_of, shared_rows, walk

pytestmark = pytest.mark.usefixtures("own_registry")

# Everything an alert made may be delivered, so that it is scoring that is under test.
OPEN_POLICY = {"policy.cooldown_bars": 0, "policy.rate_limit_per_minute": 0}


def plant(name: str, signals: Callable[[pl.DataFrame], Any]) -> str:
    """Register a detector that gives what it is told to give; no warm-up."""
    frame_detector(name, patterns=(f"{name}_up", f"{name}_down"))(signals)
    return name


# --- oracles and silence ------------------------------------------------------------------


def oracle_signals(k: float, least: float, inside: int = 0) -> np.ndarray[Any, Any]:
    """One alert per move, on the first deliverable bar that is valid for it, by the slow scorer.

    Nothing before the average range is defined, so warm-up days have no oracle. ``inside``
    keeps the alert so many bars from where the alert would be early or late.
    """
    bars, _ = naive.in_units(FORTY_SESSIONS)
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
    return run_of(FORTY_SESSIONS, **changes)


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
    card = run_of(FORTY_SESSIONS, detection__enabled=()).scorecard

    assert plain.scorecard.data["sessions"] >= 30
    assert card.counts["opportunities"] == plain.scorecard.counts["opportunities"] >= 100
    assert card.verdict == "FAIL"
    assert card.rates["false_positive_share"] is None
    assert card.rates["win_rate"] is None


def test_alerting_on_every_bar_both_ways_captures_all_and_fails_on_false_positives() -> None:
    up = plant("always", lambda f: np.ones(f.height, dtype=int))
    down = plant("never", lambda f: -np.ones(f.height, dtype=int))

    changes = {name.replace(".", "__"): value for name, value in OPEN_POLICY.items()}
    card = run_of(FORTY_SESSIONS, detection__enabled=(up, down), **changes).scorecard

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
    turned = run_of(mirrored(FORTY_SESSIONS))

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
        rows = [(t, *(c * p for p in prices)) for t, *prices in FORTY_SESSIONS]
        return run_of(rows, "SCALED", data__symbols=(spec,))

    assert_same_numbers(scaled(1.0), scaled(factor), factor)


def test_sessions_scored_apart_and_summed_are_the_whole(plain: Run) -> None:
    """Each scored session alone: the file cut after it, one session asked for."""
    counts = ("opportunities", "captured", "tp", "redundant", "trades", "wins")
    total: dict[str, int] = dict.fromkeys((*counts, "false_positives"), 0)
    dates = [row["date"] for row in plain.scorecard.per_session]

    for row in plain.scorecard.per_session:
        until = [r for r in FORTY_SESSIONS if r[0].date().isoformat() <= row["date"]]
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
        run = backtest(from_frame(frame_of(other), symbol="WIN$N"), audits="none", chance=False)
        card = run.scorecard
        assert card.verdict == "FAIL"
        # And not for want of audits or nulls, which were left out: on their own criteria.
        assert not all(c.passed for c in card.criteria[:3])
        assert card.counts["opportunities"] > 100
