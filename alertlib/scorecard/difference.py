"""How two scorecards, or two runs, differ."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from math import isclose
from typing import TYPE_CHECKING, Any

from alertlib.scorecard.card import leaves
from alertlib.scorecard.patterns import repeated_patterns, row_name

if TYPE_CHECKING:
    import polars as pl


# What differs between any two runs without saying anything about either.
_IGNORED = (
    "schema",
    "settings",
    "changed_settings",
    "generated_at",
    "git_rev",
    "config_hash",
    "config_source",
    "versions",
    "per_session",
    "audits",
    "data.quality",
)


# What stands elsewhere too, or follows from figures that do: reasons, intervals, sizes, the
# sensitivity table.
_DERIVED = re.compile(
    r"reasons|sensitivity\..*"
    r"|rates\.(capture_rate|false_positive_share|win_rate)"
    r"|criteria\..*\.(n|n_eff|ci_low|ci_high|boot_low|boot_high|proven)"
    r"|criteria\.(min_\w+|expectancy_points|audit_failures|data_errors)\.value"
    r"|criteria\.(placement_\w+|more_than_geometry|\w+_chance)\.(chance|p_value)"
)
# Figures closer than this are the same, summed in another order.
_SAME = 1e-12


@dataclass(frozen=True)
class Change:
    """One figure in two scorecards."""

    path: str
    before: Any
    after: Any

    @property
    def delta(self) -> float | None:
        """Difference of two numbers."""
        pair = (self.before, self.after)
        if all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in pair):
            return float(self.after - self.before)
        return None

    @property
    def follows(self) -> bool:
        """Whether it follows from other changes, as an interval does."""
        return _DERIVED.fullmatch(self.path) is not None


@dataclass(frozen=True, repr=False)
class Difference:
    """What changed from one run to another.

    Attributes
    ----------
    comparable : bool
        Whether both scored the same bars under the same spec; otherwise a difference of
        figures is not the detectors' doing alone.
    settings : dict
        Changed settings by path: (before, after).
    changes : tuple of Change
        Changed figures.
    gained, lost : DataFrame or None
        Alerts only the later, and only the earlier run delivered, by bar and direction.
    renamed : DataFrame or None
        Alerts of both at the same bar and direction under another pattern or confidence.
    """

    comparable: bool
    settings: dict[str, tuple[Any, Any]]
    changes: tuple[Change, ...]
    gained: pl.DataFrame | None = None
    lost: pl.DataFrame | None = None
    renamed: pl.DataFrame | None = None

    @property
    def telling(self) -> tuple[Change, ...]:
        """The changes that do not follow from others."""
        return tuple(change for change in self.changes if not change.follows)

    def alert_line(self) -> str:
        """Return how many alerts came, went and changed their name; empty if not compared."""
        if self.gained is None or self.lost is None or self.renamed is None:
            return ""
        return (
            f"{self.gained.height} gained, {self.lost.height} lost, {self.renamed.height} under "
            "another pattern or confidence"
        )

    def __repr__(self) -> str:
        return "\n".join(self.lines())

    def lines(self) -> list[str]:
        """Return the difference as lines of text."""
        lines = []
        if not self.comparable:
            lines.append("NOT COMPARABLE: other bars, or another spec of scoring")
        lines += [f"{path}: {a} -> {b}" for path, (a, b) in self.settings.items()]
        if alerts := self.alert_line():
            lines.append(f"alerts: {alerts}")
        width = max((len(c.path) for c in self.telling), default=0)
        for change in self.telling:
            delta = "" if change.delta is None else f"  ({change.delta:+.4g})"
            lines.append(
                f"{change.path:<{width}}  {_show(change.before)} -> {_show(change.after)}{delta}"
            )
        if follow := len(self.changes) - len(self.telling):
            figures = "figure that follows" if follow == 1 else "figures that follow"
            lines.append(f"and {follow} {figures} from these")
        return lines or ["no difference"]

    def _repr_html_(self) -> str:
        return f"<pre>{escape(repr(self))}</pre>"


def compare_scorecards(before: dict[str, Any], after: dict[str, Any]) -> Difference:
    """Compare two scorecards as read from their JSON.

    Parameters
    ----------
    before, after : dict
        ``Scorecard.to_dict()`` or the parsed file.
    """
    # Of either: one that a detector has alone here may have come to be another's there as well.
    repeated = repeated_patterns(before) | repeated_patterns(after)
    a, b = dict(_figures(before, repeated)), dict(_figures(after, repeated))
    paths = list(dict.fromkeys([*a, *b]))
    changes = tuple(Change(p, a.get(p), b.get(p)) for p in paths if not _same(a.get(p), b.get(p)))
    same = (
        before["data"]["sha256"] == after["data"]["sha256"]
        and before["spec_hash"] == after["spec_hash"]
    )
    old, new = (dict(leaves(card.get("settings", {}))) for card in (before, after))
    paths = list(dict.fromkeys([*old, *new]))
    settings = {p: (old.get(p), new.get(p)) for p in paths if old.get(p) != new.get(p)}
    return Difference(same, settings, changes)


def _figures(card: dict[str, Any], repeated: set[str]) -> Iterator[tuple[str, Any]]:
    named = {
        **card,
        "criteria": {c["name"]: _without(c, "name", "nulls") for c in card["criteria"]},
        "per_detector": {
            row_name(d, repeated): _without(d, "name", "pattern") for d in card["per_detector"]
        },
        "sensitivity": {
            f"k={s['k']:g} left={s['min_move_left']:g}": _without(s, "k", "min_move_left")
            for s in card["sensitivity"]
        },
    }
    for path, value in leaves(named):
        if not any(path == name or path.startswith(f"{name}.") for name in _IGNORED):
            yield path, value


def _same(before: Any, after: Any) -> bool:
    if isinstance(before, float) and isinstance(after, float):
        return isclose(before, after, rel_tol=_SAME, abs_tol=_SAME)
    return bool(before == after)


def _without(values: dict[str, Any], *names: str) -> dict[str, Any]:
    return {k: v for k, v in values.items() if k not in names}


def _show(value: Any) -> str:
    return f"{value:.4f}" if isinstance(value, float) else str(value)
