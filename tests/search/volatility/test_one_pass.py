"""A sweep gives, for every combination, the integers of the general path."""

from __future__ import annotations

import itertools
import random
from dataclasses import fields, replace
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alertlib.bars.series import Series
from alertlib.config import Config
from alertlib.detection.builtin import volatility
from alertlib.detection.ruleset import make_rules
from alertlib.errors import DataError
from alertlib.kernels.volatility import VolatilityParams
from alertlib.scoring.engine import COMPILED, INTERPRETED, Engine
from alertlib.scoring.labels import Opportunities, directional_changes
from alertlib.scoring.matching import Validity, find_validity
from alertlib.scoring.scored import Scored, run_detectors, score
from alertlib.scoring.scored_sessions import Scope, choose_scope
from alertlib.scoring.signals import EXACT_BELOW
from alertlib.scoring.true_ranges import true_ranges
from alertlib.search.volatility.inputs import middle
from alertlib.search.volatility.one_pass import sweep_volatility
from alertlib.search.volatility.parameters import VolatilityCounts, VolatilityGrid
from tests.support.steps import rough_walk
from tests.support.synthetic import series_of, session, shared_rows, walk

NAMES = [field.name for field in fields(VolatilityCounts)]
SMALL_GRID = VolatilityGrid((5, 12), (0.5, 1.2, 1.9), (1, 2, 4), (0.6, 1.5), (0.4, 1.5, 4.0))


class Ground(NamedTuple):
    """What all combinations share."""

    series: Series
    atr: Any
    scope: Scope
    moves: Opportunities
    validity: Validity


def open_policy(**changes: Any) -> Config:
    """Settings whose policy suppresses nothing, on few warm-up bars and many small moves."""
    config = Config()
    quiet = {
        "policy__cooldown_bars": 0, "policy__rate_limit_per_minute": 0,
        "policy__window_start": "00:00", "policy__window_end": "23:59",
        "policy__min_severity": "MEDIO", "scoring__warmup_bars": 20, "scoring__k": 1.5,
        "scoring__min_session_share": 0.3,
    }  # fmt: skip
    for name, value in (quiet | changes).items():
        config = config.set(name.replace("__", "."), value)
    return config


def ground_of(series: Series, config: Config) -> Ground:
    scoring = config.scoring
    atr = true_ranges(series, config.trade.atr_window)
    moves = directional_changes(series, atr, scoring.k)
    scope = choose_scope(series, scoring, moves, config.gate.min_opportunities)
    moves = moves.only(scope.scored[moves.start])
    return Ground(
        series, atr, scope, moves,
        find_validity(series, moves, scoring.early_bars, scoring.min_move_left),
    )  # fmt: skip


def scored_by_the_general_path(
    series: Series, config: Config, combination: tuple[Any, ...], engine: Engine = INTERPRETED
) -> Scored:
    window, threshold, confirm, stop, target = combination
    config = config.set("trade.stop_atr", stop).set("trade.target_atr", target)
    detector = volatility.with_params(VolatilityParams(window, threshold, confirm))
    assert series.instrument.grid is not None
    rules = make_rules(config, series.instrument.grid, (detector,))
    found = run_detectors(series, rules, engine)
    assert len(found.suppressed) == 0
    return score(found, config)


def counted(scored: Scored) -> dict[str, list[int]]:
    """The sweep's counts of one combination, per scored session."""
    series, trades = scored.detected.series, scored.trades
    sessions = scored.scope.sessions
    way = scored.alerts.direction
    points = way * (trades.exit_price - trades.entry_price)
    whole = [int(np.floor(x + 0.5)) for x in points]
    per = {name: value.tolist() for name, value in scored.per_session().items()}
    del per["opportunities"]
    where = np.searchsorted(sessions, series.session[scored.alerts.bar])
    for name, power in (("points", 1), ("squares", 2)):
        per[name] = [
            sum(q**power for q, s, real in zip(whole, where, trades.filled, strict=True)
                if real and s == number)
            for number in range(len(sessions))
        ]  # fmt: skip
    return per


def combinations(grid: VolatilityGrid) -> Any:
    """Every combination with its place."""
    axes = (getattr(grid, field.name) for field in fields(grid))
    return itertools.product(*(enumerate(axis) for axis in axes))


def cell(counts: VolatilityCounts, name: str, place: tuple[int, ...]) -> Any:
    values = getattr(counts, name)
    return (
        values[(..., *place)]
        if name in ("wins", "points", "squares")
        else values[(..., *place[:3])]
    )


