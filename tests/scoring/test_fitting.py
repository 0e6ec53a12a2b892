"""Detectors that learn: from sessions before those they answer for, and from nothing else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import alertlib as al
from alertlib.bars.series import make_series
from alertlib.config import Config
from alertlib.detection.detectors import Detector
from alertlib.errors import ConfigError
from alertlib.kernels.volatility import VolatilityParams
from alertlib.scorecard.card import Scorecard
from alertlib.scoring.refits import Refit
from tests.support.synthetic import bars_of, walk

pytestmark = pytest.mark.usefixtures("own_registry")
TRAIN, EVERY = 5, 4


class Params(NamedTuple):
    body_ticks: float = 0.0
    name: tuple[int, ...] = ()


class State(NamedTuple):
    seen: int = 0


def step(state: State, ring: Any, bar: al.TickBar, p: Params) -> tuple[int, State]:
    body = bar.close - bar.open
    return (1 if body > p.body_ticks else -1 if body < -p.body_ticks else 0), State(state.seen + 1)


Frames = tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]


def learner(seen: list[Frames], warmup: int = 1) -> Detector:
    def learn(bars: pl.DataFrame, moves: pl.DataFrame, outcomes: pl.DataFrame) -> Params:
        seen.append((bars, moves, outcomes))
        body = (bars["close"] - bars["open"]).abs()
        days = bars["day"].unique().sort().to_list()
        return Params(float(body.quantile(0.9) or 0.0) / 5, (days[0], days[-1]))

    fit = al.Fit(learn, train=TRAIN, every=EVERY)
    made = al.detector("learner", patterns=("l_up", "l_down"), state=State(), params=Params(),
                       fit=fit, warmup=warmup)  # fmt: skip
    return made(step)


@pytest.fixture(scope="module")
def bars() -> al.Bars:
    return bars_of(walk(17, sessions=24, bars=100, missing=0.01))


@pytest.fixture(scope="module")
def learned(bars: al.Bars) -> tuple[al.Run, list[Frames]]:
    seen: list[Frames] = []
    run = al.backtest(bars, detectors=[learner(seen)], chance=False)
    return run, seen


def test_it_learns_from_complete_sessions_before_with_one_left_out(
    learned: tuple[al.Run, list[Frames]],
) -> None:
    run, _ = learned
    days = run.scored.detected.series.days
    scored = run.scored.scope.sessions.tolist()
    refits = run.scored.detected.refits["learner"]

    assert scored[0] >= TRAIN + 1
    assert len(refits) == -(-len(scored) // EVERY)
    for refit, block in zip(refits, range(0, len(scored), EVERY), strict=True):
        first = scored[block]
        expected = (days[first - 1 - TRAIN], days[first - 2])
        assert refit.params.name == expected
        assert (refit.last - date(1970, 1, 1)).days == expected[1]


def test_it_is_shown_the_training_sessions_alone(learned: tuple[al.Run, list[Frames]]) -> None:
    for bars, moves, outcomes in learned[1]:
        days = set(bars["time"].dt.date())
        assert len(days) == TRAIN
        assert bars.columns == ["time", *al.TickBar._fields, "raw_open", "raw_high", "raw_low",
                                "raw_close", "session"]  # fmt: skip
        assert set(moves["time_start"].dt.date()) | set(moves["time_end"].dt.date()) <= days
        assert set(outcomes["time"].dt.date()) <= days
        assert outcomes.columns == ["time", "direction", "points", "win"]
        assert (outcomes["win"] == (outcomes["points"] > 0)).all()
        assert set(outcomes["direction"]) == {1, -1}


def test_each_block_is_scored_with_what_was_learned_before_it(
    learned: tuple[al.Run, list[Frames]],
) -> None:
    """The same alerts as a detector with those numbers written down, block by block."""
    run, _ = learned
    series = run.scored.detected.series
    for refit in run.scored.detected.refits["learner"]:
        fixed = al.detector("fixed", patterns=("l_up", "l_down"), state=State(),
                            params=refit.params, warmup=1)(step)  # fmt: skip
        there = al.backtest(run.bars, detectors=[fixed], chance=False, audits="none")
        inside = [
            [(b, d) for b, d in zip(r.alerts.bar, r.alerts.direction, strict=True)
             if refit.start <= b < refit.stop]
            for r in (run.scored, there.scored)
        ]  # fmt: skip
        assert inside[0] == inside[1]
        assert series.day[refit.start] > (refit.last - date(1970, 1, 1)).days


@pytest.mark.parametrize(("warmup", "back"), [(1, 600), (599, 600), (600, 601), (700, 701)])
def test_it_runs_from_600_bars_before_a_block_or_from_its_warm_up_where_that_is_longer(
    bars: al.Bars, warmup: int, back: int
) -> None:
    """The first bar it may signal on is the one after its warm-up, at the earliest the block's."""
    run = al.backtest(
        bars, detectors=[learner([], warmup=warmup)], chance=False, audits="none"
    )  # fmt: skip

    refits = run.scored.detected.refits["learner"]
    for refit in refits:
        assert refit.begin == max(0, refit.start - back)
    assert refits[-1].begin > 0


