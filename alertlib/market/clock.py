"""The exchange's clock: its zone, days and minutes by number, and the ISO forms of times.

Bar times are the exchange's wall clock, naive in columns and with their offset in JSON; what the
daemon does is stamped in UTC with a ``Z``.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from alertlib.errors import ConfigError

EXCHANGE_ZONE = "America/Sao_Paulo"
EPOCH = date(1970, 1, 1)
MINUTES_PER_DAY = 1_440

_EPOCH_ORDINAL = EPOCH.toordinal()


@cache
def exchange_zone() -> ZoneInfo:
    """Return the exchange's zone; read from the disk once, and only where it is needed.

    Raises
    ------
    ConfigError
        This machine has no table of zones: Windows, or a slim container, without ``tzdata``.
    """
    try:
        return ZoneInfo(EXCHANGE_ZONE)
    except (ZoneInfoNotFoundError, OSError, ValueError) as error:
        raise ConfigError(
            f"time zone {EXCHANGE_ZONE}: not found on this machine; expected the system's table of "
            "zones or the tzdata package; run pip install tzdata"
        ) from error


def day_number(day: date) -> int:
    """Return the days from 1970-01-01 to ``day``."""
    return day.toordinal() - _EPOCH_ORDINAL


def date_of(day: int) -> date:
    """Return the date that lies ``day`` days after 1970-01-01."""
    return date.fromordinal(_EPOCH_ORDINAL + day)


def with_offset(wall: datetime) -> str:
    """Return exchange wall clock in ISO form with its offset, as times are written in JSON."""
    return wall.replace(tzinfo=exchange_zone()).isoformat()


def exchange_time(time: datetime) -> datetime:
    """Return ``time`` in the exchange's zone; one without a zone is its wall clock."""
    zone = exchange_zone()
    return time.replace(tzinfo=zone) if time.tzinfo is None else time.astimezone(zone)


def utc_stamp(seconds: float) -> str:
    """Return seconds since 1970 as UTC in ISO form: six decimals and a ``Z``."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
