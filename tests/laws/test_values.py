"""What the library hands out cannot be changed by whoever holds it."""

from __future__ import annotations

import importlib
from dataclasses import is_dataclass

from tests.support import house

# Filled step by step where they are made.
FILLED = {
    "alertlib.bars.store.writer.Written",
    "alertlib.scoring.trade_walk._Walk",
    "alertlib.search.ledger.reader.Records",
}


def test_every_dataclass_is_frozen_but_those_being_filled() -> None:
    """A run shares them with its scorecard and its copies, and caches are found by them."""
    names = [name for name in house.modules() if f"{name}.".startswith("alertlib.")]
    held = [value for name in names for value in vars(importlib.import_module(name)).values()]
    made = {v for v in held if isinstance(v, type) and is_dataclass(v) and v.__module__ in names}

    loose = {v for v in made if not v.__dataclass_params__.frozen}

    assert {f"{v.__module__}.{v.__qualname__}" for v in loose} == FILLED
    assert len(made) > 100
