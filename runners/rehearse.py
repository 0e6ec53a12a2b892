"""``python -m runners.rehearse``: a release tried on this machine, go or no-go."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from runners._main import run
from runners.cli.parser import add_bar_options, file_name, make_parser

ABOUT = """Rehearse a release on this machine: install a wheel into a fresh environment, check it,
replay a recorded day to three clients, a mail server and a webhook, kill it, restore a backup,
upgrade an earlier database and roll back, and verify what came of it. Takes a few minutes, and
touches nothing but a folder for temporary files. Exit 0 go, 1 no-go; after a no-go that folder is
kept and named."""


def main(argv: Sequence[str]) -> int:
    """Run the command."""
    args = _parse(argv)
    from runners.commands.rehearse import command

    return command(args)


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = make_parser("rehearse", ABOUT)
    parser.add_argument(
        "--wheel", metavar="F", type=file_name, help="wheel to try; default: built from here"
    )
    parser.add_argument(
        "--previous", metavar="F", type=file_name, help="wheel to upgrade from and roll back to"
    )
    add_bar_options(parser)
    parser.add_argument("--json", metavar="F", help="write what was found; - for stdout")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(run(main))
