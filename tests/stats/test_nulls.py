"""Chance: what the nulls move, what they keep, and that seeds do not meddle with each other."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from alertlib._typing import Ints
from alertlib.backtesting.backtester import backtest
from alertlib.backtesting.run import Run
from alertlib.bars.series import Series
from alertlib.config import Config
from alertlib.scoring.scored import all_wins
from alertlib.stats.nulls import (
    CHUNK,
    Schedule,
    flipped_directions,
    later_entries,
    null_rates,
    permuted_sessions,
)
from tests import naive, naive_score
from tests.naive import NaiveBar, Rules
from tests.support.steps import mirrored
from tests.support.synthetic import Row, bars_of, series_of, session, shared_rows, walk

NULLS = ("session_permutation", "direction_flip", "timing", "coin_flip")


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def run() -> Run:
    """A walk of 20 scored sessions, some bars missing."""
    bars = bars_of(walk(61, sessions=26, missing=0.03))
    return backtest(bars, Config(), audits="none", chance=False)


def parts(run: Run) -> tuple[Series, Ints, Ints, Ints]:
    scored = run.scored
    return (
        scored.detected.series, scored.scope.sessions, scored.alerts.bar, scored.alerts.direction,
    )  # fmt: skip


# --- what is moved, and what is kept ------------------------------------------------------


def test_permutation_keeps_clock_times_and_directions(run: Run) -> None:
    series, sessions, bar, direction = parts(run)

    schedule = permuted_sessions(series, sessions, bar, direction, 50, rng())

    clock = series.minute % 1_440
    for moved, ways in zip(schedule.bar, schedule.direction, strict=True):
        there = moved >= 0
        assert (clock[moved[there]] == clock[bar[there]]).all()
        assert (ways == direction).all()


def test_permutation_moves_whole_days_onto_scored_days(run: Run) -> None:
    """All alerts of one session land in one session, and no two sessions in the same."""
    series, sessions, bar, direction = parts(run)

    schedule = permuted_sessions(series, sessions, bar, direction, 50, rng())

    home = series.session[bar]
    for moved in schedule.bar:
        there = moved >= 0
        pairs = {
            (int(a), int(b)) for a, b in zip(home[there], series.session[moved[there]], strict=True)
        }
        origins, targets = zip(*pairs, strict=True)
        assert len(set(origins)) == len(pairs) == len(set(targets))
        assert set(targets) <= set(sessions.tolist())


def test_permutation_moves_nothing_onto_a_session_left_out() -> None:
    """Five sessions of ten bars, of which the first, the third and the last are not scored."""
    series = series_of(walk(1, sessions=5, bars=10))
    bar, scored = np.array([14, 34]), np.array([1, 3])

    moved = permuted_sessions(series, scored, bar, np.ones(2, dtype=np.int64), 50, rng()).bar

    assert set(map(tuple, moved.tolist())) == {(14, 34), (34, 14)}


def test_an_alert_is_dropped_only_where_the_other_day_has_no_such_bar(run: Run) -> None:
    series, sessions, bar, direction = parts(run)
    clocks = {int(s): set((series.minute[series.session == s] % 1_440).tolist()) for s in sessions}

    schedule = permuted_sessions(series, sessions, bar, direction, 30, rng())

    home = series.session[bar]
    for moved in schedule.bar:
        target = {}
        for a, b in zip(home, moved, strict=True):
            if b >= 0:
                target[int(a)] = int(series.session[b])
        for a, t, b in zip(home, bar, moved, strict=True):
            if int(a) in target:
                present = int(series.minute[t] % 1_440) in clocks[target[int(a)]]
                assert (b >= 0) == present
    assert (schedule.bar < 0).any()  # 3 % of the bars are missing: it does happen


def test_the_permuted_order_is_uniform() -> None:
    """Three sessions, one alert each: each of the six orders comes up equally often."""
    rows = walk(1, sessions=3, bars=10)
    series = series_of(rows)
    bar = np.array([4, 14, 24])

    schedule = permuted_sessions(
        series, np.arange(3), bar, np.ones(3, dtype=np.int64), 6_000, rng(2)
    )

    _, counts = np.unique(schedule.bar, axis=0, return_counts=True)
    assert len(counts) == 6
    assert scipy_stats.chisquare(counts).pvalue > 1e-4


def test_the_clock_survives_a_late_open(run: Run) -> None:
    """The third bar of a day that opens late is not the third of another: 09:15 is 09:15."""
    flat = (100_000.0, 100_005.0, 99_995.0, 100_000.0)
    rows = session([flat] * 20, date(2021, 4, 5))
    rows += session([flat] * 20, date(2021, 4, 6))[3:]
    series = series_of(rows, "TST")
    at_ten_past = np.array([2])

    moved = permuted_sessions(
        series, np.arange(2), at_ten_past, np.array([1]), 100, rng()
    ).bar.ravel()

    # 09:10 is bar 2 of the first day; the second starts at 09:15 and has none.
    assert set(moved.tolist()) == {2, -1}


def test_a_flip_tosses_each_bar_and_moves_none(run: Run) -> None:
    _, _, bar, direction = parts(run)

    schedule = flipped_directions(bar, direction, 400, rng())

    assert (schedule.bar == bar).all()
    assert set(np.unique(schedule.direction)) == {-1, 1}
    kept = (schedule.direction == direction)[:, np.unique(bar, return_index=True)[1]]
    assert scipy_stats.binomtest(int(kept.sum()), kept.size).pvalue > 1e-4
    assert len(np.unique(schedule.direction, axis=0)) == 400  # every run of its own


@given(
    st.lists(st.tuples(st.integers(0, 9), st.sampled_from((1, -1))), max_size=12),
    st.integers(0, 99),
)
def test_alerts_of_one_bar_turn_round_together(alerts: list[tuple[int, int]], seed: int) -> None:
    """A bar that alerted both ways still does: one coin a bar, not one an alert."""
    bar, direction = np.array(sorted(alerts), dtype=np.int64).reshape(-1, 2).T

    schedule = flipped_directions(bar, direction, 20, rng(seed))

    for ways in schedule.direction:
        coins: dict[int, int] = {}
        for t, before, after in zip(bar.tolist(), direction.tolist(), ways.tolist(), strict=True):
            assert coins.setdefault(t, before * after) == before * after


def test_a_later_entry_is_one_of_six_bars_from_its_own_on(run: Run) -> None:
    """Never earlier: the direction was learned from the alert's own bar."""
    series, _, bar, direction = parts(run)

    schedule = later_entries(series, bar, direction, 200, rng())

    assert (schedule.direction == direction).all()
    for t, moved in zip(bar.tolist(), schedule.bar.T.tolist(), strict=True):
        end = int(series.last[series.session[t]])
        # Every one of them gets its turn.
        assert set(moved) == set(range(t, min(t + 5, end) + 1))


