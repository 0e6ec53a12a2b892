"""An alert, as it is delivered, scored and stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any

# Part of every alert's identity: raised whenever a kernel may give another signal on old bars.
KERNEL_VERSION = "1"


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert. Prices in points; times are exchange wall clock, naive.

    Attributes
    ----------
    id : str
        32 hex digits; the same bars give the same id, in a backtest and live.
    time : datetime
        Close of the alert's bar: the first moment at which it could be known.
    bar_time : datetime
        Open of that bar.
    symbol, timeframe, pattern : str
    direction : int
        +1 up, -1 down.
    severity : str
        ``CRITICO``, ``ALTO`` or ``MEDIO``.
    confidence : float
        0 to 0.95, in whole hundredths.
    price : float
        Close of the bar.
    entry_min, entry_max, stop, target : float
        The trade it proposes, fixed for good.
    risk_reward : float
        Distance to the target over distance to the stop.
    agreeing : tuple of str
        Patterns that signalled the same direction on the same bar.
    """

    id: str
    time: datetime
    bar_time: datetime
    symbol: str
    timeframe: str
    pattern: str
    direction: int
    severity: str
    confidence: float
    price: float
    entry_min: float
    entry_max: float
    stop: float
    target: float
    risk_reward: float
    agreeing: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as a dict, times still datetimes."""
        return {name: getattr(self, name) for name in self.__slots__}


@lru_cache(maxsize=64)
def _stream_hash(symbol: str, timeframe: str, pattern: str, direction: int) -> Any:
    return sha256(f"{symbol}|{timeframe}|{pattern}|{direction:+d}|".encode())


def alert_id(symbol: str, timeframe: str, pattern: str, direction: int, bar_time: str) -> str:
    """Return an alert's identity.

    Parameters
    ----------
    symbol, timeframe, pattern : str
    direction : int
    bar_time : str
        Open of its bar, ``YYYY-MM-DDTHH:MM``, exchange wall clock.
    """
    digest = _stream_hash(symbol, timeframe, pattern, direction).copy()
    digest.update(f"{bar_time}|{KERNEL_VERSION}".encode())
    return str(digest.hexdigest()[:32])
