"""Coin-flip bars against a plain loop, how often they are run, and what the verdict rests on."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from hashlib import sha256
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertlib.audits import lookahead, suite, warmup
from alertlib.backtesting import backtester, chance
from alertlib.backtesting.backtester import backtest
from alertlib.backtesting.chance import COIN_FLIP_TESTS, OneConfiguration, measure_chance
from alertlib.backtesting.run import Run
from alertlib.config import Config, settings_of
from alertlib.errors import ConfigError
from alertlib.report import tables
from alertlib.scorecard.gate import CHANCE_RAILS
from alertlib.scoring.engine import INTERPRETED, Engine, choose_engine
from alertlib.stats.intervals import p_value
from alertlib.stats.nulls import CoinFlipRates
from tests import naive, naive_score
from tests.naive import NaiveBar, Rules
from tests.support.synthetic import Row, bars_of, series_of, walk

ROWS = walk(201, sessions=14)
QUICK = {"scoring.null_runs": 19, "scoring.mirror_runs": 19, "scoring.bootstrap": 100}
ENOUGH = {"scoring.null_runs": 99, "scoring.mirror_runs": 99, "scoring.bootstrap": 100}
SOMETHING = "f" * 64


def scored_run(rows: list[Row] = ROWS, settings: dict[str, Any] = QUICK, **options: Any) -> Run:
    return backtest(
        bars_of(rows), Config().update(settings), audits="none", chance=False, **options
    )


def coin_flips_of(run: Run, data_sha256: str = SOMETHING) -> CoinFlipRates:
    """The coin-flip bars of a run, their draws those of a file with this hash."""
    engine = choose_engine("auto", 10**9)
    found = measure_chance(
        run.scored, data_sha256, OneConfiguration(run.scored, engine), lambda *_: None
    ).coin_flip
    assert found is not None
    return found


@pytest.fixture(scope="module")
def run() -> Run:
    return backtest(bars_of(ROWS), Config().update(QUICK), audits="none")


# --- against a plain loop -----------------------------------------------------------------


def naive_mirror(bars: list[NaiveBar], coins: list[int]) -> list[NaiveBar]:
    """Each bar's move about the close before it, kept or turned round, from bar to bar."""
    made: list[NaiveBar] = []
    before = base = bars[0].open
    for bar, coin in zip(bars, coins, strict=True):
        prices = [base + coin * (p - before) for p in (bar.open, bar.high, bar.low, bar.close)]
        open_, one, other, close = prices
        made.append(
            replace(bar, open=open_, high=max(one, other), low=min(one, other), close=close)
        )
        before, base = bar.close, close
    return made


def naive_coins(data_sha256: str, bars: int, runs: int) -> list[list[int]]:
    """The draws of a file: from its hash and the spec alone."""
    entropy = int.from_bytes(sha256(f"score-v2:{data_sha256}".encode()).digest(), "big")
    rng = np.random.default_rng((entropy, 4))
    return [(2 * rng.integers(0, 2, size=bars) - 1).tolist() for _ in range(runs)]


def test_coin_flip_bars_score_like_the_slow_scorer_on_a_file_of_them(run: Run) -> None:
    """Detectors, policy, labels and trades, all anew, on 600 bars before and what is scored."""
    found = coin_flips_of(run, run.bars.sha256)
    raw, _ = naive.in_units(ROWS)
    sessions = [date.fromisoformat(s["date"]) for s in run.scorecard.per_session]
    first = next(i for i, bar in enumerate(raw) if bar.date == sessions[0])
    part = raw[first - 600 :]
    assert len(part) < len(raw)

    for i, coins in enumerate(naive_coins(run.bars.sha256, len(part), 3)):
        twin = naive_score.score(naive_mirror(part, coins), Rules(last_sessions=len(sessions)))
        assert twin.sessions == sessions
        assert found.alerts[i] == twin.counts["alerts"] > 20
        for name in ("capture_rate", "false_positive_share", "win_rate"):
            assert found.of(name)[i] == twin.rates[name]
        assert found.expectancy_points[i] == pytest.approx(twin.trade["expectancy"])
        pair = twin.rates["capture_rate"] - twin.rates["false_positive_share"]  # type: ignore[operator]  # there are alerts
        assert found.capture_less_false[i] == pytest.approx(pair)


