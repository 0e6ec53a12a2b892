"""Scorecards as other commands read them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alertlib.errors import DataError
from alertlib.scorecard.card import read_card


def read_scorecard(path: str) -> dict[str, Any]:
    """Return a scorecard from its JSON file, whichever version wrote it."""
    try:
        text = Path(path).read_bytes()
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({error}); expected a scorecard written by "
            "runners.backtest --json"
        ) from error
    return read_card(text, path)
