"""What a user's step answers, checked at every bar."""

from __future__ import annotations

from datetime import datetime, timedelta

from alertlib.kernels.bar import TickBar


def when(bar: TickBar) -> str:
    """Return the time of a bar's open, to the minute."""
    opened = datetime(1970, 1, 1) + timedelta(days=int(bar.day), minutes=int(bar.minute))
    return opened.isoformat(" ", timespec="minutes")
