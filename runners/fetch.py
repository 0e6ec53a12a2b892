"""``python -m runners.fetch``: bars from a MetaTrader 5 terminal or a file into the bar store."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from runners._main import OK, run

if TYPE_CHECKING:
    import argparse
    from datetime import datetime

    from alertlib.bars.bars import Bars
    from alertlib.bars.store.store import StoredSeries
    from alertlib.bars.store.writer import StoreWriter, Written
    from alertlib.config import Config

ABOUT = """Fetch the last N complete sessions and today's closed bars from a MetaTrader 5 terminal
into the bar store, or import exported files. Only what is missing is added; what is stored is
never changed. Credentials: MT5_LOGIN, MT5_PASSWORD, MT5_SERVER, MT5_PATH."""


def main(argv: Sequence[str]) -> int:
    """Run the command."""
    args = _parse(argv)
    from alertlib.config.types import Symbol, Timeframe
    from runners._inputs import read_config

    config = read_config(args.config)
    for option, value, kind in (
        ("--symbol", args.symbol, Symbol),
        ("--timeframe", args.timeframe, Timeframe),
    ):
        _check(option, value, kind)
    return _fetch(args, config) if args.files is None else _import(args, config)


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    from runners._inputs import make_parser

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
    from argparse import ArgumentTypeError

    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 100_000):
        raise ArgumentTypeError(f"got {text!r}, expected a number of sessions from 1 to 100000")
    return int(text)


def _seconds(text: str) -> float:
    from argparse import ArgumentTypeError

    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.0 < value <= 3_600.0:
        raise ArgumentTypeError(f"got {text!r}, expected seconds up to 3600")
    return value


def _check(option: str, value: str | None, kind: Any) -> None:
    from alertlib.errors import ConfigError

    pattern = kind.__metadata__[0]
    if value is not None and value not in pattern:
        raise ConfigError(f"{option}: got {value!r}, expected {pattern}; correct it")


def _fetch(args: argparse.Namespace, config: Config) -> int:
    import os

    from alertlib.bars.store.writer import StoreWriter
    from alertlib.errors import DataError
    from alertlib.market.instruments import find_instrument
    from runners._progress import Progress
    from runners.mt5.api import require_package
    from runners.mt5.client import TerminalClient
    from runners.mt5.download import Download, Order

    symbol, timeframe = args.symbol or config.data.symbol, args.timeframe or config.data.timeframe
    instrument = find_instrument(symbol, timeframe, config.data.symbols)
    order = Order(instrument, args.sessions, config.live.grace_seconds, _now())
    require_package(os.environ, sys.platform)
    with (
        StoreWriter(args.out) as store,
        TerminalClient(os.environ, call_seconds=args.timeout, notice=_say) as client,
        Progress() as progress,
    ):
        try:
            receipt = Download(client, store, order, say=_say, progress=progress).run()
        except KeyboardInterrupt:
            _say("interrupted; what has come is stored, run again for the rest")
            raise
    _print(receipt.series, receipt.written)
    if receipt.shortfall is not None and receipt.is_cut:
        raise DataError(receipt.shortfall)
    if receipt.shortfall is not None:
        _say(receipt.shortfall)
    return OK


def _import(args: argparse.Namespace, config: Config) -> int:
    from alertlib.bars.bars import read_bars
    from alertlib.bars.store.writer import StoreWriter
    from alertlib.errors import DataError

    for file in args.files:
        bars = read_bars(
            file,
            symbol=args.symbol,
            timeframe=args.timeframe,
            symbols=config.data.symbols,
            default_symbol=config.data.symbol,
        )
        if args.timeframe not in (None, bars.timeframe):
            raise DataError(
                f"{file}: holds {bars.timeframe} bars; expected {args.timeframe}; correct "
                "--timeframe or choose another file; nothing of it was imported"
            )
        _check_symbol(args, file, bars)
        for found in bars.quality.findings:
            _say(f"{file}: {found.message}", found.severity)
        with StoreWriter(args.out) as store:
            _store(store, file, bars)
    return OK


def _check_symbol(args: argparse.Namespace, file: str, bars: Bars) -> None:
    """Refuse to store another instrument's bars as those of the configured symbol."""
    from alertlib.errors import ConfigError

    off_grid = [found for found in bars.quality.of_kind("off_grid") if found.severity == "error"]
    if args.symbol is None and off_grid:
        raise ConfigError(
            f"{file}: {off_grid[0].message}; expected bars of {bars.symbol}, as nothing else was "
            "said; state --symbol; nothing of it was imported"
        )


def _store(store: StoreWriter, file: str, bars: Bars) -> None:
    """Add the bars of one file, and list what in it was none."""
    import os

    from alertlib.bars.store.writer import Provenance
    from runners.mt5.download import tell_revisions

    for key, lost in store.set_aside_damaged(bars.symbol, bars.timeframe):
        _say(f"{store.root / str(key)}: damaged or missing; {lost.rows:,} bars are to come again")
    provenance = Provenance(os.path.basename(file), _now(), synthetic=bars.synthetic)
    written = store.add(bars.symbol, bars.timeframe, bars.frame, provenance)
    tell_revisions(f"{bars.symbol} {bars.timeframe}", written.revisions, _say)
    rejected = bars.quality.quarantined
    if rejected.height:
        first = bars.frame["time"][0]
        listed = store.set_aside_bad_rows(
            bars.symbol, bars.timeframe, rejected, provenance.source, first
        )
        _say(f"{file}: {rejected.height:,} rows are no bars; listed in {listed}")
    series = store.series(bars.symbol, bars.timeframe)
    assert series is not None  # bars were just added
    _print(series, written)


def _print(series: StoredSeries, written: Written) -> None:
    revised = f", {len(written.revisions):,} came revised" if written.revisions else ""
    print(
        f"{series.symbol} {series.timeframe} in {series.root}: {series.rows:,} bars from "
        f"{series.first:%Y-%m-%d %H:%M} to {series.last:%Y-%m-%d %H:%M}, "
        f"{written.added:,} of them new{revised}"
    )


def _say(text: str, severity: str = "warning") -> None:
    print(f"{severity}: {text}", file=sys.stderr, flush=True)


def _now() -> datetime:
    from datetime import datetime

    from runners._provenance import generated_at

    return datetime.fromisoformat(generated_at())


if __name__ == "__main__":
    sys.exit(run(main))