def test_the_card_states_means_and_p_values_of_those_runs(run: Run) -> None:
    found, card = coin_flips_of(run, run.bars.sha256), run.scorecard
    observed = {**card.rates, "expectancy_points": card.trade["expectancy_points"]}

    assert card.coin_flip is not None
    assert card.coin_flip["runs"] == 19
    for name in ("capture_rate", "false_positive_share", "win_rate", "expectancy_points", "alerts"):
        assert card.coin_flip[name] == pytest.approx(sum(found.of(name)) / 19)
    for rail, name in (("win_rate_chance", "win_rate"), ("expectancy_chance", "expectancy_points")):
        value = observed[name]
        assert value is not None
        as_good = sum(bool(drawn >= value) for drawn in found.of(name))
        assert card.criterion(rail).nulls["coin_flip"]["p_value"] == (1 + as_good) / 20
    assert observed["capture_rate"] is not None
    assert observed["false_positive_share"] is not None
    pair = observed["capture_rate"] - observed["false_positive_share"]
    as_good = sum(bool(drawn >= pair) for drawn in found.capture_less_false)
    assert card.criterion("more_than_geometry").value == (1 + as_good) / 20


def test_bars_before_the_warm_up_and_after_the_last_scored_session_are_left_out() -> None:
    """The same draws on a file that begins and ends there give the same runs."""
    span = ("2021-04-15", "2021-04-20")  # sessions 9 to 12 of 14
    whole = scored_run(between=span)
    part = scored_run(ROWS[8 * 107 - 600 : 12 * 107], between=span)
    assert whole.scorecard.counts == part.scorecard.counts

    a, b = coin_flips_of(whole), coin_flips_of(part)

    for name in (*COIN_FLIP_TESTS, "alerts"):
        assert a.of(name).tolist() == b.of(name).tolist()


def test_a_part_of_kept_bars_is_scored_as_in_its_file(run: Run) -> None:
    """All coins +1: the part is the file, and its alerts are those of the file."""
    from alertlib.scoring.scored import run_detectors, score
    from alertlib.stats.surrogates import mirror

    scored = run.scored
    series, settings = scored.detected.series, scored.settings
    start = int(series.first[scored.scope.sessions[0]]) - 600
    part = series.tail(start)
    same = mirror(part, np.ones(len(part), dtype=np.int64))

    again = score(
        run_detectors(same, scored.detected.rules),
        settings,
        scope=scored.scope.part(series, start, len(series)),
    )

    assert (again.alerts.bar + start).tolist() == scored.alerts.bar.tolist()
    for name in ("capture_rate", "false_positive_share", "win_rate", "expectancy_points"):
        assert getattr(again, name) == pytest.approx(getattr(scored, name))


@pytest.mark.parametrize(("window", "history"), [(20, 600), (620, None)])
def test_six_hundred_bars_are_kept_or_as_many_as_a_detector_declares(
    window: int, history: int | None
) -> None:
    settings = {"detection.enabled": ("volatility",), "detection.volatility.window": window,
                "scoring.warmup_bars": 749}  # fmt: skip
    scored = scored_run(settings=QUICK | settings).scored
    (declared,) = (d.warmup for d in scored.detected.rules.detectors)
    assert (declared > 600) == (history is None)

    reruns = chance._CoinFlips(
        scored, OneConfiguration(scored, INTERPRETED), np.random.default_rng(1)
    )

    before = int(np.flatnonzero(scored.scope.scored)[0])
    assert len(ROWS) - len(reruns._part) == before - (history or declared)


# --- how often they are run ---------------------------------------------------------------


