"""Options of ``python -m runners.audit``: anchors, times, which events to show."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from alertlib.errors import ConfigError
from runners.live.database.chain import Record

_ANCHOR = re.compile(r"([0-9]{1,20}):([0-9a-f]{64})")
_WEBSOCKET_KINDS = ("client_", "operator_action")


class Filter(NamedTuple):
    """Which events to show; None is no limit."""

    since: str | None
    until: str | None
    pattern: str | None
    channel: str | None

    def accepts(self, record: Record) -> bool:
        """Return whether ``record`` is to be shown."""
        if self.since is not None and record.ts < self.since:
            return False
        if self.until is not None and record.ts >= self.until:
            return False
        if self.pattern is None and self.channel is None:
            return True
        data = data_of(record)
        channel = data.get("channel")
        if channel is None and record.kind.startswith(_WEBSOCKET_KINDS):
            channel = "websocket"
        return self.pattern in (None, data.get("pattern")) and self.channel in (None, channel)


def parse_anchor(text: str | None) -> tuple[int, str] | None:
    """Return number and hash of ``SEQ:HASH``; ConfigError if it is none."""
    if text is None:
        return None
    match = _ANCHOR.fullmatch(text.strip().lower())
    if match is None:
        raise ConfigError(
            f"--anchor {text!r}: expected SEQ:HASH with 64 hex digits, as printed by "
            "python -m runners.audit head"
        )
    return int(match[1]), match[2]


def parse_bound(text: str | None, option: str, *, end: bool = False) -> str | None:
    """Return a time as the log writes it; a bare date is its beginning, or with ``end`` its end."""
    if text is None:
        return None
    moment = _parse_moment(text, option)
    try:
        if end and _is_bare_date(text):
            moment += timedelta(days=1)
        plain = moment.astimezone(UTC).replace(tzinfo=None)
    except OverflowError:
        raise ConfigError(f"{option} {text!r}: beyond the calendar; leave it out") from None
    return f"{plain.isoformat(timespec='microseconds')}Z"


def _parse_moment(text: str, option: str) -> datetime:
    """Return an ISO date or date-time, UTC unless it has an offset; ConfigError if it is none."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ConfigError(
            f"{option} {text!r}: expected an ISO date or date-time such as 2026-07-28 or "
            "2026-07-28T12:00:00Z"
        ) from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _is_bare_date(text: str) -> bool:
    try:
        date.fromisoformat(text.strip())
    except ValueError:
        return False
    return True


def data_of(record: Record) -> dict[str, Any]:
    """Return the event's data; an empty object if it is none."""
    try:
        data = json.loads(record.data)
    except (ValueError, RecursionError):  # reported as a problem of the chain
        return {}
    return data if isinstance(data, dict) else {}
