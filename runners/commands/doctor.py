"""What ``runners.doctor`` does: what is wrong, or unusual, with a file or store of bars?"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from alertlib.bars.examination import examine, session_coverage
from alertlib.bars.opening import read_bars
from alertlib.bars.quality.findings import Finding
from alertlib.config import load_config
from runners._main import FAILED, OK
from runners.cli.inputs import tell_if_cut
from runners.cli.outputs import write_text
from runners.commands.doctor_advice import advice_for
from runners.commands.doctor_page import page
from runners.commands.doctor_report import conclusion, describe, summary

# Of each kind the terminal shows so many findings; --json and --html have them all.
_SHOWN = 5
_STYLES = {"error": "bold red", "warning": "yellow", "info": "dim"}


_TITLES = {"error": "Errors", "warning": "Warnings", "info": "Notes"}


def command(args: argparse.Namespace) -> int:
    """Examine, report, and return the exit status."""
    config = load_config(args.config)
    tell_if_cut(args.symbol, config)
    bars = read_bars(
        args.bars,
        symbol=args.symbol,
        timeframe=args.timeframe,
        symbols=config.data.symbols,
        default_symbol=config.data.symbol,
    )
    quality = examine(bars)
    report = describe(bars, quality, session_coverage(bars).to_dicts())
    print_report(report, quality.findings, Console(stderr=args.json == "-"))
    if args.json:
        text = _as_json(report)
        if args.json == "-":
            sys.stdout.write(text)
        else:
            write_text(args.json, text)
    if args.html:
        write_text(args.html, page(report))
    return OK if quality.clean else FAILED


def _as_json(report: dict[str, Any]) -> str:
    return json.dumps(report, indent=2, ensure_ascii=False, default=str) + "\n"


def print_report(report: dict[str, Any], findings: Sequence[Finding], console: Console) -> None:
    """Print the report for people: what the bars are, what was found, and the conclusion."""
    facts = Table.grid(padding=(0, 2))
    for name, value in summary(report):
        facts.add_row(Text(name, style="dim"), Text(value))
    console.print(facts)
    for severity, title in _TITLES.items():
        found = [one for one in findings if one.severity == severity]
        if found:
            console.print()
            console.print(Text(f"{title} ({len(found)})", style=_STYLES[severity]))
            console.print(_listed(found))
    console.print()
    verdict, why = conclusion(report)
    console.print(Text(verdict, style="bold green" if report["clean"] else "bold red"), Text(why))


def _listed(findings: Sequence[Finding]) -> Table:
    table = Table.grid(padding=(0, 2))
    advice = advice_for(one.to_dict() for one in findings)
    for kind in dict.fromkeys(one.kind for one in findings):
        group = [one for one in findings if one.kind == kind]
        for one in group[:_SHOWN]:
            table.add_row(f"  {kind}" if one is group[0] else "", _when(one), Text(one.message))
        if len(group) > _SHOWN:
            more = f"and {len(group) - _SHOWN} more; --json and --html have all"
            table.add_row("", "", Text(more, style="dim"))
        if kind in advice:
            table.add_row("", "", Text(f"-> {advice[kind]}", style="dim"))
    return table


def _when(one: Finding) -> str:
    if one.time is not None and one.date is not None:
        return f"{one.time:%Y-%m-%d %H:%M}"
    return str(one.date or "")