def rates_with(p_values: dict[str, float]) -> CoinFlipRates:
    """Ninety-nine runs in which so many do as well as an observed 0.5."""
    as_good = {
        n: np.where(np.arange(99) < round(100 * p) - 1, 1.0, 0.0) for n, p in p_values.items()
    }
    capture = as_good["capture_less_false"]
    return CoinFlipRates(
        capture, np.zeros(99), as_good["win_rate"], 0, as_good["expectancy_points"],
        np.ones(99, dtype=np.int64),
    )  # fmt: skip


@given(st.fixed_dictionaries(
    dict.fromkeys(COIN_FLIP_TESTS, st.sampled_from((0.01, 0.02, 0.14, 0.15, 0.16, 1.0)))
))  # fmt: skip
def test_more_runs_are_made_only_while_a_test_lies_strictly_between(p: dict[str, float]) -> None:
    undecided = chance._undecided(rates_with(p), dict.fromkeys(COIN_FLIP_TESTS, 0.5))

    assert undecided == any(value in (0.02, 0.14) for value in p.values())


def test_what_is_undefined_needs_no_more_runs() -> None:
    rates = rates_with(dict.fromkeys(COIN_FLIP_TESTS, 0.1))

    assert not chance._undecided(rates, dict.fromkeys(COIN_FLIP_TESTS, None))


@pytest.mark.parametrize("seed", range(4))
def test_four_hundred_runs_are_added_to_the_first_ninety_nine(seed: int) -> None:
    rows = walk(300 + seed, sessions=4)
    small = {"detection.enabled": ("engulfing",), "scoring.warmup_bars": 107}
    run = scored_run(rows, ENOUGH | small)
    told: list[tuple[int, int]] = []
    found = measure_chance(
        run.scored, SOMETHING, OneConfiguration(run.scored, choose_engine("auto", 10**9)),
        lambda stage, done, ahead: told.append((done, ahead)),
    )  # fmt: skip
    rates = found.coin_flip
    assert rates is not None

    between = [
        0.01 < p_value(rates.of(n)[:99], found.observed[n] or 0.0, larger_is_better=True) < 0.15
        for n in COIN_FLIP_TESTS
    ]

    assert rates.runs == (499 if any(between) else 99)
    assert [done for done, _ in told] == list(range(rates.runs))
    assert told[-1][1] == rates.runs


