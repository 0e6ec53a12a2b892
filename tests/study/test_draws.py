"""The draws of the nulls: those the scorecard's p-values come from."""

from __future__ import annotations

import pickle

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from alertlib.backtesting.backtester import backtest
from alertlib.backtesting.run import Run
from alertlib.config import Config
from alertlib.report.formats import RATES
from tests.support.synthetic import bars_of, walk

QUICK = {"scoring.null_runs": 19, "scoring.mirror_runs": 19, "scoring.bootstrap": 100}


@pytest.fixture(scope="module")
def run() -> Run:
    return backtest(bars_of(walk(201, sessions=12)), Config().update(QUICK), audits="none")


def naive_p(drawn: list[float | None], observed: float, *, larger_is_better: bool) -> float:
    as_good = sum(
        d is not None and (d >= observed if larger_is_better else d <= observed) for d in drawn
    )
    return (1 + as_good) / (1 + len(drawn))


def test_p_values_and_levels_of_the_draws_are_the_scorecards(run: Run) -> None:
    frame = run.chance()
    for name in RATES:
        criterion = run.scorecard.criterion(name)
        assert list(criterion.nulls) == frame["null"].unique(maintain_order=True).to_list()
        assert criterion.value is not None
        for null, stated in criterion.nulls.items():
            drawn = frame.filter(null=null)[name]
            p = naive_p(drawn.to_list(), criterion.value, larger_is_better="false" not in name)
            assert stated["p_value"] == p
            assert stated["chance"] == pytest.approx(drawn.mean())
            assert stated["runs"] == len(drawn)


def test_points_are_those_of_coin_flip_bars_alone(run: Run) -> None:
    frame, coins = run.chance(), run.scorecard.coin_flip
    assert coins is not None
    flipped = frame.filter(null="coin_flip")

    assert flipped["expectancy_points"].mean() == pytest.approx(coins["expectancy_points"])
    assert flipped["alerts"].mean() == pytest.approx(coins["alerts"])
    others = frame.filter(pl.col("null") != "coin_flip")
    assert others["expectancy_points"].null_count() == len(others)


def test_draws_travel_with_the_run_and_without_schedules(run: Run) -> None:
    assert run.nulls.sensitivity is None
    assert_frame_equal(pickle.loads(pickle.dumps(run)).chance(), run.chance())


def test_where_the_nulls_were_not_run_there_is_none(plain: Run) -> None:
    assert plain.chance().is_empty()
    assert plain.nulls.untested == "left out"