def test_the_six_bars_are_equally_likely_and_fewer_are_left_at_the_end_of_a_session() -> None:
    series = series_of(walk(1, sessions=2, bars=10))
    bar = np.array([0, 7, 9])

    moved = later_entries(series, bar, np.ones(3, dtype=np.int64), 6_000, rng(2)).bar

    for column, expected in zip(moved.T, (range(6), range(7, 10), (9,)), strict=True):
        values, counts = np.unique(column, return_counts=True)
        assert values.tolist() == list(expected)
        assert len(counts) == 1 or scipy_stats.chisquare(counts).pvalue > 1e-4


# --- what a schedule scores ---------------------------------------------------------------


def observed(run: Run) -> dict[str, float | None]:
    rates = run.scorecard.rates
    return {name: rates[name] for name in ("capture_rate", "false_positive_share", "win_rate")}


def test_the_alerts_themselves_score_what_they_scored(run: Run) -> None:
    """The identity permutation: same bars, same directions, hence the observed rates."""
    _, _, bar, direction = parts(run)
    wins = all_wins(run.scored.detected, run.scored.scope, run.scored.settings)

    same = Schedule(np.tile(bar, (2, 1)), np.tile(direction, (2, 1)))
    rates = null_rates(same, run.scored.validity, wins)

    for name, value in observed(run).items():
        assert rates.of(name).tolist() == [value, value], name
    assert rates.dropped == 0


