"""A scorecard, a difference and an audit for people at a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.panel import Panel
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from alertlib.report import figures, strips
from alertlib.report.figures import Card, Line

if TYPE_CHECKING:
    from alertlib.audits import AuditReport
    from alertlib.compare import Difference

# Beyond this a line is harder to read than to scroll.
MAX_WIDTH = 112
STRIP_WIDTH = 24
VERDICT_STYLES = {"PASS": "green", "FAIL": "red", "INSUFFICIENT": "yellow"}
_ASCII = str.maketrans({"–": "-", "·": "|", "…": "~"})


def print_scorecard(card: Card, console: Console) -> None:
    """Print a scorecard; see :func:`scorecard_renderable`."""
    console.print(scorecard_renderable(card))


def scorecard_renderable(card: Card) -> RenderableType:
    """Return a scorecard as something rich prints, the most important first.

    Parameters
    ----------
    card : dict
        ``Scorecard.to_dict()`` or the parsed JSON file.
    """
    return _Scorecard(card)


class _Scorecard:
    """Fits its tables to the console: 80 columns do, from 100 on the intervals are drawn."""

    def __init__(self, card: Card) -> None:
        self._card = card

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = min(options.max_width, MAX_WIDTH)
        card = self._card
        sections = Group(
            headline(card),
            criteria(card, width, options.ascii_only),
            guard_rails(card),
            trades(card),
            patterns(card),
            sensitivity(card),
            background(card),
        )
        yield from _encodable(console, sections, options.update(width=width))


def _encodable(
    console: Console, content: RenderableType, options: ConsoleOptions
) -> Iterable[Segment]:
    """Render with every character the console's encoding can show."""
    for segment in console.render(content, options):
        text = segment.text
        try:
            text.encode(options.encoding)
        except UnicodeEncodeError:
            known = text.translate(_ASCII).encode(options.encoding, "replace")
            text = known.decode(options.encoding)
        yield Segment(text, segment.style, segment.control)


def headline(card: Card) -> RenderableType:
    """Return the verdict, what was scored, and why."""
    verdict = card["verdict"]
    style = VERDICT_STYLES.get(verdict, "red")
    title = Text.assemble((f" {verdict} ", f"bold reverse {style}"), "  ")
    title.append(f"{figures.clean(card['data'].get('symbol'))} ", "bold")
    title.append(f"{figures.clean(card['data'].get('timeframe'))}, {figures.span(card)}")
    lines = [title]
    if figures.is_synthetic(card):
        mark = Text(f" {figures.SYNTHETIC} ", "bold reverse magenta")
        lines.append(mark.append(" made by a generator: it says nothing about a market", "magenta"))
    if proof := figures.proof(card):
        lines.append(Text(proof, "green" if card["proven"] else "yellow"))
    body = Table.grid(padding=(0, 1))
    for reason in card["reasons"]:
        body.add_row(Text("-", style), Text(figures.clean(reason)))
    for warning in card["warnings"]:
        body.add_row(Text("!", "yellow"), Text(figures.clean(warning), "yellow"))
    content = Group(*lines, body) if body.row_count else Group(*lines)
    return Panel(content, border_style=style, padding=(0, 1))


def _table(title: str, columns: Sequence[tuple[str, str]]) -> Table:
    """Return an empty table; each column is its heading and ``l`` or ``r``."""
    table = Table(
        box=None,
        padding=(0, 2, 0, 0),
        title=Text(title, "bold"),
        title_justify="left",
        header_style="dim",
        pad_edge=False,
    )
    for heading, side in columns:
        table.add_column(heading, justify="right" if side == "r" else "left", no_wrap=True)
    return table


def criteria(card: Card, width: int, ascii_only: bool) -> RenderableType:
    """Return the customer's criteria, each beside its limit, chance level and interval."""
    wide = width >= 80 + STRIP_WIDTH
    columns = [("", "l"), ("value", "r"), ("limit", "l"), ("chance", "r"), ("95 % interval", "r")]
    columns += [("n / n eff", "r"), ("p", "r"), ("", "l")]
    if wide:
        columns.append(("0 %" + "100 %".rjust(STRIP_WIDTH - 3), "l"))
    table = _table("Criteria", columns)
    for line in figures.rates(card):
        style = "green" if line["passed"] else "red"
        row = [
            Text(figures.name(line["name"])),
            Text(figures.shown(line), f"bold {style}"),
            Text(figures.limit_text(line)),
            Text(figures.percent(line["chance"])),
            Text(figures.bounds(line["ci_low"], line["ci_high"])),
            Text(_sizes(line)),
            Text(figures.plain(line["p_value"], 3)),
            _mark(line["passed"]),
        ]
        if wide:
            row.append(strips.interval(line, STRIP_WIDTH, ascii_only=ascii_only))
        table.add_row(*row)
    if not wide:
        return Padding(table, (1, 0, 0, 1))
    legend = Text(strips.legend(ascii_only=ascii_only), "dim")
    return Padding(Group(table, legend), (1, 0, 0, 1))


