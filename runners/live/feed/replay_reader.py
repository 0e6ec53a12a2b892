"""Reads bars for a replay: ``python -m runners.live.feed.replay_reader``, started by the daemon.

A process of its own because reading Parquet takes Polars, several times the memory that the
daemon may have. It writes what it read to stdout and ends; the daemon gives it a temporary file
for that. The request, JSON on stdin, and the answer are those of :mod:`runners.live.feed.replay`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, BinaryIO

from alertlib.bars.bars import Bars
from alertlib.bars.opening import read_bars
from alertlib.bars.series import make_series
from alertlib.config.convert import convert
from alertlib.config.schema import Data
from alertlib.errors import AlertlibError, DataError
from alertlib.market.sessions import FixedHours
from runners.live.feed.replay_wire import NO_VOLUME, ROW, write_head


def main() -> int:
    """Answer the one request on stdin."""
    request = json.load(sys.stdin)
    out = sys.stdout.buffer
    try:
        series = _read(request)
    except AlertlibError as error:
        write_head(out, {"error": type(error).__name__, "message": str(error)})
        return 0
    try:
        write_head(out, {"series": [_facts(bars) for bars in series]})
        _write_rows(out, series)
        out.flush()
    except OSError as error:
        print(f"replay: {error.strerror or error}; free space", file=sys.stderr)
        return 1
    return 0


def _read(request: dict[str, Any]) -> list[Bars]:
    data = convert(Data, request["data"], "data")
    source = request["source"]
    if Path(source).is_dir():
        return [
            _checked(read_bars(source, symbol=s, timeframe=t, symbols=data.symbols), t)
            for s, t in request["streams"]
        ]
    bars = read_bars(
        source, symbol=request["symbol"], symbols=data.symbols, default_symbol=data.symbol
    )
    known = [t for s, t in request["streams"] if s == bars.symbol]
    if data.symbols and not known:
        listed = ", ".join(dict.fromkeys(symbol for symbol, _ in request["streams"]))
        raise DataError(
            f"{source}: holds bars of {bars.symbol}, expected one of {listed}, as data.symbols "
            "lists; add the symbol there, or give other bars"
        )
    return [_checked(bars, *(known or [data.timeframe]))]


def _checked(bars: Bars, *timeframes: str) -> Bars:
    if bars.timeframe not in timeframes:
        raise DataError(
            f"{bars.source}: holds bars of {bars.timeframe}, expected {' or '.join(timeframes)} as "
            "configured; set data.timeframe, or the timeframes of the symbol in data.symbols, or "
            "give other bars"
        )
    return bars


def _facts(bars: Bars) -> dict[str, Any]:
    instrument = make_series(bars).instrument
    grid, hours = instrument.grid, instrument.sessions
    assert grid is not None
    return {
        "symbol": bars.symbol,
        "timeframe": bars.timeframe,
        "bars": len(bars),
        "sha256": bars.sha256,
        "synthetic": bars.synthetic,
        "grid": [grid.numerator, grid.denominator, grid.per_tick, grid.on_tick],
        "hours": [hours.open, hours.close] if isinstance(hours, FixedHours) else None,
    }


def _write_rows(out: BinaryIO, series: list[Bars]) -> None:
    """Write all bars in order of their close; of one moment, in the order of the streams."""
    import polars as pl

    names = ("open", "high", "low", "close", "tick_volume", "real_volume")
    frames = [
        bars.frame.select(
            pl.lit(number).alias("stream"),
            (pl.col("time").cast(pl.Int64) // 60_000_000).alias("minute"),
            *names,
        ).with_columns((pl.col("minute") + bars.minutes).alias("end"))
        for number, bars in enumerate(series)
    ]
    rows = pl.concat(frames).sort("end", "stream", maintain_order=True).drop("end")
    for row in rows.with_columns(pl.col(names[4:]).fill_null(NO_VOLUME)).iter_rows():
        out.write(ROW.pack(*row))


if __name__ == "__main__":
    sys.exit(main())
