"""What the summary is made of, without words: figures, reasons, lights, the decision."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple


class Light(StrEnum):
    """How a part stands, the worst first."""

    RED = "red"
    YELLOW = "yellow"
    GREEN = "green"


class Decision(StrEnum):
    """What the reader is told to do."""

    REFUSE = "refuse"
    NOT_YET = "not_yet"
    SIGN = "sign"


class Figure(NamedTuple):
    """A measured value beside its limit.

    Attributes
    ----------
    name : str
        Key of its words and of its unit.
    value : float or None
        None where it was not measured, or is undefined.
    op, limit
        How it has to compare with what.
    met : bool or None
        None where nothing was measured.
    source : str
        What it was taken from: ``scorecard``, ``benchmark`` or ``log``.
    """

    name: str
    value: float | None
    op: str
    limit: float
    met: bool | None
    source: str

    @property
    def light(self) -> Light:
        """Green only for what was measured and keeps its limit."""
        if self.met is None:
            return Light.YELLOW
        return Light.GREEN if self.met else Light.RED


class Reason(NamedTuple):
    """Why a part is not green: the key of a sentence and what it speaks of."""

    light: Light
    key: str
    values: Mapping[str, Any] = {}


@dataclass(frozen=True)
class Part:
    """One of the three lights.

    Attributes
    ----------
    name : str
    figures : tuple of Figure
        At most three, to be read first.
    more : tuple of Figure
        Others that decide it as well.
    reasons : tuple of Reason
        Why it is not green; the worst first.
    """

    name: str
    figures: tuple[Figure, ...]
    reasons: tuple[Reason, ...] = ()
    more: tuple[Figure, ...] = field(default=())

    @property
    def light(self) -> Light:
        """The worst of its reasons'."""
        return worst_light(reason.light for reason in self.reasons)


def worst_light(lights: Iterable[Light]) -> Light:
    """Return the worst of some lights, green where there are none."""
    return min(lights, key=list(Light).index, default=Light.GREEN)


def decide(parts: Iterable[Part]) -> tuple[Decision, tuple[Reason, ...]]:
    """Return the decision and its reasons, the gravest first; only three green lights sign."""
    reasons = [reason for part in parts for reason in part.reasons]
    reasons.sort(key=lambda reason: list(Light).index(reason.light))
    light = worst_light(reason.light for reason in reasons)
    decision = dict(zip(Light, Decision, strict=True))[light]
    return decision, tuple(reasons)
