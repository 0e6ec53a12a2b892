"""The values of a grid, as they are written on a command line and in a program."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import alertlib as al
from alertlib.config import Config
from alertlib.errors import ConfigError
from alertlib.search.grid.axes import make_axes, parse_grid, parse_grids

DEFAULTS = Config()
WINDOW = "detection.volatility.window"
SIGMA = "detection.volatility.threshold_sigma"


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("k=10:30:10", (10, 20, 30)),
        ("k=30:10:-10", (30, 20, 10)),
        ("k=0.1:0.5:0.1", (0.1, 0.2, 0.3, 0.4, 0.5)),
        ("k=1:2:0.5", (1.0, 1.5, 2.0)),
        ("k=1:2:0.3", (1.0, 1.3, 1.6, 1.9)),
        ("k=-1:1:1", (-1, 0, 1)),
        ("k=5:5:1", (5,)),
        ("k=1e-2:3e-2:1e-2", (0.01, 0.02, 0.03)),
        (" k = 1 , 2 ", ("1", "2")),
        ("k=09:05", ("09:05",)),
        ("detection.custom.desk:fade.n=1,2", ("1", "2")),
    ],
)
def test_lists_and_ranges(text: str, values: tuple[object, ...]) -> None:
    key, found = parse_grid(text)
    assert key == text.partition("=")[0].strip()
    assert found == values
    assert [type(value) for value in found if not isinstance(value, str)] == [
        type(value) for value in values if not isinstance(value, str)
    ]


@given(
    st.decimals(-100, 100, places=3, allow_nan=False),
    st.decimals("0.001", 10, places=3, allow_nan=False),
    st.integers(0, 200),
)
def test_a_range_holds_every_step_and_its_end(first: Decimal, step: Decimal, steps: int) -> None:
    """A decimal that is written down comes back, however far the first one is."""
    last = first + steps * step
    _, values = parse_grid(f"k={first}:{last}:{step}")
    assert values == tuple(float(str(first + at * step)) for at in range(steps + 1))
    assert parse_grid(f"k={last}:{first}:{-step}")[1] == values[::-1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("k", "no key or no '=', expected KEY=A,B,C or KEY=FROM:TO:STEP"),
        ("=1,2", "no key"),
        ("k=", "k: got no value, expected values such as"),
        ("k=1,,2", "k: got an empty value"),
        ("k=1:3:0", "k: got 1:3:0, a step of 0"),
        ("k=1:3:-1", "leads away from TO, expected a step of 1"),
        ("k=3:1:0.5", "leads away from TO, expected a step of -0.5"),
        ("k=1:3:x", "k: got 1:3:x, expected three numbers FROM:TO:STEP"),
        ("k=1:nan:1", "three numbers"),
        ("k=0:1:1e-9", "1,000,000,001 values, expected at most 10,000,000"),
    ],
)
def test_what_is_no_list_and_no_range_is_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_grid(text)


def test_a_key_is_given_once() -> None:
    assert parse_grids(["a=1,2", "b=3"]) == {"a": ("1", "2"), "b": ("3",)}
    with pytest.raises(ConfigError, match="a: got the key twice, expected one --grid"):
        parse_grids(["a=1", "b=1", "a=2"])


@pytest.mark.parametrize(
    "given_values",
    [[10, 20], (10, 20), range(10, 21, 10), np.array([10, 20]), pl.Series([10, 20]), "10,20",
     "10:20:10", ["10", "20"]],
)  # fmt: skip
def test_values_may_be_given_in_many_ways(given_values: Any) -> None:
    (axis,) = make_axes({WINDOW: given_values}, DEFAULTS)
    assert (axis.key, axis.values, axis.typed) == (WINDOW, (10, 20), (10, 20))
    assert {type(value) for value in axis.typed} == {int}


def test_the_type_of_the_key_decides_what_a_value_is() -> None:
    sigma, levels, start = make_axes(
        {SIGMA: [1, "2.5"], "levels": ["closes"], "window_start": "09:05,09:30"}, DEFAULTS
    )
    assert sigma.values == (1.0, 2.5)
    assert levels.values == ("closes",)
    assert levels.typed[0] is type(DEFAULTS.detection.breakout.levels).closes
    assert start.values == ("09:05", "09:30")
    assert [each.column.dtype for each in (sigma, levels, start)] == [
        pl.Float64, pl.String, pl.String,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        ({}, "grid: got no key"),
        ({WINDOW: []}, f"{WINDOW}: got an empty list, expected at least one value"),
        ({WINDOW: [10, 1]}, f"{WINDOW}: got 1, expected a whole number from 2 to 10000"),
        ({WINDOW: "10:11:0.5"}, f"{WINDOW}: got 10.0, expected a whole number"),
        ({WINDOW: [10, "x"]}, f"{WINDOW}: got x, expected a whole number"),
        ({SIGMA: [0]}, f"{SIGMA}: got 0, expected a number above 0 and at most 100"),
        ({SIGMA: ["1e400"]}, "expected a number above 0"),
        ({SIGMA: [2, 3, 2.0]}, f"{SIGMA}: got 2.0 twice, expected each value once"),
        ({SIGMA: "1:1.00000000000000000002:1e-20"}, "twice"),
        ({WINDOW: 10}, f"{WINDOW}: got 10, expected a list of values"),
        ({WINDOW: {"a": 1}}, "got a section, expected a list of values"),
        ({WINDOW: [[10]]}, f"{WINDOW}: got a list, expected a whole number"),
        ({WINDOW: [10], "volatility.window": [20]}, r"the key twice \(also as volatility.window\)"),
        ({"min_severity": ["LOW"]}, "got LOW, expected one of CRITICO, ALTO, MEDIO"),
        ({"scoring.k": [2, 3]}, "goalposts"),
    ],
)
def test_what_the_configuration_would_not_take_is_refused(
    grid: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigError, match=message) as refused:
        make_axes(grid, DEFAULTS)
    assert "\n" not in str(refused.value)


class Loose(NamedTuple):
    level: Any = 1
    share: float = 0.5


class Nothing(NamedTuple):
    """A state that remembers nothing."""


@pytest.fixture
def loose(own_registry: None) -> Config:
    made = al.detector("loose", patterns=("up", "down"), params=Loose(), state=Nothing())
    made(lambda state, ring, bar, p: (0, state))
    return DEFAULTS.set("detection.enabled", ["loose"])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1, "a"], "got values of several kinds"),
        ([1, True], "got values of several kinds"),
        ([2**63], "a whole number of 64 bits"),
        ([[1, 2]], "got a list in the list"),
    ],
)
def test_a_parameter_of_any_type_takes_one_kind(
    loose: Config, values: list[Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        make_axes({"level": values}, loose)


def test_a_parameter_of_ones_own_has_its_declared_type(loose: Config) -> None:
    level, share = make_axes({"level": [1, 2.5, None], "share": [1, 2]}, loose)
    assert level.column.to_list() == [1.0, 2.5, None]
    assert [type(value) for value in share.typed] == [float, float]


def test_ranks_follow_the_size_of_numbers_and_the_order_of_texts() -> None:
    sigma, severity = make_axes({SIGMA: [3, 1, 2], "min_severity": "MEDIO,ALTO"}, DEFAULTS)
    assert sigma.ranks == (2, 0, 1)
    assert severity.ranks == (0, 1)
