"""Scorecards as other commands read them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alertlib.errors import DataError

if TYPE_CHECKING:
    pass


# What a scorecard is read for by other commands.
SCORECARD_KEYS = ("spec_hash", "data", "counts", "rates", "criteria", "verdict", "per_detector",
                  "sensitivity")  # fmt: skip


def read_scorecard(path: str) -> dict[str, Any]:
    """Return a scorecard from its JSON file."""
    try:
        card = json.loads(Path(path).read_bytes())
    except (OSError, ValueError) as error:
        raise DataError(
            f"{path}: cannot be read ({error}); expected a scorecard written by "
            "runners.backtest --json"
        ) from error
    if not isinstance(card, dict) or card.get("schema") != "scorecard.v1":
        raise DataError(f"{path}: not a scorecard; expected JSON with schema scorecard.v1")
    missing = [name for name in SCORECARD_KEYS if name not in card]
    if missing:
        raise DataError(
            f"{path}: {missing[0]} is missing; expected a whole scorecard; write it again"
        )
    return card
