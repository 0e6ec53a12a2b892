"""``python -m runners.summary``: one page for management, from the audit log and scorecards."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from runners._main import run
from runners.cli.parser import make_parser

ABOUT = """One page: the gate's verdicts, what the daemon delivered and how fast, and whether the
audit log is intact. Every figure is counted from the log. Exit 1 if the log fails verification."""


def main(argv: Sequence[str]) -> int:
    """Run the command."""
    args = _parse(argv)
    from runners.commands.summary import command

    return command(args)


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = make_parser("summary", ABOUT)
    parser.add_argument("--db", metavar="F", required=True, help="the daemon's database")
    parser.add_argument(
        "--scorecard", metavar="F", nargs="+", action="extend", default=[], help="JSON scorecards"
    )
    parser.add_argument("--html", metavar="F", help="write the page")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(run(main))
