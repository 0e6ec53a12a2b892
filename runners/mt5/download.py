"""From a terminal into the bar store: only what is missing, page by page.

What is stored is always one stretch without a hole: newer bars are added from its end forward,
older ones from its beginning backward, each page on the disk before the next is asked for. So an
interrupted download is resumed by running it again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import chain
from typing import Any, NamedTuple, Protocol

import polars as pl

from alertlib.bars.quality.rows import Screened
from alertlib.bars.store.manifest import Revision
from alertlib.bars.store.store import StoredSeries
from alertlib.bars.store.writer import Provenance, StoreWriter, Written
from alertlib.errors import DataError
from alertlib.market.clock import MINUTES_PER_DAY, day_number
from alertlib.market.futures import adjustment
from alertlib.market.instruments import Instrument
from runners.mt5.client import Clock, Rates
from runners.mt5.inspection import Inspector, specification_differs
from runners.mt5.server_clock import is_over, tell_clock

_REVISIONS_SHOWN = 5

# A history this close to the terminal's limit was cut by it.
_CUT_WITHIN = 2


class Client(Protocol):
    """What a download asks a terminal; see :class:`runners.mt5.client.TerminalClient`."""

    def identity(self) -> dict[str, Any]:
        """Connect and say to what."""

    def info(self, symbol: str) -> dict[str, Any]:
        """Return the terminal's specification of a symbol."""

    def clock(self, symbol: str) -> Clock:
        """Return the clocks."""

    def history(
        self,
        symbol: str,
        minutes: int,
        end: int | None,
        count: int,
        offset: int | None,
        grace: float,
    ) -> Rates:
        """Return closed bars backward."""

    def closed_bars(
        self, symbol: str, minutes: int, since: int, offset: int | None, grace: float
    ) -> Rates:
        """Return closed bars forward."""


class Order(NamedTuple):
    """What to download: the last complete ``sessions`` and today's closed bars."""

    instrument: Instrument
    sessions: int
    grace: float
    fetched_at: datetime


@dataclass
class Receipt:
    """What came of an order.

    Attributes
    ----------
    series : StoredSeries
        What is stored now.
    written : Written
    shortfall : str or None
        Why fewer sessions are stored than were ordered.
    is_cut : bool
        Whether that is a setting of the terminal and not the end of its history.
    """

    series: StoredSeries
    written: Written
    shortfall: str | None = None
    is_cut: bool = False


