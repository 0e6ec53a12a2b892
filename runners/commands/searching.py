"""What the two search commands share: what they are given, and where results go."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table as RichTable
from rich.text import Text

from alertlib.errors import ConfigError
from alertlib.report.formats import series_name
from alertlib.report.page.search import Account, search_page
from alertlib.search.grid.axes import parse_grids
from alertlib.search.writing import chosen_config, config_text
from runners.cli.outputs import write_text


def search_arguments(args: argparse.Namespace) -> dict[str, Any]:
    """Return what both searches are called with beside bars, settings and grid."""
    return {
        "where": args.where,
        "search": args.search,
        "trials": args.trials,
        "seed": args.seed,
        "between": args.between,
        "executor": args.executor,
        "workers": args.workers,
        "ledger": args.ledger,
        "resume": args.resume,
    }


def grid_of(args: argparse.Namespace) -> dict[str, Any]:
    """Return the grid of ``--grid``."""
    if not args.grid:
        raise ConfigError(
            "--grid: got none, expected at least one such as "
            "--grid detection.volatility.threshold_sigma=1.5,2.0,2.5"
        )
    return dict(parse_grids(args.grid))


def write_results(
    args: argparse.Namespace,
    account: Account,
    values: dict[str, Any],
    chosen: tuple[Any, tuple[str, ...], int],
) -> None:
    """Write what was asked for, and print the account.

    Parameters
    ----------
    args : Namespace
    account : Account
    values : dict
        The result as JSON-able values.
    chosen : (Settings, tuple of str, int)
        The chosen configuration, the sessions it was chosen on, the number of trials.
    """
    text = json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    if args.json and args.json != "-":
        write_text(args.json, text)
    if args.html:
        write_text(args.html, search_page(account))
    if args.write_config:
        config = chosen_config(*chosen)
        write_text(args.write_config, config_text(config, series_name(values["data"])))
    for_machines = args.json == "-"
    print_account(account, Console(stderr=for_machines, highlight=False))
    if for_machines:
        sys.stdout.write(text)


def print_account(account: Account, console: Console) -> None:
    """Print sentences and tables."""
    if account.synthetic:
        console.print("SYNTHETIC DATA: made by a generator, it says nothing about a market.")
    console.print(account.title, style="bold", markup=False)
    for sentence in account.sentences:
        console.print(Padding(Text(sentence), (0, 0, 0, 2)))
    for table in account.tables:
        shown = RichTable(title=table.caption, title_justify="left", box=None, padding=(0, 2, 0, 0))
        for name in table.names:
            # Wrapped rather than cut: a key that is not whole names nothing.
            shown.add_column(name, justify="right" if name else "left", overflow="fold")
        shown.columns[0].no_wrap = True
        for row in table.rows:
            shown.add_row(*row)
        console.print()
        console.print(shown)
