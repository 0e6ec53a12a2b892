"""What ``runners.fetch --import`` does: exported files into the bar store, all of them or none."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import polars as pl

from alertlib.bars.bars import Bars
from alertlib.bars.opening import read_bars, symbols_in
from alertlib.bars.readers.symbols import quoted
from alertlib.bars.rolling import join_contracts
from alertlib.bars.schema import BAR_SCHEMA
from alertlib.bars.store.admission import NOTHING, check_overlap, check_series
from alertlib.bars.store.writer import Provenance, StoreWriter, Written
from alertlib.config import Config
from alertlib.errors import ConfigError, DataError
from alertlib.market.futures import parse_contract
from runners.mt5.download import tell_revisions

Say = Callable[..., None]
Tell = Callable[[StoreWriter, Bars, Written], None]

_CODE = re.compile(r"(?<![A-Z0-9])[A-Z]{3}[A-Z]\d\d(?![A-Z0-9])")


class Import(NamedTuple):
    """Bars to be stored, and the file they came from."""

    file: str
    bars: Bars


def import_files(
    args: argparse.Namespace, config: Config, now: datetime, say: Say, tell: Tell
) -> None:
    """Read and check every file, then store them.

    Parameters
    ----------
    args : argparse.Namespace
        ``files symbol timeframe sessions roll out``.
    config : Config
    now : datetime
        For the manifest.
    say : callable
        Takes a line and its severity, for stderr.
    tell : callable
        Takes what was stored of one file, for stdout.

    Raises
    ------
    ConfigError, DataError
        A file that cannot be read, does not say what it is of, or is wrong as a whole; or whose
        bars are known already with other values. Nothing of any file has been stored.
    """
    imports = [_joined(args, config)] if args.roll else list(_each(args, config))
    for file, bars in imports:
        check_series(bars, config.data.symbols)
        for found in bars.quality.findings:
            say(f"{file}: {found.message}", found.severity)
    with StoreWriter(args.out) as store:
        for place, (file, bars) in enumerate(imports):
            shared = store.shared(bars.symbol, bars.timeframe, bars.frame)
            check_overlap(file, shared, "are stored")
            for earlier in imports[:place]:
                _check_pair(earlier, Import(file, bars))
        for one in imports:
            tell(store, one.bars, _store(store, one, now, say))


def _each(args: argparse.Namespace, config: Config) -> Iterator[Import]:
    for file in args.files:
        bars = _read(args, config, file, args.symbol)
        _check_symbol(file, bars)
        yield Import(file, bars)


def _read(args: argparse.Namespace, config: Config, file: str, symbol: str | None) -> Bars:
    bars = read_bars(
        file,
        symbol=symbol,
        timeframe=args.timeframe,
        sessions=None if args.roll else args.sessions,
        symbols=config.data.symbols,
        default_symbol=config.data.symbol,
    )
    if args.timeframe not in (None, bars.timeframe):
        raise DataError(
            f"{file}: holds {bars.timeframe} bars; expected {args.timeframe}; correct "
            f"--timeframe or choose another file; {NOTHING}"
        )
    return bars


def _check_symbol(file: str, bars: Bars) -> None:
    """Refuse to store bars of which nothing says what they are of."""
    if bars.assumed_symbol:
        raise ConfigError(
            f"{file}: does not say what its bars are of; got no --symbol, expected one such as "
            f"{quoted(bars.symbol)}; state it; {NOTHING}"
        )


def _joined(args: argparse.Namespace, config: Config) -> Import:
    parts = [
        replace(_read(args, config, file, contract), source=file)
        for file in args.files
        for contract in _contracts(file)
    ]
    bars = join_contracts(parts, args.symbol, config.data.symbols)
    if args.sessions is not None:
        days = bars.frame["time"].dt.date()
        last = days.unique().sort().tail(args.sessions)
        bars = replace(bars, frame=bars.frame.filter(days >= last[0]))
    return Import(bars.source, bars)


def _contracts(file: str) -> list[str]:
    """Return the contracts a file says it holds, by its rows or else by its name."""
    named = symbols_in(file)
    if named:
        return named
    found = {code for code in _CODE.findall(Path(file).name.upper()) if parse_contract(code)}
    if len(found) != 1:
        raise ConfigError(
            f"{file}: does not say of which contract its bars are; expected a column `symbol`, or "
            f"a name such as WINJ26_M5.csv; rename it; {NOTHING}"
        )
    return sorted(found)


def _check_pair(earlier: Import, later: Import) -> None:
    one, other = earlier.bars, later.bars
    if (one.symbol, one.timeframe) == (other.symbol, other.timeframe):
        known = one.frame.select(BAR_SCHEMA.names()).filter(pl.col("time") < one.frame["time"][-1])
        shared = other.frame.join(known, on="time", suffix="_stored")
        check_overlap(later.file, shared, f"are in {earlier.file}")


def _store(store: StoreWriter, one: Import, now: datetime, say: Say) -> Written:
    """Add the bars of one file, and list what in it was none."""
    file, bars = one
    for key, lost in store.set_aside_damaged(bars.symbol, bars.timeframe):
        say(f"{store.root / str(key)}: damaged or missing; {lost.rows:,} bars are to come again")
    name = ", ".join(os.path.basename(source) for source in file.split(", "))
    provenance = Provenance(name, now, synthetic=bars.synthetic)
    written = store.add(bars.symbol, bars.timeframe, bars.frame, provenance)
    tell_revisions(f"{bars.symbol} {bars.timeframe}", written.revisions, say)
    rejected = bars.quality.quarantined
    if rejected.height:
        first = bars.frame["time"][0]
        listed = store.set_aside_bad_rows(
            bars.symbol, bars.timeframe, rejected, provenance.source, first
        )
        say(f"{file}: {rejected.height:,} rows are no bars; listed in {listed}")
    return written
