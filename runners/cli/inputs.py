"""What several commands take: configuration, bars, and where results go."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alertlib.bars.bars import Bars
    from alertlib.config import Config


# What a scorecard is read for by other commands.
SCORECARD_KEYS = ("spec_hash", "data", "counts", "rates", "criteria", "verdict", "per_detector",
                  "sensitivity")  # fmt: skip


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
