"""``python -m runners.fetch``: bars from a MetaTrader 5 terminal or a file into the bar store."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from runners._main import run
from runners.cli.parser import make_parser

ABOUT = """Fetch the last N complete sessions and today's closed bars from a MetaTrader 5 terminal
into the bar store, or import exported files. Only what is missing is added; what is stored is
never changed. Credentials: MT5_LOGIN, MT5_PASSWORD, MT5_SERVER, MT5_PATH."""


def main(argv: Sequence[str]) -> int:
    """Run the command."""
    args = _parse(argv)
    from runners.commands.fetch import command

    return command(args)


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = make_parser("fetch", ABOUT)
    parser.add_argument("--symbol", metavar="S", help="symbol, such as WIN$N")
    parser.add_argument("--timeframe", metavar="T", help="timeframe, such as M5")
    parser.add_argument("--sessions", metavar="N", type=_count, default=60, help="sessions (60)")
    parser.add_argument("--out", metavar="DIR", default="data/bars", help="store (data/bars)")
    parser.add_argument(
        "--import", metavar="FILE", dest="files", nargs="+", help="CSV or Parquet files instead"
    )
    parser.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=_seconds,
        default=30.0,
        help="longest call of the terminal (30)",
    )
    return parser.parse_args(argv)


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 100_000):
        raise argparse.ArgumentTypeError(
            f"got {text!r}, expected a number of sessions from 1 to 100000"
        )
    return int(text)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.0 < value <= 3_600.0:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected seconds up to 3600")
    return value


if __name__ == "__main__":
    sys.exit(run(main))