def test_outcomes_are_the_trades_of_the_backtest(learned: tuple[al.Run, list[Frames]]) -> None:
    run, seen = learned
    known = {
        (row["bar_time"], row["direction"]): row["pnl_points"]
        for row in run.alerts.filter(pl.col("pnl_points").is_not_null()).iter_rows(named=True)
    }
    shared = 0
    for _, _, outcomes in seen:
        for time, direction, points, _ in outcomes.iter_rows():
            if (time, direction) in known:
                shared += 1
                assert points == known[time, direction]
    assert shared > 0


def test_nothing_fitted_is_in_sample_and_the_scorecard_says_so(
    learned: tuple[al.Run, list[Frames]],
) -> None:
    card = learned[0].scorecard

    assert card.criterion("out_of_sample").passed
    assert not card.in_sample_possible
    assert card.criterion("audit_failures").passed


def test_on_coin_flip_bars_a_block_keeps_what_was_learned_on_the_real_ones(bars: al.Bars) -> None:
    seen: list[Frames] = []
    made = learner(seen)
    alone = al.backtest(bars, detectors=[made], chance=False, audits="none")
    fits = len(seen)

    run = al.backtest(bars, detectors=[made], audits="none")

    assert len(seen) == 2 * fits
    assert run.scorecard.coin_flip is not None
    assert run.scorecard.coin_flip["alerts"] > 0
    assert run.scorecard.counts == alone.scorecard.counts


def test_a_frame_detector_may_learn_anything(bars: al.Bars) -> None:
    def learn(frame: pl.DataFrame, moves: pl.DataFrame, outcomes: pl.DataFrame) -> dict[str, float]:
        return {"range": float((frame["high"] - frame["low"]).mean() or 0.0)}  # type: ignore[arg-type]

    fit = al.Fit(learn, train=TRAIN, every=EVERY)

    @al.frame_detector("wide", patterns=("w_up", "w_down"), fit=fit)
    def wide(frame: pl.DataFrame, model: dict[str, float]) -> Any:
        body = frame["close"] - frame["open"]
        return np.sign(body) * (body.abs() > model["range"]).to_numpy()

    run = al.backtest(bars, detectors=[wide], chance=False)

    assert run.alerts.height > 0
    assert run.models() == ()  # it cannot run live


