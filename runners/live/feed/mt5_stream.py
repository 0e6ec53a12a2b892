"""What is known of one stream of a terminal: its errors, its pauses, its last tick."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from alertlib.detection.staleness import is_open_within, seconds_expecting_ticks
from alertlib.errors import ConfigError
from alertlib.market.futures import say_if_over
from alertlib.market.instruments import Instrument
from runners.mt5.rules import wall_clock
from runners.mt5.server_clock import ServerClock

SILENT_SECONDS = 90.0
"""How long no tick may come in an open session."""
FAILING_SECONDS = 10.0
"""How long a stream may fail before it counts as trouble; one that is unknown counts at once."""
BEFORE_OPEN = timedelta(minutes=15)
"""From when before a session the terminal has to be connected."""

_FIRST_PAUSE, _LONGEST_PAUSE = 2.0, 30.0


@dataclass(slots=True)
class Mt5Stream:
    """One symbol at one timeframe; ``now`` is always seconds of a clock that never jumps.

    Attributes
    ----------
    has_answered : bool
        It has been there at least once.
    is_loading : bool
        What it missed while the daemon was not running has not come yet.
    due : float
        When it is to be asked next.
    """

    instrument: Instrument
    has_answered: bool = False
    is_loading: bool = True
    due: float = 0.0
    error: Exception | None = None
    _failing_since: float = 0.0
    _pause: float = _FIRST_PAUSE
    _clock: ServerClock | None = None
    _tick: int | None = None
    _ticked_at: float = 0.0
    _has_fresh_ticks: bool = False
    _is_connected: bool = True

    @property
    def has_clock(self) -> bool:
        """Whether the terminal has told the time: whatever it is asked next, it is there."""
        return self._clock is not None

    def failed(self, error: Exception, now: float) -> None:
        """Note an error; the pause until the next question grows with each in a row."""
        if self.error is None:
            self._failing_since = now
        self.error = error
        is_refused = isinstance(error, ConfigError)
        self.due = now + (_LONGEST_PAUSE if is_refused else self._pause)
        self._pause = min(2.0 * self._pause, _LONGEST_PAUSE)

    def worked(self, now: float, *, has_bars: bool) -> None:
        """Note an answer. A symbol without any bars is asked again after a pause."""
        self.error, self._pause, self.has_answered = None, _FIRST_PAUSE, True
        self.due = now if has_bars else now + _FIRST_PAUSE

    def saw(self, clock: ServerClock, tick: int | None, now: float, *, connected: bool) -> None:
        """Note the last tick and what it says of the clock."""
        if tick != self._tick or not self._ticked_at:
            self._tick, self._ticked_at = tick, now
        # A clock that a tick has confirmed can tell how old the next one is.
        self._has_fresh_ticks = self._has_fresh_ticks or clock.ahead == 0
        self._clock, self._is_connected = clock, connected

    def trouble(self, wall: datetime, now: float) -> str | None:
        """Return why no bars are coming; None if all is well.

        Parameters
        ----------
        wall : datetime
            Exchange wall clock.
        now : float
        """
        said = self._error(now) or self._connection(wall) or self._off() or self._silence(wall, now)
        return said and said + say_if_over(self.instrument.symbol, wall.date())

    def _error(self, now: float) -> str | None:
        if self.error is None:
            return None
        lasts = now - self._failing_since >= FAILING_SECONDS
        return str(self.error) if lasts or isinstance(self.error, ConfigError) else None

    def _connection(self, wall: datetime) -> str | None:
        if self._is_connected or not is_open_within(self.instrument, wall, BEFORE_OPEN):
            return None
        return "the terminal has no connection to its broker"

    def _off(self) -> str | None:
        return self._clock.warning if self._clock is not None and self._clock.is_off else None

    def _silence(self, wall: datetime, now: float) -> str | None:
        if self._clock is None:
            return None
        since = now - self._ticked_at
        if self._has_fresh_ticks and self._tick is not None:
            since = max(since, (wall - datetime(1970, 1, 1)).total_seconds() - self._tick)
        silent = min(since, seconds_expecting_ticks(self.instrument, wall))
        if silent < SILENT_SECONDS:
            return None
        last = "" if self._tick is None else f" since {wall_clock(self._tick):%Y-%m-%d %H:%M:%S}"
        return f"{self.instrument.symbol}: no tick{last} in an open session"
