"""``python -m runners.doctor``: what is wrong, or unusual, with a file or store of bars?"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from runners._main import run
from runners.cli.parser import file_name, make_parser

ABOUT = """Report the quality of a bar file or store: bad rows, duplicates, gaps, late and short
sessions, limit locks, rolls, prices off the grid, wrong timeframe or clock. Exit 1 if scoring on
these bars would be unsafe, 3 if they cannot be read."""


def main(argv: Sequence[str]) -> int:
    """Run the command."""
    args = _parse(argv)
    from runners.commands.doctor import command

    return command(args)


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = make_parser("doctor", ABOUT)
    parser.add_argument(
        "bars", metavar="BARS", type=file_name, help="bar file, or directory of a bar store"
    )
    parser.add_argument("--symbol", metavar="S", help="symbol, such as WIN$N")
    parser.add_argument(
        "--timeframe", metavar="T", help="timeframe the bars should have, such as M5"
    )
    parser.add_argument("--json", metavar="F", help="write the report as JSON; - for stdout")
    parser.add_argument(
        "--html", metavar="F", type=file_name, help="write a page with a calendar of coverage"
    )
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(run(main))
