"""What ``runners.fetch`` does: bars from a terminal or a file into the bar store, or out again."""

from __future__ import annotations

import argparse
import os
import sys
from datetime import datetime, time
from pathlib import Path
from typing import Any

from alertlib.bars.bars import Bars
from alertlib.bars.store.store import StoredSeries, is_store
from alertlib.bars.store.writer import StoreWriter, Written
from alertlib.config import Config, load_config
from alertlib.config.types import Symbol, Timeframe
from alertlib.errors import ConfigError, DataError
from alertlib.market.instruments import find_instrument
from runners._main import OK
from runners.cli.inputs import tell_if_cut
from runners.cli.progress import Progress
from runners.cli.provenance import generated_at
from runners.commands.importing import import_files
from runners.mt5.api import require_package
from runners.mt5.client import TerminalClient
from runners.mt5.download import Download, Order

SESSIONS = 60
"""How many sessions a terminal is asked for."""
CALL_SECONDS = 30.0
"""The longest one call of it may take."""


def command(args: argparse.Namespace) -> int:
    """Fetch or import, and return the exit status."""
    config = load_config(args.config)
    for option, value, kind in (
        ("--symbol", args.symbol, Symbol),
        ("--timeframe", args.timeframe, Timeframe),
    ):
        _check(option, value, kind)
    tell_if_cut(args.symbol, config)
    if args.remove:
        return _remove(args)
    return _fetch(args, config) if args.files is None else _import(args, config)


def _check(option: str, value: str | None, kind: Any) -> None:
    pattern = kind.__metadata__[0]
    if value is not None and value not in pattern:
        raise ConfigError(f"{option}: got {value!r}, expected {pattern}; correct it")


def _fetch(args: argparse.Namespace, config: Config) -> int:
    symbol, timeframe = args.symbol or config.data.symbol, args.timeframe or config.data.timeframe
    instrument = find_instrument(symbol, timeframe, config.data.symbols)
    sessions = SESSIONS if args.sessions is None else args.sessions
    order = Order(instrument, sessions, config.live.grace_seconds, _now())
    require_package(os.environ, sys.platform)
    with (
        StoreWriter(args.out) as store,
        TerminalClient(
            os.environ, call_seconds=args.timeout or CALL_SECONDS, notice=_say
        ) as client,
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
    def tell(store: StoreWriter, bars: Bars, written: Written) -> None:
        series = store.series(bars.symbol, bars.timeframe)
        assert series is not None  # bars were just added
        _print(series, written)

    import_files(args, config, _now(), _say, tell)
    return OK


def _remove(args: argparse.Namespace) -> int:
    since, until = (
        _moment("--since", args.since, time.min),
        _moment("--until", args.until, time.max),
    )
    if since > until:
        raise ConfigError(
            f"--since: got {args.since}, expected a time before --until, {args.until}; correct it"
        )
    if not is_store(Path(args.out)):
        raise DataError(
            f"{args.out}: no bar store; expected the store to take bars out of; state --out"
        )
    symbol, timeframe = args.symbol, args.timeframe
    with StoreWriter(args.out) as store:
        for removal in store.remove(symbol, timeframe, since, until, _now()):
            print(
                f"{symbol} {timeframe} in {store.root}: {removal.rows:,} bars from "
                f"{removal.first:%Y-%m-%d %H:%M} to {removal.last:%Y-%m-%d %H:%M} taken out, kept "
                f"in {store.root / removal.moved_to}"
            )
        series = store.series(symbol, timeframe)
    left = f"{series.rows:,} bars are" if series else "no bars are"
    print(f"{symbol} {timeframe} in {args.out}: {left} left")
    return OK


def _moment(option: str, text: str, clock: time) -> datetime:
    """Read a date, which is all of it, or a time of the exchange's wall clock."""
    try:
        found = datetime.fromisoformat(text)
        if found.tzinfo is None:
            is_date = len(text) <= len("2026-01-05")
            return datetime.combine(found.date(), clock) if is_date else found
    except ValueError:
        pass
    raise ConfigError(
        f"{option}: got {text!r}, expected a date such as 2026-01-05, or a time such as "
        "2026-01-05T09:00 by the exchange's wall clock; correct it"
    )


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
