"""``python -m runners.licences``: the licence of everything installed that this needs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from runners._main import run
from runners.cli.parser import make_parser

ABOUT = """List the packages this one needs, as far as they are installed, with version and
licence, and which extras need them. A licence is what the package's own metadata declares: an SPDX
expression, or older fields, or UNKNOWN where it declares none."""


def main(argv: Sequence[str]) -> int:
    """Run the command."""
    args = _parse(argv)
    from runners.commands.licences import command

    return command(args)


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = make_parser("licences", ABOUT, config=False)
    parser.add_argument("--json", metavar="F", help="write the list; - for stdout")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(run(main))
