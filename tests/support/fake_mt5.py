"""A stand-in for the MetaTrader5 package and its terminal, with faults on demand. Tests only.

As a module (``ALERTAS_MT5_MODULE=tests.support.fake_mt5``, with or without ``:terminal``) it is
set up by the JSON file that ``$FAKE_MT5`` names: the fields of :class:`Scenario`. In a process of
its own it then also sets that process's clock.

What it imitates: failures are None or False with a ``last_error`` that stays; -10004 before
``initialize``; the exact packed dtype with its unsigned volumes; a forming bar that changes from
call to call; ``copy_rates_range`` inclusive at both ends; ``copy_rates_from`` backward by count;
``maxbars``; a history that loads while it is asked for; empty arrays with success; unknown
symbols; epochs of the server's wall clock; naive datetimes taken for this machine's zone; calls
that block, with the interpreter's lock held too; connections that break after n calls; results
like named tuples.
"""

from __future__ import annotations

import ctypes
import json
import os
import time
from collections import Counter, namedtuple
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alertlib.market.calendar import is_trading_day

RATES = np.dtype(
    [
        ("time", "<i8"),
        ("open", "<f8"),
        ("high", "<f8"),
        ("low", "<f8"),
        ("close", "<f8"),
        ("tick_volume", "<u8"),
        ("spread", "<i4"),
        ("real_volume", "<u8"),
    ]
)

TIMEFRAME_M1, TIMEFRAME_M5, TIMEFRAME_M15 = 1, 5, 15
TIMEFRAME_H1, TIMEFRAME_D1 = 0x4001, 0x4018

BRASILIA = -10_800
LOST, FAILED, INVALID, NOT_FOUND, REFUSED = -10_004, -1, -2, -4, -6
TEXTS = {
    1: "Success",
    LOST: "No IPC connection",
    -10_003: "IPC initialize failed, MetaTrader 5 x64 not found",
    -10_005: "IPC timeout",
    FAILED: "Terminal: Call failed",
    INVALID: "Terminal: Invalid params",
    NOT_FOUND: "Terminal: Not found",
    REFUSED: "Terminal: Authorization failed",
}

AccountInfo = namedtuple("AccountInfo", "login server company currency")
TerminalInfo = namedtuple("TerminalInfo", "path connected maxbars build name")
SymbolInfo = namedtuple(
    "SymbolInfo",
    "name select visible point digits trade_tick_size trade_tick_value expiration_time spread",
)
Tick = namedtuple("Tick", "time bid ask last volume time_msc flags volume_real")


@dataclass
class Fault:
    """Something that goes wrong at the ``at``-th call of ``call`` (any, if ``*``), from 1.

    ``kind`` is ``code`` (fail with ``value``, an error code), ``disconnect`` (the same with
    -10004, until ``initialize``), ``raise`` (as a bridge does), ``empty``, ``block`` and
    ``block_gil`` (for ``value`` seconds), ``die``. ``times`` calls in a row are hit. ``life``
    limits it to the n-th process, from 0, that opens the scenario's ``lives`` file.
    """

    call: str
    at: int
    kind: str
    value: float = 0
    times: int = 1
    life: int | None = None


@dataclass
class Scenario:
    """What the terminal is like.

    ``now`` is the server's wall clock as long as its offset is that of Brasilia, in which the
    market lives; None takes this machine's clock. ``offsets`` lists ``[since, seconds]``: from
    the Brasilia time ``since`` on, the server's clock is UTC plus ``seconds``. Bars come from
    ``parquet`` or are generated for trading days, the same for a day whatever the span: ``days`` of
    them up to ``now``. ``others`` are symbols with the same bars; after ``last_tick`` none ticks.
    """

    now: str | None = None
    symbol: str = "WIN$N"
    others: list[str] = field(default_factory=list)
    last_tick: str | None = None
    minutes: int = 5
    days: int = 70
    opens: str = "09:00"
    closes: str = "18:25"
    holidays: list[str] = field(default_factory=list)
    parquet: str | None = None
    tick_size: float = 5.0
    tick_value: float = 1.0
    login: int = 1234
    password: str = "secret"
    server: str = "XPMT5-DEMO"
    path: str = "C:\\Program Files\\MetaTrader 5"
    connected: bool = True
    maxbars: int = 100_000
    depth: int | None = None
    initialize: list[int] = field(default_factory=list)
    offsets: list[tuple[str, int]] = field(default_factory=list)
    revised: dict[str, dict[str, float]] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    lazy_start: int | None = None
    lazy_step: int = 100
    empty_first: int = 0
    fail_first: int = 0
    faults: list[Fault] = field(default_factory=list)
    lives: str | None = None