def assert_equal(one: VolatilityCounts, other: VolatilityCounts) -> None:
    for name in NAMES:
        assert np.array_equal(getattr(one, name), getattr(other, name)), name


def assert_is_the_general_path(
    series: Series, config: Config, grid: VolatilityGrid, engine: Engine = COMPILED, every: int = 1
) -> VolatilityCounts:
    ground = ground_of(series, config)
    per = sweep_volatility(*ground, grid, config, by_session=True, engine=engine)
    for row in list(combinations(grid))[::every]:
        place, values = zip(*row, strict=True)
        expected = counted(scored_by_the_general_path(series, config, values))
        for name in NAMES:
            assert cell(per, name, place).tolist() == expected[name], (name, values)
    whole = sweep_volatility(*ground, grid, config, engine=engine)
    for name in NAMES:
        assert np.array_equal(getattr(whole, name), getattr(per, name).sum(axis=0)), name
    return whole


def some(values: tuple[Any, ...], most: int = 2) -> st.SearchStrategy[tuple[Any, ...]]:
    """One or more of these values, ascending."""
    return st.lists(st.sampled_from(values), min_size=1, max_size=most, unique=True).map(
        lambda chosen: tuple(sorted(chosen))
    )


# The square of the smallest threshold is zero: a close at the mean passes it, on the lower side.
grids = st.builds(
    VolatilityGrid,
    some((2, 3, 7, 12, 40, 75)), some((1e-200, 0.5, 1.0, 1.5, 2.0, 3.0), 3), some((1, 2, 3, 6, 11)),
    some((0.01, 0.4, 1.0, 2.5, 9.0)), some((0.01, 0.4, 1.0, 2.5, 9.0)),
)  # fmt: skip
trades = st.fixed_dictionaries(
    {
        "trade__slippage_ticks": st.integers(0, 3),
        "trade__touch": st.booleans(),
        "trade__horizon_bars": st.sampled_from((1, 5, 24)),
        "trade__horizon_minutes": st.sampled_from((1, 20, 150)),
        "trade__fees_points": st.sampled_from((None, 0.0, 5.0, 7.3)),
        "scoring__early_bars": st.sampled_from((0, 2, 30)),
        "scoring__min_move_left": st.sampled_from((0.0, 0.5)),
        "scoring__k": st.sampled_from((0.5, 1.5)),
    }
)
seeds = st.integers(0, 10**6)


@pytest.mark.parametrize("seed", range(2))
def test_a_sweep_is_the_general_path(seed: int, engine: Engine) -> None:
    series = series_of(walk(seed, sessions=5, bars=80, missing=0.05), timeframe="M5")

    found = assert_is_the_general_path(series, open_policy(), SMALL_GRID, engine)

    # The comparison has something to compare.
    assert min(int(getattr(found, name).sum()) for name in NAMES if name != "points") > 30
    assert np.unique(found.points).size > 50


@settings(max_examples=12)
@given(seeds, grids, trades)
def test_it_is_on_rough_walks_under_any_settings(
    seed: int, grid: VolatilityGrid, changes: dict[str, Any]
) -> None:
    series = series_of(rough_walk(seed, sessions=3), timeframe="M5")

    assert_is_the_general_path(series, open_policy(**changes), grid)


@settings(max_examples=6)
@given(seeds, grids)
def test_it_is_off_the_grid_of_ticks(seed: int, grid: VolatilityGrid) -> None:
    series = series_of(walk(seed, sessions=3, bars=60, tick=5.18), timeframe="M5")
    assert series.instrument.grid is not None
    assert not series.instrument.grid.on_tick

    assert_is_the_general_path(series, open_policy(), grid)


@settings(max_examples=12)
@given(seeds, grids)
def test_it_is_on_few_and_extreme_prices(seed: int, grid: VolatilityGrid) -> None:
    rng = random.Random(seed)
    far = rng.choice((5.0, 100_000.0, 900_000.0))
    kinds = rng.choice((1, 3))
    bars = []
    for _ in range(100):
        low = far + 5 * rng.randrange(kinds)
        high = low + 5 * rng.randrange(kinds)
        inside = [low + 5 * rng.randrange(int((high - low) / 5) + 1) for _ in range(2)]
        bars.append((inside[0], high, low, inside[1]))

    assert_is_the_general_path(series_of(session(bars), timeframe="M5"), open_policy(), grid)


