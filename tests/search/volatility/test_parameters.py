"""A grid accepts what the configuration accepts, in ascending order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from alertlib.errors import ConfigError
from alertlib.search.volatility.parameters import VolatilityCounts, VolatilityGrid

GRID = VolatilityGrid((5, 10), (1.0, 2.0, 3.0), (1,), (1.5,), (1.0, 2.0))


def test_its_shape_is_that_of_its_axes() -> None:
    assert GRID.shape == (2, 3, 1, 1, 2)


def test_lists_and_whole_numbers_become_what_the_detector_reads() -> None:
    made = VolatilityGrid([5, 10], [1, 2, 3], [1], [1.5], [1, 2])  # type: ignore[arg-type]

    assert made == GRID
    assert [type(x) for x in made.thresholds] == [float, float, float]


@pytest.mark.parametrize(
    ("axis", "values", "message"),
    [
        ("windows", (), r"grid: windows: got \(\); expected at least one number"),
        ("windows", (10, 5), r"grid: windows: got \(10, 5\); expected .* above the last"),
        ("windows", (5, 5), r"grid: windows: got \(5, 5\)"),
        ("windows", (1, 5), r"grid: windows.*got 1, expected .*from 2 to 10000"),
        ("windows", (2.5,), r"grid: windows.*got 2\.5"),
        ("thresholds", (0.0,), r"grid: thresholds.*got 0\.0, expected .*above 0"),
        ("confirmations", (0,), r"grid: confirmations.*got 0"),
        ("stops", (float("nan"),), r"grid: stops.*got nan"),
        ("targets", (101.0,), r"grid: targets.*got 101\.0"),
    ],
)
def test_what_is_refused_is_named(axis: str, values: tuple[Any, ...], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        replace(GRID, **{axis: values})


def test_counts_add_up_field_by_field() -> None:
    small = np.ones((1, 1, 1), dtype=np.int64)
    large = np.full((1, 1, 1, 1, 1), 2)
    one = VolatilityCounts(small, small, small, small, small, large, large, large)

    both = one + one

    assert both.captured.tolist() == [[[2]]]
    assert both.squares.tolist() == [[[[[4]]]]]
