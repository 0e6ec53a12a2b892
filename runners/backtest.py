"""``python -m runners.backtest``: bars -> alerts -> trades -> scorecard, and the gate."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from runners._main import run
from runners.cli.parser import (
    add_bar_options,
    add_scoring_options,
    check_alert_path,
    file_name,
    make_parser,
)

ABOUT = """Backtest the alert detectors and score them. With --gate the exit status is the
verdict: 0 PASS, 1 FAIL or UNTESTED, 3 insufficient data. With nothing configured the bundled
synthetic sample is used."""


def main(argv: Sequence[str]) -> int:
    """Run the command."""
    args = _parse(argv)
    from runners.commands.backtest import command

    return command(args)


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = make_parser("backtest", ABOUT)
    parser.add_argument("--gate", action="store_true", help="exit by the verdict")
    add_bar_options(parser)
    add_scoring_options(parser)
    parser.add_argument("--seed", metavar="N", help="seed of the intervals")
    parser.add_argument("--full", action="store_true", help="all audits; the rules stay the same")
    parser.add_argument("--json", metavar="F", help="write the scorecard; - for stdout")
    parser.add_argument(
        "--junit", metavar="F", type=file_name, help="write JUnit XML, one case per criterion"
    )
    parser.add_argument("--html", metavar="F", type=file_name, help="write a self-contained page")
    parser.add_argument(
        "--explore", metavar="F", type=file_name, help="write a page to look through, offline"
    )
    parser.add_argument(
        "--alerts", metavar="F", type=check_alert_path, help="write every alert (.parquet or .csv)"
    )
    parser.add_argument(
        "--models", metavar="DIR", type=file_name, help="fit on the last sessions, for live use"
    )
    parser.add_argument("--annotations", choices=("auto", "github", "none"), default="auto")
    parser.add_argument(
        "--compare", nargs=2, metavar=("A.json", "B.json"), type=file_name,
        help="only compare two scorecards",
    )  # fmt: skip
    args = parser.parse_args(argv)
    if args.compare and (unused := _beside_compare(args)):
        parser.error(f"{unused}: does not go with --compare, which runs nothing; leave it out")
    return args


def _beside_compare(args: argparse.Namespace) -> str | None:
    """Return an option of a run, which a comparison would ignore; exit 0 is no gate passed."""
    for name, value in vars(args).items():
        is_given = value is not None and value is not False and value != []
        if is_given and name not in ("compare", "config", "debug", "annotations"):
            return f"--{name.replace('_', '-')}"
    return None


if __name__ == "__main__":
    sys.exit(run(main))