def test_a_model_is_read_back_as_it_was_written(
    learned: tuple[al.Run, list[Frames]], tmp_path: Any
) -> None:
    from alertlib.detection.models import load_model

    (model,) = learned[0].models()
    model.write(tmp_path)

    assert load_model(tmp_path, learner([])) == model
    series = make_series(learned[0].bars)
    assert (model.last - date(1970, 1, 1)).days == series.days[-1]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"a": 1}, "its fit returned dict, expected Params"),
        (Params(float("nan")), "its fit returned body_ticks = nan, expected a finite number"),
        (ZeroDivisionError("no bars"), "raised ZeroDivisionError: no bars; correct it"),
    ],
)
def test_a_wrong_fit_is_one_line(bars: al.Bars, answer: Any, said: str) -> None:
    def learn(*frames: Any) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer

    made = al.detector("wrong", patterns=("a", "b"), state=State(), params=Params(),
                       fit=al.Fit(learn, train=TRAIN))(step)  # fmt: skip
    with pytest.raises(ConfigError, match=said):
        al.backtest(bars, detectors=[made], chance=False)


def test_too_little_past_leaves_too_few_sessions(bars: al.Bars) -> None:
    made = al.detector("long", patterns=("a", "b"), state=State(), params=Params(),
                       fit=al.Fit(lambda *_: Params(), train=500))(step)  # fmt: skip

    card = al.backtest(bars, detectors=[made], chance=False).scorecard

    assert card.verdict == "INSUFFICIENT"
    assert card.data["sessions"] == 0