def test_runs_that_may_be_added_count_when_the_engine_is_chosen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Chosen for 99 runs, plain Python made 499 of them: 23 s for what compiled takes 2."""
    asked: list[int] = []

    def remember(name: str, steps: int) -> Engine:
        asked.append(steps)
        return INTERPRETED

    monkeypatch.setattr(backtester, "choose_engine", remember)
    for mirror_runs in (98, 99):
        runs = {"scoring.mirror_runs": mirror_runs, "detection.enabled": ("engulfing", "breakout")}
        series, settings = series_of(ROWS), settings_of(Config().update(QUICK | runs))
        for chance_too in (False, True):
            backtester._engine("auto", series, settings, False, chance_too)

    assert asked == [len(ROWS) * 2 * passes for passes in (1, 99, 1, 500)]


@pytest.mark.parametrize("seed", range(4))
def test_few_runs_stay_few_however_open_the_outcome(seed: int) -> None:
    small = {"detection.enabled": ("engulfing",), "scoring.warmup_bars": 107}

    assert coin_flips_of(scored_run(walk(300 + seed, sessions=4), QUICK | small)).runs == 19


def test_fewer_runs_than_a_test_needs_are_never_added_to(run: Run) -> None:
    assert run.scorecard.coin_flip is not None
    assert run.scorecard.coin_flip["runs"] == 19
    assert run.scorecard.verdict == "INSUFFICIENT"
    assert run.scorecard.reasons[-1] == (
        "not tested against chance: scoring.null_runs is 19; chance needs 99 runs"
    )


# --- what they do not depend on -----------------------------------------------------------


def test_verdict_and_p_values_are_the_same_with_all_audits(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookahead, "PREFIX_CUTS", 2)
    monkeypatch.setattr(suite, "POISON_CUTS", 2)
    monkeypatch.setattr(warmup, "WARMUP_CUTS", 2)

    full = backtest(bars_of(ROWS), Config().update(QUICK), full=True).scorecard
    card = backtest(bars_of(ROWS), Config().update(QUICK)).scorecard

    assert full.criteria == card.criteria
    assert (full.verdict, full.reasons, full.coin_flip) == (
        card.verdict,
        card.reasons,
        card.coin_flip,
    )
    assert run.scorecard.coin_flip == card.coin_flip
    assert len(full.audits["items"]) > len(card.audits["items"])


def test_labels_by_hand_leave_geometry_to_directional_change_legs(run: Run) -> None:
    """Coin-flip bars have no manual labels: legs are compared with legs."""
    labels = pl.DataFrame(
        {"time_start": [ROWS[900][0]], "time_end": [ROWS[912][0]], "direction": [1]}
    )

    manual = backtest(bars_of(ROWS), Config().update(QUICK), labels=labels, audits="none")

    assert manual.scorecard.counts["opportunities"] == 1
    by_hand, by_legs = (r.scorecard.criterion("more_than_geometry") for r in (manual, run))
    assert by_hand == by_legs
    assert manual.scorecard.coin_flip == run.scorecard.coin_flip
    said = [w for w in manual.scorecard.warnings if "directional-change legs" in w]
    assert len(said) == 1
    assert not [w for w in run.scorecard.warnings if "directional-change legs" in w]


def test_bars_of_half_an_hour_have_no_timing_null_and_everything_else() -> None:
    rows = walk(202, sessions=60, bars=18, minutes=30)
    card = backtest(bars_of(rows), Config().update(QUICK), audits="none").scorecard

    assert card.data["timeframe"] == "M30"
    for c in card.criteria[:3]:
        assert set(c.nulls) == {"session_permutation", "direction_flip", "coin_flip"}
        assert c.p_value is not None
    assert all(card.criterion(name).p_value is not None for name in CHANCE_RAILS)
    timing = [row for row in tables.null_rows(card.to_dict()) if row[0].startswith("later")]
    assert [row[1:] for row in timing] == [["not applicable"] * 3]


def test_bars_of_a_quarter_of_an_hour_have_all_four() -> None:
    rows = walk(203, sessions=40, bars=36, minutes=15)
    card = backtest(bars_of(rows), Config().update(QUICK), audits="none").scorecard

    assert set(card.criteria[0].nulls) == {
        "session_permutation", "direction_flip", "timing", "coin_flip",
    }  # fmt: skip


# --- which sessions -----------------------------------------------------------------------


def test_between_two_dates_the_sessions_are_scored_as_in_the_whole(run: Run) -> None:
    inner = scored_run(between=("2021-04-15", date(2021, 4, 20))).scorecard

    whole = {s["date"]: s for s in run.scorecard.per_session}
    assert [s["date"] for s in inner.per_session] == [
        "2021-04-15", "2021-04-16", "2021-04-19", "2021-04-20",
    ]  # fmt: skip
    assert all(s == whole[s["date"]] for s in inner.per_session)
    one = scored_run(between=("2021-04-15", "2021-04-15")).scorecard
    assert one.data["sessions"] == 1


@pytest.mark.parametrize(
    "between",
    [("2021-04-20", "2021-04-15"), ("2021-04-15",), ("x", "2021-04-15"), (None, None),
     ("2021-04-15", "2021-04-16", "2021-04-17")],
)  # fmt: skip
def test_what_is_not_two_dates_in_order_is_refused(between: Any) -> None:
    with pytest.raises(ConfigError, match=r"between: got .*; expected a first and a last date"):
        scored_run(ROWS[:107], between=between)
