"""What is asked of a terminal: bars, clock, specifications.

None (unknown) and empty (no bars) stay different things here: a lost connection is made again
and the question repeated, a refusal is an error at once, and bars are read until two reads agree.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from alertlib.errors import DataError
from runners.mt5.api import UNPINNED, Credentials
from runners.mt5.connection import Connection, no_notice
from runners.mt5.rates import Page, agree, no_bars, signed
from runners.mt5.rules import (
    FAILED,
    RECENT_BARS,
    SETTLE_WAITS,
    is_closed,
    reads_needed,
    request_time,
    server_clock,
    timeframe_code,
    wall_clock,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Terminal:
    """A terminal, connected when first asked and again whenever the connection is lost.

    Parameters
    ----------
    api : object
        Has the API of the MetaTrader5 package: the package, an ``mt5linux`` object, a stand-in.
    credentials : Credentials
        What to connect to, checked after every connection.
    retries : int or None
        Connections to try before giving up; None for no end.
    notice : callable
        Told ``(text, seconds)`` before each wait for a lost terminal.
    is_patient : bool
        Whether a symbol without bars is waited for here. Otherwise, after a moment, that is the
        answer: others are not to wait for it.
    clock, monotonic, sleep, jitter : callable
        ``time.time``, ``time.monotonic``, ``time.sleep`` and ``random.random``, or a test's own.

    Raises
    ------
    ConfigError
        From any question: account refused or another one, unknown symbol.
    DataError
        From any question: no terminal, or one that does not give what it should.
    """

    def __init__(
        self,
        api: Any,
        credentials: Credentials = UNPINNED,
        *,
        retries: int | None = 4,
        notice: Callable[[str, float], None] = no_notice,
        is_patient: bool = True,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._connection = Connection(
            api, credentials, retries=retries, notice=notice, sleep=sleep, jitter=jitter
        )
        self._ask = self._connection.ask
        self._waits = SETTLE_WAITS if is_patient else SETTLE_WAITS[:2]
        self._clock = clock
        self._monotonic = monotonic
        self._told: tuple[float, float] | None = None
        self._sleep = sleep

    def identity(self) -> dict[str, Any]:
        """Return what is at the other end: ``login server path connected maxbars page``.

        ``connected`` is to the broker, ``page`` how many bars to ask for at once.
        """
        account = self._ask("account_info")
        terminal = self._ask("terminal_info")
        return {
            "login": getattr(account, "login", None),
            "server": getattr(account, "server", None),
            "path": getattr(terminal, "path", None),
            "connected": getattr(terminal, "connected", True) is not False,
            "maxbars": self._connection.maxbars,
            "page": self._connection.page,
        }

    def info(self, symbol: str) -> dict[str, Any]:
        """Return the specification of a symbol: tick size and value, digits, expiration."""
        answer = self._ask("symbol_info", symbol, symbol=symbol)
        names = ("point", "digits", "trade_tick_size", "trade_tick_value", "expiration_time")
        return {name: getattr(answer, name, None) for name in names}

    def clock(self, symbol: str) -> dict[str, Any]:
        """Return ``utc``, this machine's clock, ``tick``, the time of the symbol's last, and
        ``connected``, whether the terminal is to its broker."""
        tick, connected = self._tick(symbol)
        self._told = self._clock(), self._monotonic()
        return {"utc": self._told[0], "tick": tick, "connected": connected}

    def history(
        self,
        symbol: str,
        minutes: int,
        end: int | None,
        count: int,
        offset: int | None,
        grace: float,
    ) -> Page:
        """Return the closed ones of the ``count`` bars up to ``end``.

        Parameters
        ----------
        symbol : str
        minutes : int
            Length of a bar.
        end : int or None
            The last bar opened then or before; None for the newest.
        count : int
            At most the ``page`` of :meth:`identity`. Fewer come back only if the history begins
            there, which takes a second or two to be sure of.
        offset, grace
            As in :meth:`closed_bars`.
        """
        newest = self._newest(symbol, minutes)
        if newest is None:
            return Page(no_bars(), None, end or 0)
        end = newest if end is None else end
        bars = self._settled(symbol, minutes, end, count, since=None, newest=newest)
        return self._without_forming(Page(bars, newest, end), symbol, minutes, offset, grace)

    def rates(self, symbol: str, minutes: int, since: int) -> Page:
        """Return the bars from the one that opened at ``since`` on, at most a page of them."""
        recent = self._recent(symbol, minutes, RECENT_BARS)
        if not len(recent):
            return Page(recent, None, since)
        end = newest = int(recent["time"][-1])
        if recent["time"][0] > since:
            count = min((newest - since) // (60 * minutes) + 1, self._connection.page)
            end = since + (count - 1) * 60 * minutes
            recent = self._settled(symbol, minutes, end, count, since=since, newest=newest)
        return Page(recent[recent["time"] >= since], newest, end)

    def closed_bars(
        self, symbol: str, minutes: int, since: int, offset: int | None, grace: float
    ) -> Page:
        """Return as :meth:`rates` does, without a bar that may still be forming.

        Parameters
        ----------
        symbol : str
        minutes : int
        since : int
        offset : int or None
            The server's clock less the one that :meth:`clock` told last, in seconds; None if
            unknown.
        grace : float
            Seconds after its end before a bar that no newer one follows counts as closed.
        """
        page = self.rates(symbol, minutes, since)
        return self._without_forming(page, symbol, minutes, offset, grace)

    def close(self) -> None:
        """Leave the terminal."""
        self._connection.close()

    # The clock

    def _tick(self, symbol: str) -> tuple[int | None, bool]:
        """Return the time of the last tick, and whether the terminal is to its broker."""
        connected = getattr(self._ask("terminal_info"), "connected", True) is not False
        tick = self._ask("symbol_info_tick", symbol, symbol=symbol)
        return int(getattr(tick, "time", 0) or 0) or None, connected

    def _utc(self) -> float:
        """Return the clock that :meth:`clock` told, as it goes on if it does not jump.

        The offset to close bars by is a distance from that one: if the clock jumped between the
        two questions, a bar half formed would count as closed.
        """
        if self._told is None:
            return self._clock()
        utc, at = self._told
        return utc + (self._monotonic() - at)

    # Bars

    def _without_forming(
        self, page: Page, symbol: str, minutes: int, offset: int | None, grace: float
    ) -> Page:
        if page.newest is None or not len(page.bars) or page.bars["time"][-1] < page.newest:
            return page
        utc = self._utc()
        # Most looks find a bar that the clock cannot close yet: those cost no more calls.
        if offset is None or is_closed(page.newest, minutes, utc + offset, grace, None):
            tick, connected = self._tick(symbol)
            now = server_clock(utc, offset, tick)
            if connected and is_closed(page.newest, minutes, now, grace, tick):
                return page
        return page._replace(bars=page.bars[:-1])

    def _newest(self, symbol: str, minutes: int) -> int | None:
        recent = self._recent(symbol, minutes, 1)
        return int(recent["time"][-1]) if len(recent) else None

    def _recent(self, symbol: str, minutes: int, count: int) -> NDArray[Any]:
        """Return the newest bars, the forming one included; empty if there still are none."""
        code = timeframe_code(minutes)
        bars = self._bars("copy_rates_from_pos", symbol, code, 0, count)
        for wait in self._waits:
            if len(bars):
                break
            self._sleep(wait)
            bars = self._bars("copy_rates_from_pos", symbol, code, 0, count)
        return bars

    def _settled(
        self, symbol: str, minutes: int, end: int, count: int, *, since: int | None, newest: int
    ) -> NDArray[Any]:
        """Read ``count`` bars up to ``end`` until the reads agree on every bar but a forming one.

        Always backward by count: a range that falls into a night would come back empty, and
        `copy_rates_range` of some bridges is broken.
        """

        def read() -> NDArray[Any]:
            code, date = timeframe_code(minutes), request_time(end)
            return self._bars("copy_rates_from", symbol, code, date, count)

        bars, agreeing, waits = read(), 1, iter(SETTLE_WAITS)
        while True:
            reaches = len(bars) > 0 and since is not None and bars["time"][0] <= since
            if agreeing >= reads_needed(reaches or len(bars) >= count):
                return bars
            wait = next(waits, None)
            if wait is None:
                raise DataError(
                    f"{symbol}: the bars up to {wall_clock(end)} differ from one read to the "
                    "next; expected a history that has loaded; wait until the terminal has, then "
                    "run again"
                )
            self._sleep(wait)
            again = read()
            agreeing = agreeing + 1 if agree(bars, again, newest) else 1
            if len(again) > len(bars):  # it is loading: as long as it grows there is hope
                waits = iter(SETTLE_WAITS)
            bars = again

    def _bars(self, function: str, symbol: str, *args: Any) -> NDArray[Any]:
        """Read bars; the first call after connecting may fail, and then is repeated."""
        waits = iter(self._waits)
        while True:
            answer = self._ask(function, symbol, *args, symbol=symbol)
            if answer is not None:
                return signed(answer, symbol)
            code, text = self._connection.last_error()
            wait = next(waits, None) if code == FAILED else None
            if wait is None:
                self._connection.forget(symbol)
                raise DataError(
                    f"{symbol}: the terminal gave no bars ({code}, {text}) for {args[-1]} at once; "
                    "expected a history; open a chart of the symbol, or raise Max bars in chart "
                    "(Tools, Options, Charts), then run again"
                )
            self._sleep(wait)
