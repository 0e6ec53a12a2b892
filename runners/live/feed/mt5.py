"""Closed bars of a MetaTrader 5 terminal, asked of the worker process that owns it."""

from __future__ import annotations

import asyncio
import calendar
import logging
import os
import time
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from alertlib.config import Config
from alertlib.detection.bar import Bar
from alertlib.errors import AlertlibError, ConfigError
from alertlib.market.clock import exchange_zone
from alertlib.market.instruments import find_instrument
from runners.live.feed.base import Bars, Key, Origin, Position, configured_streams
from runners.live.feed.mt5_stream import Mt5Stream
from runners.mt5.client import Rates, TerminalClient
from runners.mt5.rules import wall_clock
from runners.mt5.server_clock import ServerClock, SteadyClock, exchange_offset, tell_clock

SILENT_SECONDS = 10.0
"""How long a question may take before it counts as trouble."""
NOTICED_SECONDS = 2.0
"""The same once it is known that a connection or a worker has to be made anew."""
LOADING_SECONDS = 60.0
"""How long a history may take to come."""

_log = logging.getLogger("alertas.feed")


class Mt5Feed:
    """Polls the terminal for closed bars. Connects with the first question.

    Parameters
    ----------
    config : Config
    environ : mapping
        Credentials and module, for the worker.
    """

    def __init__(self, config: Config, environ: Mapping[str, str] = os.environ) -> None:
        self._live = config.live
        self._streams = {
            (symbol, timeframe): Mt5Stream(find_instrument(symbol, timeframe, config.data.symbols))
            for symbol, timeframe in configured_streams(config)
        }
        self._client = TerminalClient(environ, retries=None, notice=self._notice, is_patient=False)
        # Its one thread only waits for the worker.
        self._thread = ThreadPoolExecutor(1, "mt5-feed")
        self._closed = asyncio.Event()
        self._asked: tuple[Key, float] | None = None
        self._notified = ""
        self._warnings: dict[Key, str | None] = {}
        self._steady = SteadyClock()
        self._offsets: dict[Key, int] = {}
        self._clock: tuple[datetime, float] | None = None

    @property
    def pid(self) -> int | None:
        """Process number of the worker."""
        return self._client.pid

    def trouble(self, key: Key) -> str | None:
        """Return why bars of a stream are not coming; None if all is well."""
        now = time.monotonic()
        return self._wait(now) or self._streams[key].trouble(self.now(), now)

    def is_loading(self, key: Key) -> bool:
        """Whether what a stream missed so far is still on its way."""
        return self._streams[key].is_loading

    async def source(self) -> dict[str, object]:
        """Return nothing: the terminal's account is no file."""
        return {}

    async def open(self) -> list[Origin]:
        """Return the configured streams; whether the terminal has them shows later."""
        return [Origin(key) for key in self._streams]

    async def bars(self, positions: Mapping[Key, Position]) -> AsyncIterator[Bars]:
        """Look for news of every stream, for ever. One that fails does not keep the others."""
        while not self._closed.is_set():
            for key, stream in self._streams.items():
                if time.monotonic() < stream.due:
                    continue
                found = await self._ask(key, positions.get(key, Position()))
                if found is not None and found.bars:
                    yield found
                if self._closed.is_set():
                    return
                # Only now is what came on disk, and the cursor where it belongs.
                stream.is_loading = stream.is_loading and found is None
            await self._rest(self._live.poll_seconds)

    def now(self) -> datetime:
        """Return the exchange's wall clock."""
        if self._clock is None:
            return datetime.now(UTC).astimezone(exchange_zone()).replace(tzinfo=None)
        told, at = self._clock
        return told + timedelta(seconds=time.monotonic() - at)

    async def close(self) -> None:
        """Leave the terminal; a question that waits for it ends."""
        self._closed.set()
        await asyncio.to_thread(self._client.close)
        self._thread.shutdown(wait=False)

    async def _rest(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._closed.wait()
        except TimeoutError:
            return

    async def _ask(self, key: Key, position: Position) -> Bars | None:
        """Return what is new of a stream; None if that cannot be known now."""
        stream, loop = self._streams[key], asyncio.get_running_loop()
        self._asked = key, time.monotonic()
        try:
            found = await loop.run_in_executor(self._thread, self._look, key, position)
        except (AlertlibError, OSError, RuntimeError) as error:
            if not self._closed.is_set():
                self._failed(key, error)
            return None
        finally:
            self._asked = None
        if stream.error is not None or self._notified:
            _log.warning("feed works again", extra={"symbol": key[0]})
        self._notified = ""
        stream.worked(time.monotonic(), has_bars=bool(found.bars) or position.is_warm)
        return found

    # In the feed's thread

    def _look(self, key: Key, position: Position) -> Bars:
        clock = self._tell_clock(key)
        if not position.is_warm:
            return self._history(key, clock, position.last)
        assert position.since is not None
        rates = self._closed_since(key, clock, position.since)
        # New ones are seen now, not when they were asked for: a connection may have been lost in
        # between and waited for.
        if rates and (position.last is None or rates[-1].time > position.last):
            clock = self._tell_clock(key)
        return Bars([(key, bar) for bar in rates], _earliest(clock))

    def _tell_clock(self, key: Key) -> ServerClock:
        stream, (told, tick, connected) = self._streams[key], self._client.clock(key[0])
        now = time.monotonic()
        offset = exchange_offset(told, stream.instrument)
        offset = self._offsets.get(key) if offset is None else offset
        utc = self._steady.tell(told, now, tick, offset)
        clock = tell_clock(utc, tick, stream.instrument)
        if clock.offset is not None:
            self._offsets[key] = clock.offset
        self._clock = clock.exchange or clock.now, now
        stream.saw(clock, tick, now, connected=connected)
        self._warn(key, clock.warning)
        if clock.closing_offset is not None:  # the worker closes bars by the clock it told
            clock = clock._replace(closing_offset=round(clock.closing_offset + utc - told))
        return clock

    def _closed_since(self, key: Key, clock: ServerClock, since: datetime) -> list[Bar]:
        minutes = self._streams[key].instrument.minutes
        start, bars = calendar.timegm(since.timetuple()), []
        while True:
            page = self._client.closed_bars(
                key[0], minutes, start, clock.closing_offset, self._live.grace_seconds
            )
            bars += _bars(page)
            if page.newest is None or page.through >= page.newest:
                return bars
            start = page.through + 60 * minutes

    def _history(self, key: Key, clock: ServerClock, last: datetime | None) -> Bars:
        """Return history to warm the detectors up, and all that came after ``last``."""
        minutes = self._streams[key].instrument.minutes
        count, limit = self._live.warmup_bars + 2, int(self._client.identity()["page"])
        if count > limit:
            _log.warning(
                "history is longer than the terminal gives at once",
                extra={"symbol": key[0], "wanted": count, "taken": limit},
            )
        end = None if last is None else calendar.timegm(last.timetuple())
        page = self._client.history(
            key[0], minutes, end, min(count, limit), clock.closing_offset, self._live.grace_seconds
        )
        bars = _bars(page)
        if last is not None:
            bars += [bar for bar in self._closed_since(key, clock, last) if bar.time > last]
        return Bars(
            [(key, bar) for bar in bars], _earliest(clock), is_history=last is None, is_all=True
        )

    # What is said about it

    def _wait(self, now: float) -> str | None:
        """Return that a question waits for its answer, once it does so for long."""
        asked = self._asked
        if asked is None:
            return None
        key, at = asked
        stream = self._streams[key]
        patience = LOADING_SECONDS if stream.is_loading and stream.has_clock else SILENT_SECONDS
        waiting = now - at
        if waiting < (NOTICED_SECONDS if self._notified else patience):
            return None
        said = f"no answer from the terminal for {waiting:.0f} s"
        return f"{said} ({self._notified})" if self._notified else said

    def _notice(self, text: str) -> None:
        self._notified = text
        _log.warning("terminal", extra={"reason": text})

    def _warn(self, key: Key, warning: str | None) -> None:
        if warning is not None and warning != self._warnings.get(key):
            _log.warning("terminal clock", extra={"reason": warning})
        self._warnings[key] = warning

    def _failed(self, key: Key, error: Exception) -> None:
        """Note an error; raises one of set-up that leaves nothing to follow."""
        stream = self._streams[key]
        if str(error) != str(stream.error):
            _log.error("feed failed", extra={"symbol": key[0], "reason": str(error)})
        stream.failed(error, time.monotonic())
        others = self._streams.values()
        if all(isinstance(s.error, ConfigError) and not s.has_answered for s in others):
            raise error


def _earliest(clock: ServerClock) -> datetime:
    """Return the earlier of the server's clock and the exchange's: by it a bar is neither called
    late because this machine's clock is fast, nor closed because the server's is."""
    return clock.now if clock.exchange is None else min(clock.now, clock.exchange)


def _bars(page: Rates) -> list[Bar]:
    return [
        Bar(wall_clock(r.time), r.open, r.high, r.low, r.close, r.tick_volume, r.real_volume)
        for r in page.rows()
    ]
