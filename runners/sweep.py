"""``python -m runners.sweep``: many parameter sets on the gate's own scoring."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from runners._main import run
from runners.cli.parser import make_parser
from runners.cli.search_options import add_search_options

ABOUT = """Score many parameter sets on the same bars, and say what luck would find among as many.
What is best here is best in sample: runners.walkforward judges the choice."""


def main(argv: Sequence[str]) -> int:
    """Run the command."""
    args = _parse(argv)
    from runners.commands.sweep import command

    return command(args)


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = make_parser("sweep", ABOUT)
    add_search_options(parser)
    parser.add_argument("--top", metavar="N", type=int, default=10, help="combinations shown")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(run(main))
