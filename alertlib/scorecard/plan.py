"""A scorecard against the plan: the gate as shipped, whatever gate the card was made with."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any

from alertlib.config.schema import Gate
from alertlib.scorecard.gate import CHANCE_RAILS, CRITERIA, FALSE_POSITIVES

Card = Mapping[str, Any]
Line = Mapping[str, Any]

PLAN = Gate()
_SIZES = ("min_sessions", "min_opportunities", "min_alerts", "min_trades")
_COMPARE = {">=": operator.ge, ">": operator.gt, "<=": operator.le, "<": operator.lt}


class Standing(StrEnum):
    """What a scorecard is worth to somebody who is asked to sign, the worst first."""

    FAILED = "failed"
    SHORT = "short"
    UNTESTED = "untested"
    RELAXED = "relaxed"
    IN_SAMPLE = "in_sample"
    UNPROVEN = "unproven"
    PROVEN = "proven"


def rates(card: Card) -> list[Line]:
    """Return the customer's criteria in the plan's order; the name alone where one is missing."""
    lines = {line["name"]: line for line in card["criteria"]}
    return [lines.get(name, {"name": name, "value": None, "passed": False}) for name in CRITERIA]


def meets(line: Line) -> bool:
    """Whether a criterion of the customer's passed and keeps the plan's own limit."""
    op, limit = plan_limit(line["name"])
    value = line["value"]
    return bool(line["passed"]) and value is not None and bool(_COMPARE[op](value, limit))


def plan_limit(name: str) -> tuple[str, float]:
    """Return how one of the customer's criteria has to compare, and with what."""
    return ("<=" if name == FALSE_POSITIVES else ">="), float(getattr(PLAN, name))


def gap(line: Line) -> float:
    """Return how far a criterion is from the plan's limit, a share; 0 where it is undefined."""
    _, limit = plan_limit(line["name"])
    return 0.0 if line["value"] is None else abs(line["value"] - limit)


def misses(card: Card) -> list[Line]:
    """Return the customer's criteria that miss the plan, the farthest first."""
    return sorted((line for line in rates(card) if not meets(line)), key=gap, reverse=True)


def failed_rails(card: Card) -> list[Line]:
    """Return the guard rails that did not pass."""
    return [line for line in card["criteria"] if line["name"] not in CRITERIA if not line["passed"]]


def relaxed(card: Card) -> list[str]:
    """Return the guard rails of the plan that a card lacks or has a laxer limit for."""
    lines = {line["name"]: line for line in card["criteria"]}
    return [
        name
        for name, op, limit in _rails()
        if name not in lines
        or lines[name]["op"].rstrip("=") != op.rstrip("=")
        or not _COMPARE[f"{op[0]}="](lines[name]["threshold"], limit)
    ]


def standing(card: Card) -> Standing:
    """Return what a card is worth, by its own verdict and by the plan."""
    verdict = card["verdict"]
    if verdict == "INSUFFICIENT":
        return Standing.SHORT
    if verdict == "FAIL" or misses(card):
        return Standing.FAILED
    if verdict == "UNTESTED":
        return Standing.UNTESTED
    if relaxed(card):
        return Standing.RELAXED
    if card.get("in_sample_possible"):
        return Standing.IN_SAMPLE
    return Standing.PROVEN if card["proven"] else Standing.UNPROVEN


def worst(cards: Sequence[Card]) -> int:
    """Return the place of the card that stands worst; of equals the farthest from the plan."""
    order = list(Standing)

    def badness(place: int) -> tuple[int, float]:
        farthest = max((gap(line) for line in misses(cards[place])), default=0.0)
        return -order.index(standing(cards[place])), farthest

    return max(range(len(cards)), key=badness)


def _rails() -> Iterator[tuple[str, str, float]]:
    for name in _SIZES:
        yield name, ">=", float(getattr(PLAN, name))
    for name in ("audit_failures", "data_errors", "out_of_sample"):
        yield name, "<=", 0.0
    yield "expectancy_points", ">", 0.0
    for name in CHANCE_RAILS:
        yield name, "<", PLAN.max_p_value
