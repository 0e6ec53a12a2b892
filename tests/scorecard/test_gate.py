"""Verdicts: every criterion and guard rail by itself, undefined rates, proof, and the scorecard."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from alertlib.backtesting.backtester import backtest
from alertlib.backtesting.run import Run
from alertlib.config import Config
from alertlib.config.schema import Gate
from alertlib.scorecard.card import Criterion, Scorecard, canonical_hash
from alertlib.scorecard.gate import describe, explain, guard_rails, rate_criteria, rule
from alertlib.stats.intervals import session_weights
from alertlib.stats.nulls import NullRates
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
    config = Config().set("scoring.bootstrap", 100).set("scoring.null_runs", 19)
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


def test_where_everything_holds_the_verdict_is_pass() -> None:
    made = card()

    assert (made.verdict, made.reasons) == ("PASS", ())
    assert [c.name for c in made.criteria] == [
        "capture_rate", "false_positive_share", "win_rate", "min_sessions", "min_opportunities",
        "min_alerts", "min_trades",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "verdict", "reason"),
    [
        ({"gate__capture_rate": 0.999}, "FAIL", r"capture rate \d+\.\d %, needed >= 99\.9 %"),
        ({"gate__false_positive_share": 0.01}, "FAIL", r"false-positive share .*needed <= 1\.0 %"),
        (
            {"gate__win_rate": 0.99},
            "FAIL",
            r"win rate \d+\.\d %, needed >= 99\.0 % \(\d+\.\d % off\)",
        ),
        (
            {"gate__min_sessions": 30},
            "INSUFFICIENT",
            r"scored sessions 14, needed >= 30 \(16 off\)",
        ),
        ({"gate__min_opportunities": 9999}, "INSUFFICIENT", r"opportunities \d+, needed >= 9999"),
        ({"gate__min_alerts": 9999}, "FAIL", r"alerts \d+, needed >= 9999"),
        ({"gate__min_trades": 9999}, "FAIL", r"trades \d+, needed >= 9999"),
        ({"gate__positive_expectancy": True}, "FAIL", r"net expectancy in points -.*needed > 0"),
        ({"gate__clean_audits": True}, "FAIL", r"detector audits not clean is undefined"),
        (
            {"gate__better_than_chance": True},
            "FAIL",
            r"p-value of the capture rate against chance is undefined; needed < 0\.05",
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
    assert card(gate__clean_audits=True, audits="quick").verdict == "PASS"


def test_unsafe_data_do_not_pass() -> None:
    rows = [(t, *(round(p * 1.0356, 2) for p in prices)) for t, *prices in ROWS]
    config = configured(gate__clean_data=True)

    made = backtest(bars_of(rows), config, audits="none", chance=False).scorecard

    assert made.verdict == "FAIL"
    assert made.criterion("data_errors").passed is False
    assert made.trade["expectancy_brl"] is None
    assert card(gate__clean_data=True).verdict == "PASS"
    assert card().trade["expectancy_brl"] is not None


def test_too_little_to_tell_comes_before_failing() -> None:
    """Too few sessions leave the question open, however badly the rates turned out."""
    made = card(gate__min_sessions=30, gate__win_rate=0.99)

    assert made.verdict == "INSUFFICIENT"
    assert len(made.reasons) == 2


def test_no_alerts_is_a_fail_with_undefined_rates() -> None:
    made = card(detection__enabled=())

    assert made.verdict == "FAIL"
    assert made.counts["alerts"] == made.counts["trades"] == 0
    by_name = {c.name: c for c in made.criteria}
    assert by_name["capture_rate"].value == 0.0
    assert by_name["false_positive_share"].value is None
    assert by_name["win_rate"].value is None
    assert not by_name["win_rate"].passed
    assert "win rate is undefined; needed >= 0" in made.reasons


# --- chance -------------------------------------------------------------------------------


def nulls(p_value: float) -> dict[str, NullRates]:
    """A null in which the given share of 99 runs does at least as well as anything."""
    better = round(p_value * 100) - 1
    high = np.where(np.arange(99) < better, 1.0, -1.0)
    return {"coin": NullRates(high, -high, high, dropped=0)}


@pytest.mark.parametrize(("p", "passed"), [(0.04, True), (0.05, False), (0.06, False)])
def test_better_than_chance_means_a_p_value_below_the_limit(
    run: Run, p: float, passed: bool
) -> None:
    weights = session_weights(14, 100, np.random.default_rng(1))
    rates = rate_criteria(run.scored, Gate(), weights, nulls(p))

    assert [c.p_value for c in rates] == [p, p, p]
    rails = rails_of(run, rates, Gate())
    chance = [c for c in rails if c.name.endswith("_chance")]
    assert [c.name for c in chance] == [
        "capture_rate_chance", "false_positive_share_chance", "win_rate_chance",
    ]  # fmt: skip
    assert [c.passed for c in chance] == [passed] * 3


def rails_of(run: Run, rates: tuple[Criterion, ...], gate: Gate) -> tuple[Criterion, ...]:
    return guard_rails(
        run.scored, rates, gate, expectancy=1.0, data_errors=0, audit_failures=0, tested=True
    )


def test_the_least_favourable_null_is_taken() -> None:
    """Each criterion has its own hardest null; of equal p-values the harder chance level."""
    run = backtest(bars_of(ROWS), configured(), audits="none", chance=False)
    weights = session_weights(14, 100, np.random.default_rng(1))
    easy = NullRates(np.zeros(19), np.ones(19), np.zeros(19), 0)
    hard = NullRates(np.ones(19), np.zeros(19), np.ones(19), 0)

    for rates in (
        rate_criteria(run.scored, Gate(), weights, {"easy": easy, "hard": hard}),
        rate_criteria(run.scored, Gate(), weights, {"hard": hard, "easy": easy}),
    ):
        assert [c.chance for c in rates] == [1.0, 0.0, 1.0]
        assert [c.p_value for c in rates] == [1.0, 1.0, 1.0]

    close = NullRates(np.full(19, 0.4), np.full(19, 0.99), np.full(19, 0.2), 0)
    rates = rate_criteria(run.scored, Gate(), weights, {"easy": easy, "close": close})
    assert [c.p_value for c in rates] == [0.05, 0.05, 0.05]
    assert [c.chance for c in rates] == pytest.approx([0.4, 0.99, 0.2])


def test_a_null_without_a_defined_run_is_no_chance_level(run: Run) -> None:
    weights = session_weights(14, 100, np.random.default_rng(1))
    nothing = np.full(19, np.nan)

    for c in rate_criteria(
        run.scored, Gate(), weights, {"x": NullRates(nothing, nothing, nothing, 0)}
    ):
        assert (c.chance, c.p_value) == (None, 1.0)


# --- proof --------------------------------------------------------------------------------


def criterion(name: str, *, passed: bool = True, proven: bool | None = True) -> Criterion:
    return Criterion(name, 0.9, ">=", 0.8, passed, proven=proven)


RATES = tuple(criterion(n) for n in ("capture_rate", "false_positive_share", "win_rate"))


def test_proven_needs_every_rate_to_clear_its_bound() -> None:
    assert rule(RATES, (), Gate()).proven
    doubtful = (*RATES[:2], replace(RATES[2], proven=False))
    assert not rule(doubtful, (), Gate()).proven
    assert not rule((*RATES[:2], replace(RATES[2], proven=None)), (), Gate()).proven
    assert rule(doubtful, (), Gate()).verdict == "PASS"


def test_proof_is_demanded_where_the_settings_say_so() -> None:
    doubtful = (*RATES[:2], replace(RATES[2], proven=False))

    ruling = rule(doubtful, (), Gate(require_proof=True))

    assert ruling.verdict == "FAIL"
    assert ruling.reasons == ("not proven: a one-sided 95 % bound does not clear its threshold",)
    assert rule(RATES, (), Gate(require_proof=True)).verdict == "PASS"


def test_a_rate_is_proven_by_the_one_sided_bound(run: Run) -> None:
    """Thresholds just inside and just outside the one-sided bound of the observed rate."""
    from alertlib.stats.intervals import Z_ONE_SIDED, wilson

    weights = session_weights(14, 500, np.random.default_rng(1))
    (capture, false, _) = rate_criteria(run.scored, Gate(), weights, {})
    assert capture.n_eff is not None
    assert capture.value is not None
    low = wilson(capture.value, capture.n_eff, Z_ONE_SIDED)[0]
    for threshold, proven in ((low - 1e-9, True), (low + 1e-9, False)):
        gate = Gate(capture_rate=threshold)
        assert rate_criteria(run.scored, gate, weights, {})[0].proven is proven
    assert false.n_eff is not None
    assert false.value is not None
    high = wilson(false.value, false.n_eff, Z_ONE_SIDED)[1]
    for threshold, proven in ((high + 1e-9, True), (high - 1e-9, False)):
        gate = Gate(false_positive_share=threshold)
        assert rate_criteria(run.scored, gate, weights, {})[1].proven is proven


def test_thresholds_are_inclusive(run: Run) -> None:
    weights = session_weights(14, 100, np.random.default_rng(1))
    values = [c.value for c in rate_criteria(run.scored, Gate(), weights, {})]
    exact = Gate(
        capture_rate=values[0], false_positive_share=values[1], win_rate=values[2]
    )  # fmt: skip

    assert all(c.passed for c in rate_criteria(run.scored, exact, weights, {}))


# --- words --------------------------------------------------------------------------------


def test_reasons_say_what_was_got_and_how_far_off_it_is() -> None:
    off = Criterion("capture_rate", 0.8, ">=", 0.85, False)
    assert explain(off) == "capture rate 80.0 %, needed >= 85.0 % (5.0 % off)"
    few = Criterion("min_alerts", 12.0, ">=", 60.0, False)
    assert explain(few) == "alerts 12, needed >= 60 (48 off)"
    none = Criterion("win_rate", None, ">=", 0.6, False)
    assert explain(none) == "win rate is undefined; needed >= 0.6"
    assert describe("win_rate_chance") == "p-value of the win rate against chance"


# --- the scorecard ------------------------------------------------------------------------


def test_a_scorecard_is_json_with_the_keys_of_the_interface() -> None:
    made = card(chance=True, audits="quick")

    values = json.loads(made.to_json())

    assert values["schema"] == "scorecard.v1"
    assert set(values) >= {
        "spec", "spec_hash", "config_hash", "git_rev", "versions", "seed", "generated_at", "data",
        "counts", "rates", "criteria", "verdict", "proven", "reasons", "trade", "timeliness",
        "sensitivity", "per_detector", "per_session", "audits",
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
    assert repr(made).startswith("<Scorecard PASS: capture_rate 0.")
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
