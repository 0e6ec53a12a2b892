"""``python -m runners.doctor``: what is wrong, or unusual, with a file or store of bars?"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from runners._main import FAILED, OK, run

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from alertlib.bars.bars import Bars
    from alertlib.bars.quality import Finding, Quality

ABOUT = """Report the quality of a bar file or store: bad rows, duplicates, gaps, late and short
sessions, limit locks, rolls, prices off the grid, wrong timeframe or clock. Exit 1 if scoring on
these bars would be unsafe, 3 if they cannot be read."""

SCHEMA = "doctor.v1"

# Of each kind the terminal shows so many findings; --json and --html have them all.
_SHOWN = 5
_STYLES = {"error": "bold red", "warning": "yellow", "info": "dim"}
_TITLES = {"error": "Errors", "warning": "Warnings", "info": "Notes"}


def main(argv: Sequence[str]) -> int:
    """Run the command."""
    from runners._inputs import make_parser, read_config, write_text

    parser = make_parser("doctor", ABOUT)
    parser.add_argument("bars", metavar="BARS", help="bar file, or directory of a bar store")
    parser.add_argument("--symbol", metavar="S", help="symbol, such as WIN$N")
    parser.add_argument(
        "--timeframe", metavar="T", help="timeframe the bars should have, such as M5"
    )
    parser.add_argument("--json", metavar="F", help="write the report as JSON; - for stdout")
    parser.add_argument("--html", metavar="F", help="write a page with a calendar of coverage")
    args = parser.parse_args(argv)

    from rich.console import Console

    from alertlib.bars.bars import read_bars
    from alertlib.bars.examination import examine, session_coverage

    config = read_config(args.config)
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
        from runners._doctor_page import page

        write_text(args.html, page(report))
    return OK if quality.clean else FAILED


def describe(bars: Bars, quality: Quality, coverage: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the report as JSON-ready values, but for the dates of ``coverage``."""
    from alertlib import __version__
    from alertlib.bars.quality.findings import with_offset

    times, instrument = bars.frame["time"], bars.instrument
    return {
        "schema": SCHEMA,
        "version": __version__,
        "source": bars.source,
        "symbol": bars.symbol,
        "symbol_assumed": bars.assumed_symbol,
        "timeframe": bars.timeframe,
        "family": instrument.family,
        "tick": instrument.grid.tick if instrument.grid else None,
        "synthetic": bars.synthetic,
        "sha256": bars.sha256,
        "bars": len(bars),
        "sessions": sum(day["present"] + day["outside"] > 0 for day in coverage),
        "first": with_offset(times[0]),
        "last": with_offset(times[-1]),
        **quality.to_dict(),
        "coverage": coverage,
    }


def _as_json(report: dict[str, Any]) -> str:
    import json

    return json.dumps(report, indent=2, ensure_ascii=False, default=str) + "\n"


def print_report(report: dict[str, Any], findings: Sequence[Finding], console: Console) -> None:
    """Print the report for people: what the bars are, what was found, and the conclusion."""
    from rich.table import Table
    from rich.text import Text

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


def summary(report: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what the bars are, as names and values for people."""
    family = report["family"] or "unknown family"
    symbol = report["symbol"] + (" (assumed; state --symbol)" if report["symbol_assumed"] else "")
    rows = f"{report['bars']:,} bars of {report['rows_read']:,} rows"
    if report["quarantined"]:
        rows += f", {report['quarantined']:,} quarantined"
    facts = [
        ("source", f"{report['source']} ({report['layout']})"),
        ("series", f"{symbol} {report['timeframe']} ({family}, tick {report['tick']:g})"),
        ("bars", f"{rows}; {report['sessions']:,} sessions"),
        ("span", f"{report['first'][:16].replace('T', ' ')} to "
                 f"{report['last'][:16].replace('T', ' ')}"),
        ("sha256", report["sha256"]),
    ]  # fmt: skip
    if report["synthetic"]:
        facts.insert(1, ("origin", "SYNTHETIC SAMPLE"))
    return facts


def conclusion(report: dict[str, Any]) -> tuple[str, str]:
    """Return the verdict and what it rests on."""
    found = report["findings"]
    errors = [one["kind"] for one in found if one["severity"] == "error"]
    if errors:
        kinds = ", ".join(dict.fromkeys(errors))
        return "UNSAFE for scoring", f"({kinds})"
    warnings = sum(one["severity"] == "warning" for one in found)
    plural = "s" if warnings > 1 else ""
    return "Safe for scoring", f"({warnings or 'no'} warning{plural})"


def _listed(findings: Sequence[Finding]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    for kind in dict.fromkeys(one.kind for one in findings):
        group = [one for one in findings if one.kind == kind]
        for one in group[:_SHOWN]:
            table.add_row(f"  {kind}" if one is group[0] else "", _when(one), Text(one.message))
        if len(group) > _SHOWN:
            more = f"and {len(group) - _SHOWN} more; --json and --html have all"
            table.add_row("", "", Text(more, style="dim"))
    return table


def _when(one: Finding) -> str:
    if one.time is not None and one.date is not None:
        return f"{one.time:%Y-%m-%d %H:%M}"
    return str(one.date or "")


if __name__ == "__main__":
    sys.exit(run(main))
