"""The summary in a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.text import Text

from runners.commands.summary.details import Row
from runners.commands.summary.view import PartView, View

_ALARM = "bold red"
# Stand-ins where the console's encoding lacks a character.
_STAND_INS: dict[str, str | int | None] = {
    "●": "(o)", "▲": "/!\\", "■": "[X]", "≥": ">=", "≤": "<=", "→": "->", "…": "...", "–": "-",
    "∞": "inf",
}  # fmt: skip
_MIN_WIDTH = 40


def print_view(view: View, console: Console, *, with_details: bool) -> None:
    """Print the verdict first, then the lights and the facts; technical rows when asked for."""
    width = max(console.width, _MIN_WIDTH)
    for line, indent in _lines(view, with_details=with_details):
        shown = line if _fits(line.plain, console) else _plainer(line)
        for piece in shown.wrap(console, width - indent):
            piece.rstrip()
            console.print(Text(" " * indent if piece else "") + piece, soft_wrap=True)


def _lines(view: View, *, with_details: bool) -> Iterator[tuple[Text, int]]:
    yield Text(view.headline, f"bold {view.light}"), 0
    if view.also:
        yield Text(f"{view.labels['also']}: {view.also}"), 0
    for alarm in view.alarms:
        yield Text(f"{alarm.name}: {alarm.value}", _ALARM), 0
    for part in view.parts:
        yield from _part(part, view)
    yield Text(""), 0
    yield from _rows(view.facts)
    if with_details:
        for title, rows in view.details.items():
            yield Text(f"\n{title}", "bold"), 0
            yield from _rows(rows)
    yield Text(f"\n{view.made}"), 0


def _part(part: PartView, view: View) -> Iterator[tuple[Text, int]]:
    yield Text(f"\n{part.shape} {part.title}: {part.word}", f"bold {part.light}"), 0
    for one in part.figures:
        beside = f"({one.bound}, {one.source})"
        yield Text.assemble((one.shape, one.light), f" {one.name} {one.value} {beside}"), 2
    if part.more:
        yield Text(part.more), 2
    for command in part.commands:
        yield Text(f"{view.labels['run']}: {command}"), 2


def _rows(rows: Iterable[Row]) -> Iterator[tuple[Text, int]]:
    for row in rows:
        mark = f"[{row.mark}] " if row.mark else ""
        yield Text.assemble((row.name, "bold"), ": ", (mark, _ALARM), row.value), 2


def _fits(text: str, console: Console) -> bool:
    try:
        text.encode(console.encoding)
    except UnicodeEncodeError:
        return False
    return True


def _plainer(line: Text) -> Text:
    return Text(line.plain.translate(str.maketrans(_STAND_INS)), line.style)
