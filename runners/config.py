"""``python -m runners.config``: the commented settings file of this version."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from runners._main import run
from runners.cli.parser import file_name, make_parser

ABOUT = """Print every setting with its meaning, limits and default, to begin a settings file with:
python -m runners.config > alertas.yaml. With --validate, read a file as every command would, and
say in which settings it differs. Exit 2 if it is refused."""


def main(argv: Sequence[str]) -> int:
    """Run the command."""
    args = _parse(argv)
    from runners.commands.config import command

    return command(args)


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = make_parser("config", ABOUT, config=False)
    parser.add_argument(
        "--validate", metavar="F", type=file_name, help="check a settings file instead"
    )
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(run(main))
