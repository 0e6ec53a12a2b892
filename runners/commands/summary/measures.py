"""The figures that one summary is compared with the next by, and their units."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from alertlib.scorecard import plan
from runners.commands.summary.figures import Figure
from runners.commands.summary.operation import Operated

Measures = dict[str, float | None]

UNITS = {
    "capture_rate": "share",
    "false_positive_share": "share",
    "win_rate": "share",
    "expectancy_brl": "money",
    "expectancy_points": "decimal",
    "alerts_per_session": "decimal",
    "alerts_per_day": "decimal",
    "websocket": "ms",
    "mail": "ms",
    "detection": "ms",
    "memory": "MB",
    "throughput": "/min",
    "placement_capture": "p",
    "placement_false_positives": "p",
    "more_than_geometry": "p",
    "win_rate_chance": "p",
    "expectancy_chance": "p",
}
"""Unit of each figure that is not a plain count."""


class Change(NamedTuple):
    """A figure that is another than before."""

    name: str
    before: float | None
    after: float | None


def unit(name: str) -> str:
    """Return a figure's unit; ``count`` of what has none."""
    return UNITS.get(name, "p" if name.endswith("_chance") else "count")


def of_card(card: Mapping[str, Any]) -> Measures:
    """Return a scorecard's measures."""
    measures: Measures = {line["name"]: line["value"] for line in plan.rates(card)}
    sessions, alerts = card["data"]["sessions"], card["counts"].get("alerts")
    per_session = alerts / sessions if sessions and alerts is not None else None
    money = card["trade"].get("expectancy_brl")
    return measures | {"expectancy_brl": money, "alerts_per_session": per_session}


def of_operation(operated: Operated | None, figures: tuple[Figure, ...]) -> Measures:
    """Return the measures of the market's alerts in a log, and of the delays that are shown."""
    measures: Measures = {figure.name: figure.value for figure in figures}
    if operated is None or operated.is_rehearsal:
        return measures
    found = operated.tally.market
    days = len(found.days)
    return measures | {
        "alerts": len(found.alerts),
        "alerts_per_day": len(found.alerts) / days if days else None,
        "messages": len(found.messages),
        "dead_letters": found.dead_letters,
        "lost": len(found.lost),
    }


def changes(before: Measures, after: Measures) -> Iterator[Change]:
    """Yield what differs among the figures both have."""
    for name, value in after.items():
        if name in before and before[name] != value:
            yield Change(name, before[name], value)
