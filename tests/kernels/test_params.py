"""What each setting of a built-in detector is, and what it may be."""

from __future__ import annotations

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
