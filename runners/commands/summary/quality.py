"""The light of quality: the worst scorecard of real bars against the plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from alertlib.scorecard import plan
from alertlib.scorecard.gate import CRITERIA
from alertlib.scorecard.plan import Standing
from alertlib.scorecard.reasons import GEOMETRY
from runners.commands.summary.figures import Figure, Light, Part, Reason

# Guard rails that leave the question open.
_OPEN = ("min_sessions", "min_opportunities")


class NamedCard(NamedTuple):
    """A scorecard and the file it was read from."""

    path: str
    card: Mapping[str, Any]

    @property
    def is_synthetic(self) -> bool:
        """Whether its bars were made by a generator; a card that does not say is no real one."""
        return self.card["data"].get("synthetic") is not False


def deciding(cards: Sequence[NamedCard]) -> NamedCard | None:
    """Return the worst scorecard of real bars; None if there is none."""
    real = [named for named in cards if not named.is_synthetic]
    return real[plan.worst([named.card for named in real])] if real else None


def quality(named: NamedCard | None) -> Part:
    """Return the light of the deciding scorecard."""
    if named is None:
        missing = tuple(
            Figure(name, None, *plan.plan_limit(name), None, "scorecard") for name in CRITERIA
        )
        return Part("quality", missing, (Reason(Light.YELLOW, "no_real"),))
    shown = tuple(_rate(line) for line in plan.rates(named.card))
    return Part("quality", shown, tuple(_reasons(named.card)))


def _reasons(card: Mapping[str, Any]) -> list[Reason]:
    standing = plan.standing(card)
    match standing:
        case Standing.PROVEN:
            return []
        case Standing.FAILED:
            return _failures(card) or [Reason(Light.RED, "unproven_failed")]
        case Standing.SHORT:
            short = [_rail(line) for line in plan.failed_rails(card) if line["name"] in _OPEN]
            found = [Reason(Light.YELLOW, "short", {"figure": one}) for one in short]
            return found or [Reason(Light.YELLOW, "insufficient")]
        case Standing.RELAXED:
            return [Reason(Light.YELLOW, "relaxed", {"names": plan.relaxed(card)})]
        case Standing.UNPROVEN:
            unproven = [line for line in plan.rates(card) if not line.get("proven")]
            names = [line["name"] for line in unproven or plan.rates(card)]
            return [Reason(Light.YELLOW, "unproven", {"names": names})]
        case _:
            return [Reason(Light.YELLOW, str(standing))]


def _failures(card: Mapping[str, Any]) -> list[Reason]:
    rates = [
        Reason(
            Light.RED,
            "geometry" if line.get("reason") == GEOMETRY else "missed",
            {"figure": _rate(line)},
        )
        for line in plan.misses(card)
    ]
    rails = [Reason(Light.RED, "rail", {"figure": _rail(x)}) for x in plan.failed_rails(card)]
    return rates + rails


def _rate(line: Mapping[str, Any]) -> Figure:
    name = line["name"]
    met = None if line["value"] is None and "op" not in line else plan.meets(line)
    return Figure(name, line["value"], *plan.plan_limit(name), met, "scorecard")


def _rail(line: Mapping[str, Any]) -> Figure:
    return Figure(
        line["name"], line["value"], line["op"], line["threshold"], line["passed"], "scorecard"
    )
