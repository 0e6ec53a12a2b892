"""The time at which a trial is made, for the ledger: the library's only clock."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Return the time now, with its zone."""
    return datetime.now(UTC)
