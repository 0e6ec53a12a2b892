"""Bars from a file, a store or a frame: checked, and never repaired."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from alertlib._arguments import expect
from alertlib._forking import expect_no_fork
from alertlib.bars.bars import Bars
from alertlib.bars.quality.agreement import check_agreement
from alertlib.bars.quality.findings import Finding, Quality, finding
from alertlib.bars.quality.prices import check_grid
from alertlib.bars.quality.rows import YEARS, screen
from alertlib.bars.quality.timeframe import (
    check_known,
    check_timeframe,
    declared_timeframe,
    infer_minutes,
    timeframe_name,
)
from alertlib.bars.readers.choice import Asked
from alertlib.bars.readers.columns import table_from_columns
from alertlib.bars.readers.parquet import is_parquet, read_parquet, symbols_of_parquet
from alertlib.bars.readers.stated import agreed_symbol, find_symbol
from alertlib.bars.readers.table import Table
from alertlib.bars.schema import BAR_SCHEMA
from alertlib.config.schema import SymbolSpec
from alertlib.errors import DataError
from alertlib.market.instruments import find_instrument


def read_bars(
    source: str | Path,
    *,
    symbol: str | None = None,
    timeframe: str | None = None,
    sessions: int | None = None,
    symbols: Sequence[SymbolSpec] = (),
    default_symbol: str | None = None,
) -> Bars:
    """Read bars from a file or a bar store.

    Parameters
    ----------
    source : str or Path
        Parquet or text (MetaTrader 5, the MetaTrader5 package, ProfitChart, plain ISO), told
        apart by content; or the directory of a bar store.
    symbol : str, optional
        Which series of a store, or what a file without a symbol is of.
    timeframe : str, optional
        Which series of a store, or what a file is expected to be: bars of another length are
        kept as they are and reported as an error.
    sessions : int, optional
        Keep the bars of the last so many dates only.
    symbols : sequence of SymbolSpec
        The configuration's ``data.symbols``.
    default_symbol : str, optional
        What the bars are of where neither ``symbol`` nor the source says.

    Returns
    -------
    Bars

    Raises
    ------
    DataError
        The structure cannot be read, or it contradicts what was asked for. Bad rows are no
        error: they are left out and reported in ``quality``.
    """
    expect_no_fork()
    expect_texts(symbol=symbol, timeframe=timeframe)
    if sessions is not None:
        expect("sessions", sessions, int, "a whole number of sessions", DataError)
    if sessions is not None and sessions < 1:
        raise DataError(f"sessions: got {sessions}; expected 1 or more; ask for at least one")
    path = _stated_path(source)
    asked = Asked(symbol, timeframe, default_symbol)
    with _readable(path):
        if path.is_fifo():
            raise DataError(
                f"{path}: is a pipe, which can be read once only; expected a file or the directory "
                "of a bar store; save the bars in a file first"
            )
        if path.is_dir():
            table = _read_directory(path, asked, sessions)
        elif is_parquet(path):
            table = read_parquet(path, asked)
        else:
            # Read only where needed, as the store below: 20 ms of a command that takes 800.
            from alertlib.bars.readers.delimited import read_delimited

            table = read_delimited(path, asked, symbols)
    stated, table = find_symbol(table, path, symbol, default_symbol)
    bars = _assemble(table, str(path), stated or default_symbol, timeframe, sessions, symbols)
    return bars if stated else replace(bars, assumed_symbol=True)


def symbols_in(source: str | Path) -> list[str]:
    """Return the symbols that the rows of a bar file name, in order; empty where none do."""
    from alertlib.bars.readers.delimited import symbols_of_text

    path = Path(source)
    with _readable(path):
        return symbols_of_parquet(path) if is_parquet(path) else symbols_of_text(path)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise DataError(
            f"{path}: no such file; expected a bar file or the directory of a bar store; check "
            "the path"
        ) from error
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({error.strerror or error}); expected a readable file; "
            "check its permissions"
        ) from error


def from_frame(
    df: Any,
    *,
    symbol: str,
    timeframe: str | None = None,
    source: str = "frame",
    synthetic: bool = False,
    symbols: Sequence[SymbolSpec] = (),
) -> Bars:
    """Make bars of a frame that is already in memory.

    Parameters
    ----------
    df : polars.DataFrame or anything polars makes one of
        ``time open high low close`` and any of ``tick_volume real_volume spread``; a pandas
        frame, an Arrow table or the structured array of ``MetaTrader5.copy_rates_*`` will do.
    symbol : str
    timeframe : str, optional
        As in :func:`read_bars`.
    source : str
        Name for messages and results.
    synthetic : bool
        Whether the bars are made up.
    symbols : sequence of SymbolSpec
        The configuration's ``data.symbols``.
    """
    from alertlib.bars.readers.frames import as_polars

    expect_no_fork()
    expect_texts(symbol=symbol, timeframe=timeframe)
    source = str(source)
    frame = as_polars(df, source, symbol)
    asked = Asked(symbol, timeframe)
    table = table_from_columns(frame, source, "frame", synthetic=synthetic, asked=asked)
    return _assemble(
        table, source, agreed_symbol(symbol, table.symbol, source), timeframe, None, symbols
    )


def _stated_path(source: str | Path) -> Path:
    """Return the path of a source; an empty one would be the current directory."""
    expect(
        "read_bars", source, (str, os.PathLike),
        "the path of a bar file or store; bars in memory are read by al.from_frame", DataError,
    )  # fmt: skip
    if not str(source).strip():
        raise DataError(
            f"read_bars: got the path {str(source)!r}; expected that of a bar file or store; "
            "state it"
        )
    return Path(source)


def expect_texts(**texts: Any) -> None:
    """Refuse a symbol or a timeframe that is no text."""
    for name, value in texts.items():
        if value is not None:
            example = "WIN$N" if name == "symbol" else "M5"
            expect(name, value, str, f"a text such as {example}", DataError)


def _read_directory(root: Path, asked: Asked, sessions: int | None) -> Table:
    from alertlib.bars.readers.hive import read_hive
    from alertlib.bars.store.store import is_store, open_series, open_store

    symbol, timeframe, default_symbol = asked
    if not is_store(root):
        return read_hive(root, symbol, timeframe)
    if symbol is None and any(one.symbol == default_symbol for one in open_store(root)):
        symbol = default_symbol
    series = open_series(root, symbol, timeframe)
    frame = series.scan().collect() if sessions is None else series.last_sessions(sessions)
    table = table_from_columns(frame, str(root), "bar store", synthetic=series.synthetic)
    left_out: tuple[Finding, ...] = ()
    if series.bad_rows:
        message = f"{series.bad_rows} rows were left out on their way into the store"
        left_out = (finding("bad_row", "error", None, series.bad_rows, message),)
    return replace(table, symbol=series.symbol, timeframe=series.timeframe, findings=left_out)


def _assemble(
    table: Table,
    source: str,
    symbol: str | None,
    timeframe: str | None,
    sessions: int | None,
    symbols: Sequence[SymbolSpec],
) -> Bars:
    check_known(timeframe)
    if symbol is None:
        raise DataError(f"{source}: no symbol stated; expected one such as WIN$N; state the symbol")
    frame = table.frame if sessions is None else _last_sessions(table.frame, sessions)
    screened = screen(frame, table.row_word, table.unread)
    bars = screened.frame.select(BAR_SCHEMA.names())
    if bars.is_empty():
        row, reason, value = screened.quarantined.select("row", "reason", "value").row(0)
        raise DataError(
            f"{source}: none of {frame.height} rows is a usable bar ({table.row_word} {row}: "
            f"{reason}, got {value}); check the layout of the file"
        )
    declared = timeframe or declared_timeframe(table.timeframe)
    times = bars["time"]
    length = infer_minutes(times.to_physical().to_numpy(), declared, source)
    instrument = find_instrument(symbol, timeframe_name(length), symbols)
    bars, grid, off_grid = check_grid(bars, instrument.grid)
    findings = (
        *screened.findings,
        *off_grid,
        *check_timeframe(times, length, declared),
        *check_agreement(times, instrument),
        *table.findings,
    )
    quality = Quality(findings, screened.quarantined, frame.height, table.layout)
    return Bars(bars, source, quality, replace(instrument, grid=grid), table.synthetic)


def _last_sessions(frame: pl.DataFrame, count: int) -> pl.DataFrame:
    """Keep the rows of the last ``count`` dates, and those whose time could not be read."""
    day = frame["time"].dt.date()
    days = day.filter(day.dt.year().is_between(*YEARS)).unique().sort()
    if days.is_empty():
        return frame
    return frame.filter((day >= days.tail(count)[0]).fill_null(True))
