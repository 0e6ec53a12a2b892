"""Options of the two commands that search parameters."""

from __future__ import annotations

import argparse

from runners.cli.parser import add_bar_options, add_scoring_options, file_name


def add_search_options(parser: argparse.ArgumentParser) -> None:
    """Add what is searched, on which bars, how, and where it goes."""
    add_bar_options(parser)
    add_scoring_options(parser)
    parser.add_argument(
        "--grid", metavar="KEY=A,B,C", action="append", default=[],
        help="values of a setting, or KEY=FROM:TO:STEP (TO included)",
    )  # fmt: skip
    parser.add_argument(
        "--where", metavar="EXPR", action="append", default=[],
        help="SQL condition, such as 'target_atr >= stop_atr'",
    )  # fmt: skip
    parser.add_argument("--search", choices=("grid", "random", "tpe"), default="grid")
    parser.add_argument("--trials", metavar="N", type=int, help="of random and tpe (100)")
    parser.add_argument("--seed", metavar="N", type=int, help="of random and tpe")
    parser.add_argument(
        "--executor", metavar="E", default="threads",
        help="threads, processes or dask://HOST:PORT",
    )  # fmt: skip
    parser.add_argument("--workers", metavar="N", type=int, help="one per processor")
    parser.add_argument("--ledger", metavar="F", type=file_name, help="append every trial to it")
    parser.add_argument("--resume", action="store_true", help="take what the ledger holds")
    parser.add_argument("--json", metavar="F", help="write the result; - for stdout")
    parser.add_argument("--html", metavar="F", type=file_name, help="write a self-contained page")
    parser.add_argument(
        "--write-config", metavar="F", type=file_name,
        help="write the chosen configuration, and what it was on",
    )  # fmt: skip
