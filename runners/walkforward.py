"""``python -m runners.walkforward``: choose on past sessions, judge on the next."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from runners._main import run
from runners.cli.parser import make_parser
from runners.cli.search_options import add_search_options

ABOUT = """Choose the best of a grid on past sessions, score it on the next, walk on, and say
whether that proves anything: PROVEN or UNPROVEN, with the reasons. All sessions of the bars are
used unless --sessions or --between says otherwise."""


def main(argv: Sequence[str]) -> int:
    """Run the command."""
    args = _parse(argv)
    from runners.commands.walkforward import command

    return command(args)


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = make_parser("walkforward", ABOUT)
    parser.add_argument("--gate", action="store_true", help="exit 1 when it is not proven")
    add_search_options(parser)
    parser.add_argument("--train", metavar="N", type=int, default=30, help="sessions chosen on")
    parser.add_argument("--test", metavar="N", type=int, default=10, help="sessions judged on")
    parser.add_argument(
        "--hold-out", metavar="N", type=int, default=0,
        help="keep the last N for one look, noted in the ledger",
    )  # fmt: skip
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(run(main))
