"""Laws of grids: their order, their conditions, their samples and their neighbours."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from alertlib.config import Config
from alertlib.errors import ConfigError
from alertlib.search.grid import grid as grid_module
from alertlib.search.grid.grid import MAX_PER_SESSION, Grid

DEFAULTS = Config()
STOP, TARGET = "trade.stop_atr", "trade.target_atr"
LEAST, MOST = "detection.rsi_divergence.min_bars", "detection.rsi_divergence.max_bars"

AXES: dict[str, st.SearchStrategy[Any]] = {
    "detection.volatility.window": st.integers(2, 40),
    "detection.volatility.threshold_sigma": st.sampled_from([0.5, 1.0, 1.5, 2.0, 2.5]),
    "detection.breakout.levels": st.sampled_from(["extremes", "closes"]),
    "policy.min_severity": st.sampled_from(["CRITICO", "ALTO", "MEDIO"]),
    STOP: st.sampled_from([0.5, 1.0, 1.5, 2.0, 3.0]),
    TARGET: st.sampled_from([0.5, 1.0, 1.5, 2.0, 3.0]),
}
grids = st.fixed_dictionaries(
    {STOP: st.lists(AXES[STOP], min_size=1, max_size=4, unique=True)},
    optional={
        key: st.lists(values, min_size=1, max_size=4, unique=True)
        for key, values in AXES.items()
        if key != STOP
    },
).flatmap(lambda drawn: st.permutations(list(drawn.items())).map(dict))

# As SQL and as Python: a condition has to say the same to both.
CONDITIONS: list[tuple[str, Callable[[dict[str, Any]], bool], set[str]]] = [
    ("target_atr >= stop_atr", lambda c: c[TARGET] >= c[STOP], {TARGET, STOP}),
    ("stop_atr > 0.5", lambda c: c[STOP] > 0.5, {STOP}),
    ('"trade.stop_atr" * 2 <> trade.target_atr', lambda c: c[STOP] * 2 != c[TARGET],
     {STOP, TARGET}),
    ("volatility.window BETWEEN 5 AND 30 OR stop_atr = 1",
     lambda c: 5 <= c["detection.volatility.window"] <= 30 or c[STOP] == 1,
     {"detection.volatility.window", STOP}),
    ("NOT min_severity IN ('ALTO', 'MEDIO')",
     lambda c: c["policy.min_severity"] not in ("ALTO", "MEDIO"), {"policy.min_severity"}),
    ("CASE WHEN levels = 'closes' THEN stop_atr < 2 ELSE true END",
     lambda c: c["detection.breakout.levels"] != "closes" or c[STOP] < 2,
     {"detection.breakout.levels", STOP}),
]  # fmt: skip


def combinations(drawn: dict[str, list[Any]]) -> list[dict[str, Any]]:
    """Every combination in the plainest way."""
    return [dict(zip(drawn, row, strict=True)) for row in itertools.product(*drawn.values())]


def one_step(drawn: dict[str, list[Any]], a: dict[str, Any], b: dict[str, Any]) -> bool:
    """Whether two combinations are neighbours, said slowly."""
    differing = [key for key in drawn if a[key] != b[key]]
    if len(differing) != 1:
        return False
    (key,) = differing
    values = drawn[key] if isinstance(a[key], str) else sorted(drawn[key])
    return abs(values.index(a[key]) - values.index(b[key])) == 1


@given(grids)
def test_combinations_come_in_the_order_of_the_product(drawn: dict[str, list[Any]]) -> None:
    grid = Grid(drawn, DEFAULTS)
    expected = combinations(drawn)
    assert grid.keys == tuple(drawn)
    assert len(grid) == len(expected)
    assert [grid.combination(i) for i in range(len(grid))] == expected
    assert grid.frame.rows(named=True) == expected
    assert grid.codes(np.arange(len(grid))).tolist() == [
        [drawn[key].index(row[key]) for key in drawn] for row in expected
    ]


@given(grids, st.lists(st.sampled_from(CONDITIONS), min_size=1, max_size=3))
def test_conditions_leave_what_they_say(
    drawn: dict[str, list[Any]], conditions: list[tuple[str, Any, set[str]]]
) -> None:
    assume(all(names <= set(drawn) for _, _, names in conditions))
    expected = [c for c in combinations(drawn) if all(holds(c) for _, holds, _ in conditions)]
    texts = [text for text, _, _ in conditions]
    if not expected:
        with pytest.raises(ConfigError, match="expected at least one; relax it"):
            Grid(drawn, DEFAULTS, texts)
        return
    grid = Grid(drawn, DEFAULTS, texts)
    assert grid.frame.rows(named=True) == expected
    assert [grid.combination(i) for i in range(len(grid))] == expected
    assert [grid.find(row) for row in expected] == list(range(len(grid)))
    left_out = [row for row in combinations(drawn) if row not in expected]
    assert [grid.find(row) for row in left_out] == [None] * len(left_out)


@given(grids, st.booleans())
def test_neighbours_are_one_step_away(drawn: dict[str, list[Any]], some: bool) -> None:
    where = ["stop_atr <> 1.5"] if some and drawn[STOP] != [1.5] else []
    grid = Grid(drawn, DEFAULTS, where)
    rows = [grid.combination(i) for i in range(len(grid))]
    for i, row in enumerate(rows):
        assert grid.neighbours(i) == [
            j for j, other in enumerate(rows) if one_step(drawn, row, other)
        ]


@given(grids, st.integers(0, 60), st.integers(0, 60), st.integers(0, 2**32))
def test_a_sample_draws_each_combination_at_most_once(
    drawn: dict[str, list[Any]], few: int, many: int, seed: int
) -> None:
    grid = Grid(drawn, DEFAULTS)
    few, many = sorted((few, many))
    sample = grid.sample(many, seed).tolist()
    assert len(sample) == min(many, len(grid))
    assert set(sample) <= set(range(len(grid)))
    assert len(set(sample)) == len(sample)
    assert grid.sample(few, seed).tolist() == sample[:few]
    assert sorted(grid.sample(len(grid) + 1, seed).tolist()) == list(range(len(grid)))


def test_samples_depend_on_the_seed() -> None:
    grid = Grid({STOP: "0.1:10:0.1"}, DEFAULTS)
    assert grid.sample(20, 1).tolist() != grid.sample(20, 2).tolist()


@given(grids, st.data())
def test_the_settings_of_a_combination_are_the_base_with_it_put_in(
    drawn: dict[str, list[Any]], data: st.DataObject
) -> None:
    base = DEFAULTS.update({"scoring.seed": 5, "trade.horizon_bars": 7})
    grid = Grid(drawn, base)
    i = data.draw(st.integers(0, len(grid) - 1))
    made = grid.settings(i)
    sections = {name: getattr(made, name) for name in made.__dataclass_fields__}
    assert Config(**sections) == base.update(grid.combination(i))


@given(
    st.lists(st.integers(1, 60), min_size=1, max_size=4, unique=True),
    st.none() | st.lists(st.integers(1, 60), min_size=1, max_size=4, unique=True),
)
def test_values_that_may_not_stand_together_are_refused(
    least: list[int], most: list[int] | None
) -> None:
    """Exactly where the configuration itself refuses one of the combinations."""
    drawn = {LEAST: least} | ({MOST: most} if most is not None else {})
    clashing = [c for c in combinations(drawn) if c[LEAST] > c.get(MOST, 40)]
    if not clashing:
        assert len(Grid(drawn, DEFAULTS)) == len(combinations(drawn))
        return
    message = f"{LEAST}: got .*expected at most max_bars, .*; leave such combinations out"
    with pytest.raises(ConfigError, match=message):
        Grid(drawn, DEFAULTS)
    if most is not None and len(clashing) < len(combinations(drawn)):
        assert len(Grid(drawn, DEFAULTS, "min_bars <= max_bars")) > 0


def test_times_that_may_not_stand_together_are_refused() -> None:
    given_ = {"window_start": ["10:00", "09:05"], "window_end": ["17:30", "09:30"]}
    with pytest.raises(
        ConfigError, match=r"policy\.window_start: got 10:00, expected a time before"
    ):
        Grid(given_, DEFAULTS)
    assert len(Grid(given_, DEFAULTS, "window_start < window_end")) == 3


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("target_atr >=", "got what cannot be read .*trade.target_atr >="),
        ("", "got what cannot be read"),
        ("target_art > 1", "got target_art, which is not searched, .*did you mean target_atr"),
        ("window > 3", "got window, which is not searched, expected a key of trade.target_atr"),
        ("atr > 1", "got atr, which is not searched"),
        ("target_atr + stop_atr", "got an expression of type Float64"),
        ("1 = 1", "got no key of the grid"),
        ("target_atr > 'x'", "got what cannot be worked out"),
        ("target_atr > '09:05'", "got what cannot be worked out"),
        ("target_atr = max(target_atr)", "got a comparison with other combinations"),
        ("stop_atr > 1 AND target_atr > avg(target_atr)", "other combinations"),
        ("sum(stop_atr) > 1", "expected true or false for each of 2"),
        ("sum(stop_atr) OVER (PARTITION BY target_atr) > 2", "other combinations"),
        ("stop_atr > (SELECT 1)", "got SELECT, which is not searched"),
        ("stop_atr > 1; DROP TABLE x", "got "),
        ("target_atr > 99", "got none of 6 combinations, expected at least one"),
    ],
)
def test_a_condition_that_is_none_is_refused_in_one_line(where: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as refused:
        Grid({TARGET: [1, 2, 3], STOP: [1, 2]}, DEFAULTS, where)
    assert "\n" not in str(refused.value)


def test_an_ambiguous_name_in_a_condition_lists_the_keys() -> None:
    drawn = {"volatility.window": [5], "breakout.window": [5]}
    with pytest.raises(ConfigError, match=r"ambiguous key, expected one of .*volatility\.window, "):
        Grid(drawn, DEFAULTS, "window > 3")
    assert len(Grid(drawn, DEFAULTS, "volatility.window >= breakout.window")) == 1


def test_texts_in_a_condition_are_no_names() -> None:
    drawn = {"min_severity": "ALTO,MEDIO", "stop_atr": [1, 2]}
    assert len(Grid(drawn, DEFAULTS, "min_severity <> 'stop_atr' AND stop_atr > 1e0")) == 2


def test_large_grids_are_laid_out_on_demand_and_too_large_ones_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    windows = {"volatility.window": range(2, 1_002), "breakout.window": range(1, 101)}
    grid = Grid(windows, DEFAULTS)
    assert len(grid) == MAX_PER_SESSION
    assert grid.per_session
    more = Grid(windows | {"stop_atr": [1, 2]}, DEFAULTS)
    assert not more.per_session
    assert [len(block) for block in more.blocks(150_000)] == [150_000, 50_000]
    monkeypatch.setattr(grid_module, "_BLOCK", 1_000)
    fewer = Grid(windows, DEFAULTS, "volatility.window > breakout.window")
    assert len(fewer) == sum(a > b for a, b in itertools.product(*windows.values()))
    assert fewer.frame.equals(grid.frame.filter(grid.frame.to_series(0) > grid.frame.to_series(1)))
    with pytest.raises(ConfigError, match=r"got 10,100,000 combinations of .* at most 10,000,000"):
        Grid(windows | {"stop_atr": "0.1:10.1:0.1"}, DEFAULTS)


def test_a_combination_that_is_none_is_refused() -> None:
    grid = Grid({STOP: [1, 2]}, DEFAULTS)
    for i in (-1, 2):
        with pytest.raises(IndexError, match=f"combination {i} of 2"):
            grid.combination(i)
    with pytest.raises(KeyError, match=r"trade\.stop_atr: 3"):
        grid.find({STOP: 3})
