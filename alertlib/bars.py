"""Market bars: read from a file, a store or a frame, checked, and never repaired."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from alertlib.config.schema import SymbolSpec
from alertlib.errors import DataError
from alertlib.market import Instrument, find_instrument
from alertlib.quality.findings import Finding, Quality, finding
from alertlib.quality.grid import infer_grid, on_grid
from alertlib.quality.rows import screen
from alertlib.quality.timeframe import check_timeframe, infer_minutes, timeframe_name
from alertlib.readers.columns import table_from_columns
from alertlib.readers.delimited import read_delimited
from alertlib.readers.parquet import read_parquet
from alertlib.readers.table import BAR_SCHEMA, PRICES, Table
from alertlib.ticks import Grid, tick_grid

SYNTHETIC_HASHES: frozenset[str] = frozenset()
"""Hashes of bars known to be synthetic, whatever file they come in."""

_HASH_VERSION = b"alertlib.bars.v1"
_NULL = np.iinfo(np.int64).min


@dataclass(frozen=True, eq=False, repr=False)
class Bars:
    """A series of checked bars of one instrument.

    Attributes
    ----------
    frame : polars.DataFrame
        ``time`` (open of the bar, naive wall clock of the exchange, sorted and unique), ``open
        high low close`` (points), ``tick_volume real_volume spread`` (null where not known).
    source : str
        Where the bars came from.
    quality : Quality
        What reading found. :func:`alertlib.quality.examine` looks closer.
    instrument : Instrument
        Specification of the symbol, its grid read off the prices.
    """

    frame: pl.DataFrame
    source: str
    quality: Quality
    instrument: Instrument
    declared_synthetic: bool = False

    @property
    def symbol(self) -> str:
        """Symbol of the instrument."""
        return self.instrument.symbol

    @property
    def timeframe(self) -> str:
        """Timeframe of the bars as they are, such as ``M5``."""
        return self.instrument.timeframe

    @property
    def minutes(self) -> int:
        """Length of a bar in minutes."""
        return self.instrument.minutes

    @cached_property
    def sha256(self) -> str:
        """Hash of the bars themselves: the same for CSV, Parquet and store.

        SHA-256 over ``alertlib.bars.v1``, then each column of ``frame`` in its order as eight
        little-endian bytes a row: time in microseconds since 1970-01-01, prices as IEEE 754
        doubles, volumes as integers with the least of them for null.
        """
        digest = hashlib.sha256(_HASH_VERSION)
        for name, kind in BAR_SCHEMA.items():
            column = self.frame[name].to_physical()
            if kind == pl.Int64:
                column = column.fill_null(_NULL)
            values = column.to_numpy()
            digest.update(np.ascontiguousarray(values, values.dtype.newbyteorder("<")).data)
        return digest.hexdigest()

    @cached_property
    def synthetic(self) -> bool:
        """Whether these bars were made up: by their own declaration or by their hash."""
        return self.declared_synthetic or self.sha256 in SYNTHETIC_HASHES

    def __len__(self) -> int:
        return self.frame.height

    def __repr__(self) -> str:
        return f"<Bars {self._summary()}>"

    def _summary(self) -> str:
        first, last = self.frame["time"][0], self.frame["time"][-1]
        days = self.frame["time"].dt.date().n_unique()
        text = (
            f"{self.symbol} {self.timeframe}: {len(self):,} bars, {days} sessions, "
            f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M}"
        )
        return text + ("" if self.quality.clean else ", UNSAFE for scoring")


def read_bars(
    source: str | Path,
    *,
    symbol: str | None = None,
    timeframe: str | None = None,
    sessions: int | None = None,
    symbols: Sequence[SymbolSpec] = (),
) -> Bars:
    """Read bars from a file or a bar store."""
    path = Path(source)
    if not path.exists():
        raise DataError(f"{path}: no such file; expected a bar file or a store; check the path")
    with path.open("rb") as file:
        is_parquet = file.read(4) == b"PAR1" or path.suffix == ".parquet"
    table = read_parquet(path) if is_parquet else read_delimited(path)
    return _assemble(table, str(path), symbol, timeframe, sessions, symbols)


def from_frame(
    df: Any,
    *,
    symbol: str,
    timeframe: str | None = None,
    source: str = "frame",
    synthetic: bool = False,
    symbols: Sequence[SymbolSpec] = (),
) -> Bars:
    """Make bars of a frame."""
    frame = df if isinstance(df, pl.DataFrame) else pl.DataFrame(df)
    table = table_from_columns(frame, source, "frame", synthetic=synthetic)
    return _assemble(table, source, symbol, timeframe, None, symbols)


def _assemble(
    table: Table,
    source: str,
    symbol: str | None,
    timeframe: str | None,
    sessions: int | None,
    symbols: Sequence[SymbolSpec],
) -> Bars:
    name = _one(symbol, table.symbol, "symbol", source)
    if name is None:
        raise DataError(f"{source}: no symbol stated; expected one such as WIN$N; state the symbol")
    frame = table.frame if sessions is None else _last_sessions(table.frame, sessions)
    screened = screen(frame, table.row_word)
    bars = screened.frame.select(BAR_SCHEMA.names())
    if bars.is_empty():
        reason = screened.quarantined["reason"][0] if screened.quarantined.height else "no rows"
        raise DataError(
            f"{source}: none of {frame.height} rows is a usable bar ({table.row_word} "
            f"{screened.quarantined['row'][0]}: {reason}); check the file's layout"
        )
    declared = timeframe or table.timeframe
    length = infer_minutes(bars["time"].to_physical().to_numpy(), declared, source)
    instrument = find_instrument(name, timeframe_name(length), symbols)
    grid, off_grid = _grid(bars, instrument)
    findings = (
        *screened.findings,
        *off_grid,
        *check_timeframe(bars["time"], length, declared),
        *table.findings,
    )
    quality = Quality(findings, screened.quarantined, frame.height, table.layout)
    return Bars(bars, source, quality, replace(instrument, grid=grid), table.synthetic)


def _one(stated: str | None, found: str | None, what: str, source: str) -> str | None:
    if stated is not None and found is not None and stated != found:
        raise DataError(
            f"{source}: holds {what} {found}; expected {stated}; state the {what} of the file"
        )
    return stated or found


def _last_sessions(frame: pl.DataFrame, count: int) -> pl.DataFrame:
    """Keep the rows of the last ``count`` dates, and those whose time could not be read."""
    days = frame.select(pl.col("time").dt.date()).to_series().drop_nulls().unique().sort()
    first = days.tail(count)[0] if days.len() else None
    return frame.filter((pl.col("time").dt.date() >= first) | pl.col("time").is_null())


def _grid(bars: pl.DataFrame, instrument: Instrument) -> tuple[Grid, tuple[Finding, ...]]:
    prices = bars.select(PRICES).to_numpy()
    tick = instrument.grid.tick if instrument.grid else None
    grid, share = infer_grid(prices, tick)
    if share == 1.0:
        return grid, ()
    step = tick_grid(tick) if tick is not None else grid
    off = np.flatnonzero(~on_grid(prices, step).all(axis=1))
    time = bars["time"][int(off[0])]
    row = bars.row(int(off[0]), named=True)
    price = next(row[name] for name in PRICES if not on_grid(np.array([row[name]]), step)[0])
    text = "an adjusted series" if not grid.on_tick else "bad prices"
    return grid, (
        finding(
            "off_grid",
            "error",
            time,
            int(off.size),
            f"{off.size} of {bars.height} bars have prices off the grid of {step.tick:g} points "
            f"({share:.1%} of prices on it: {text}), the first {price:.10g} at "
            f"{time:%Y-%m-%d %H:%M}",
        ),
    )
