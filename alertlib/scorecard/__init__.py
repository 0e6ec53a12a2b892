"""The scorecard: criteria, verdict, sections, and how two of them differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alertlib._faces import lazy

if TYPE_CHECKING:
    from alertlib.scorecard.card import Criterion, Scorecard, Verdict, canonical_hash
    from alertlib.scorecard.difference import Change, Difference, compare_scorecards
    from alertlib.scorecard.schema import scorecard_schema

_HOMES = {
    "Change": "difference",
    "Criterion": "card",
    "Difference": "difference",
    "Scorecard": "card",
    "Verdict": "card",
    "canonical_hash": "card",
    "compare_scorecards": "difference",
    "scorecard_schema": "schema",
}

__all__ = [
    "Change",
    "Criterion",
    "Difference",
    "Scorecard",
    "Verdict",
    "canonical_hash",
    "compare_scorecards",
    "scorecard_schema",
]

__getattr__, __dir__ = lazy(__name__, _HOMES)
