"""Verdicts: every criterion and guard rail by itself, undefined rates, proof, and the scorecard."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from alertlib.backtesting.backtester import backtest
from alertlib.backtesting.run import Run
from alertlib.config import Config
from alertlib.config.schema import Gate
from alertlib.scorecard.card import Criterion, Scorecard, canonical_hash
from alertlib.scorecard.gate import CHANCE_RAILS, Evidence, Ruling, guard_rails, rate_criteria, rule
from alertlib.scorecard.reasons import GEOMETRY, why_not
from alertlib.stats.intervals import session_weights
from alertlib.stats.nulls import CoinFlipRates, NullRates
from tests.support.synthetic import bars_of, walk

LENIENT = {
    "gate.capture_rate": 0.0,
    "gate.false_positive_share": 1.0,
    "gate.win_rate": 0.0,
    "gate.min_sessions": 1,
    "gate.min_opportunities": 1,
    "gate.min_alerts": 1,
    "gate.min_trades": 1,
    "gate.positive_expectancy": False,
    "gate.better_than_chance": False,
    "gate.clean_audits": False,
    "gate.clean_data": False,
}


def configured(**changes: Any) -> Config:
    config = Config().update(
        {"scoring.bootstrap": 100, "scoring.null_runs": 19, "scoring.mirror_runs": 19}
    )
    for name, value in {**LENIENT, **{k.replace("__", "."): v for k, v in changes.items()}}.items():
        config = config.set(name, value)
    return config


ROWS = walk(71, sessions=20)


def card(**changes: Any) -> Scorecard:
    options = {"audits": "none", "chance": False} | {
        name: changes.pop(name) for name in ("audits", "chance") if name in changes
    }
    return backtest(bars_of(ROWS), configured(**changes), **options).scorecard


@pytest.fixture(scope="module")
def run() -> Run:
    return backtest(bars_of(ROWS), configured(), audits="none", chance=False)


def test_where_everything_else_holds_chance_that_was_not_measured_is_untested() -> None:
    made = card()

    assert made.verdict == "UNTESTED"
    assert made.reasons == ("not tested against chance: left out",)
    assert [c.name for c in made.criteria] == [
        "capture_rate", "false_positive_share", "win_rate", "min_sessions", "min_opportunities",
        "min_alerts", "min_trades", "placement_capture", "placement_false_positives",
        "more_than_geometry", "win_rate_chance", "expectancy_chance", "out_of_sample",
    ]  # fmt: skip
    for c in made.criteria:
        assert (c.passed, c.reason) == (
            (False, "untested") if c.name in CHANCE_RAILS else (True, None)
        )
    assert made.coin_flip is None


@pytest.mark.parametrize(
    ("change", "verdict", "reason"),
    [
        (
            {"gate__capture_rate": 0.999},
            "FAIL",
            r"^capture rate \d+\.\d %, needed at least 99\.9 % \(\d+\.\d points short\)$",
        ),
        (
            {"gate__false_positive_share": 0.01},
            "FAIL",
            r"^false-positive share .*needed at most 1\.0 % \(.* points over\)$",
        ),
        (
            {"gate__win_rate": 0.99},
            "FAIL",
            r"^win rate \d+\.\d %, needed at least 99\.0 % \(\d+\.\d points short\)$",
        ),
        (
            {"gate__min_sessions": 30},
            "INSUFFICIENT",
            r"^14 scored sessions, needed at least 30$",
        ),
        (
            {"gate__min_opportunities": 9999},
            "INSUFFICIENT",
            r"^\d+ opportunities, needed at least 9999$",
        ),
        ({"gate__min_alerts": 9999}, "FAIL", r"^\d+ alerts, needed at least 9999$"),
        ({"gate__min_trades": 9999}, "FAIL", r"^\d+ trades, needed at least 9999$"),
        (
            {"gate__positive_expectancy": True},
            "FAIL",
            r"^trades earned -\S+ points net on average, needed more than 0$",
        ),
        ({"gate__clean_audits": True}, "FAIL", r"^the detectors were not audited$"),
        (
            {"trade__target_atr": 1.4},
            "FAIL",
            r"^win rate \d+\.\d % does not count: the target is nearer than the stop",
        ),
    ],
)
def test_each_criterion_and_guard_rail_decides_alone(
    change: dict[str, Any], verdict: str, reason: str
) -> None:
    made = card(**change)

    assert made.verdict == verdict

    assert re.search(reason, made.reasons[0]), made.reasons


def test_audits_that_ran_clean_hold() -> None:
    assert card(gate__clean_audits=True, audits="quick").verdict == "UNTESTED"


def test_unsafe_data_do_not_pass() -> None:
    rows = [(t, *(round(p * 1.0356, 2) for p in prices)) for t, *prices in ROWS]
    config = configured(gate__clean_data=True)

    made = backtest(bars_of(rows), config, audits="none", chance=False).scorecard

    assert made.verdict == "FAIL"
    assert made.criterion("data_errors").passed is False
    assert made.trade["expectancy_brl"] is None
    assert card(gate__clean_data=True).verdict == "UNTESTED"
    assert card().trade["expectancy_brl"] is not None


def test_too_little_to_tell_comes_before_failing() -> None:
    """Too few sessions leave the question open, however badly the rates turned out."""
    made = card(gate__min_sessions=30, gate__win_rate=0.99)

    assert made.verdict == "INSUFFICIENT"
    assert len(made.reasons) == 3


def test_no_alerts_is_a_fail_with_undefined_rates() -> None:
    made = card(detection__enabled=())

    assert made.verdict == "FAIL"
    assert made.counts["alerts"] == made.counts["trades"] == 0
    by_name = {c.name: c for c in made.criteria}
    assert by_name["capture_rate"].value == 0.0
    assert by_name["false_positive_share"].value is None
    assert by_name["win_rate"].value is None
    assert not by_name["win_rate"].passed
    assert "win rate is undefined, needed at least 0.0 %" in made.reasons


def test_without_an_alert_there_is_nothing_to_compare_and_the_verdict_is_fail() -> None:
    """The nulls are not run, and the tests against chance fail: nothing beats nothing."""
    told: list[str] = []

    made = backtest(
        bars_of(ROWS), configured(detection__enabled=(), gate__better_than_chance=True),
        audits="none", progress=lambda stage, done, ahead: told.append(stage),
    ).scorecard  # fmt: skip

    assert (made.verdict, made.coin_flip) == ("FAIL", None)
    assert "coin_flips" not in told
    for name in CHANCE_RAILS:
        rail = made.criterion(name)
        assert (rail.value, rail.passed, rail.reason, rail.nulls) == (None, False, None, {})
    assert all(row["chance_capture"] is None for row in made.sensitivity)
    assert "win rate could not be compared with chance: it is undefined" in made.reasons


# --- chance -------------------------------------------------------------------------------

RUNS = 99
PERMUTED, FLIPPED, TIMING, COINS = "session_permutation", "direction_flip", "timing", "coin_flip"


def drawn_as_good(p_value: float, **other: float) -> dict[str, Any]:
    """Runs of which so many do at least as well as anything: the p-value is as given."""
    ps = {"capture": p_value, "false": p_value, "win": p_value, "points": p_value, **other}
    as_good = {key: np.arange(RUNS) < round(100 * p) - 1 for key, p in ps.items()}
    return {
        "capture_rate": np.where(as_good["capture"], 99.0, -9.0),
        "false_positive_share": np.where(as_good["false"], -99.0, 9.0),
        "win_rate": np.where(as_good["win"], 9.0, -9.0),
        "dropped": 0,
    }


def moved(p_value: float, **other: float) -> NullRates:
    return NullRates(**drawn_as_good(p_value, **other))


def coins(p_value: float, *, points: float | None = None, **other: float) -> CoinFlipRates:
    as_good = np.arange(RUNS) < round(100 * (p_value if points is None else points)) - 1
    return CoinFlipRates(
        **drawn_as_good(p_value, **other),
        expectancy_points=np.where(as_good, 1e6, -1e6),
        alerts=np.full(RUNS, 7),
    )


def nulls(**p_values: float) -> dict[str, NullRates]:
    made: dict[str, NullRates] = {
        n: moved(p_values.get(n, 0.01)) for n in (PERMUTED, FLIPPED, TIMING)
    }
    return {**made, COINS: coins(p_values.get(COINS, 0.01))}


OBSERVED = {
    "capture_rate": 0.9, "false_positive_share": 0.1, "win_rate": 0.6,
    "expectancy_points": 1.0, "capture_less_false": 0.8,
}  # fmt: skip


def evidence(rates: dict[str, NullRates], untested: str = "", seen: int = 0) -> Evidence:
    return Evidence(rates, OBSERVED, untested, unclean=(), data_errors=0, seen_sessions=seen)


def rails_of(run: Run, rates: dict[str, NullRates], **more: Any) -> dict[str, Criterion]:
    return {c.name: c for c in guard_rails(run.scored, Gate(), evidence(rates, **more))}


def failing(rails: dict[str, Criterion]) -> set[str]:
    return {name for name in CHANCE_RAILS if not rails[name].passed}


@pytest.mark.parametrize(
    ("p", "passed"), [(0.01, True), (0.04, True), (0.05, False), (0.06, False), (1.0, False)]
)
def test_better_than_chance_means_a_p_value_below_the_limit(
    run: Run, p: float, passed: bool
) -> None:
    rails = rails_of(run, nulls(**dict.fromkeys((PERMUTED, FLIPPED, COINS), p)))

    for name in CHANCE_RAILS:
        rail = rails[name]
        assert (rail.value, rail.p_value, rail.op, rail.threshold) == (p, p, "<", 0.05)
        assert (rail.passed, rail.reason) == (passed, None)


@pytest.mark.parametrize(
    ("null", "rails"),
    [
        (PERMUTED, {"placement_capture", "placement_false_positives", "win_rate_chance"}),
        (FLIPPED, {"placement_capture", "placement_false_positives", "win_rate_chance"}),
        (TIMING, set()),  # printed, not demanded
        (COINS, {"more_than_geometry", "win_rate_chance", "expectancy_chance"}),
    ],
)
def test_each_rail_has_to_beat_every_one_of_its_nulls(run: Run, null: str, rails: set[str]) -> None:
    assert failing(rails_of(run, nulls(**{null: 0.5}))) == rails


@pytest.mark.parametrize(
    ("statistic", "rails"),
    [
        ("capture", {"placement_capture", "more_than_geometry"}),
        ("false", {"placement_false_positives", "more_than_geometry"}),
        ("win", {"win_rate_chance"}),
        ("points", {"expectancy_chance"}),
    ],
)
def test_each_rail_tests_its_own_statistic(run: Run, statistic: str, rails: set[str]) -> None:
    rates = {n: moved(0.01, **{statistic: 0.5}) for n in (PERMUTED, FLIPPED)}
    every = {**rates, COINS: coins(0.01, **{statistic: 0.5})}

    assert failing(rails_of(run, every)) == rails


def test_the_least_favourable_null_is_taken(run: Run) -> None:
    """By p-value; of equal ones by the harder chance level."""
    weights = session_weights(14, 100, np.random.default_rng(1))
    easy = NullRates(np.zeros(19), np.ones(19), np.zeros(19), 0)
    hard = NullRates(np.ones(19), np.zeros(19), np.ones(19), 0)
    for rates in ({PERMUTED: easy, FLIPPED: hard}, {FLIPPED: hard, PERMUTED: easy}):
        made = rate_criteria(run.scored, Gate(), [weights], rates)
        assert [c.chance for c in made] == [1.0, 0.0, 1.0]
        assert [c.p_value for c in made] == [1.0, 1.0, 1.0]

    close = NullRates(np.full(19, 0.4), np.full(19, 0.99), np.full(19, 0.2), 0)
    made = rate_criteria(run.scored, Gate(), [weights], {PERMUTED: easy, FLIPPED: close})
    assert [c.p_value for c in made] == [0.05, 0.05, 0.05]
    assert [c.chance for c in made] == pytest.approx([0.4, 0.99, 0.2])

    asked = rate_criteria(run.scored, Gate(), [weights], {PERMUTED: easy, TIMING: hard})
    assert [c.p_value for c in asked] == [0.05, 0.05, 0.05]
    assert all(set(c.nulls) == {PERMUTED, TIMING} for c in asked)


def test_of_two_nulls_that_are_beaten_as_often_the_harder_is_the_chance_of_a_rail(run: Run) -> None:
    near = NullRates(np.full(19, 0.6), np.full(19, 0.5), np.full(19, 0.5), 0)
    far = NullRates(np.full(19, 0.3), np.full(19, 0.7), np.full(19, 0.2), 0)

    for rates in ({PERMUTED: near, FLIPPED: far}, {PERMUTED: far, FLIPPED: near}):
        rails = rails_of(run, rates)
        assert rails["placement_capture"].chance == pytest.approx(0.6)
        assert rails["placement_false_positives"].chance == pytest.approx(0.5)


def test_an_expectancy_of_nothing_is_none(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for points, passed in ((-0.1, False), (0.0, False), (0.1, True), (None, False)):
        monkeypatch.setitem(vars(run.scored), "expectancy_points", points)
        assert rails_of(run, nulls())["expectancy_points"].passed is passed


def test_coin_flip_bars_decide_the_win_rate_and_not_the_other_two(run: Run) -> None:
    weights = session_weights(14, 100, np.random.default_rng(1))

    capture, false, win = rate_criteria(run.scored, Gate(), [weights], nulls(coin_flip=0.5))

    assert (capture.p_value, false.p_value, win.p_value) == (0.01, 0.01, 0.5)


def test_chance_is_the_mean_of_the_defined_runs(run: Run) -> None:
    weights = session_weights(14, 100, np.random.default_rng(1))
    some = np.array([0.25, np.nan, 0.75, np.nan])
    rates: dict[str, NullRates] = {PERMUTED: NullRates(some, some, some, dropped=3)}

    for c in rate_criteria(run.scored, Gate(), [weights], rates):
        assert c.chance == 0.5
        assert c.nulls[PERMUTED] == {
            "chance": 0.5, "p_value": c.p_value, "runs": 4, "dropped": 3,
        }  # fmt: skip


def test_a_null_without_a_defined_run_is_no_chance_level_and_beaten(run: Run) -> None:
    """An undefined run counts as worse; 19 of them leave the smallest p-value there is."""
    weights = session_weights(14, 100, np.random.default_rng(1))
    nothing = np.full(19, np.nan)
    rates: dict[str, NullRates] = {PERMUTED: NullRates(nothing, nothing, nothing, 0)}

    for c in rate_criteria(run.scored, Gate(), [weights], rates):
        assert (c.chance, c.p_value) == (None, 0.05)


def test_sessions_something_was_fitted_on_fail_out_of_sample(run: Run) -> None:
    assert rails_of(run, nulls())["out_of_sample"].passed
    seen = rails_of(run, nulls(), seen=2)["out_of_sample"]
    assert (seen.value, seen.passed) == (2.0, False)
    assert why_not(seen) == (
        "2 scored sessions are not after what a model was fitted, or the settings were chosen, on"
    )


# --- the order of verdicts ----------------------------------------------------------------


def named(name: str, *, passed: bool, **more: Any) -> Criterion:
    return Criterion(name, 0.9, ">=", 0.8, passed, **more)


@pytest.mark.parametrize(
    ("few", "bad", "untested", "verdict"),
    [
        (False, False, "", "PASS"),
        (False, False, "why", "UNTESTED"),
        (False, True, "", "FAIL"),
        (False, True, "why", "FAIL"),
        (True, False, "", "INSUFFICIENT"),
        (True, False, "why", "INSUFFICIENT"),
        (True, True, "why", "INSUFFICIENT"),
    ],
)
@pytest.mark.parametrize("size", ["min_sessions", "min_opportunities"])
def test_insufficient_fail_untested_pass(
    size: str, few: bool, bad: bool, untested: str, verdict: str
) -> None:
    rails = (
        named(size, passed=not few), named("win_rate_chance", passed=not untested,
                                           reason="untested" if untested else None),
    )  # fmt: skip
    rates = (*RATES[:2], named("win_rate", passed=not bad, proven=True))

    ruling = rule(rates, rails, require_proof=False, untested=untested)

    assert ruling.verdict == verdict
    assert len(ruling.reasons) == few + bad + bool(untested)
    if untested:
        assert ruling.reasons[-1] == "not tested against chance: why"


@given(
    st.lists(st.tuples(st.sampled_from(("min_sessions", "min_alerts", "win_rate_chance",
                                        "audit_failures")), st.booleans()), max_size=6),
    st.booleans(), st.sampled_from(("", "why")),
)  # fmt: skip
def test_a_pass_needs_every_criterion_and_rail(
    rails: list[tuple[str, bool]], proof: bool, untested: str
) -> None:
    made = tuple(named(name, passed=passed, p_value=0.5) for name, passed in rails)

    ruling = rule(RATES, made, require_proof=proof, untested=untested)

    assert (ruling.verdict == "PASS") == (all(p for _, p in rails) and not untested)
    assert (ruling.reasons == ()) == (ruling.verdict == "PASS")


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"chance": False}, "left out"),
        ({"scoring__null_runs": 98}, "scoring.null_runs is 98; chance needs 99 runs"),
        ({"scoring__null_runs": 99, "scoring__mirror_runs": 98},
         "scoring.mirror_runs is 98; chance needs 99 runs"),
        ({"scoring__null_runs": 99, "scoring__mirror_runs": 99,
          "gate__better_than_chance": False}, "gate.better_than_chance is false"),
    ],
)  # fmt: skip
def test_chance_not_or_hardly_measured_leaves_the_verdict_untested(
    options: dict[str, Any], why: str
) -> None:
    made = card(**{"chance": True, "gate__better_than_chance": True, **options})

    assert made.verdict == "UNTESTED"
    assert made.reasons == (f"not tested against chance: {why}",)
    assert all(not made.criterion(n).passed for n in CHANCE_RAILS)
    # What was run is printed all the same.
    assert (made.coin_flip is None) == (options == {"chance": False})


def test_ninety_nine_runs_of_each_are_enough_for_a_judgement() -> None:
    made = card(
        chance=True, gate__better_than_chance=True, scoring__null_runs=99, scoring__mirror_runs=99
    )

    assert made.verdict == "FAIL"  # a walk: no better than coin-flip bars
    assert not made.criterion("win_rate_chance").passed
    assert made.criterion("win_rate_chance").reason is None


@pytest.mark.parametrize(
    ("stop", "target", "reason"),
    [(1.5, 1.5, None), (1.5, 1.6, None), (1.5, 1.4999, GEOMETRY), (3.0, 1.5, GEOMETRY)],
)
def test_a_win_rate_counts_only_where_the_target_is_as_far_as_the_stop(
    stop: float, target: float, reason: str | None
) -> None:
    made = card(trade__stop_atr=stop, trade__target_atr=target)

    win = made.criterion("win_rate")
    assert win.value is not None
    assert win.value >= win.threshold
    assert (win.reason, win.passed) == (reason, reason is None)
    assert not (reason and win.proven)
    assert made.verdict == ("FAIL" if reason else "UNTESTED")
    assert all(c.reason is None for c in made.criteria[:2])


# --- proof --------------------------------------------------------------------------------


def criterion(name: str, *, passed: bool = True, proven: bool | None = True) -> Criterion:
    return Criterion(name, 0.9, ">=", 0.8, passed, proven=proven)


RATES = tuple(criterion(n) for n in ("capture_rate", "false_positive_share", "win_rate"))


def ruled(rates: tuple[Criterion, ...], *, require_proof: bool = False) -> Ruling:
    return rule(rates, (), require_proof=require_proof, untested="")


def test_proven_needs_every_rate_to_clear_its_bound() -> None:
    assert ruled(RATES).proven
    doubtful = (*RATES[:2], replace(RATES[2], proven=False))
    assert not ruled(doubtful).proven
    assert not ruled((*RATES[:2], replace(RATES[2], proven=None))).proven
    assert ruled(doubtful).verdict == "PASS"


def test_proof_is_demanded_where_the_settings_say_so() -> None:
    doubtful = (*RATES[:2], replace(RATES[2], proven=False))

    ruling = ruled(doubtful, require_proof=True)

    assert ruling.verdict == "FAIL"
    assert ruling.reasons == ("not proven: a one-sided 95 % bound does not clear its threshold",)
    assert ruled(RATES, require_proof=True).verdict == "PASS"


def test_a_rate_is_proven_by_the_one_sided_bound(run: Run) -> None:
    """Thresholds just inside and just outside the one-sided bound of the observed rate."""
    from alertlib.stats.intervals import Z_ONE_SIDED, wilson

    weights = session_weights(14, 500, np.random.default_rng(1))
    (capture, false, _) = rate_criteria(run.scored, Gate(), [weights], {})
    assert capture.n_eff is not None
    assert capture.value is not None
    low = wilson(capture.value, capture.n_eff, Z_ONE_SIDED)[0]
    for threshold, proven in ((low - 1e-9, True), (low, True), (low + 1e-9, False)):
        gate = Gate(capture_rate=threshold)
        assert rate_criteria(run.scored, gate, [weights], {})[0].proven is proven
    assert false.n_eff is not None
    assert false.value is not None
    high = wilson(false.value, false.n_eff, Z_ONE_SIDED)[1]
    for threshold, proven in ((high + 1e-9, True), (high, True), (high - 1e-9, False)):
        gate = Gate(false_positive_share=threshold)
        assert rate_criteria(run.scored, gate, [weights], {})[1].proven is proven


def test_thresholds_are_inclusive(run: Run) -> None:
    weights = session_weights(14, 100, np.random.default_rng(1))
    values = [c.value for c in rate_criteria(run.scored, Gate(), [weights], {})]
    exact = Gate(
        capture_rate=values[0], false_positive_share=values[1], win_rate=values[2]
    )  # fmt: skip

    assert all(c.passed for c in rate_criteria(run.scored, exact, [weights], {}))


def test_a_size_that_equals_its_limit_suffices(run: Run) -> None:
    sizes = ("min_sessions", "min_opportunities", "min_alerts", "min_trades")
    found = rails_of(run, {})
    for off, passed in ((0, True), (1, False)):
        gate = Gate(**{name: int(found[name].value or 0) + off for name in sizes})
        rails = {c.name: c for c in guard_rails(run.scored, gate, evidence({}))}
        assert all(rails[name].passed is passed for name in sizes)


# --- words --------------------------------------------------------------------------------


def test_reasons_are_sentences_that_say_how_far_there_is_to_go() -> None:
    def failed(name: str, value: float | None, op: str, threshold: float, **more: Any) -> str:
        return why_not(Criterion(name, value, op, threshold, False, **more))

    assert failed("capture_rate", 0.8, ">=", 0.85) == (
        "capture rate 80.0 %, needed at least 85.0 % (5.0 points short)"
    )
    assert failed("false_positive_share", 0.25, "<=", 0.1) == (
        "false-positive share 25.0 %, needed at most 10.0 % (15.0 points over)"
    )
    assert failed("capture_rate", 0.84996, ">=", 0.85) == (
        "capture rate 84.996 %, needed at least 85.000 % (0.004 points short)"
    )
    assert failed("min_alerts", 12.0, ">=", 60.0) == "12 alerts, needed at least 60"
    assert failed("win_rate", None, ">=", 0.6) == "win rate is undefined, needed at least 60.0 %"
    assert failed("audit_failures", 1.0, "<=", 0.0) == "1 detector audit is not clean"
    assert failed("audit_failures", 2.0, "<=", 0.0) == "2 detector audits are not clean"
    assert failed("data_errors", 1.0, "<=", 0.0) == "1 finding makes the data unsafe to score"
    assert failed("expectancy_points", None, ">", 0.0) == (
        "no trade was made, so none earned anything"
    )
    assert failed("my_rail", 1.0, "<", 0.5) == "my_rail 1.0, needed < 0.5"


def test_a_reason_names_the_nulls_that_were_not_beaten() -> None:
    drawn: dict[str, Any] = {
        PERMUTED: {"p_value": 0.4}, FLIPPED: {"p_value": 0.01}, COINS: {"p_value": 0.4},
    }  # fmt: skip
    rail = Criterion("win_rate_chance", 0.4, "<", 0.05, False, p_value=0.4, nulls=drawn)

    assert why_not(rail) == (
        "win rate does not beat the same alerts on other days or the same detectors on coin-flip "
        "bars: chance does as well with probability 0.4, needed below 0.05"
    )


@given(st.floats(0, 1), st.sampled_from((0.85, 0.1, 0.6)))
def test_a_missed_limit_never_reads_as_met(value: float, limit: float) -> None:
    assume(abs(value - limit) > 1e-7)
    said = why_not(Criterion("win_rate", value, ">=", limit, False))

    got, needed, off = re.findall(r"\d+\.\d+", said)
    assert got != needed
    assert float(off) > 0


# --- the scorecard ------------------------------------------------------------------------


def test_a_scorecard_is_json_with_the_keys_of_the_interface() -> None:
    made = card(chance=True, audits="quick")

    values = json.loads(made.to_json())

    assert values["schema"] == "scorecard.v2"
    assert set(values) >= {
        "spec", "spec_hash", "config_hash", "git_rev", "versions", "seed", "generated_at", "data",
        "counts", "rates", "criteria", "verdict", "proven", "reasons", "trade", "timeliness",
        "sensitivity", "per_detector", "per_session", "audits", "in_sample_possible", "coin_flip",
        "calibration",
    }  # fmt: skip
    assert set(values["coin_flip"]) >= {
        "capture_rate", "false_positive_share", "win_rate", "runs",
    }  # fmt: skip
    assert set(values["data"]) >= {
        "source", "synthetic", "symbol", "timeframe", "sha256", "bars", "sessions", "first", "last",
        "quality",
    }  # fmt: skip
    counts = values["counts"]
    assert counts["alerts"] == counts["tp"] + counts["false_positives"] + counts["redundant"]
    assert set(values["rates"]) >= {
        "fp_share_all", "fp_share_strict", "oracle_ceiling", "optimistic_win_rate",
    }  # fmt: skip
    for item in values["criteria"]:
        assert set(item) >= {
            "name", "value", "op", "threshold", "n", "n_eff", "ci_low", "ci_high", "chance",
            "p_value", "passed", "nulls",
        }  # fmt: skip
    assert set(values["trade"]) >= {
        "break_even_win_rate", "expectancy_points", "expectancy_brl", "expectancy_r",
        "profit_factor",
    }  # fmt: skip
    assert set(values["timeliness"]["move_left"]) == {"median", "q25", "q75"}
    assert [(row["k"], row["min_move_left"]) for row in values["sensitivity"]] == [
        (k, left) for k in (2, 3, 4) for left in (0, 0.25, 0.5)
    ]
    assert all(
        set(row) == {"k", "min_move_left", "capture_rate", "false_positive_share",
                     "chance_capture", "chance_fp"}
        for row in values["sensitivity"]
    )  # fmt: skip


def test_nothing_undefined_is_written_as_nan() -> None:
    made = card(detection__enabled=())

    text = made.to_json()

    assert "NaN" not in text
    assert "Infinity" not in text
    values = json.loads(text)
    assert values["trade"]["expectancy_points"] is None
    assert values["trade"]["profit_factor"] is None
    assert values["timeliness"]["bars_from_onset"] is None


def test_a_criterion_is_found_by_name() -> None:
    made = card()

    assert made.criterion("win_rate") is made.criteria[2]
    with pytest.raises(KeyError, match="no_such"):
        made.criterion("no_such")
    assert repr(made).startswith("<Scorecard UNTESTED: capture_rate 0.")
    undefined = card(detection__enabled=())
    assert "win_rate undefined" in repr(undefined)


def test_the_spec_hash_follows_every_setting_that_decides_a_score() -> None:
    plain = card().spec_hash

    assert card(gate__win_rate=0.01).spec_hash != plain
    assert card(scoring__k=2.0).spec_hash != plain
    assert card(trade__stop_atr=1.0).spec_hash != plain
    assert card(policy__cooldown_bars=3).spec_hash != plain
    changed = card(detection__volatility__window=30)
    assert changed.spec_hash == plain
    assert changed.config_hash != card().config_hash


def test_a_canonical_hash_does_not_depend_on_the_order_of_keys() -> None:
    assert canonical_hash({"a": 1, "b": (1, 2)}) == canonical_hash({"b": [1, 2], "a": 1})
    assert canonical_hash({"a": float("nan")}) == canonical_hash({"a": None})
    assert canonical_hash({"a": np.float64(0.5)}) == canonical_hash({"a": 0.5})
    assert canonical_hash({"a": "é"}) != canonical_hash({"a": "e"})