def naive_rates(
    alerts: list[tuple[int, int]], run: Run, bars: list[NaiveBar], average: list[float]
) -> dict[str, float]:
    """Score one run of a null with the slow scorer, levels made anew at each bar."""
    rules = Rules()
    legs = [
        leg for leg in naive_score.legs_of(bars, average, 3)
        if bars[leg.p].date in {date.fromisoformat(s["date"]) for s in run.scorecard.per_session}
    ]  # fmt: skip
    made = [
        naive.make_alert(t, d, {"break_suporte": 70}, bars[t].close, average[t], rules)
        for t, d in alerts
    ]
    captured = naive_score.match(made, legs, bars, 0)
    fp = sum(a.outcome == "fp" for a in made)
    tp = sum(a.outcome == "tp" for a in made)
    trades = [naive_score.simulate(a, bars, rules) for a in made if naive_score.fillable(a.t, bars)]
    wins = sum(t["net"] > 0 for t in trades)
    return {
        "capture_rate": len(captured) / len(legs),
        "false_positive_share": fp / (fp + tp),
        "win_rate": wins / len(trades),
    }


def shuffled(order: list[int], alerts: list[tuple[int, int]], run: Run) -> list[tuple[int, int]]:
    """Session i takes the alerts of session ``order[i]``'s place, by the clock, plainly."""
    series, sessions = run.scored.detected.series, run.scored.scope.sessions.tolist()
    at = {
        (int(s), int(m % 1_440)): n
        for n, (s, m) in enumerate(zip(series.session, series.minute, strict=True))
    }
    moved = []
    for t, d in alerts:
        other = sessions[order[sessions.index(int(series.session[t]))]]
        slot = at.get((other, int(series.minute[t] % 1_440)))
        moved.append((-1 if slot is None else slot, d))
    return moved


def test_schedules_are_their_naive_twins_from_the_same_draws(run: Run) -> None:
    series, sessions, bar, direction = parts(run)
    alerts = list(zip(bar.tolist(), direction.tolist(), strict=True))

    order = rng(4).permuted(np.tile(np.arange(len(sessions)), (5, 1)), axis=1).tolist()
    found = permuted_sessions(series, sessions, bar, direction, 5, rng(4))
    twins = [shuffled(one, alerts, run) for one in order]
    assert found.bar.tolist() == [[t for t, _ in twin] for twin in twins]

    distinct = sorted({t for t, _ in alerts})
    coins = (2 * rng(5).integers(0, 2, size=(5, len(distinct))) - 1).tolist()
    flips = flipped_directions(bar, direction, 5, rng(5))
    assert flips.direction.tolist() == [
        [one[distinct.index(t)] * d for t, d in alerts] for one in coins
    ]


def test_a_null_scores_like_the_slow_scorer(run: Run) -> None:
    """Alerts moved to other days, scored by gathering, and again from scratch by loops."""
    series, sessions, bar, direction = parts(run)
    bars, _ = naive.in_units(walk(61, sessions=26, missing=0.03))
    average = naive.atr(bars)
    wins = all_wins(run.scored.detected, run.scored.scope, run.scored.settings)
    schedules = [
        permuted_sessions(series, sessions, bar, direction, 3, rng(4)),
        flipped_directions(bar, direction, 2, rng(5)),
        later_entries(series, bar, direction, 2, rng(6)),
    ]

    for schedule in schedules:
        rates = null_rates(schedule, run.scored.validity, wins)
        for i in range(len(schedule.bar)):
            alerts = [
                (int(t), int(d))
                for t, d in zip(schedule.bar[i], schedule.direction[i], strict=True)
                if t >= 0
            ]
            # Outcomes of alerts are settled in the order they are given.
            expected = naive_rates(alerts, run, bars, average)
            assert {name: float(rates.of(name)[i]) for name in expected} == pytest.approx(expected)


def test_runs_are_the_same_however_they_are_cut_into_chunks(run: Run) -> None:
    series, sessions, bar, direction = parts(run)
    wins = all_wins(run.scored.detected, run.scored.scope, run.scored.settings)
    many = permuted_sessions(series, sessions, bar, direction, 2 * CHUNK + 3, rng())

    whole = null_rates(many, run.scored.validity, wins)

    for i in (0, CHUNK - 1, CHUNK, 2 * CHUNK + 2):
        alone = null_rates(
            Schedule(many.bar[i : i + 1], many.direction[i : i + 1]), run.scored.validity, wins
        )
        for name in observed(run):
            assert alone.of(name)[0] == whole.of(name)[i]


