"""The one owner of the blocking MetaTrader 5 API.

Failures of the API are None or False with a code in ``last_error``; it raises nothing. Here None
(unknown) and empty (no bars) stay different things: a lost connection is made again and the
question repeated, a refusal is an error at once, and bars are read until two reads agree.
"""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from alertlib.errors import AlertlibError, ConfigError, DataError
from runners.mt5.api import UNPINNED, Credentials, same_path
from runners.mt5.rates import Page, agree, no_bars, signed
from runners.mt5.rules import (
    CONNECTION_LOST,
    FAILED,
    INVALID,
    REFUSED,
    SETTLE_WAITS,
    is_closed,
    page_limit,
    reads_needed,
    request_time,
    retry_waits,
    server_clock,
    timeframe_code,
    wall_clock,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Bars read on every look at a live market. When they reach back to the last known bar nothing can
# be missing between, and one read is enough.
_RECENT = 4

# What a terminal is set to when it is installed.
_MAXBARS = 100_000


class _Lost(Exception):
    """The connection to the terminal broke; the text says how."""


def _no_notice(text: str, wait: float) -> None:
    """Tell nobody."""


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
    clock, sleep, jitter : callable
        ``time.time``, ``time.sleep`` and ``random.random``, or a test's own.

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
        notice: Callable[[str, float], None] = _no_notice,
        is_patient: bool = True,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._api = api
        self._credentials = credentials
        self._retries = retries
        self._notice = notice
        self._waits = SETTLE_WAITS if is_patient else SETTLE_WAITS[:2]
        self._clock = clock
        self._sleep = sleep
        self._jitter = jitter
        self._connected = False
        self._selected: set[str] = set()
        self._maxbars = 0
        self._limit = 0

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
            "maxbars": self._maxbars,
            "page": self._limit,
        }

    def info(self, symbol: str) -> dict[str, Any]:
        """Return the specification of a symbol: tick size and value, digits, expiration."""
        answer = self._ask("symbol_info", symbol, symbol=symbol)
        names = ("point", "digits", "trade_tick_size", "trade_tick_value", "expiration_time")
        return {name: getattr(answer, name, None) for name in names}

    def clock(self, symbol: str) -> dict[str, Any]:
        """Return ``utc``, this machine's clock, ``tick``, the time of the symbol's last, and
        ``connected``, whether the terminal is to its broker."""
        connected = getattr(self._ask("terminal_info"), "connected", True) is not False
        tick = self._ask("symbol_info_tick", symbol, symbol=symbol)
        last = int(getattr(tick, "time", 0) or 0) or None
        return {"utc": self._clock(), "tick": last, "connected": connected}

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
        recent = self._recent(symbol, minutes, _RECENT)
        if not len(recent):
            return Page(recent, None, since)
        end = newest = int(recent["time"][-1])
        if recent["time"][0] > since:
            count = min((newest - since) // (60 * minutes) + 1, self._limit)
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
            The server's clock less UTC in seconds; None if unknown.
        grace : float
            Seconds after its end before a bar that no newer one follows counts as closed.
        """
        page = self.rates(symbol, minutes, since)
        return self._without_forming(page, symbol, minutes, offset, grace)

    def close(self) -> None:
        """Leave the terminal."""
        if self._connected:
            self._connected = False
            with contextlib.suppress(OSError, EOFError):  # a bridge that is gone already
                self._api.shutdown()

    # Bars

    def _without_forming(
        self, page: Page, symbol: str, minutes: int, offset: int | None, grace: float
    ) -> Page:
        if page.newest is None or not len(page.bars) or page.bars["time"][-1] < page.newest:
            return page
        utc = self._clock()
        # Most looks find a bar that the clock cannot close yet: those cost no more calls.
        if offset is None or is_closed(page.newest, minutes, utc + offset, grace, None):
            told = self.clock(symbol)
            now = server_clock(utc, offset, told["tick"])
            if told["connected"] and is_closed(page.newest, minutes, now, grace, told["tick"]):
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
            code, text = self._last_error()
            wait = next(waits, None) if code == FAILED else None
            if wait is None:
                self._selected.discard(symbol)  # it may be gone: next time that is asked first
                raise DataError(
                    f"{symbol}: the terminal gave no bars ({code}, {text}) for {args[-1]} at once; "
                    "expected a history; open a chart of the symbol, or raise Max bars in chart "
                    "(Tools, Options, Charts), then run again"
                )
            self._sleep(wait)

    # The connection

    def _ask(self, function: str, *args: Any, symbol: str | None = None) -> Any:
        """Call the API; None only if the terminal is there and says so."""
        waits = retry_waits(self._retries)
        while True:
            try:
                self._connect()
                if symbol is not None:
                    self._select(symbol)
                return self._call(function, *args)
            except _Lost as lost:
                self.close()
                wait = next(waits, None)
                if wait is None:
                    raise DataError(
                        f"the MetaTrader 5 terminal does not answer ({lost}); expected one that "
                        "runs and is logged in; start it, then run again"
                    ) from lost
                wait *= 1.0 + 0.1 * self._jitter()
                self._notice(f"terminal does not answer ({lost}); again in {wait:.0f} s", wait)
                self._sleep(wait)

    def _connect(self) -> None:
        if self._connected:
            return
        pinned = self._credentials
        self._selected.clear()
        named = {"login": pinned.login, "password": pinned.password, "server": pinned.server}
        options = {name: value for name, value in named.items() if value is not None}
        path = () if pinned.path is None else (pinned.path,)
        if not self._call("initialize", *path, **options):
            raise self._no_start()
        self._connected = True
        try:
            self._check_identity()
        except AlertlibError:
            self.close()
            raise

    def _no_start(self) -> AlertlibError:
        code, text = self._last_error()
        if code == INVALID:
            return ConfigError(
                f"the terminal cannot be started with {self._credentials} ({code}, {text}); "
                "check MT5_PATH, MT5_LOGIN and MT5_SERVER"
            )
        return DataError(
            f"no MetaTrader 5 terminal ({code}, {text}); expected one that can be started; "
            "install or start it, or name its program in MT5_PATH"
        )

    def _check_identity(self) -> None:
        """Make sure that the terminal is the one asked for: a process has but one connection."""
        pinned, account = self._credentials, self._call("account_info")
        for name, variable in (("login", "MT5_LOGIN"), ("server", "MT5_SERVER")):
            wanted, found = getattr(pinned, name), getattr(account, name, None)
            if wanted is not None and found != wanted:
                raise ConfigError(
                    f"the terminal is logged in to {name} {found}; expected {wanted} "
                    f"(${variable}); log in to that account, or correct ${variable}"
                )
        terminal = self._call("terminal_info")
        folder = getattr(terminal, "path", None)
        if pinned.path is not None and not same_path(str(folder), pinned.path):
            raise ConfigError(
                f"the terminal in {folder} answered; expected the one of {pinned.path} "
                "($MT5_PATH); close the other one, or correct $MT5_PATH"
            )
        self._maxbars = int(getattr(terminal, "maxbars", None) or _MAXBARS)
        self._limit = page_limit(self._maxbars)
        if self._limit < _RECENT:
            raise DataError(
                f"the terminal gives at most {self._maxbars} bars; expected thousands; raise "
                "Max bars in chart (Tools, Options, Charts), then run again"
            )

    def _select(self, symbol: str) -> None:
        if symbol in self._selected:
            return
        self._call("symbol_select", symbol, True)
        if self._call("symbol_info", symbol) is None:
            raise ConfigError(
                f"{symbol}: unknown at the terminal{self._similar(symbol)}; expected a symbol of "
                "its Market Watch; correct --symbol"
            )
        self._selected.add(symbol)

    def _similar(self, symbol: str) -> str:
        found = self._call("symbols_get", group=f"*{symbol[:3]}*")
        names = [str(getattr(one, "name", one)) for one in (found or ())[:8]]
        return f" (it has {', '.join(names)})" if names else ""

    def _call(self, function: str, *args: Any, **options: Any) -> Any:
        """Call the API once; a broken connection raises, whichever way the API tells it.

        What an API does not have, it does not know.
        """
        call = getattr(self._api, function, None)
        try:
            answer = call(*args, **options) if call is not None else None
        except (OSError, EOFError) as error:  # a bridge whose other end has gone
            raise _Lost(f"{type(error).__name__}: {error}") from error
        if answer is None or answer is False:
            code, text = self._last_error()
            if code in CONNECTION_LOST:
                raise _Lost(f"{code}, {text}")
            if code == REFUSED:
                raise ConfigError(
                    f"account {self._credentials.login} at {self._credentials.server} is refused "
                    f"({code}, {text}); expected a valid login; check MT5_LOGIN, MT5_PASSWORD and "
                    "MT5_SERVER"
                )
        return answer

    def _last_error(self) -> tuple[int, str]:
        code, text = self._api.last_error()
        return int(code), str(text)
