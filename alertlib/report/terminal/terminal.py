"""A scorecard, a difference and an audit for people at a terminal."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.segment import Segment
from rich.text import Text

from alertlib.report import formats
from alertlib.report.formats import Card
from alertlib.report.terminal import difference, sections
from alertlib.report.terminal.sections import mark, table

if TYPE_CHECKING:
    from alertlib.audits.report import AuditReport
    from alertlib.scorecard.difference import Difference

# A narrower terminal wraps lines, since a figure cut short is another figure; in a wider one a
# longer line would be harder to read.
MIN_WIDTH, MAX_WIDTH = 80, 112
# Stand-ins where the console's encoding lacks a character.
_STAND_INS = str.maketrans({"–": "-", "…": "~"})


def print_scorecard(card: Card, console: Console) -> None:
    """Print a scorecard; see :func:`scorecard_renderable`."""
    console.print(scorecard_renderable(card), crop=False)


def scorecard_renderable(card: Card) -> RenderableType:
    """Return a scorecard as something rich prints, the most important first.

    Parameters
    ----------
    card : dict
        ``Scorecard.to_dict()`` or the parsed JSON file.
    """
    return _Fitted(partial(_scorecard, card))


def print_difference(diff: Difference, console: Console) -> None:
    """Print how two scorecards or runs differ."""
    console.print(_Fitted(lambda _: difference.difference(diff)), crop=False)


def print_audits(report: AuditReport, console: Console) -> None:
    """Print what the audits of a set of detectors found."""
    console.print(_Fitted(lambda _: _audits(report)), crop=False)


class _Fitted:
    """Fits content to the console's width and to the characters its encoding can show.

    Blanks that pad lines to the width are left out: a pipe has no use for them.
    """

    def __init__(self, build: Callable[[ConsoleOptions], RenderableType]) -> None:
        self._build = build

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        fitted = options.update(width=max(MIN_WIDTH, min(options.max_width, MAX_WIDTH)))
        for line in Segment.split_lines(console.render(self._build(fitted), fitted)):
            yield from _trimmed(line, options.encoding)
            yield Segment.line()


def _trimmed(line: list[Segment], encoding: str) -> list[Segment]:
    shown = [Segment(_encodable(s.text, encoding), s.style) for s in line]
    while shown:
        last = shown.pop()
        if text := last.text.rstrip():
            return [*shown, Segment(text, last.style)]
    return []


def _encodable(text: str, encoding: str) -> str:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(_STAND_INS).encode(encoding, "replace").decode(encoding)
    return text


def _scorecard(card: Card, options: ConsoleOptions) -> RenderableType:
    return Group(
        sections.headline(card),
        sections.criteria(card, options),
        sections.guard_rails(card),
        sections.trader(card),
        sections.patterns(card),
        sections.sensitivity(card),
        sections.background(card),
        sections.closing(card),
    )


def _audits(report: AuditReport) -> RenderableType:
    title = Text("clean" if report.clean else "NOT CLEAN", "green" if report.clean else "bold red")
    title = (
        Text("Audits of ").append(", ".join(report.detectors), "bold").append(": ").append(title)
    )
    items = table(("", "<"), ("", "<"), ("cases", ">"), ("seen", "<"), wraps=3)
    for item in report.items:
        cells = (formats.words(item.name), formats.count(item.cases), formats.clean(item.detail))
        items.add_row(mark(item.clean), *map(Text, cells))
    return Group(title, items)
