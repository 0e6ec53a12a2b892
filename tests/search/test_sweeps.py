"""Sweeps as their user makes them: grids, drawn and suggested trials, ledgers, files."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from pathlib import Path
from pickle import dumps, loads
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import alertlib as al
from alertlib.config import Config
from alertlib.errors import ConfigError, DataError
from alertlib.search import sweeps
from alertlib.search.cube import Totals, distance
from alertlib.search.ledger.reader import read_ledger
from tests.support import user_detectors
from tests.support.synthetic import bars_of, walk

BARS = bars_of(walk(11, sessions=20), timeframe="M5")
CONFIG = Config().update({"scoring.sessions": 14, "scoring.warmup_bars": 107})
GRID: dict[str, Any] = {
    "volatility.window": [10, 20],
    "threshold_sigma": [1.5, 2.0, 2.5],
    "cooldown_bars": [0, 6],
    "stop_atr": [1.0, 2.0],
    "target_atr": [1.0, 2.0],
}
ALONE = CONFIG.update(
    {
        "detection.enabled": ["volatility"],
        "policy.cooldown_bars": 0,
        "policy.window_start": "00:00",
        "policy.window_end": "23:59",
    }
)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def at_noon() -> datetime:
    return NOON


def test_every_row_is_the_backtest_of_its_settings() -> None:
    found = al.sweep(BARS, CONFIG, GRID, where="target_atr >= stop_atr")

    assert len(found) == 36
    for row in range(0, len(found), 5):
        card = al.backtest(BARS, found.settings(row), audits="none", chance=False).scorecard
        shown = found.frame.row(row, named=True)
        for name in ("capture_rate", "false_positive_share", "win_rate"):
            (criterion,) = (c for c in card.criteria if c.name == name)
            assert shown[name] == criterion.value
        assert shown["opportunities"] == card.counts["opportunities"]
        assert shown["expectancy_points"] == pytest.approx(
            al.backtest(
                BARS, found.settings(row), audits="none", chance=False
            ).scored.expectancy_points
        )


def test_columns_are_parameters_counts_rates_and_distance() -> None:
    frame = al.sweep(BARS, CONFIG, {"stop_atr": [1.0, 2.0]}).frame

    assert frame.columns == [
        "trade.stop_atr", "opportunities", "captured", "tp", "fp", "redundant", "trades", "wins",
        "points", "capture_rate", "false_positive_share", "win_rate", "expectancy_points",
        "distance",
    ]  # fmt: skip
    # The target, 1.5 average true ranges, is nearer than a stop of 2.
    assert frame["distance"][1] == 100.0


@pytest.mark.parametrize("where", [(), "target_atr >= stop_atr"])
def test_one_pass_over_the_bars_gives_the_counts_of_the_general_path(
    where: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    grid = {k: v for k, v in GRID.items() if k != "cooldown_bars"} | {"confirm_bars": [3, 1]}

    fast = al.sweep(BARS, ALONE, grid, where=where)
    monkeypatch.setattr(sweeps, "covers", lambda *_: False)
    general = al.sweep(BARS, ALONE, grid, where=where)

    assert general.totals.count("trades").sum() > 100
    assert np.array_equal(fast.cube.counts, general.cube.counts)
    assert np.array_equal(fast.cube.money, general.cube.money)


@pytest.mark.parametrize(
    "change",
    [
        {"detection.enabled": ["volatility", "breakout"]},
        {"policy.cooldown_bars": 6},
        {"policy.window_end": "15:00"},
    ],
)
def test_one_pass_is_for_volatility_alone_with_nothing_held_back(change: dict[str, Any]) -> None:
    from alertlib.search.grid.grid import Grid
    from alertlib.search.subject import make_subject
    from alertlib.search.volatility.headline import covers

    grid = {"volatility.window": [10, 20]}

    assert covers(make_subject(BARS, ALONE), Grid(grid, ALONE))
    assert not covers(make_subject(BARS, ALONE.update(change)), Grid(grid, ALONE.update(change)))
    assert not covers(make_subject(BARS, ALONE), Grid({"horizon_bars": [5, 6]}, ALONE))


def test_best_is_by_distance_then_by_points() -> None:
    found = al.sweep(BARS, CONFIG, GRID)
    best = found.best(len(found))

    pairs = list(zip(best["distance"], [-p for p in best["expectancy_points"]], strict=True))
    assert pairs == sorted(pairs)
    assert (
        found.best(3, by="win_rate")["win_rate"].to_list()
        == sorted(found.frame["win_rate"], reverse=True)[:3]
    )
    assert found.row_of(best) == found.frame["distance"].to_list().index(best["distance"][0]) or (
        found.frame["distance"][found.row_of(best)] == best["distance"][0]
    )
    with pytest.raises(ConfigError, match="by: got 'luck'"):
        found.best(by="luck")  # type: ignore[arg-type]


def test_a_plateau_is_the_median_of_the_neighbours() -> None:
    found = al.sweep(BARS, CONFIG, {"volatility.window": [10, 15, 20, 30], "stop_atr": [1.0, 1.5]})

    plateau = found.plateau()["plateau"].to_list()

    far = found.distance
    # Windows ascend slowly, stops fast: the neighbours of (15, 1.0) are (10, 1.0), (20, 1.0) and
    # (15, 1.5).
    assert plateau[2] == float(np.median([far[0], far[4], far[3]]))
    assert found.best(1, by="plateau")["plateau"][0] == min(plateau)


def test_random_trials_are_a_part_of_the_grid_and_a_longer_search_goes_on() -> None:
    whole = al.sweep(BARS, CONFIG, GRID)

    short, long = (al.sweep(BARS, CONFIG, GRID, search="random", trials=n, seed=7) for n in (5, 12))

    assert (len(short), len(long)) == (5, 12)
    assert set(short.combinations) < set(long.combinations)
    assert_frame_equal(long.frame, whole.frame[long.combinations])


def test_suggested_trials_are_counted_like_any_others() -> None:
    pytest.importorskip("optuna")
    whole = al.sweep(BARS, CONFIG, GRID)

    found = al.sweep(BARS, CONFIG, GRID, search="tpe", trials=10, seed=3)
    again = al.sweep(BARS, CONFIG, GRID, search="tpe", trials=10, seed=3)

    assert len(set(found.combinations.tolist())) == len(found) == 10
    assert np.array_equal(found.combinations, again.combinations)
    assert_frame_equal(found.frame, whole.frame[found.combinations])


def test_a_suggested_search_ends_when_the_grid_does() -> None:
    pytest.importorskip("optuna")

    found = al.sweep(BARS, CONFIG, {"stop_atr": [1.0, 2.0]}, search="tpe", trials=50)

    assert sorted(found.combinations.tolist()) == [0, 1]


def test_a_resumed_sweep_counts_only_what_the_ledger_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = tmp_path / "trials.jsonl"
    part = {**GRID, "threshold_sigma": [1.5, 2.0]}
    al.sweep(BARS, CONFIG, part, ledger=ledger, clock=at_noon)
    counted: list[int] = []
    real = sweeps.count_grid

    def counting(subject: Any, grid: Any, chosen: Any, *rest: Any) -> Any:
        counted.append(len(chosen))
        return real(subject, grid, chosen, *rest)

    monkeypatch.setattr(sweeps, "count_grid", counting)
    found = al.sweep(BARS, CONFIG, GRID, ledger=ledger, resume=True, clock=at_noon)
    monkeypatch.undo()

    assert counted == [16]
    assert found.trials == read_ledger(ledger).count == 48
    assert np.array_equal(found.cube.counts, al.sweep(BARS, CONFIG, GRID).cube.counts)
    assert np.array_equal(found.cube.money, al.sweep(BARS, CONFIG, GRID).cube.money)


@pytest.mark.parametrize("totals", [False, True])
def test_a_sweep_resumes_from_a_ledger_that_holds_none_of_its_trials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, totals: bool
) -> None:
    """It crashed; and the header that it had written made the second try crash as well."""
    if totals:
        monkeypatch.setattr("alertlib.search.grid.grid.MAX_PER_SESSION", 1)
    new = {"ledger": tmp_path / "trials.jsonl", "resume": True, "clock": at_noon}

    first, second, disjoint = (
        al.sweep(BARS, CONFIG, {"stop_atr": stops}, **new)
        for stops in ([1.0, 2.0], [1.0, 2.0], [1.5, 2.5])
    )

    assert [found.trials for found in (first, second, disjoint)] == [2, 2, 4]
    assert np.array_equal(first.cube.counts, second.cube.counts)
    assert_frame_equal(disjoint.frame, al.sweep(BARS, CONFIG, {"stop_atr": [1.5, 2.5]}).frame)


def test_a_sweep_without_any_detector_finds_nothing() -> None:
    """An empty `detection.enabled` crashed, while a backtest has no alerts."""
    found = al.sweep(BARS, CONFIG.set("detection.enabled", []), {"stop_atr": [1.0, 2.0]})

    assert found.totals.opportunities > 0
    assert not found.cube.counts.any()
    assert found.chance(runs=3).combinations == 2


def test_an_interrupted_sweep_leaves_what_it_has_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = tmp_path / "trials.jsonl"
    monkeypatch.setattr("alertlib.search.dispatch.LONGEST_BLOCK", 4)
    blocks: list[int] = []

    def interrupt(stage: str, done: int, ahead: int) -> None:
        blocks.append(done)
        if len(blocks) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        al.sweep(BARS, CONFIG, GRID, ledger=ledger, progress=interrupt, workers=1, clock=at_noon)

    assert read_ledger(ledger).count == 12
    whole = al.sweep(BARS, CONFIG, GRID, ledger=ledger, resume=True, clock=at_noon)
    assert np.array_equal(whole.cube.counts, al.sweep(BARS, CONFIG, GRID).cube.counts)


def test_an_edited_detector_is_not_taken_from_the_ledger() -> None:
    """Its parameters are the same, its signals are not."""
    from alertlib.search.grid.grid import Grid
    from alertlib.search.subject import make_subject

    config = CONFIG.set("detection.enabled", ["metronome"])
    grid = Grid({"stop_atr": [1.0]}, config)
    before = make_subject(BARS, config).identity(grid).configuration_hash({"trade.stop_atr": 1.0})
    step = user_detectors.metronome.step
    edited = al.detector(
        "metronome", patterns=("tick", "tick"), params=user_detectors.metronome.params,
        state=user_detectors.metronome.state, confidence=0.5,
    )  # fmt: skip
    edited(lambda state, ring, bar, params: (0, state))
    try:
        after = (
            make_subject(BARS, config).identity(grid).configuration_hash({"trade.stop_atr": 1.0})
        )
    finally:
        edited(step)

    assert before != after


def test_more_combinations_than_are_kept_by_session_are_totals(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    whole = al.sweep(BARS, CONFIG, GRID)
    monkeypatch.setattr("alertlib.search.grid.grid.MAX_PER_SESSION", 10)

    found = al.sweep(BARS, CONFIG, GRID)

    assert found.cube.counts.shape[1] == 1
    assert_frame_equal(found.frame, whole.frame)
    with pytest.raises(DataError, match="without their sessions"):
        found.selection()
    with pytest.raises(ConfigError, match="without their sessions"):
        al.walk_forward(BARS, CONFIG, GRID, train=5, test=3)
    ledger = tmp_path / "trials.jsonl"
    al.sweep(BARS, CONFIG, GRID, ledger=ledger, clock=at_noon)
    again = al.sweep(BARS, CONFIG, GRID, ledger=ledger, resume=True, clock=at_noon)
    assert_frame_equal(again.frame, whole.frame)


def test_a_sweep_is_written_and_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = al.sweep(BARS, CONFIG, GRID, where="target_atr >= stop_atr")
    found.write_parquet(tmp_path / "sweep.parquet")

    read = al.read_sweep(tmp_path / "sweep.parquet")

    assert_frame_equal(read.frame, found.frame)
    assert np.array_equal(read.cube.money, found.cube.money)
    assert repr(read) == repr(found)
    assert read.selection().to_dict() == found.selection().to_dict()
    assert read.to_dict() == found.to_dict()
    with pytest.raises(ConfigError, match="chance: got a sweep read from a file"):
        read.chance()
    monkeypatch.setattr("alertlib.search.grid.grid.MAX_PER_SESSION", 10)
    al.sweep(BARS, CONFIG, GRID).write_parquet(tmp_path / "totals.parquet")
    assert not al.read_sweep(tmp_path / "totals.parquet").cube.per_session


def test_what_is_no_sweep_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.parquet"
    with pytest.raises(DataError, match="read_sweep: got 5; expected the path of a file"):
        al.read_sweep(5)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="no such file"):
        al.read_sweep(path)
    for content in (b"", b"PAR1PAR1", b"time,open\n"):
        path.write_bytes(content)
        with pytest.raises(DataError, match="not a sweep"):
            al.read_sweep(path)
    pl.DataFrame({"a": [1]}).write_parquet(path)
    with pytest.raises(DataError, match="not a sweep"):
        al.read_sweep(path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"search": "all"}, "search: got 'all'; expected one of grid, random, tpe"),
        ({"trials": 0}, "trials: got 0"),
        ({"resume": True}, "resume: got no ledger"),
        ({"executor": "cloud"}, "executor: got 'cloud', expected threads, processes"),
        ({"workers": 0}, "workers: got 0"),
        ({"workers": 1.5}, "workers: got 1.5; expected a whole number"),
        ({"search": "random", "trials": 1.5}, "trials: got 1.5; expected a whole number"),
        ({"search": "random", "seed": -1}, "seed: got -1, expected at least 0"),
        ({"seed": "a"}, "seed: got 'a'; expected a whole number"),
        ({"where": 5}, "where: got 5; expected a condition, or a list of them"),
        ({"where": ["stop_atr > 1", 5]}, "where: got 5; expected a condition, or a list of them"),
        ({"between": ("2021-05-03", "2021-04-03")}, "between: got"),
        ({"trials": True}, "trials: got True; expected a whole number"),
        ({"where": None}, "where: got None; expected a condition, or a list of them"),
        ({"ledger": 5}, "ledger: got 5; expected the path of a file"),
    ],
)
def test_options_that_cannot_be_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        al.sweep(BARS, CONFIG, GRID, **arguments)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (lambda found: found.best(1.5), "n: got 1.5; expected a whole number"),
        (lambda found: found.best(-1), "n: got -1, expected at least 0"),
        (lambda found: found.account("3"), "top: got '3'; expected a whole number"),
        (lambda found: found.chance(1.5), "runs: got 1.5; expected a whole number"),
        (lambda found: found.chance(0), "runs: got 0, expected at least 1"),
        (lambda found: found.parallel(top=0), "top: got 0, expected at least 1"),
        (lambda found: found.selection("a"), "row: got 'a'; expected a whole number"),
        (lambda found: found.settings(2), "row: got 2, expected one of the 2, from 0 on"),
        (lambda found: found.settings(-1), "row: got -1, expected at least 0"),
        (lambda found: found.write_parquet(5), "write_parquet: got 5; expected the path"),
    ],
)
def test_what_a_sweep_cannot_answer_is_refused(asked: Any, message: str) -> None:
    """A TypeError of numpy or polars, or the last row instead of none."""
    found = al.sweep(BARS, CONFIG, {"stop_atr": [1.0, 2.0]})

    with pytest.raises(ConfigError, match=message):
        asked(found)


def test_whole_numbers_of_numpy_are_whole_numbers() -> None:
    given = {"search": "random", "trials": np.int64(3), "seed": np.uint8(7), "workers": np.int32(1)}
    found = al.sweep(BARS, CONFIG, GRID, **given)

    assert_frame_equal(
        found.best(np.int64(2)),
        al.sweep(BARS, CONFIG, GRID, search="random", trials=3, seed=7).best(2),
    )


def test_bars_without_a_session_to_score_are_refused() -> None:
    few = bars_of(walk(11, sessions=2), timeframe="M5")

    with pytest.raises(DataError, match="no session to score"):
        al.sweep(few, Config(), GRID)


def test_what_learns_or_filters_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.support.user_detectors.accept", lambda *_: True, raising=False)
    filtered = CONFIG.set("detection.accept", "tests.support.user_detectors:accept")

    with pytest.raises(ConfigError, match="a filter sees every alert anew"):
        al.sweep(BARS, filtered, GRID)


@settings(max_examples=50)
@given(
    st.integers(0, 50), st.integers(0, 50), st.integers(0, 50), st.integers(0, 50),
    st.integers(0, 50), st.booleans(),
)  # fmt: skip
def test_distance_is_zero_exactly_where_all_criteria_are_met(
    captured: int, missed: int, tp: int, fp: int, wins: int, nearer: bool
) -> None:
    trades = wins + 17
    counts = np.array([[captured, tp, fp, 0, trades, wins]])
    totals = Totals(captured + missed, counts, np.zeros((1, 2)), np.zeros(1))
    gate = Config().gate

    found = distance(totals, gate, np.array([nearer]))[0]

    met = (
        captured + missed > 0
        and tp + fp > 0
        and captured >= gate.capture_rate * (captured + missed)
        and fp <= gate.false_positive_share * (tp + fp)
        and wins >= gate.win_rate * trades
        and not nearer
    )
    assert (found == 0) == met
    assert 0 <= found <= 100
    assert not nearer or found == 100


@pytest.mark.parametrize("twin_of", [copy.copy, copy.deepcopy, lambda s: loads(dumps(s))])
def test_a_copy_of_a_sweep_says_the_same_and_goes_on(twin_of: Any) -> None:
    found = al.sweep(BARS, CONFIG, GRID)
    twin = twin_of(found)

    assert_frame_equal(twin.frame, found.frame)
    assert_frame_equal(twin.best(5, by="plateau"), found.best(5, by="plateau"))
    assert (repr(twin), twin.to_dict()) == (repr(found), found.to_dict())
    luck, again = found.chance(runs=3), twin.chance(runs=3)
    assert again.to_dict() == luck.to_dict()
    assert twin_of(luck).to_dict() == luck.to_dict()
    # Each equals itself alone: of arrays, nothing but each number could be compared.
    assert (found == found, luck == luck) == (True, True)
    assert (found == al.sweep(BARS, CONFIG, GRID), luck == again) == (False, False)
