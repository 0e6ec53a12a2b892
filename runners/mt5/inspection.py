"""Looking at what a terminal gave before it is stored: columns, timeframe, clock, rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from alertlib.bars.quality.findings import QUARANTINE_SCHEMA
from alertlib.bars.quality.rows import Screened, screen
from alertlib.bars.quality.timeframe import infer_minutes, timeframe_name
from alertlib.bars.readers.columns import table_from_columns
from alertlib.bars.schema import BAR_SCHEMA
from alertlib.errors import DataError
from alertlib.market.clock import EPOCH, MINUTES_PER_DAY
from alertlib.market.instruments import Instrument
from runners.mt5.rates import RECORD
from runners.mt5.rules import find_shift, spans_by_day, wall_clock

# A page with fewer bars may be the turn of a night and says little of their usual distance.
_TELLING_BARS = 20


class Inspector:
    """Checks pages of one series.

    Parameters
    ----------
    instrument : Instrument
    today : int
        Day (since 1970-01-01) that may not be over.
    ahead : int or None
        Seconds by which a fresh tick is ahead of the exchange's clock; None without one.
    say : callable
        Told each warning in one line.
    """

    def __init__(
        self, instrument: Instrument, today: int, ahead: int | None, say: Callable[[str], None]
    ) -> None:
        self._instrument = instrument
        self._today = today
        self._ahead = ahead
        self._say = say
        self._name = f"{instrument.symbol} {instrument.timeframe}"

    def inspect(self, content: bytes) -> Screened:
        """Return the usable bars of a page, and the rows that are none.

        Raises
        ------
        DataError
            The bars are of another timeframe, or of another clock than the exchange's.
        """
        raw = np.frombuffer(content, RECORD)
        if not raw.size:
            return Screened(
                pl.DataFrame(schema=BAR_SCHEMA), pl.DataFrame(schema=QUARANTINE_SCHEMA), ()
            )
        self._check_timeframe(raw["time"])
        self._check_clock(raw["time"])
        frame = pl.DataFrame({name: raw[name] for name, _ in RECORD}).with_columns(
            (pl.col("time") * 1_000_000).cast(pl.Datetime("us"))
        )
        table = table_from_columns(frame, self._name, "MetaTrader 5")
        screened = screen(table.frame, "row", table.unread)
        for found in screened.findings:
            self._say(f"{self._name}: {found.message}")
        bars = screened.frame.select(BAR_SCHEMA.names())
        return Screened(bars, screened.quarantined, screened.findings)

    def _check_timeframe(self, times: NDArray[Any]) -> None:
        steps = np.diff(times)
        is_finer = bool(((steps > 0) & (steps < 60 * self._instrument.minutes)).any())
        if times.size < _TELLING_BARS and not is_finer:
            return
        length = infer_minutes(1_000_000 * times, None, self._name)
        if length != self._instrument.minutes:
            raise DataError(
                f"{self._name}: the terminal gave {timeframe_name(length)} bars from "
                f"{wall_clock(int(times[0]))} on; expected bars {self._instrument.minutes} minutes "
                "apart; nothing of this page was stored; check the terminal"
            )

    def _check_clock(self, times: NDArray[Any]) -> None:
        sessions = self._instrument.sessions
        if sessions is None or self._instrument.minutes >= MINUTES_PER_DAY:
            return
        spans = spans_by_day(times.tolist(), self._today)
        hours = [sessions.hours(span.first // 86_400) for span in spans]
        shift = find_shift(spans, hours, self._instrument.minutes, self._ahead)
        if shift is not None:
            day, seconds = shift
            raise DataError(
                f"{self._name}: on {EPOCH + timedelta(days=day)} the bars lie {seconds / 3_600:+g} "
                "h from the exchange's hours; expected the exchange's wall clock; the server's "
                "clock has changed: nothing of this page was stored; use a server on Brasilia "
                "time, or state session_open and session_close in data.symbols"
            )


def specification_differs(info: dict[str, Any], instrument: Instrument) -> Iterator[str]:
    """Compare the terminal's specification of a symbol with the one figures are made with.

    Parameters
    ----------
    info : dict
        ``trade_tick_size`` (points) and ``trade_tick_value`` (R$); missing or 0 where the
        terminal does not know, as for some continuous series.
    instrument : Instrument

    Yields
    ------
    str
        One line for each difference.
    """
    tick, value = info.get("trade_tick_size"), info.get("trade_tick_value")
    if not tick:
        return
    name, remedy = instrument.symbol, "state it in data.symbols if the terminal is right"
    if instrument.grid is not None and not np.isclose(tick, instrument.grid.tick):
        yield (
            f"{name}: the terminal's tick is {tick:g} points, figures are made with "
            f"{instrument.grid.tick:g}; {remedy} (tick)"
        )
    if value and instrument.point_value and not np.isclose(value / tick, instrument.point_value):
        yield (
            f"{name}: the terminal values a point at R$ {value / tick:g}, figures are made with "
            f"R$ {instrument.point_value:g}; {remedy} (point_value)"
        )