def epoch(wall: str | datetime) -> int:
    """Return a wall clock as the API writes it."""
    moment = datetime.fromisoformat(wall) if isinstance(wall, str) else wall
    return int(moment.replace(tzinfo=UTC).timestamp())


@lru_cache(maxsize=512)
def generate_day(day: date, opens: str, closes: str, minutes: int) -> NDArray[Any]:
    """Return the bars of one day in Brasilia time; the same for ever."""
    first, end = epoch(f"{day} {opens}"), epoch(f"{day} {closes}")
    count = (end - first) // (60 * minutes)
    random = np.random.default_rng(day.toordinal())
    steps = random.integers(-12, 13, (count, 3))
    close = 120_000 + 5 * (day.toordinal() % 199) + 5 * np.cumsum(steps[:, 0])
    bars = np.zeros(count, RATES)
    bars["time"] = first + 60 * minutes * np.arange(count)
    bars["open"] = np.concatenate([[close[0]], close[:-1]])
    bars["close"] = close
    bars["high"] = np.maximum(bars["open"], close) + 5 * np.abs(steps[:, 1])
    bars["low"] = np.minimum(bars["open"], close) - 5 * np.abs(steps[:, 2])
    bars["tick_volume"] = random.integers(500, 5_000, count)
    bars["real_volume"] = random.integers(1_000, 50_000, count)
    bars["spread"] = 5
    return bars