def test_an_alert_alone_is_a_whole_share(run: Run) -> None:
    _, _, bar, direction = parts(run)
    wins = all_wins(run.scored.detected, run.scored.scope, run.scored.settings)

    alone = null_rates(Schedule(bar[:, None], direction[:, None]), run.scored.validity, wins)

    won = wins[(direction < 0).astype(int), bar].tolist()
    assert {*won} >= {0, 1}
    expected = [np.nan if one < 0 else float(one) for one in won]
    assert np.array_equal(alone.win_rate, expected, equal_nan=True)
    assert set(alone.false_positive_share.tolist()) == {0.0, 1.0}


def test_only_an_alert_that_has_no_bar_is_dropped(run: Run) -> None:
    wins = all_wins(run.scored.detected, run.scored.scope, run.scored.settings)

    rates = null_rates(Schedule(np.array([[-1, 0, 1]]), np.ones((1, 3))), run.scored.validity, wins)

    assert rates.dropped == 1


def test_where_nothing_can_be_entered_the_rates_are_undefined(run: Run) -> None:
    nowhere = Schedule(np.full((1, 3), -1), np.ones((1, 3), dtype=np.int64))
    wins = all_wins(run.scored.detected, run.scored.scope, run.scored.settings)

    rates = null_rates(nowhere, run.scored.validity, wins)

    assert rates.capture_rate.tolist() == [0.0]
    assert np.isnan(rates.false_positive_share).all()
    assert np.isnan(rates.win_rate).all()
    assert rates.dropped == 3


def test_the_outcome_of_every_bar_is_that_of_a_trade_there(run: Run) -> None:
    """The table of wins, looked up at the alerts, is what their trades came to."""
    wins = all_wins(run.scored.detected, run.scored.scope, run.scored.settings)
    _, _, bar, direction = parts(run)

    looked_up = wins[(direction < 0).astype(int), bar]

    filled = run.scored.trades.filled
    assert (looked_up[filled] == run.scored.wins[filled]).all()
    assert (looked_up[~filled] == -1).all()
    assert (wins[:, : len(run.scored.scope.scored)][:, ~run.scored.scope.scored] == -1).all()
    assert (wins[:, -1] == -1).all()  # where a dropped alert looks


# --- in a run -----------------------------------------------------------------------------


def with_chance(rows: list[Row], **settings: Any) -> Run:
    quick = {"scoring.null_runs": 199, "scoring.mirror_runs": 19, "scoring.bootstrap": 200}
    config = Config().update(quick)
    for name, value in settings.items():
        config = config.set(name.replace("__", "."), value)
    return backtest(bars_of(rows), config, audits="none")


def nulls_of(run: Run) -> dict[str, Any]:
    return {c.name: c.nulls for c in run.scorecard.criteria[:3]}


def all_nulls_of(run: Run) -> dict[str, Any]:
    return {c.name: c.nulls for c in run.scorecard.criteria}


def test_a_seed_moves_intervals_and_no_null() -> None:
    """No seed can be shopped for: the nulls' random numbers derive from the bars."""
    rows = walk(62, sessions=12)

    first, again = with_chance(rows), with_chance(rows)
    other = with_chance(rows, scoring__seed=2)

    assert first.scorecard.to_json() == again.scorecard.to_json()
    assert all_nulls_of(other) == all_nulls_of(first)
    assert [c.p_value for c in other.scorecard.criteria] == [
        c.p_value for c in first.scorecard.criteria
    ]
    assert (other.scorecard.verdict, other.scorecard.reasons) == (
        first.scorecard.verdict, first.scorecard.reasons,
    )  # fmt: skip
    assert other.scorecard.coin_flip == first.scorecard.coin_flip
    assert other.scorecard.sensitivity == first.scorecard.sensitivity
    intervals = [[(c.boot_low, c.n_eff) for c in r.scorecard.criteria[:3]] for r in (first, other)]
    assert intervals[0] != intervals[1]


def test_another_file_draws_other_random_numbers() -> None:
    """One price of the warm-up changed by a tick: the same alerts, and other draws."""
    rows = walk(62, sessions=12)
    time, open_, high, low, close = rows[0]
    nudged = [(time, open_, high + 5.0, low, close), *rows[1:]]

    first, other = with_chance(rows), with_chance(nudged)

    assert other.scorecard.counts == first.scorecard.counts
    for name in ("session_permutation", "direction_flip", "timing", "coin_flip"):
        assert any(
            a.nulls[name] != b.nulls[name]
            for a, b in zip(first.scorecard.criteria[:3], other.scorecard.criteria[:3], strict=True)
        ), name


