"""``python -m runners.summary``: one page for management, from the audit log and scorecards."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from runners._main import run
from runners.cli.parser import file_name, make_parser

ABOUT = """One page for who signs: the verdict in words, three lights (quality, operation, audit)
with every figure beside its limit, what failed and what was lost, counted from the audit log.
Exit 1 if the log fails verification."""


def main(argv: Sequence[str]) -> int:
    """Run the command."""
    args = _parse(argv)
    from runners.commands.summary.command import command

    return command(args)


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = make_parser("summary", ABOUT)
    parser.add_argument(
        "--db", metavar="F", type=file_name, required=True, help="the daemon's database"
    )
    parser.add_argument(
        "--scorecard", metavar="F", type=file_name, nargs="+", action="extend", default=[],
        help="JSON scorecards",
    )  # fmt: skip
    parser.add_argument(
        "--benchmark", metavar="F", type=file_name, help="what runners.benchmark --json wrote"
    )
    parser.add_argument(
        "--previous", metavar="F", type=file_name,
        help="an earlier --json of this command, or a scorecard",
    )  # fmt: skip
    parser.add_argument("--html", metavar="F", type=file_name, help="write the page")
    parser.add_argument("--json", metavar="F", help="write the figures; - for stdout")
    parser.add_argument("--language", choices=("pt-BR", "en"), default="pt-BR", help="pt-BR")
    parser.add_argument("--details", action="store_true", help="print the technical rows too")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(run(main))
