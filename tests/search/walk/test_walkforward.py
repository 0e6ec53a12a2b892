"""Walking forward: every fold is what two backtests say, and what is not proven says why."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from pickle import dumps, loads
from typing import Any

import numpy as np
import pytest

import alertlib as al
from alertlib.bars.sample import sample_path
from alertlib.config import Config
from alertlib.errors import AlertlibError, ConfigError, DataError
from alertlib.scorecard.card import Scorecard
from alertlib.search.grid.grid import Grid
from alertlib.search.ledger.reader import read_ledger
from alertlib.search.luck import Luck
from alertlib.search.selection import Selection, judge
from alertlib.search.walk.proof import reasons_against
from tests.support.synthetic import bars_of, walk

BARS = bars_of(walk(21, sessions=34), timeframe="M5")
QUICK = Config().update(
    {"scoring.warmup_bars": 107, "scoring.mirror_runs": 19, "scoring.null_runs": 19}
)
GRID: dict[str, Any] = {
    "volatility.window": [10, 20, 30],
    "cooldown_bars": [0, 6],
    "stop_atr": [1.0, 1.5],
    "target_atr": [1.5, 2.0],
}


def rates(run: Any) -> dict[str, Any]:
    scored = run.scored
    return {
        "captured": scored.captured,
        "opportunities": len(scored.moves),
        **{name: int(scored.per_session()[name].sum()) for name in ("tp", "fp", "trades", "wins")},
    }


def shown(part: Any) -> dict[str, Any]:
    names = ("captured", "opportunities", "tp", "fp", "trades", "wins")
    return {name: getattr(part, name) for name in names}


def test_every_fold_is_what_backtests_of_its_sessions_say() -> None:
    walked = al.walk_forward(BARS, QUICK, GRID, train=12, test=6)

    assert [len(fold.train) for fold in walked.folds] == [12] * 4
    assert [len(fold.test) for fold in walked.folds] == [6, 6, 6, 2]
    for fold in walked.folds:
        assert fold.train[-1] < fold.test[0]
        config = QUICK.update(dict(fold.parameters))
        for part, dates in ((fold.in_sample, fold.train), (fold.out_of_sample, fold.test)):
            run = al.backtest(
                BARS, config, between=(dates[0], dates[-1]), audits="none", chance=False
            )
            assert shown(part) == rates(run)
            assert part.points == pytest.approx(
                run.scored.trades.points[run.scored.trades.filled].sum()
            )


def test_a_fold_chooses_the_smallest_distance_of_its_training_sessions() -> None:
    walked = al.walk_forward(BARS, QUICK, GRID, train=12, test=6)

    for fold in walked.folds:
        alone = al.sweep(BARS, QUICK, GRID, between=(fold.train[0], fold.train[-1]))
        best = alone.best(1).row(0, named=True)
        assert {key: best[key] for key in alone.grid.keys} == fold.parameters


def test_the_pooled_sessions_are_judged_as_one() -> None:
    walked = al.walk_forward(BARS, QUICK, GRID, train=12, test=6)
    card, pooled = walked.pooled.to_dict(), walked.out_of_sample

    values = {c["name"]: c["value"] for c in card["criteria"]}
    assert values["capture_rate"] == pooled.capture_rate
    assert values["false_positive_share"] == pooled.false_positive_share
    assert values["win_rate"] == pooled.win_rate
    assert values["min_sessions"] == pooled.sessions == 20
    assert card["counts"]["opportunities"] == pooled.opportunities
    assert card["coin_flip"]["runs"] == 19
    assert not walked.proven


def test_one_choice_everywhere_is_judged_as_the_backtest_is() -> None:
    """The nulls of the pooled sessions are those of a plain run where nothing is chosen."""
    walked = al.walk_forward(BARS, QUICK, {"stop_atr": [1.5]}, train=12, test=30)
    (fold,) = walked.folds
    run = al.backtest(BARS, QUICK, between=(fold.test[0], fold.test[-1]))

    ours, theirs = walked.pooled.to_dict(), run.scorecard.to_dict()

    assert ours["criteria"] == theirs["criteria"]
    assert ours["coin_flip"] == theirs["coin_flip"]
    assert ours["verdict"] == theirs["verdict"]


def test_a_sweep_that_was_made_is_not_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    config = QUICK.set("scoring.sessions", 30)
    swept = al.sweep(BARS, config, GRID)
    monkeypatch.setattr("alertlib.search.walk.walkforward.sweep", None)

    walked = al.walk_forward(BARS, config, swept, train=10, test=6)

    assert walked.sweep is swept
    assert sum(walked.drift().values()) >= 0
    assert set(walked.drift()) == set(swept.grid.keys)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"bars": BARS[:3000]}, "bars: got others than those of the sweep, expected the same"),
        ({"config": QUICK.set("trade.target_atr", 5.0)}, "config: got another than that of the"),
        ({"where": "target_atr >= stop_atr"}, "where: got 'target_atr >= stop_atr' beside a sweep"),
        ({"search": "random"}, "search: got 'random' beside a sweep"),
        ({"trials": 3}, "trials: got 3 beside a sweep"),
        ({"seed": 0}, "seed: got 0 beside a sweep"),
        ({"labels": BARS.frame}, "labels: got a value of type DataFrame beside a sweep"),
        ({"between": ("2021-04-05", "2021-04-30")}, "between: got a value of type tuple beside"),
        ({"ledger": "trials.jsonl"}, "ledger: got 'trials.jsonl' beside a sweep"),
        ({"resume": True}, "resume: got True beside a sweep"),
    ],
)
def test_what_a_sweep_does_not_answer_is_refused(given: dict[str, Any], message: str) -> None:
    """It was left out without a word: another configuration, a month, a ledger nobody wrote."""
    swept = al.sweep(BARS, QUICK, GRID)
    asked: dict[str, Any] = {"bars": BARS, "config": QUICK, "train": 12, "test": 6} | given

    with pytest.raises(AlertlibError, match=message) as caught:
        al.walk_forward(grid=swept, **asked)

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("function", [al.sweep, al.walk_forward])
@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"config": QUICK}, r"config: got another than that of the grid \(in trade.stop_atr\)"),
        ({"where": "target_atr >= stop_atr"}, "where: got 'target_atr >= stop_atr' beside a grid"),
    ],
)
def test_what_a_grid_was_not_made_with_is_refused(
    function: Any, given: dict[str, Any], message: str
) -> None:
    """Combinations were counted under one configuration, and shown under another."""
    grid = Grid({"target_atr": [1.0, 2.0]}, QUICK.set("trade.stop_atr", 1.25))
    asked: dict[str, Any] = {"config": None} | given

    with pytest.raises(ConfigError, match=f"^{message}"):
        function(BARS, grid=grid, **asked)


def test_a_grid_or_sweep_that_was_made_has_its_configuration() -> None:
    base = QUICK.update({"trade.stop_atr": 1.25, "scoring.sessions": 30})
    given = {"target_atr": [1.0, 2.0]}

    found = al.sweep(BARS, None, Grid(given, base))
    walked = al.walk_forward(BARS, None, found, train=12, test=6)

    assert found.settings(0).trade.stop_atr == 1.25
    assert found.frame.equals(al.sweep(BARS, base, given).frame)
    assert walked.to_dict() == al.walk_forward(BARS, base, found, train=12, test=6).to_dict()


def test_sessions_held_out_are_chosen_on_by_nothing_and_looked_at_once(tmp_path: Path) -> None:
    ledger = tmp_path / "trials.jsonl"
    options: dict[str, Any] = {"train": 12, "test": 6, "held_out": 5, "ledger": ledger}
    noon = datetime(2026, 5, 1, 12, tzinfo=UTC)
    times = (noon + timedelta(minutes=i) for i in count())

    first = al.walk_forward(BARS, QUICK, GRID, **options, clock=lambda: next(times))
    touches = list(read_ledger(ledger).touches)
    second = al.walk_forward(BARS, QUICK, GRID, **options, resume=True, clock=lambda: next(times))

    (touch,) = touches
    held = set(touch.sessions)
    assert len(held) == 5
    assert not held & set(first.chosen_on)
    assert max(first.chosen_on) < min(held)
    assert not any("looked at before" in reason for reason in first.reasons)
    assert any(touch.when in reason for reason in second.reasons)
    assert len(read_ledger(ledger).touches) == 2
    config = QUICK.update(dict(first.chosen))
    run = al.backtest(BARS, config, between=(min(held), max(held)), audits="none", chance=False)
    assert first.hold_out is not None
    assert shown(first.hold_out) == rates(run)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"held_out": 5}, "held_out: got no ledger"),
        ({"held_out": -1}, "held_out: got -1"),
        ({"held_out": 1.5}, "held_out: got 1.5; expected a whole number of sessions"),
        ({"train": 0}, "train: got 0"),
        ({"train": True}, "train: got True; expected a whole number of sessions"),
        ({"trials": 1.5}, "trials: got 1.5; expected a whole number"),
        ({"seed": -1}, "seed: got -1, expected at least 0"),
        ({"held_out": 3, "ledger": 5}, "ledger: got 5; expected the path of a file"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        al.walk_forward(BARS, QUICK, GRID, **options)


def test_a_sweep_has_seen_what_would_be_held_out(tmp_path: Path) -> None:
    swept = al.sweep(BARS, QUICK, GRID)

    with pytest.raises(ConfigError, match="which has seen all sessions"):
        al.walk_forward(BARS, QUICK, swept, held_out=3, ledger=tmp_path / "l.jsonl")


def test_too_few_sessions_for_a_fold_are_told() -> None:
    with pytest.raises(DataError, match="sessions: got 33, expected at least 42"):
        al.walk_forward(BARS, QUICK, GRID, train=40)


# --- when it is proven --------------------------------------------------------------------


def selection_of(points: Any) -> Selection:
    return judge(points, int(points.sum(axis=1).argmax()), len(points), "00")


def sample_card() -> Scorecard:
    bars = al.read_bars(sample_path(), symbol="WIN$N")
    return al.backtest(bars).scorecard


def test_a_skilled_trial_is_proven_and_the_best_of_noise_is_not() -> None:
    rng = np.random.default_rng(4)
    card = sample_card()
    skilled = rng.normal(0, 30, size=(40, 60))
    skilled[7] += 60

    assert reasons_against(card, selection_of(skilled)) == ()
    for _ in range(20):
        # One of the four answers may be luck, all of them at once hardly.
        against = reasons_against(card, selection_of(rng.normal(0, 30, size=(40, 60))))
        assert against
        assert "of 40 trials" in against[0]


def test_a_gate_that_does_not_pass_is_proof_of_nothing() -> None:
    rng = np.random.default_rng(4)
    skilled = rng.normal(0, 30, size=(40, 60))
    skilled[7] += 60
    failed = replace(sample_card(), verdict="FAIL", reasons=("win rate 40 %",))
    unsure = replace(sample_card(), proven=False)

    (why,) = reasons_against(failed, selection_of(skilled))
    assert why == "out of sample the gate says FAIL: win rate 40 %"
    (why,) = reasons_against(unsure, selection_of(skilled))
    assert "does not clear" in why


# --- the best by luck ---------------------------------------------------------------------


def test_luck_is_the_best_of_the_permuted_sessions_of_every_combination() -> None:
    from alertlib.stats.nulls import null_rates, permuted_sessions

    swept = al.sweep(BARS, QUICK, GRID)
    luck = swept.chance(runs=9)

    assert isinstance(luck, Luck)
    assert swept.subject is not None
    ground = swept.subject.ground
    from hashlib import sha256

    from alertlib.scoring.scored import SPEC, all_wins

    digest = sha256(f"{SPEC}:search:{BARS.sha256}".encode()).digest()
    best = {"capture_rate": np.full(9, -1.0), "win_rate": np.full(9, -1.0)}
    for row in range(len(swept)):
        run = al.backtest(BARS, swept.settings(row), audits="none", chance=False)
        alerts = run.scored.alerts
        schedule = permuted_sessions(
            ground.series, ground.scope.sessions, alerts.bar, alerts.direction, 9,
            np.random.default_rng(int.from_bytes(digest)),
        )  # fmt: skip
        wins = all_wins(run.scored.detected, run.scored.scope, run.scored.settings)
        drawn = null_rates(schedule, ground.validity, wins)
        for name in best:
            best[name] = np.fmax(best[name], drawn.of(name))
    for name, values in best.items():
        assert luck.drawn[name].tolist() == values.tolist()
    assert (
        luck.p("capture_rate") == (1 + sum(best["capture_rate"] >= luck.best["capture_rate"])) / 10
    )


def test_a_copy_of_a_walk_says_the_same() -> None:
    walked = al.walk_forward(BARS, QUICK, {"stop_atr": [1.0, 1.5]}, train=12, test=30)

    for twin in (copy.copy(walked), copy.deepcopy(walked), loads(dumps(walked))):
        assert (repr(twin), twin.to_dict()) == (repr(walked), walked.to_dict())
        assert twin.frame.equals(walked.frame)
        assert twin.settings == walked.settings
    assert (walked == walked, walked == copy.deepcopy(walked)) == (True, False)