def test_random_numbers_of_one_purpose_do_not_disturb_another() -> None:
    """More bootstrap runs change intervals and leave every null as it was, and so on."""
    rows = walk(62, sessions=12)
    first = with_chance(rows)

    more_bootstrap = with_chance(rows, scoring__bootstrap=400)
    assert nulls_of(more_bootstrap) == nulls_of(first)
    assert more_bootstrap.scorecard.sensitivity == first.scorecard.sensitivity

    more_runs = with_chance(rows, scoring__null_runs=399)
    for a, b in zip(more_runs.scorecard.criteria[:3], first.scorecard.criteria[:3], strict=True):
        assert (a.boot_low, a.boot_high, a.n_eff) == (b.boot_low, b.boot_high, b.n_eff)


def test_chance_and_p_value_are_those_of_the_hardest_null() -> None:
    """Of those it has to beat; timing asks about something else and is printed only."""
    deciding = {"capture_rate": NULLS[:2], "false_positive_share": NULLS[:2],
                "win_rate": (*NULLS[:2], "coin_flip")}  # fmt: skip
    for criterion in with_chance(walk(63, sessions=12)).scorecard.criteria[:3]:
        assert set(criterion.nulls) == set(NULLS)
        harder = [criterion.nulls[name] for name in deciding[criterion.name]]
        worst = max(null["p_value"] for null in harder)
        assert criterion.p_value == worst
        assert criterion.chance in [n["chance"] for n in harder if n["p_value"] == worst]
        runs = {name: null["runs"] for name, null in criterion.nulls.items()}
        assert runs == dict.fromkeys(NULLS, 199) | {"coin_flip": 19}


def test_p_values_are_counted_as_phipson_and_smyth_say() -> None:
    """From 199 runs they are multiples of 1/200, and never nought."""
    for criterion in with_chance(walk(63, sessions=12)).scorecard.criteria[:3]:
        for name in NULLS[:3]:
            null = criterion.nulls[name]
            assert null["p_value"] * 200 == pytest.approx(round(null["p_value"] * 200))
            assert 1 / 200 <= null["p_value"] <= 1


def test_upside_down_bars_meet_the_same_chance() -> None:
    """Clock, session and bar are unchanged: the same draws score the same on either side up."""
    upright, turned = (
        backtest(bars_of(rows), Config(), audits="none", chance=False)
        for rows in (walk(64, sessions=12), mirrored(walk(64, sessions=12)))
    )

    for null in (permuted_sessions, later_entries):
        rates = []
        for run in (upright, turned):
            series, sessions, bar, direction = parts(run)
            where = (sessions,) if null is permuted_sessions else ()
            schedule = null(series, *where, bar, direction, 99, rng(7))  # type: ignore[operator]  # two signatures
            wins = all_wins(run.scored.detected, run.scored.scope, run.scored.settings)
            rates.append(null_rates(schedule, run.scored.validity, wins))
        for name in observed(upright):
            assert rates[0].of(name).tolist() == rates[1].of(name).tolist()


@pytest.mark.slow
def test_p_values_of_a_walk_are_not_small_too_often() -> None:
    """On a driftless walk without memory the alerts know nothing, whatever they look like.

    Forty walks; at a true level of 5 % more than seven below 0.05 has a chance of 0.4 %.
    The win rate is tested: captures of a walk are not independent of its own alerts' labels.
    """
    below = dict.fromkeys(("session_permutation", "direction_flip"), 0)
    for seed in range(40):
        run = with_chance(walk(1_000 + seed, sessions=20))
        nulls = run.scorecard.criterion("win_rate").nulls
        for name in below:
            below[name] += nulls[name]["p_value"] < 0.05

    assert all(count <= 7 for count in below.values()), below


@pytest.mark.slow
def test_coin_flip_bars_of_a_recorded_file_leave_nothing_to_find() -> None:
    rows = shared_rows("win_n_m5_2020-11_2021-03")
    config = Config().set("scoring.mirror_runs", 19).set("scoring.null_runs", 19)

    run = backtest(bars_of(rows), config, audits="none")

    null = run.scorecard.criterion("capture_rate").nulls["coin_flip"]
    assert null["runs"] == 19
    assert null["chance"] == pytest.approx(0.92, abs=0.05)  # noise is captured as well as the file
    assert run.scorecard.verdict == "FAIL"