@pytest.mark.parametrize(("cut", "first"), [((), 13), ((3,), 14), ((3, 20), 14)])
def test_a_session_is_scored_after_the_complete_ones_learned_from_and_one_more(
    cut: tuple[int, ...], first: int
) -> None:
    made = al.detector("twelve", patterns=("a", "b"), state=State(), params=Params(),
                       fit=al.Fit(lambda *_: Params(), train=12))(step)  # fmt: skip
    rows = [row for i, row in enumerate(walk(17, sessions=24))
            if i // 107 not in cut or i % 107 < 50]  # fmt: skip

    run = al.backtest(bars_of(rows), detectors=[made], chance=False, audits="none")

    assert run.scored.scope.sessions[0] == first


@pytest.mark.parametrize(
    ("start", "stop", "expected"),
    [
        (20, 300, (80, 180, 30)),
        (60, 150, (40, 90, 0)),
        (210, 300, (0, 0, 0)),
        (0, 60, (60, 60, 50)),
    ],
)
def test_a_refit_as_a_part_of_its_file_sees_it(
    start: int, stop: int, expected: tuple[int, int, int]
) -> None:
    """Bars 100 to 200, run from 50: counted from the part's first, and no further than it goes."""
    day = date(2021, 4, 5)
    found = Refit(100, 200, 50, Params(), day, day).part(start, stop)

    assert (found.start, found.stop, found.begin) == expected


# --- fitted elsewhere ---------------------------------------------------------------------


def fitted_until(bars: al.Bars, until: str) -> Scorecard:
    made = al.detector("elsewhere", patterns=("a", "b"), state=State(), params=Params(20.0),
                       fitted_until=until, warmup=1)(step)  # fmt: skip
    return al.backtest(bars, detectors=[made], chance=False).scorecard


def test_scored_sessions_that_a_model_has_seen_fail_out_of_sample(bars: al.Bars) -> None:
    dates = [row["date"] for row in fitted_until(bars, "2000-01-01").per_session]

    for until, seen in ((dates[0], 1), (dates[3], 4), (dates[-1], len(dates)), ("2000-01-01", 0)):
        rail = fitted_until(bars, until).criterion("out_of_sample")
        assert (rail.value, rail.passed) == (seen, seen == 0)


def test_a_detector_that_says_neither_may_be_fitted_in_sample(bars: al.Bars) -> None:
    made = al.detector("silent", patterns=("a", "b"), state=State(), params=Params(20.0))(step)
    run = al.backtest(bars, detectors=[made], chance=False)

    assert run.scorecard.in_sample_possible
    assert "an in-sample fit cannot be excluded" in repr(run)
    assert not fitted_until(bars, "2000-01-01").in_sample_possible
    assert not al.backtest(bars, chance=False).scorecard.in_sample_possible


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"fit": lambda *_: Params(), "fitted_until": "2021-01-01"}, "got fit and fitted_until"),
        ({"fitted_until": "soon"}, "fitted_until: got 'soon', expected a date"),
        ({"fit": 5}, "fit: got 5, expected a function"),
        ({"fitted_until": 5}, "fitted_until: got 5, expected a date"),
    ],
)
def test_a_wrong_declaration_is_one_line(more: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        al.detector("wrong", patterns=("a", "b"), state=State(), params=Params(), **more)


# --- inside a detector made of detectors ---------------------------------------------------


def dated(name: str, until: str | None = None) -> Detector:
    declared = al.detector(name, patterns=("a", "b"), state=State(), params=Params(20.0),
                           fitted_until=until, warmup=1)  # fmt: skip
    return declared(step)


def test_what_a_part_of_both_has_seen_both_has_seen(bars: al.Bars) -> None:
    """Found: a date that fails the gate alone was gone inside ``both``."""
    until = [row["date"] for row in fitted_until(bars, "2000-01-01").per_session][3]
    early, late = dated("early", "2000-01-01"), dated("late", until)

    inner = al.only(al.both(late, early), between=("09:00", "18:00"))
    for made in (al.both(early, late), al.both(late, early), al.both("engulfing", inner)):
        card = al.backtest(bars, detectors=[made], chance=False).scorecard
        rail = card.criterion("out_of_sample")
        assert (made.fitted_until, rail.value, rail.passed) == (late.fitted_until, 4, False)
        assert not card.in_sample_possible


def test_both_does_not_take_a_part_that_has_still_to_learn() -> None:
    """Found: nobody fitted it in there; it ran with the example its params are, live as well."""
    learns = learner([])
    for first, second in ((learns, "engulfing"), ("engulfing", learns)):
        with pytest.raises(ConfigError, match=r"compose detector\.fitted\(params\)$") as raised:
            al.both(first, second)
        assert "\n" not in str(raised.value)

    made = al.both(learns.fitted(Params(3.0)), "engulfing")
    assert made.params.first == Params(3.0)


@pytest.mark.parametrize(
    ("make", "possible"),
    [
        (lambda: al.both(dated("one", "2000-01-01"), dated("other")), True),
        (lambda: al.both(dated("other"), dated("one", "2000-01-01")), True),
        (lambda: al.both("engulfing", al.both(dated("one", "2000-01-01"), dated("other"))), True),
        (lambda: al.both(learner([]).fitted(Params(3.0)), dated("one", "2000-01-01")), True),
        (lambda: al.both("engulfing", dated("one", "2000-01-01")), False),
        (lambda: al.only(dated("one", "2000-01-01"), where=lambda bar: True), True),
        (lambda: al.only(learner([]), where=lambda bar: True), True),
        (lambda: al.only(dated("one", "2000-01-01"), between=("10:00", "16:00")), False),
        (lambda: al.only(learner([]), between=("10:00", "16:00")), False),
        (lambda: al.only("volatility", between=("10:00", "16:00"), name="volatility"), True),
    ],
)  # fmt: skip
def test_a_date_of_one_part_says_nothing_of_another(
    bars: al.Bars, make: Callable[[], Detector], possible: bool
) -> None:
    run = al.backtest(bars, detectors=[make()], audits="none", chance=False)

    assert run.scorecard.in_sample_possible is possible


def test_a_detector_of_ones_own_under_a_built_in_name_may_be_fitted_in_sample(
    bars: al.Bars,
) -> None:
    own = al.detector("volatility", patterns=("a", "b"), state=State(), params=VolatilityParams())
    run = al.backtest(bars, detectors=[own(every_third)], chance=False)

    assert run.scorecard.in_sample_possible
    (audit,) = [item for item in run.audits.items if item.name == "memory"]
    assert audit.detail.startswith("volatility keeps")


def every_third(state: State, ring: Any, bar: al.TickBar, p: Any) -> tuple[int, State]:
    return int(state.seen % 3 == 0), State(state.seen + 1)


@given(st.lists(st.sampled_from([None, "2019-01-02", "2020-03-04", "2021-05-06"]), min_size=2))
def test_a_detector_of_detectors_has_seen_the_latest_of_what_its_parts_have(
    untils: list[str | None],
) -> None:
    made, *others = [dated(f"part{i}", until) for i, until in enumerate(untils)]
    for place, other in enumerate(others):
        made = al.both(made, other, name=f"joined{place}")

    latest = max((until for until in untils if until), default=None)
    assert (made.fitted_until and made.fitted_until.isoformat()) == latest


# --- handed over --------------------------------------------------------------------------


def test_detectors_handed_over_are_recorded_with_their_parameters(bars: al.Bars) -> None:
    volatility = al.find_detector("volatility")
    changed = volatility.with_params(volatility.params._replace(window=30))

    run = al.backtest(bars, detectors=["breakout", changed], chance=False)

    same = Config().set("detection.enabled", ("breakout", "volatility"))
    expected = al.backtest(bars, same.set("detection.volatility.window", 30), chance=False)
    assert run.alerts.equals(expected.alerts)
    assert run.scorecard.settings == expected.scorecard.settings
    assert run.scorecard.changed_settings["detection.volatility.window"] == [30, 20]


# --- accept -------------------------------------------------------------------------------


def test_a_filter_stands_between_merge_and_policy(bars: al.Bars) -> None:
    """What it turns down starts no cool-down; live and batch agree, since the audits compare."""
    shown: list[tuple[al.Alert, int]] = []

    def ups(alert: al.Alert, bars: Any) -> bool:
        shown.append((alert, len(bars)))
        assert bars[-1].close - bars[-1].open is not None
        return alert.direction > 0

    run = al.backtest(bars, accept=ups, chance=False)
    plain = al.backtest(bars, chance=False)

    assert run.audits is not None
    assert run.audits.clean
    assert set(run.alerts["direction"]) == {1}
    ups_alone = plain.alerts.filter(direction=1)
    assert run.alerts["id"].to_list() == ups_alone["id"].to_list()
    assert run.scorecard.counts["suppressed"]["accept"] > 0
    assert max(n for _, n in shown) == 600
    assert run.scorecard.in_sample_possible


def test_a_filter_is_given_the_bars_there_are_and_never_more_than_600(bars: al.Bars) -> None:
    shown: list[tuple[al.Alert, int]] = []
    al.backtest(
        bars, accept=lambda alert, past: not shown.append((alert, len(past))),
        audits="none", chance=False,
    )  # fmt: skip

    at = {time: place for place, time in enumerate(make_series(bars).times())}
    assert {n - min(at[alert.bar_time] + 1, 600) for alert, n in shown} == {0}
    assert min(n for _, n in shown) < 600


def test_a_filter_that_raises_is_one_line(bars: al.Bars) -> None:
    def broken(alert: al.Alert, bars: Any) -> bool:
        raise KeyError("weight")

    with pytest.raises(ConfigError, match=r"accept: raised KeyError on the alert of .*'weight'"):
        al.backtest(bars, accept=broken, chance=False)


def test_unscored_alerts_have_trades_marked_unscored(bars: al.Bars) -> None:
    run = al.backtest(bars, Config().set("scoring.sessions", 5), chance=False, audits="none")
    every = al.backtest(bars, chance=False, audits="none")

    unscored = run.alerts.filter(outcome="unscored")
    assert unscored["pnl_points"].is_not_null().any()
    both = unscored.join(every.alerts, on="id", how="inner").filter(
        pl.col("outcome_right") != "unscored"
    )
    assert both.height > 0
    assert both["pnl_points"].equals(both["pnl_points_right"], check_names=False)