class Download:
    """One series of one terminal on its way into the store.

    Parameters
    ----------
    client : Client
    store : StoreWriter
        Entered.
    order : Order
    say : callable
        Told each warning in one line.
    progress : callable
        Told ``("sessions", done, ahead)``.

    Raises
    ------
    ConfigError
        From :meth:`run`: unknown symbol, account refused or another one.
    DataError
        From :meth:`run`: no terminal, no history, bars of another timeframe or another clock.
    StorageError
        From :meth:`run`: the disk.
    """

    def __init__(
        self,
        client: Client,
        store: StoreWriter,
        order: Order,
        *,
        say: Callable[[str], None],
        progress: Callable[[str, int, int], None],
    ) -> None:
        self._client = client
        self._store = store
        self._order = order
        self._say = say
        self._progress = progress
        self._symbol = order.instrument.symbol
        self._timeframe = order.instrument.timeframe
        self._minutes = order.instrument.minutes
        self._name = f"{self._symbol} {self._timeframe}"
        self._written = Written()

    def run(self) -> Receipt:
        """Download what is missing."""
        identity = self._client.identity()
        if not identity["connected"]:
            self._say("the terminal is not connected to its broker: the newest bars may be missing")
        info = self._client.info(self._symbol)
        for difference in specification_differs(info, self._order.instrument):
            self._say(difference)
        self._clock = tell_clock(*self._client.clock(self._symbol)[:2], self._order.instrument)
        if self._clock.warning is not None:
            self._say(self._clock.warning)
        today = day_number(self._clock.now.date())
        self._inspector = Inspector(self._order.instrument, today, self._clock.ahead, self._say)
        account = [str(identity[name]) for name in ("server", "login") if identity[name]]
        source = "/".join(["mt5", *account])
        self._provenance = Provenance(source, self._order.fetched_at, self._clock.offset)
        self._refetch_damaged()
        self._forward()
        begins = self._backward(identity["page"])
        return self._receipt(begins, identity["maxbars"])

    def _refetch_damaged(self) -> None:
        for key, lost in self._store.set_aside_damaged(self._symbol, self._timeframe):
            where = str(self._store.root / str(key))
            moved = f" and moved to {lost.moved_to}" if lost.moved_to else ""
            self._say(f"{where}: damaged or missing{moved}; fetching its {lost.rows:,} bars again")
            pages = list(self._pages(_epoch(lost.first), _epoch(lost.last)))
            bars = pl.concat([page.frame for page in pages]).filter(pl.col("time") <= lost.last)
            bad = pl.concat([page.quarantined for page in pages])
            self._store_page(Screened(bars, bad, ()))
            if bars.height and bars["time"][0] <= lost.first:
                self._store.settle(key)
            else:
                self._say(
                    f"{where}: the terminal has {bars.height:,} of its {lost.rows:,} bars; "
                    "--import the file the others came from; until then they cannot be read"
                )

    def _forward(self) -> None:
        """Add what came after the last stored bar, which is read again."""
        series = self._series()
        if series is None:
            return
        pages = self._pages(_epoch(series.last), None)
        first = next(pages)
        self._compare_last(series.last, first)
        for page in chain([first], pages):
            self._store_page(page)

    def _compare_last(self, last: datetime, page: Screened) -> None:
        """Look whether the last stored bar still is what it was."""
        again = page.frame.filter(pl.col("time") == last)
        if again.is_empty():
            self._store.record_missing(self._symbol, self._timeframe, last, self._provenance)
            after = page.frame["time"][0] if page.frame.height else "nothing"
            self._say(
                f"{self._name}: the terminal no longer has the last stored bar, {last}; after it "
                f"comes {after}: bars between may be missing"
            )
            return
        revisions = self._store.add(self._symbol, self._timeframe, again, self._provenance)
        if revisions.revisions and adjustment(self._symbol) in ("proportional", "difference"):
            raise DataError(
                f"{self._name}: the bar of {last} was stored with other prices; expected the same "
                "history; an adjusted series is rewritten at every roll: fetch it into a new "
                "--out, or use the series that is not adjusted"
            )

    def _backward(self, page_limit: int) -> bool:
        """Add what is missing before the first stored bar; whether the history begins there."""
        series = self._series()
        end = None if series is None else _epoch(series.first) - 1
        while True:
            days = self._complete_days()
            wanted = self._order.sessions
            self._progress("sessions", min(len(days), wanted), wanted)
            if len(days) > wanted:
                return False
            # One bar of an older session shows that the oldest one wanted is whole.
            count = min((wanted - len(days) + 1) * self._bars_a_day() + 1, page_limit)
            page = self._client.history(
                self._symbol,
                self._minutes,
                end,
                count,
                self._clock.closing_offset,
                self._order.grace,
            )
            received = page.rows()
            if not received:
                return True
            screened = self._inspector.inspect(page.content)
            found = self._complete(set(days) | set(screened.frame["time"].dt.date()))
            if len(found) > wanted:
                recent = pl.col("time").dt.date() >= found[-wanted]
                screened = Screened(screened.frame.filter(recent), screened.quarantined, ())
            self._store_page(screened)
            if len(found) > wanted:
                return False
            # One less than asked for may be the forming bar, left out.
            if len(received) < count - (end is None):
                return True
            end = received[0].time - 1

    def _receipt(self, begins: bool, maxbars: int) -> Receipt:
        series, days, wanted = self._series(), self._complete_days(), self._order.sessions
        if series is None:
            raise DataError(
                f"{self._name}: the terminal has no closed bar; expected a history; open the "
                "symbol's chart there until bars show, then run again"
            )
        receipt = Receipt(series, self._written)
        if begins and len(days) < wanted:
            receipt.is_cut = series.rows >= maxbars - _CUT_WITHIN
            why = (
                f"the terminal keeps {maxbars:,} bars: raise Max bars in chart (Tools, Options, "
                "Charts), then run again"
                if receipt.is_cut
                else "the terminal's history begins there"
            )
            receipt.shortfall = (
                f"{self._name}: got {len(days)} complete sessions, from {series.first} on; "
                f"expected {wanted}; {why}"
            )
        return receipt

    # Pages

    def _pages(self, since: int, until: int | None) -> Iterator[Screened]:
        """Yield the closed bars that opened from ``since`` on, checked; at least one page."""
        while True:
            page = self._client.closed_bars(
                self._symbol, self._minutes, since, self._clock.closing_offset, self._order.grace
            )
            yield self._inspector.inspect(page.content)
            if page.newest is None or page.through >= min(page.newest, until or page.newest):
                return
            since = page.through + 60 * self._minutes

    def _store_page(self, page: Screened) -> None:
        if page.frame.height:
            written = self._store.add(self._symbol, self._timeframe, page.frame, self._provenance)
            self._written += written
            tell_revisions(self._name, written.revisions, self._say)
        series = self._series()
        if page.quarantined.height and series is not None:
            self._store.set_aside_bad_rows(
                self._symbol,
                self._timeframe,
                page.quarantined,
                self._provenance.source,
                page.frame["time"][0] if page.frame.height else series.last,
            )

    # Sessions

    def _series(self) -> StoredSeries | None:
        return self._store.series(self._symbol, self._timeframe)

    def _complete_days(self) -> list[date]:
        series = self._series()
        return [] if series is None else self._complete(series.days(self._order.sessions + 2))

    def _complete(self, days: Iterable[date]) -> list[date]:
        now, instrument = self._clock.now, self._order.instrument
        return sorted(day for day in days if is_over(day, now, instrument))

    def _bars_a_day(self) -> int:
        sessions = self._order.instrument.sessions
        if sessions is None:
            return -(-MINUTES_PER_DAY // self._minutes)
        hours = sessions.hours(day_number(self._clock.now.date()))
        return -(-(hours.close - hours.open) // self._minutes)


def tell_revisions(name: str, revisions: list[Revision], say: Callable[[str], None]) -> None:
    """Say which stored bars came again with other values: a line for each of the first ones."""
    for revision in revisions[:_REVISIONS_SHOWN]:
        say(f"{name} {_describe(revision)}")
    more = len(revisions) - _REVISIONS_SHOWN
    if more > 0:
        say(f"{name}: {more:,} more bars came again with other values; see manifest.json")


def _describe(revision: Revision) -> str:
    received = revision.received or {}
    changes = ", ".join(
        f"{name} {value} -> {received[name]}"
        for name, value in revision.stored.items()
        if None not in (value, received.get(name)) and received[name] != value
    )
    return f"{revision.time}: came again with {changes}; the stored bar stays"


def _epoch(time: datetime) -> int:
    return int(time.replace(tzinfo=UTC).timestamp())
