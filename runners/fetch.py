"""``python -m runners.fetch``: bars from a MetaTrader 5 terminal or a file into the bar store."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from runners._main import run
from runners.cli.parser import file_name, make_parser

ABOUT = """Fetch the last N complete sessions and today's closed bars from a MetaTrader 5 terminal
into the bar store, or import exported files. Only what is missing is added; what is stored is
never changed, but can be taken out again.
Credentials: MT5_LOGIN, MT5_PASSWORD, MT5_SERVER, MT5_PATH."""


def main(argv: Sequence[str]) -> int:
    """Run the command."""
    args = _parse(argv)
    from runners.commands.fetch import command

    return command(args)


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = make_parser("fetch", ABOUT)
    parser.add_argument("--symbol", metavar="S", help="symbol, such as WIN$N")
    parser.add_argument("--timeframe", metavar="T", help="timeframe, such as M5")
    parser.add_argument("--sessions", metavar="N", type=_count, help="the last N sessions (60)")
    parser.add_argument(
        "--out", metavar="DIR", type=file_name, default="data/bars", help="store (data/bars)"
    )
    parser.add_argument(
        "--import",
        metavar="FILE",
        type=file_name,
        dest="files",
        nargs="+",
        help="CSV or Parquet files instead, all of them or none",
    )
    parser.add_argument(
        "--roll", action="store_true", help="join contracts (WINJ26 …) to WIN$N by the calendar"
    )
    parser.add_argument(
        "--remove", action="store_true", help="take bars of --symbol and --timeframe out"
    )
    parser.add_argument("--since", metavar="T", help="the first of them, a date or a time")
    parser.add_argument("--until", metavar="T", help="the last, included; a date is all of it")
    parser.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=_seconds,
        help="longest call of the terminal (30)",
    )
    args = parser.parse_args(argv)
    problem = _contradiction(args)
    if problem:
        parser.error(problem)
    return args


def _contradiction(args: argparse.Namespace) -> str | None:
    """Say which options do not go together, or are missing beside others."""
    if args.roll and args.files is None:
        return "--roll: joins the files of --import; expected --import FILE"
    if args.timeout is not None and (args.remove or args.files is not None):
        other = "--remove" if args.remove else "--import"
        return f"--timeout: is for a terminal, and {other} asks none; leave it out"
    if not args.remove:
        alone = "--since" if args.since else "--until" if args.until else None
        return f"{alone}: goes with --remove only; leave it out" if alone else None
    for name in ("symbol", "timeframe", "since", "until"):
        if getattr(args, name) is None:
            return f"--remove: no --{name}; expected --symbol S --timeframe T --since T --until T"
    if args.files is not None or args.sessions is not None:
        other = "--import" if args.files is not None else "--sessions"
        return f"--remove: does not go with {other}; run them one after the other"
    return None


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