def _sizes(line: Line) -> str:
    if line["n"] is None or line["n_eff"] is None:
        return figures.count(line["n"])
    return f"{line['n']:.0f} / {line['n_eff']:.0f}"


def _mark(passed: bool) -> Text:
    return Text("pass", "green") if passed else Text("FAIL", "bold red")


def guard_rails(card: Card) -> RenderableType:
    """Return the guard rails, two to a line."""
    columns = [("", "l"), ("value", "r"), ("limit", "l"), ("", "l")]
    table = _table("Guard rails", columns + columns)
    rails = figures.guard_rails(card)
    half = (len(rails) + 1) // 2
    for i in range(half):
        cells = [c for line in rails[i::half] for c in _rail(line)]
        table.add_row(*cells)
    return Padding(table, (1, 0, 0, 1))


def _rail(line: Line) -> list[Text]:
    style = "" if line["passed"] else "bold red"
    return [
        Text(figures.name(line["name"])),
        Text(figures.shown(line), style),
        Text(figures.limit_text(line)),
        _mark(line["passed"]),
    ]


def _facts(title: str, rows: Iterable[tuple[str, str]]) -> RenderableType:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True, style="dim")
    grid.add_column()
    for label, value in rows:
        grid.add_row(Text(label), Text(value))
    return Padding(Group(Text(title, "bold"), grid), (1, 0, 0, 1))


def trades(card: Card) -> RenderableType:
    """Return what the alerts earned, how early they came, and what else qualifies them."""
    return _facts("What a trader would have seen", figures.trader_facts(card))


def patterns(card: Card) -> RenderableType:
    """Return each pattern's share in the alerts."""
    columns = [("", "l"), *((h, "r") for h in ("alerts", "tp", "fp", "redundant"))]
    columns += [(h, "r") for h in ("capture", "fp share", "win rate", "points")]
    table = _table("By pattern", columns)
    for row in card["per_detector"]:
        quiet = "dim" if not row["alerts"] else ""
        cells = [figures.clean(row["pattern"])]
        cells += [figures.count(row[k]) for k in ("alerts", "tp", "false_positives", "redundant")]
        cells += [figures.percent(row[k]) for k in ("capture_rate", "false_positive_share")]
        cells += [figures.percent(row["win_rate"]), figures.points(row["expectancy_points"])]
        table.add_row(*(Text(cell, quiet) for cell in cells))
    return Padding(table, (1, 0, 0, 1))


def sensitivity(card: Card) -> RenderableType:
    """Return both rates under other definitions of a move, each beside its chance level."""
    lefts = sorted({row["min_move_left"] for row in card["sensitivity"]})
    table = _table(
        "Under other definitions of a move (chance in brackets)",
        [("k", "l"), ("", "l"), *((f"move left >= {100 * left:g}%", "r") for left in lefts)],
    )
    cells = {(row["k"], row["min_move_left"]): row for row in card["sensitivity"]}
    pairs = (
        ("capture", "capture_rate", "chance_capture"),
        ("false pos.", "false_positive_share", "chance_fp"),
    )
    for k in sorted({k for k, _ in cells}):
        for label, value, chance in pairs:
            found = [cells.get((k, left), {}) for left in lefts]
            texts = [
                f"{figures.percent(c.get(value))} ({figures.percent(c.get(chance))})" for c in found
            ]
            table.add_row(f"{k:g} ATR" if label == "capture" else "", label, *texts)
    return Padding(table, (1, 0, 0, 1))


def background(card: Card) -> RenderableType:
    """Return where the figures come from and how far they can be trusted."""
    return _facts("Data and audits", figures.background_facts(card))


def print_difference(diff: Difference, console: Console) -> None:
    """Print how two scorecards or runs differ."""
    options = console.options.update(width=min(console.width, MAX_WIDTH))
    parts: list[RenderableType] = []
    if not diff.comparable:
        parts.append(Text("NOT COMPARABLE: other bars, or another spec of scoring", "bold yellow"))
    if diff.settings:
        table = _table("Settings", [("", "l"), ("before", "r"), ("after", "r")])
        for path, (before, after) in diff.settings.items():
            table.add_row(*(Text(figures.clean(v)) for v in (path, before, after)))
        parts.append(table)
    if diff.gained is not None and diff.lost is not None:
        parts.append(Text(f"Alerts: {diff.gained.height} gained, {diff.lost.height} lost"))
    if diff.changes:
        heads = [("", "l"), ("before", "r"), ("after", "r"), ("change", "r")]
        table = _table("Figures", heads)
        for change in diff.changes:
            delta = "" if change.delta is None else f"{change.delta:+.4g}"
            row = (change.path, _shown(change.before), _shown(change.after), delta)
            table.add_row(*(Text(figures.clean(v)) for v in row))
        parts.append(table)
    content = Group(*(parts or [Text("no difference")]))
    for segment in _encodable(console, content, options):
        console.print(segment.text, end="")


def _shown(value: object) -> str:
    return f"{value:.4f}" if isinstance(value, float) else figures.clean(value)


def print_audits(report: AuditReport, console: Console) -> None:
    """Print what the audits of a set of detectors found."""
    console.print(repr(report), markup=False, highlight=False)
