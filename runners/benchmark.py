"""``python -m runners.benchmark``: the promised performance, measured on this machine."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from runners._main import run
from runners.cli.parser import make_parser

ABOUT = """Measure on this machine what was promised of the daemon: a process of its own, every
alert durable and audited, clients and a mail server beside it. Takes a minute, --quick a third of
that. Exit 1 if a limit is missed."""


def main(argv: Sequence[str]) -> int:
    """Run the command."""
    args = _parse(argv)
    from runners.commands.benchmark import command

    return command(args)


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = make_parser("benchmark", ABOUT)
    parser.add_argument("--json", metavar="F", help="write the figures; - for stdout")
    parser.add_argument("--quick", action="store_true", help="shorter, and less sure")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(run(main))
