"""What each setting of a built-in detector is, and what it may be."""

from __future__ import annotations

import math
from typing import get_type_hints

import pytest

from alertlib.detection.builtin import BUILT_IN
from alertlib.kernels.breakout import Levels
from alertlib.kernels.params import FIXED, Range

# As README and alertas.yaml promise them; a detector's published figures are of the first column.
SETTINGS = {
    "volatility": {
        "window": (20, "from 2 to 10000"),
        "threshold_sigma": (2.0, "above 0 and at most 100"),
        "confirm_bars": (2, "from 1 to 1000"),
    },
    "engulfing": {},
    "rsi_divergence": {
        "window": (14, "from 2 to 1000"),
        "min_bars": (5, "from 1 to 1000"),
        "max_bars": (40, "from 1 to 1000"),
        "min_points": (1.0, "from 0 to 100"),
    },
    "breakout": {
        "window": (5, "from 1 to 10000"),
        "margin_ticks": (1, "from 0 to 10000"),
        "levels": (Levels.extremes, None),
    },
    "directional_change": {
        "min_probability": (0.82, "above 0 and at most 1"),
        "k": (3.0, "above 0 and at most 100"),
        "atr_window": (14, "from 2 to 1000"),
        "early_bars": (2, "from 0 to 1000"),
        "wait_bars": (6, "from 0 to 10000"),
        "margin_ticks": (1, FIXED),
    },
}


@pytest.mark.parametrize("name", BUILT_IN)
def test_settings_begin_and_end_where_they_are_said_to(name: str) -> None:
    params = BUILT_IN[name].params
    hints = get_type_hints(type(params), include_extras=True)
    found = {}
    for field, hint in hints.items():
        (limit,) = getattr(hint, "__metadata__", (None,))
        words = str(limit) if isinstance(limit, Range) else limit
        found[field] = (getattr(params, field), words)

    assert found == SETTINGS[name]


# --- the limits of parameters -------------------------------------------------------------


@pytest.mark.parametrize(
    ("limits", "inside", "outside", "words"),
    [
        (Range(1, 10), [1, 10, 2.5], [0, 11, "3", None], "from 1 to 10"),
        (Range(above=0.0, high=100.0), [0.001, 100], [0, -1, 100.1], "above 0 and at most 100"),
        (Range(above=0.0), [1e9], [0.0], "above 0"),
        (Range(low=5.0), [5, 1e12], [4.9], "of at least 5"),
        (Range(high=0.25), [0.25, -9], [0.3], "of at most 0.25"),
        (Range(), [0, -1e300], ["x"], "of any size"),
    ],
)
def test_a_range_contains_its_ends_and_reads_as_words(
    limits: Range, inside: list[object], outside: list[object], words: str
) -> None:
    assert all(value in limits for value in inside)
    assert not any(value in limits for value in outside)
    assert str(limits) == words


def test_a_nan_is_in_no_bounded_range() -> None:
    assert math.nan not in Range(0, 1)
