"""What several commands take: configuration, bars, and where results go."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    import polars as pl

    from alertlib.bars.bars import Bars
    from alertlib.config import Config


# What a scorecard is read for by other commands.
SCORECARD_KEYS = ("spec_hash", "data", "counts", "rates", "criteria", "verdict", "per_detector",
                  "sensitivity")  # fmt: skip


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and where to look, and exit 2."""
        print(f"error: {message}; see {self.prog} --help", file=sys.stderr)
        raise SystemExit(2)


def make_parser(command: str, about: str, *, config: bool = True) -> argparse.ArgumentParser:
    """Return a parser with the options every command has; ``config`` says whether it has one."""
    from alertlib import __version__

    parser = Parser(prog=f"python -m runners.{command}", description=about, allow_abbrev=False)
    if config:
        parser.add_argument("--config", metavar="F", help="configuration file (YAML)")
    parser.add_argument("--debug", action="store_true", help="show tracebacks")
    parser.add_argument("--version", action="version", version=f"alertlib {__version__}")
    return parser


def add_bar_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which bars to read."""
    parser.add_argument("--bars", metavar="F|DIR", help="bar file or store")
    parser.add_argument("--symbol", metavar="S", help="symbol, such as WIN$N")
    parser.add_argument("--timeframe", metavar="T", help="timeframe, such as M5")


def read_config(path: str | None, settings: Sequence[str] = ()) -> Config:
    """Return the configuration with ``key=value`` settings applied."""
    from alertlib.config import load_config

    return load_config(path, settings)


def find_bars(config: Config, bars: str | None, symbol: str | None, timeframe: str | None) -> Bars:
    """Return the bars asked for: ``--bars``, the configured source, or the bundled sample.

    The sample is used only where nothing is configured; a configured source that is missing is
    an error.
    """
    from alertlib.bars.bars import read_bars
    from alertlib.bars.sample import SYMBOL, TIMEFRAME, sample_path

    source = bars if bars is not None else config.data.source
    symbols = config.data.symbols
    if source is None:
        return read_bars(
            sample_path(), symbol=symbol or SYMBOL, timeframe=timeframe or TIMEFRAME,
            symbols=symbols,
        )  # fmt: skip
    if timeframe is None and (bars is None or Path(source).is_dir()):
        timeframe = config.data.timeframe
    return read_bars(
        source,
        symbol=symbol,
        timeframe=timeframe,
        symbols=symbols,
        default_symbol=config.data.symbol,
    )


def read_scorecard(path: str) -> dict[str, Any]:
    """Return a scorecard from its JSON file."""
    import json

    from alertlib.errors import DataError

    try:
        card = json.loads(Path(path).read_bytes())
    except (OSError, ValueError) as error:
        raise DataError(
            f"{path}: cannot be read ({error}); expected a scorecard written by "
            "runners.backtest --json"
        ) from error
    if not isinstance(card, dict) or card.get("schema") != "scorecard.v1":
        raise DataError(f"{path}: not a scorecard; expected JSON with schema scorecard.v1")
    missing = [name for name in SCORECARD_KEYS if name not in card]
    if missing:
        raise DataError(
            f"{path}: {missing[0]} is missing; expected a whole scorecard; write it again"
        )
    return card


def write_text(path: str, text: str) -> None:
    """Write a result whole or not at all."""
    with _replacing(path) as partial:
        partial.write_text(text, encoding="utf-8", newline="\n")


def write_alert_table(path: str, alerts: pl.DataFrame) -> None:
    """Write an alert table whole or not at all; the ending says how."""
    from alertlib.scoring.frames import write_alerts

    with _replacing(path) as partial:
        write_alerts(alerts, partial)


def check_alert_path(path: str) -> str:
    """Return ``path`` if its ending says how alerts are to be written."""
    if Path(path).suffix.lower() not in (".parquet", ".csv"):
        raise argparse.ArgumentTypeError(
            f"got {path}, expected a name that ends in .parquet or .csv"
        )
    return path


@contextmanager
def _replacing(path: str) -> Iterator[Path]:
    from alertlib.errors import StorageError

    target = Path(path)
    partial = target.with_name(f".{os.getpid()}.{target.name}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        partial.replace(target)
    except OSError as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise StorageError(
            f"{path}: cannot be written ({error.strerror or error}); expected a writable file on "
            "a disk with space; choose another path"
        ) from error
