"""The JSON Schema of a scorecard, for whoever checks or reads one with tools of his own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from alertlib.scorecard.card import SCHEMA


def scorecard_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) that every scorecard of this version is of."""
    path = Path(__file__).with_name(f"{SCHEMA}.schema.json")
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