class FakeTerminal:
    """One terminal and the package's view of it."""

    def __init__(self, scenario: Scenario | None = None, **changes: Any) -> None:
        self.scenario = scenario or Scenario(**changes)
        self.calls: Counter[str] = Counter()
        self.log: list[str] = []
        self.connected = False
        self.account: int | None = None
        self.error = (LOST, TEXTS[LOST])
        self.rate_calls = 0
        self.life = _count_life(self.scenario.lives)
        self._refusals = list(self.scenario.initialize)
        self.move_clock(self.scenario.now)

    # The clock

    def move_clock(self, now: str | None) -> None:
        """Set the Brasilia time; it stands still from then on."""
        self._now = None if now is None else epoch(now)

    def utc(self) -> float:
        """Return this machine's clock, as the adapter should see it."""
        return time.time() if self._now is None else self._now - BRASILIA

    def _market_now(self) -> int:
        return int(self.utc()) + BRASILIA

    def _server(self, market: NDArray[Any] | int) -> Any:
        """Return Brasilia times as the server's clock writes them."""
        shift = np.zeros_like(market)
        for since, seconds in self.scenario.offsets:
            shift = np.where(market >= epoch(since), seconds - BRASILIA, shift)
        return market + shift

    # Connection

    def initialize(self, path: str | None = None, /, **options: Any) -> bool:
        if self._fault("initialize") is not None:
            return False
        if self._refusals:
            return bool(self._fail(self._refusals.pop(0), answer=False))
        given = (options.get("login"), options.get("password"), options.get("server"))
        allowed = (self.scenario.login, self.scenario.password, self.scenario.server)
        if given[0] is not None and given != allowed:
            return bool(self._fail(REFUSED, answer=False))
        self.connected, self.rate_calls = True, 0
        return bool(self._done(True))

    def login(self, login: int, /, **options: Any) -> bool:
        known = (self.scenario.login, self.scenario.password, self.scenario.server)
        if (login, options.get("password"), options.get("server")) != known:
            return bool(self._fail(REFUSED, answer=False))
        return bool(self._done(True))

    def shutdown(self) -> None:
        self._note("shutdown")
        self.connected = False

    def last_error(self) -> tuple[int, str]:
        return self.error

    def account_info(self) -> Any:
        if self._is_out("account_info"):
            return None
        return self._done(AccountInfo(self.scenario.login, self.scenario.server, "XP", "BRL"))

    def terminal_info(self) -> Any:
        if self._is_out("terminal_info"):
            return None
        scenario = self.scenario
        return self._done(
            TerminalInfo(scenario.path, scenario.connected, scenario.maxbars, 5_000, "MetaTrader 5")
        )

    # Symbols

    def symbol_select(self, symbol: str, enable: bool = True, /) -> bool:
        if self._is_out("symbol_select"):
            return False
        known = self._knows(symbol)
        return bool(self._done(True) if known else self._fail(NOT_FOUND, answer=False))

    def _knows(self, symbol: str) -> bool:
        return symbol in (self.scenario.symbol, *self.scenario.others)

    def symbols_get(self, *, group: str = "*") -> Any:
        if self._is_out("symbols_get"):
            return None
        return self._done((self._info(),))

    def symbol_info(self, symbol: str, /) -> Any:
        if self._is_out("symbol_info"):
            return None
        return self._done(self._info()) if self._knows(symbol) else self._fail(NOT_FOUND)

    def _info(self) -> Any:
        tick, value = self.scenario.tick_size, self.scenario.tick_value
        return SymbolInfo(self.scenario.symbol, True, True, tick, 0, tick, value, 0, 5)

    def symbol_info_tick(self, symbol: str, /) -> Any:
        if self._is_out("symbol_info_tick"):
            return None
        if not self._knows(symbol):
            return self._fail(NOT_FOUND)
        bars = self._visible(self.scenario.minutes)
        if not len(bars):
            return self._done(Tick(0, 0.0, 0.0, 0.0, 0, 0, 0, 0.0))
        end = int(bars["time"][-1]) + 60 * self.scenario.minutes - 1
        frozen = self.scenario.last_tick
        latest = end if frozen is None else min(end, epoch(frozen))
        last = int(self._server(min(self._market_now(), latest)))
        price = float(bars["close"][-1])
        return self._done(Tick(last, price, price, price, 1, 1_000 * last, 0, 1.0))

    # Bars

    def copy_rates_from_pos(self, symbol: str, timeframe: int, start: int, count: int, /) -> Any:
        bars = self._history("copy_rates_from_pos", symbol, timeframe, count)
        if bars is None:
            return None
        end = len(bars) - start
        return self._done(bars[max(end - count, 0) : max(end, 0)].copy())

    def copy_rates_from(self, symbol: str, timeframe: int, when: Any, count: int, /) -> Any:
        bars = self._history("copy_rates_from", symbol, timeframe, count)
        if bars is None:
            return None
        return self._done(bars[bars["time"] <= _seconds(when)][-count:].copy())

    def copy_rates_range(self, symbol: str, timeframe: int, start: Any, end: Any, /) -> Any:
        first, last = _seconds(start), _seconds(end)
        span = (last - first) // (60 * _minutes(timeframe))
        bars = self._history("copy_rates_range", symbol, timeframe, span)
        if bars is None:
            return None
        return self._done(bars[(bars["time"] >= first) & (bars["time"] <= last)].copy())

    def _history(self, call: str, symbol: str, timeframe: int, count: int) -> Any:
        """Return every bar that is loaded, in server time; None after a failure."""
        if self._is_out(call):
            return None
        self.rate_calls += 1
        if not self._knows(symbol):
            return self._fail(NOT_FOUND)
        if count >= self.scenario.maxbars:
            return self._fail(INVALID)
        if self.rate_calls <= self.scenario.fail_first:
            return self._fail(FAILED)
        bars = self._visible(_minutes(timeframe))
        if self.scenario.depth is not None:
            bars = bars[-self.scenario.depth :]
        if self.scenario.lazy_start is not None:
            loaded = self.scenario.lazy_start + self.scenario.lazy_step * (self.rate_calls - 1)
            bars = bars[max(len(bars) - loaded, 0) :]
        if self.rate_calls <= self.scenario.empty_first or self._is_empty:
            bars = bars[:0]
        bars["time"] = self._server(bars["time"])
        return bars

    def _visible(self, minutes: int) -> NDArray[Any]:
        """Return the bars that have begun, the forming one as far as it is, in Brasilia time."""
        now = self._market_now()
        bars = self._source[self._source["time"] <= now].copy()
        if len(bars) and bars["time"][-1] + 60 * self.scenario.minutes > now:
            bars["close"][-1] = bars["low"][-1] + 5 * (sum(self.calls.values()) % 3)
            bars["tick_volume"][-1] = 1 + sum(self.calls.values())
        for when, values in self.scenario.revised.items():
            for name, value in values.items():
                bars[name][bars["time"] == epoch(when)] = value
        bars = bars[~np.isin(bars["time"], [epoch(when) for when in self.scenario.missing])]
        return bars if minutes == self.scenario.minutes else _aggregate(bars, minutes)

    @cached_property
    def _source(self) -> NDArray[Any]:
        if self.scenario.parquet is not None:
            return _read_parquet(self.scenario.parquet)
        today = datetime.fromtimestamp(self._market_now(), UTC).date()
        days = [today + timedelta(days=1)]  # tomorrow's bars appear when the clock moves on
        while len(days) <= self.scenario.days:
            days.append(days[-1] - timedelta(days=1))
            while not is_trading_day(days[-1]) or str(days[-1]) in self.scenario.holidays:
                days[-1] -= timedelta(days=1)
        setting = (self.scenario.opens, self.scenario.closes, self.scenario.minutes)
        return np.concatenate([generate_day(day, *setting) for day in sorted(set(days))])

    # Faults

    _is_empty = False

    def _is_out(self, call: str) -> bool:
        """Count a call; whether it fails before it begins."""
        if self._fault(call) is not None:
            return True
        if not self.connected:
            self._fail(LOST)
            return True
        return False

    def _fault(self, call: str) -> Fault | None:
        self._note(call)
        self._is_empty = False
        for fault in self.scenario.faults:
            made = sum(self.calls.values()) if fault.call == "*" else self.calls[call]
            hit = fault.call in ("*", call) and fault.at <= made < fault.at + fault.times
            if hit and fault.life in (None, self.life) and self._apply(fault):
                return fault
        return None

    def _apply(self, fault: Fault) -> bool:
        """Do what a fault does; whether the call fails of it."""
        if fault.kind == "die":
            os._exit(9)
        if fault.kind == "raise":
            raise EOFError("stream has been closed")
        if fault.kind == "block":
            time.sleep(fault.value)
        elif fault.kind == "block_gil":
            ctypes.PyDLL(None).sleep(int(fault.value))
        elif fault.kind == "empty":
            self._is_empty = True
        else:
            self.connected = self.connected and fault.kind != "disconnect"
            self._fail(LOST if fault.kind == "disconnect" else int(fault.value))
            return True
        return False

    def _note(self, call: str) -> None:
        self.calls[call] += 1
        self.log.append(call)

    def _fail(self, code: int, *, answer: Any = None) -> Any:
        self.error = (code, TEXTS.get(code, "Unknown"))
        return answer

    def _done(self, answer: Any) -> Any:
        self.error = (1, TEXTS[1])
        return answer


