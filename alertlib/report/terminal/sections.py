"""The parts of a scorecard in the terminal, each a rich renderable."""

from __future__ import annotations

from rich.console import ConsoleOptions, Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from alertlib.report import formats, sentences, tables
from alertlib.report.formats import Card
from alertlib.report.terminal import strips

# Columns of a drawn interval, and from how many columns on there is room for it.
STRIP, WIDE = 24, 104
# A name is folded before a figure is cut, but not below this.
NAME_WIDTH = 12
# Where every word of a scorecard is explained.
TERMS = "docs/scoring.md#terms"
STYLES = {"PASS": "green", "FAIL": "red", "INSUFFICIENT": "yellow", "UNTESTED": "yellow"}

Column = tuple[str, str]


def table(*columns: Column, wraps: int = 0, gap: int = 1) -> Table:
    """Return an empty table without lines.

    Parameters
    ----------
    *columns : (heading, ``<`` or ``>``)
    wraps : int
        The column that gives way where space is short, -1 for none; a figure that were cut
        all the same would end in an ellipsis.
    gap : int
        Blanks between columns.
    """
    made = Table(box=None, padding=(0, gap, 0, 0), pad_edge=False, header_style="dim")
    for i, (heading, side) in enumerate(columns):
        made.add_column(
            Text(heading),
            justify="right" if side == ">" else "left",
            no_wrap=i != wraps,
            overflow="fold" if i == wraps else "ellipsis",
            min_width=max(len(heading), NAME_WIDTH if i == wraps else 0),
        )
    return made


def section(title: str, content: RenderableType) -> RenderableType:
    """Return content under a title, with a line of air above."""
    return Padding(Group(Text(title, "bold"), content), (1, 0, 0, 1))


def mark(passed: bool) -> Text:
    """Return whether something passed; the word says it without the colour."""
    return Text(tables.verdict(passed), "green" if passed else "bold red")


def headline(card: Card) -> RenderableType:
    """Return the verdict, what was scored, and why."""
    style = STYLES.get(card["verdict"], "red")
    lines: list[RenderableType] = [verdict_line(card)]
    if formats.is_synthetic(card):
        loud = (f" {formats.SYNTHETIC} ", "bold reverse magenta")
        note = (" made by a generator: it says nothing about a market", "magenta")
        lines.append(Text.assemble(loud, note))
    if proof := sentences.proof(card):
        lines.append(Text(proof, "green" if card["proven"] else "yellow"))
    notes = Table.grid(padding=(0, 1))
    for reason in formats.reasons(card):
        notes.add_row(Text("-", style), Text(reason))
    for caveat in sentences.caveats(card):
        notes.add_row(Text("*", "bold"), Text(caveat))
    for warning in formats.warnings(card):
        notes.add_row(Text("!", "bold yellow"), Text(warning, "yellow"))
    if notes.row_count:
        lines.append(notes)
    return Panel(Group(*lines), border_style=style, padding=(0, 1))


def verdict_line(card: Card) -> Text:
    """Return the verdict and what was scored: the first line of a page, and its last."""
    style = STYLES.get(card["verdict"], "red")
    return Text.assemble(
        (f" {formats.clean(card['verdict'])} ", f"bold reverse {style}"),
        ("  " + formats.instrument(card), "bold"),
        f", {formats.span(card)}",
    )


def criteria(card: Card, options: ConsoleOptions) -> RenderableType:
    """Return the customer's criteria, each beside its limit, chance level and interval."""
    drawn = options.max_width >= WIDE
    columns = [
        ("", "<"), ("value", ">"), ("limit", "<"), ("chance", ">"), ("95 % interval", ">"),
        ("n/n eff", ">"), ("p", "<"), ("", "<"),
    ]  # fmt: skip
    if drawn:
        columns.append(("0 %" + "100 %".rjust(STRIP - 3), "<"))
    made = table(*columns, gap=2 if options.max_width > WIDE + len(columns) else 1)
    for line in formats.rates(card):
        row = [Text(cell) for cell in tables.criterion_row(line)]
        row[1].stylize("bold green" if line["passed"] else "bold red")
        row[-1] = mark(line["passed"])
        if drawn:
            row.append(strips.interval(line, STRIP, ascii_only=options.ascii_only))
        made.add_row(*row)
    if not drawn:
        return section("Criteria", made)
    legend = Text(strips.legend(ascii_only=options.ascii_only), "dim")
    return section("Criteria", Group(made, legend))


def guard_rails(card: Card) -> RenderableType:
    """Return the guard rails, two to a line."""
    columns = [("", "<"), ("value", ">"), ("limit", "<"), ("", "<")]
    made = table(*columns, ("", "<"), *columns)
    rails = [_rail(row) for row in tables.rail_rows(card)]
    half = (len(rails) + 1) // 2
    for i in range(half):
        left, *right = rails[i::half]
        made.add_row(*left, Text(), *(right[0] if right else ()))
    return section("Guard rails", made)


def _rail(row: tables.Row) -> list[Text]:
    name, value, limit, verdict = row
    passed = verdict == tables.verdict(True)
    return [Text(name), Text(value, "" if passed else "bold red"), Text(limit), mark(passed)]


def _sentences(title: str, rows: list[sentences.Fact]) -> RenderableType:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True, style="dim")
    grid.add_column()
    for label, sentence in rows:
        grid.add_row(Text(label), Text(sentence))
    return section(title, grid)


def trader(card: Card) -> RenderableType:
    """Return what the alerts earned, how early they came, and what was held back."""
    return _sentences("What a trader would have seen", sentences.trader_facts(card))


def patterns(card: Card) -> RenderableType:
    """Return each pattern's share in the alerts."""
    made = table(
        ("", "<"), ("alerts", ">"), ("tp", ">"), ("fp", ">"), ("redund.", ">"),
        ("capture", ">"), ("fp share", ">"), ("wins", ">"), ("points", ">"),
    )  # fmt: skip
    for row in tables.pattern_rows(card):
        silent = row[1] == formats.count(0)
        made.add_row(*(Text(cell, "dim" if silent else "") for cell in row))
    return section("By pattern (the one an alert is named after)", made)


def sensitivity(card: Card) -> RenderableType:
    """Return both rates under other definitions of a move, each beside its chance level."""
    heads, cells_by_k = sentences.sensitivity(card)
    made = table(("move of", "<"), ("", "<"), *((head, ">") for head in heads), wraps=-1, gap=2)
    for row in cells_by_k:
        first = row.rate == "capture_rate"
        cells = [
            f"{'*' if c.scored else ''}{formats.percent(c.value)} ({formats.percent(c.chance)})"
            for c in row.cells
        ]
        made.add_row(*map(Text, (row.k if first else "", "captured" if first else "false", *cells)))
    title = "Under other definitions of a move (chance by session permutation, * as scored)"
    return section(title, made)


def closing(card: Card) -> RenderableType:
    """Return where the words are explained, and the verdict once more."""
    terms = Text(f" what the words mean: {TERMS}", "dim")
    return Padding(Group(terms, verdict_line(card)), (1, 0, 0, 0))


def background(card: Card) -> RenderableType:
    """Return where the figures come from and how far they can be trusted."""
    return _sentences("Data and audits", sentences.background_facts(card))
