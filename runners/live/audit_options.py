"""Options of ``python -m runners.audit``: anchors, times, which events to show."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from alertlib.errors import ConfigError
from runners.live.chain import Record, timestamp

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
    if text is None:
        return None
    seq, _, digest = text.strip().partition(":")
    digest = digest.lower()
    if (
        not seq.isascii()
        or not seq.isdigit()
        or len(digest) != 64
        or set(digest) - set("0123456789abcdef")
    ):
        raise ConfigError(
            f"--anchor {text!r}: expected SEQ:HASH with 64 hex digits, as printed by "
            "python -m runners.audit head"
        )
    return int(seq), digest


def parse_bound(text: str | None, option: str, *, end: bool = False) -> str | None:
    if text is None:
        return None
    moment = parse_moment(text, option)
    if end and len(text.strip()) == len("2026-01-31"):
        moment += timedelta(days=1)
    return timestamp(moment.timestamp())


def parse_moment(text: str, option: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ConfigError(
            f"{option} {text!r}: expected an ISO date or date-time such as 2026-07-28 or "
            "2026-07-28T12:00:00Z"
        ) from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def data_of(record: Record) -> dict[str, Any]:
    try:
        data = json.loads(record.data)
    except ValueError:  # reported as a problem of the chain
        return {}
    return data if isinstance(data, dict) else {}
