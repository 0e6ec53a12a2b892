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
from alertlib.market.instruments import Instrument, find_instrument
from runners.live.feed.base import Bars, Key, Origin, Position, configured_streams
from runners.mt5.client import Rates, TerminalClient
from runners.mt5.rules import wall_clock
from runners.mt5.server_clock import ServerClock, tell_clock

SILENT_SECONDS = 10.0
"""How long a question may take before it counts as trouble."""
NOTICED_SECONDS = 2.0
"""The same once it is known that a connection or a worker has to be made anew."""
_RETRY_SECONDS, _REFUSED_SECONDS = 2.0, 30.0

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
        self._instruments = {
            (symbol, timeframe): find_instrument(symbol, timeframe, config.data.symbols)
            for symbol, timeframe in configured_streams(config)
        }
        self._client = TerminalClient(environ, retries=None, notice=self._notice)
        # Its one thread only waits for the worker.
        self._thread = ThreadPoolExecutor(1, "mt5-feed")
        self._closed = asyncio.Event()
        self._asked_at: float | None = None
        self._has_answered = False
        self._notified = ""
        self._trouble: str | None = None
        self._warnings: dict[Key, str | None] = {}
        self._clock: tuple[datetime, float] | None = None

    @property
    def pid(self) -> int | None:
        """Process number of the worker."""
        return self._client.pid

    @property
    def trouble(self) -> str | None:
        """Why no bars are coming; None if all is well."""
        if self._trouble is not None:
            return self._trouble
        asked_at = self._asked_at
        waiting = 0.0 if asked_at is None else time.monotonic() - asked_at
        if waiting < (NOTICED_SECONDS if self._notified else SILENT_SECONDS):
            return None
        return f"no answer from the terminal for {waiting:.0f} s" + (
            f" ({self._notified})" if self._notified else ""
        )

    async def open(self) -> list[Origin]:
        """Return the configured streams; whether the terminal has them shows later."""
        return [Origin(key) for key in self._instruments]

    async def bars(self, positions: Mapping[Key, Position]) -> AsyncIterator[Bars]:
        """Look for news of every stream, for ever."""
        loop = asyncio.get_running_loop()
        while not self._closed.is_set():
            pause = self._live.poll_seconds
            for key in self._instruments:
                try:
                    self._asked_at = time.monotonic()
                    found = await loop.run_in_executor(
                        self._thread, self._look, key, positions.get(key, Position())
                    )
                except (AlertlibError, RuntimeError) as error:
                    if self._closed.is_set():
                        return
                    pause = self._failed(error)
                    break
                finally:
                    self._asked_at = None
                self._worked()
                if found.bars:
                    yield found
                if self._closed.is_set():
                    return
            await self._rest(pause)

    def now(self) -> datetime:
        """Return the exchange's wall clock, as the terminal told it last."""
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

    # In the feed's thread

    def _look(self, key: Key, position: Position) -> Bars:
        instrument = self._instruments[key]
        clock = self._tell_clock(key)
        if not position.is_warm:
            return self._history(key, instrument, clock, position.last)
        assert position.since is not None
        rates = self._closed_since(key, instrument, clock, position.since)
        # New ones are seen now, not when they were asked for: a connection may have been lost in
        # between and waited for.
        if rates and (position.last is None or rates[-1].time > position.last):
            clock = self._tell_clock(key)
        return Bars([(key, bar) for bar in rates], clock.now)

    def _tell_clock(self, key: Key) -> ServerClock:
        clock = tell_clock(*self._client.clock(key[0]), self._instruments[key])
        self._clock = clock.now, time.monotonic()
        self._warn(key, clock.warning)
        return clock

    def _closed_since(
        self, key: Key, instrument: Instrument, clock: ServerClock, since: datetime
    ) -> list[Bar]:
        start, bars = calendar.timegm(since.timetuple()), []
        while True:
            page = self._client.closed_bars(
                key[0], instrument.minutes, start, clock.closing_offset, self._live.grace_seconds
            )
            bars += _bars(page)
            if page.newest is None or page.through >= page.newest:
                return bars
            start = page.through + 60 * instrument.minutes

    def _history(
        self, key: Key, instrument: Instrument, clock: ServerClock, last: datetime | None
    ) -> Bars:
        """Return history to warm the detectors up, and what came after ``last``."""
        count = self._live.warmup_bars + 2
        if last is not None:
            count += max(0, (clock.now - last) // timedelta(minutes=instrument.minutes))
        limit = int(self._client.identity()["page"])
        if count > limit:
            _log.warning(
                "history is longer than the terminal gives at once",
                extra={"symbol": key[0], "wanted": count, "taken": limit},
            )
        page = self._client.history(
            key[0],
            instrument.minutes,
            None,
            min(count, limit),
            clock.closing_offset,
            self._live.grace_seconds,
        )
        return Bars([(key, bar) for bar in _bars(page)], clock.now, is_history=last is None)

    # What is said about it

    def _notice(self, text: str) -> None:
        self._notified = text
        _log.warning("terminal", extra={"reason": text})

    def _warn(self, key: Key, warning: str | None) -> None:
        if warning is not None and warning != self._warnings.get(key):
            _log.warning("terminal clock", extra={"reason": warning})
        self._warnings[key] = warning

    def _failed(self, error: Exception) -> float:
        """Note an error and return the seconds to wait; raises it if it is one of set-up."""
        if isinstance(error, ConfigError) and not self._has_answered:
            raise error
        if str(error) != self._trouble:
            _log.error("feed failed", extra={"reason": str(error)})
        self._trouble = str(error)
        return _REFUSED_SECONDS if isinstance(error, ConfigError) else _RETRY_SECONDS

    def _worked(self) -> None:
        if self._trouble is not None or self._notified:
            _log.warning("feed works again")
        self._has_answered, self._trouble, self._notified = True, None, ""


def _bars(page: Rates) -> list[Bar]:
    return [
        Bar(wall_clock(r.time), r.open, r.high, r.low, r.close, r.tick_volume, r.real_volume)
        for r in page.rows()
    ]
