"""Parsers whose errors are one line, and the options several commands take."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, NoReturn

from runners._main import USAGE, complain


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, and to which an empty value is none.

    What an unset variable of a shell leaves of ``--bars "$FILE"`` must not name the current
    directory, nor switch off what was asked for.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.register("type", None, stated)

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and where to look, and exit 2."""
        complain(f"error: {message}; see {self.prog} --help")
        raise SystemExit(USAGE)


def stated(text: str) -> str:
    """Return the value of an option if there is one."""
    if not text.strip():
        raise argparse.ArgumentTypeError(
            f"got {text!r}, expected a value that is not empty; state it, or leave the option out"
        )
    return text


def file_name(text: str) -> str:
    """Return the name of a file or folder; ``-``, which elsewhere is a stream, is refused.

    Options that do take ``-`` for stdout say so in their help, and have no need of this.
    """
    if stated(text) == "-":
        raise argparse.ArgumentTypeError(
            "got '-', expected the name of a file or folder: this is neither read from stdin nor "
            "written to stdout; name one (./- is a file called -)"
        )
    return text


def make_parser(command: str, about: str, *, config: bool = True) -> argparse.ArgumentParser:
    """Return a parser with the options every command has; ``config`` says whether it has one."""
    from alertlib import __version__

    parser = Parser(prog=f"python -m runners.{command}", description=about, allow_abbrev=False)
    if config:
        parser.add_argument(
            "--config", metavar="F", type=file_name, help="configuration file (YAML)"
        )
    parser.add_argument("--debug", action="store_true", help="show tracebacks")
    parser.add_argument("--version", action="version", version=f"alertlib {__version__}")
    return parser


def add_bar_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which bars to read."""
    parser.add_argument("--bars", metavar="F|DIR", type=file_name, help="bar file or store")
    parser.add_argument("--symbol", metavar="S", help="symbol, such as WIN$N")
    parser.add_argument("--timeframe", metavar="T", help="timeframe, such as M5")


def add_scoring_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say what is scored."""
    parser.add_argument("--sessions", metavar="N", help="the last N sessions")
    parser.add_argument(
        "--between", metavar="A:B", type=_dates, help="score the sessions of these dates"
    )
    parser.add_argument(
        "--require-real", action="store_true", help="refuse made-up bars, such as the sample's"
    )
    parser.add_argument(
        "--labels", metavar="F", type=file_name, help="manual moves instead of derived ones"
    )
    parser.add_argument(
        "--detector", metavar="NAME", action="append", help="only this one; package.module:name"
    )
    parser.add_argument(
        "--set", metavar="KEY=VALUE", action="append", default=[], help="override a setting"
    )


def _dates(text: str) -> tuple[str, ...]:
    """Return the parts of ``A:B``."""
    return tuple(stated(text).split(":"))


def check_alert_path(path: str) -> str:
    """Return ``path`` if its ending says how alerts are to be written."""
    if Path(stated(path)).suffix.lower() not in (".parquet", ".csv"):
        raise argparse.ArgumentTypeError(
            f"got {path}, expected a name that ends in .parquet or .csv"
        )
    return path
