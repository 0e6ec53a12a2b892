"""How two scorecards differ, in the terminal: identity first, then the figures by section."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from alertlib.report import formats
from alertlib.report.terminal.sections import section, table

if TYPE_CHECKING:
    from alertlib.scorecard.difference import Change, Difference

# Sections of figures, the most telling first; others follow in the scorecard's order.
ORDER = ("criteria", "rates", "trade", "timeliness", "counts", "per_detector", "sensitivity")


def difference(diff: Difference) -> RenderableType:
    """Return how two scorecards or runs differ."""
    parts: list[RenderableType] = []
    if not diff.comparable:
        parts.append(Text("NOT COMPARABLE: other bars, or another spec of scoring", "bold yellow"))
    shown = diff.telling
    numbers = [c for c in shown if _is_figure(c.before) and _is_figure(c.after)]
    texts = [c for c in shown if c not in numbers]
    if diff.settings or texts:
        settings = [(path, *pair) for path, pair in diff.settings.items()]
        named = [(c.path, c.before, c.after) for c in texts]
        parts.append(section("Settings and facts", _facts([*settings, *named])))
    if alerts := diff.alert_line():
        parts.append(section("Alerts", Text(alerts)))
    for name, changes in _by_section(numbers):
        parts.append(section(formats.words(name).capitalize(), _figures(changes)))
    if derived := len(diff.changes) - len(shown):
        what = formats.counted(derived, "figure")
        parts.append(Text(f"\n and {what} that follow from these", "dim"))
    return Group(*(parts or [Text("no difference")]))


def _is_figure(value: Any) -> bool:
    return value is None or isinstance(value, int | float)


def _by_section(changes: Iterable[Change]) -> list[tuple[str, list[Change]]]:
    found: dict[str, list[Change]] = {}
    for change in changes:
        found.setdefault(change.path.partition(".")[0], []).append(change)
    return sorted(found.items(), key=lambda s: ORDER.index(s[0]) if s[0] in ORDER else len(ORDER))


def _facts(rows: Iterable[tuple[str, Any, Any]]) -> RenderableType:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="dim", overflow="fold")
    grid.add_column(width=3)
    grid.add_column(overflow="fold")
    for path, before, after in rows:
        gone, come = _lines(before), _lines(after)
        shared = set(gone) & set(come)
        lines = [("was", line) for line in gone if line not in shared]
        lines += [("is", line) for line in come if line not in shared]
        for i, (label, line) in enumerate(lines):
            grid.add_row(*map(Text, (formats.clean(path) if i == 0 else "", label, line)))
    return grid


def _lines(value: Any) -> list[str]:
    return [_shown(item) for item in value] if isinstance(value, list | tuple) else [_shown(value)]


def _figures(changes: Iterable[Change]) -> RenderableType:
    made = table(("", "<"), ("before", ">"), ("after", ">"), ("change", ">"), gap=2)
    for change in changes:
        delta = "" if change.delta is None else f"{change.delta:+.4g}"
        path = change.path.partition(".")[2] or change.path
        row = (formats.clean(path), _shown(change.before), _shown(change.after), delta)
        made.add_row(*map(Text, row))
    return made


def _shown(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}" if 0 < abs(value) < 0.001 else f"{value:.4f}"
    return formats.clean(value)
