"""A scorecard as the version before wrote it: ``scorecard.v1``."""

from __future__ import annotations

import copy
from typing import Any

Card = dict[str, Any]

# Guard rails of v1: the p-values of the three criteria.
_RAILS = ("capture_rate", "false_positive_share", "win_rate")
_NEW = ("coin_flip", "calibration", "in_sample_possible", "changed_settings")
_TESTS = (
    "placement_capture", "placement_false_positives", "more_than_geometry", "win_rate_chance",
    "expectancy_chance", "out_of_sample",
)  # fmt: skip
_NULLS = {
    "session_permutation": "session_permutation",
    "direction_flip": "direction_flip",
    "timing": "random_entry",
    "coin_flip": "mirror_surrogate",
}


def as_v1(card: Card) -> Card:
    """Return a v2 card's values under the keys of v1."""
    old = copy.deepcopy(card) | {"schema": "scorecard.v1", "spec": "score-v1"}
    old["spec_hash"] = "1" * 64
    for name in _NEW:
        del old[name]
    old["criteria"] = [c for c in old["criteria"] if c["name"] not in _TESTS]
    old["criteria"] += [_rail(c) for c in old["criteria"] if c["name"] in _RAILS]
    for criterion in old["criteria"]:
        del criterion["reason"]
        criterion["nulls"] = {_NULLS[n]: drawn for n, drawn in criterion["nulls"].items()}
    old["settings"]["scoring"]["sessions"] = 60
    return old


def _rail(criterion: Card) -> Card:
    """The p-value of a criterion, which was a guard rail of its own."""
    p = criterion["p_value"]
    nothing = dict.fromkeys(("n", "n_eff", "ci_low", "ci_high", "chance", "p_value", "proven",
                             "boot_low", "boot_high", "reason"))  # fmt: skip
    return {
        **nothing, "name": f"{criterion['name']}_chance", "value": p, "op": "<",
        "threshold": 0.05, "passed": p is not None and p < 0.05, "nulls": {},
    }  # fmt: skip
