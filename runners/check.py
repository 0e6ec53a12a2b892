"""``python -m runners.check``: do the detectors tell the truth?"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from runners._main import run
from runners.cli.parser import add_bar_options, make_parser

ABOUT = """Audit detectors: streaming parity, prefix invariance, poisoned future, warm-up, unchanged
inputs. Exit 1 if an audit is not clean."""


def main(argv: Sequence[str]) -> int:
    """Run the command."""
    args = _parse(argv)
    from runners.commands.check import command

    return command(args)


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = make_parser("check", ABOUT)
    add_bar_options(parser)
    parser.add_argument(
        "--detector",
        metavar="NAME",
        action="append",
        help="a detector's name, or package.module:name; all enabled ones when left out",
    )
    parser.add_argument("--set", metavar="KEY=VALUE", action="append", default=[])
    parser.add_argument("--json", metavar="F", help="write the reports; - for stdout")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(run(main))
