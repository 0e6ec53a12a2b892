"""The one owner of the blocking MetaTrader 5 API: connected when first asked, again when lost.

Failures of the API are None or False with a code in ``last_error``; it raises nothing.
"""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable
from typing import Any

from alertlib.errors import AlertlibError, ConfigError, DataError
from runners.mt5.api import UNPINNED, Credentials, same_path
from runners.mt5.rules import (
    CONNECTION_LOST,
    INVALID,
    RECENT_BARS,
    REFUSED,
    page_limit,
    retry_waits,
)

# What a terminal is set to when it is installed.
_MAXBARS = 100_000


class _Lost(Exception):
    """The connection to the terminal broke; the text says how."""


def no_notice(text: str, wait: float) -> None:
    """Tell nobody."""


class Connection:
    """Calls of the API, repeated over lost connections.

    Parameters
    ----------
    api, credentials, retries, notice, sleep, jitter
        As of :class:`runners.mt5.adapter.Terminal`.

    Attributes
    ----------
    maxbars, page : int
        How many bars the terminal shows, and how many to ask for at once; 0 before the first
        question.

    Raises
    ------
    ConfigError
        From any question: account refused or another one, unknown symbol.
    DataError
        From any question: no terminal.
    """

    def __init__(
        self,
        api: Any,
        credentials: Credentials = UNPINNED,
        *,
        retries: int | None = 4,
        notice: Callable[[str, float], None] = no_notice,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._api = api
        self._credentials = credentials
        self._retries = retries
        self._notice = notice
        self._sleep = sleep
        self._jitter = jitter
        self._connected = False
        self._selected: set[str] = set()
        self.maxbars = 0
        self.page = 0

    def ask(self, function: str, *args: Any, symbol: str | None = None) -> Any:
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

    def last_error(self) -> tuple[int, str]:
        """Return code and text of the last call's failure."""
        code, text = self._api.last_error()
        return int(code), str(text)

    def forget(self, symbol: str) -> None:
        """Ask for the symbol itself before anything of it is asked again: it may be gone."""
        self._selected.discard(symbol)

    def close(self) -> None:
        """Leave the terminal."""
        if self._connected:
            self._connected = False
            with contextlib.suppress(OSError, EOFError):  # a bridge that is gone already
                self._api.shutdown()

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
        code, text = self.last_error()
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
        self.maxbars = int(getattr(terminal, "maxbars", None) or _MAXBARS)
        self.page = page_limit(self.maxbars)
        if self.page < RECENT_BARS:
            raise DataError(
                f"the terminal gives at most {self.maxbars} bars; expected thousands; raise "
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
            code, text = self.last_error()
            if code in CONNECTION_LOST:
                raise _Lost(f"{code}, {text}")
            if code == REFUSED:
                raise ConfigError(
                    f"account {self._credentials.login} at {self._credentials.server} is refused "
                    f"({code}, {text}); expected a valid login; check MT5_LOGIN, MT5_PASSWORD and "
                    "MT5_SERVER"
                )
        return answer