def test_alerts_whose_outcome_the_data_do_not_reach_are_left_out() -> None:
    series = series_of(walk(4, sessions=3)[:-6], timeframe="M5")
    ground = ground_of(series, open_policy())
    assert ground.scope.open_ended
    assert ground.scope.scored[-1]

    assert_is_the_general_path(series, open_policy(), SMALL_GRID, every=5)


def finer(series: Series, times: int) -> Series:
    """The same bars, each price so many times as large in quanta."""
    prices = (series.open, series.high, series.low, series.close)
    return series.with_prices(*(times * column for column in prices))


@pytest.mark.parametrize(("times", "plain"), [(20_000, False), (60_000, True)])
def test_sums_beyond_64_bits_are_made_smaller_or_in_plain_python(times: int, plain: bool) -> None:
    series = finer(series_of(walk(2, sessions=5, bars=80), timeframe="M5"), times)
    grid = VolatilityGrid((5, 300), (1.0, 2.0), (1, 2), (1.0,), (1.0,))
    window = grid.windows[-1]
    assert window * int(series.close.max()) >= EXACT_BELOW
    assert (window * middle(series)[1] >= EXACT_BELOW) == plain

    assert_is_the_general_path(series, open_policy(), grid)


def test_it_is_on_a_recorded_file() -> None:
    series = series_of(shared_rows("win_n_m5_2020-11_2021-03"))
    grid = VolatilityGrid((10, 20, 50), (1.5, 2.0, 2.5), (1, 2, 3), (0.5, 1.5), (1.0, 1.5, 3.0))

    assert_is_the_general_path(series, open_policy(scoring__warmup_bars=600), grid, every=4)


@settings(max_examples=8)
@given(seeds, st.integers(1, 70))
def test_no_split_changes_a_result(seed: int, block: int) -> None:
    config = open_policy()
    series = series_of(walk(seed, sessions=4, bars=70, missing=0.05), timeframe="M5")
    ground = ground_of(series, config)
    whole = sweep_volatility(*ground, SMALL_GRID, config)

    assert_equal(sweep_volatility(*ground, SMALL_GRID, config, block=block), whole)
    assert_equal(split_by_sessions(ground, config, seed), whole)
    for axis, field in enumerate(fields(SMALL_GRID)):
        assert_equal(split_by_axis(ground, config, field.name, axis), whole)


def split_by_sessions(ground: Ground, config: Config, seed: int) -> VolatilityCounts:
    """Two sweeps over sessions that take turns at random, added up."""
    scope, rng = ground.scope, np.random.default_rng(seed)
    mine = rng.random(len(ground.series.first)) < 0.5
    parts = []
    for chosen in (mine, ~mine):
        part = replace(
            scope,
            sessions=scope.sessions[chosen[scope.sessions]],
            scored=scope.scored & chosen[ground.series.session],
        )
        parts.append(sweep_volatility(*ground._replace(scope=part), SMALL_GRID, config))
    return parts[0] + parts[1]


def split_by_axis(ground: Ground, config: Config, name: str, axis: int) -> VolatilityCounts:
    """A sweep for each value of one axis, side by side; where they do not depend on it, one."""
    parts = [
        sweep_volatility(*ground, replace(SMALL_GRID, **{name: (value,)}), config)
        for value in getattr(SMALL_GRID, name)
    ]

    def joined(field: str) -> Any:
        columns = [getattr(part, field) for part in parts]
        if axis < columns[0].ndim:
            return np.concatenate(columns, axis=axis)
        assert all(np.array_equal(columns[0], column) for column in columns)
        return columns[0]

    return VolatilityCounts(*map(joined, NAMES))


def test_without_scored_sessions_there_is_nothing(engine: Engine) -> None:
    config = open_policy(scoring__warmup_bars=10_000)
    ground = ground_of(series_of(walk(1, sessions=2), timeframe="M5"), config)

    whole = sweep_volatility(*ground, SMALL_GRID, config, engine=engine)
    per = sweep_volatility(*ground, SMALL_GRID, config, by_session=True, engine=engine)

    assert all(not getattr(whole, name).any() for name in NAMES)
    assert per.trades.shape == (0, *SMALL_GRID.shape[:3])
    assert per.wins.shape == (0, *SMALL_GRID.shape)


def test_squares_that_may_not_fit_are_refused() -> None:
    config = open_policy()
    ground = ground_of(finer(series_of(walk(1, sessions=3), timeframe="M5"), 10**6), config)

    with pytest.raises(DataError, match=r"sum of squared results may reach .* sweep a shorter"):
        sweep_volatility(*ground, SMALL_GRID, config)
