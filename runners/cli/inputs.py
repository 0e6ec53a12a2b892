"""What several commands take: configuration, bars, and where results go."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from alertlib.bars.opening import read_bars
from alertlib.bars.sample import SYMBOL, TIMEFRAME, sample_path
from alertlib.errors import DataError

if TYPE_CHECKING:
    from alertlib.bars.bars import Bars
    from alertlib.config import Config


def scored_bars(config: Config, args: argparse.Namespace) -> Bars:
    """Return the bars that options and configuration say are to be scored.

    Parameters
    ----------
    config : Config
    args : Namespace
        Of :func:`runners.cli.parser.add_bar_options` and ``add_scoring_options``.

    Raises
    ------
    DataError
        If they are made up and ``--require-real`` was given.
    """
    bars = find_bars(config, args.bars, args.symbol, args.timeframe)
    if args.require_real and bars.synthetic:
        raise DataError(
            f"--require-real: got synthetic bars ({bars.source}), expected bars of a market; name "
            "a file with --bars or data.source"
        )
    return bars


def find_bars(config: Config, bars: str | None, symbol: str | None, timeframe: str | None) -> Bars:
    """Return the bars asked for: ``--bars``, the configured source, or the bundled sample.

    The sample is used only where nothing is configured; a configured source that is missing is
    an error.
    """
    source = bars if bars is not None else config.data.source
    symbols = config.data.symbols
    tell_if_cut(symbol, config)
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


def tell_if_cut(symbol: str | None, config: Config) -> None:
    """Say on stderr that a shell may have cut ``--symbol``: it makes WIN of an unquoted WIN$N."""
    configured = (config.data.symbol, *(spec.symbol for spec in config.data.symbols))
    meant = next((one for one in configured if symbol and one.startswith(f"{symbol}$")), None)
    if meant is not None:
        print(
            f"warning: --symbol: got {symbol}, while {meant} is configured; a shell takes what "
            f"follows an unquoted $ for a variable; if {meant} is meant, write --symbol '{meant}'",
            file=sys.stderr,
        )