def _minutes(timeframe: int) -> int:
    return timeframe if timeframe < 0x4000 else 60 * (timeframe - 0x4000)


def _seconds(when: Any) -> int:
    # A naive datetime is taken for this machine's own zone, as the package does.
    return int(when.timestamp() if isinstance(when, datetime) else when)


def _aggregate(bars: NDArray[Any], minutes: int) -> NDArray[Any]:
    keys = bars["time"] // (60 * minutes) * (60 * minutes)
    starts = np.flatnonzero(np.diff(keys, prepend=-1))
    whole = bars[starts].copy()
    whole["time"] = keys[starts]
    if len(whole):
        ends = np.append(starts[1:], len(bars)) - 1
        whole["close"] = bars["close"][ends]
        whole["high"] = np.maximum.reduceat(bars["high"], starts)
        whole["low"] = np.minimum.reduceat(bars["low"], starts)
        for name in ("tick_volume", "real_volume"):
            whole[name] = np.add.reduceat(bars[name], starts)
    return whole


def _read_parquet(path: str) -> NDArray[Any]:
    import polars as pl

    frame = pl.read_parquet(path)
    bars = np.zeros(frame.height, RATES)
    bars["time"] = frame["time"].dt.epoch("s")
    for name in ("open", "high", "low", "close"):
        bars[name] = frame[name]
    for name in ("tick_volume", "spread", "real_volume"):
        bars[name] = frame[name].fill_null(0)
    return bars


def _count_life(path: str | None) -> int:
    """Return how many processes have opened the file before, and count this one."""
    if path is None:
        return 0
    file = Path(path)
    lives = int(file.read_text()) if file.exists() else 0
    file.write_text(str(lives + 1))
    return lives


@lru_cache(maxsize=1)
def _from_environment() -> FakeTerminal:
    setting = json.loads(Path(os.environ["FAKE_MT5"]).read_text())
    faults = [Fault(**fault) for fault in setting.pop("faults", [])]
    fake = FakeTerminal(Scenario(**setting, faults=faults))
    if fake.scenario.now is not None:
        time.time = fake.utc
    return fake


def __getattr__(name: str) -> Any:
    if name == "terminal":
        return _from_environment()
    if name.startswith("_"):
        raise AttributeError(name)
    return getattr(_from_environment(), name)


if "FAKE_MT5" in os.environ:
    _from_environment()  # now, before anybody keeps a reference to the clock
