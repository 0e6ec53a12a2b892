"""What ``runners.fetch`` does: bars from a terminal or a file into the bar store."""

from __future__ import annotations

import argparse
import os
import sys
from datetime import datetime
from typing import Any

from alertlib.bars.bars import Bars, read_bars
from alertlib.bars.readers.symbols import quoted
from alertlib.bars.store.store import StoredSeries
from alertlib.bars.store.writer import Provenance, StoreWriter, Written
from alertlib.config import Config, load_config
from alertlib.config.types import Symbol, Timeframe
from alertlib.errors import ConfigError, DataError
from alertlib.market.instruments import find_instrument
from runners._main import OK
from runners.cli.inputs import tell_if_cut
from runners.cli.progress import Progress
from runners.cli.provenance import generated_at
from runners.mt5.api import require_package
from runners.mt5.client import TerminalClient
from runners.mt5.download import Download, Order, tell_revisions


def command(args: argparse.Namespace) -> int:
    """Fetch or import, and return the exit status."""
    config = load_config(args.config)
    for option, value, kind in (
        ("--symbol", args.symbol, Symbol),
        ("--timeframe", args.timeframe, Timeframe),
    ):
        _check(option, value, kind)
    tell_if_cut(args.symbol, config)
    return _fetch(args, config) if args.files is None else _import(args, config)


def _check(option: str, value: str | None, kind: Any) -> None:
    pattern = kind.__metadata__[0]
    if value is not None and value not in pattern:
        raise ConfigError(f"{option}: got {value!r}, expected {pattern}; correct it")


def _fetch(args: argparse.Namespace, config: Config) -> int:
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
        _check_symbol(file, bars)
        for found in bars.quality.findings:
            _say(f"{file}: {found.message}", found.severity)
        with StoreWriter(args.out) as store:
            _store(store, file, bars)
    return OK


def _check_symbol(file: str, bars: Bars) -> None:
    """Refuse to store bars of which nothing says what they are of."""
    if bars.assumed_symbol:
        raise ConfigError(
            f"{file}: does not say what its bars are of; got no --symbol, expected one such as "
            f"{quoted(bars.symbol)}; state it; nothing of it was imported"
        )


def _store(store: StoreWriter, file: str, bars: Bars) -> None:
    """Add the bars of one file, and list what in it was none."""
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
    return datetime.fromisoformat(generated_at())
