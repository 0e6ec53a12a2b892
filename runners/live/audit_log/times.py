"""Time stamps of the log that no clock which runs well would have given."""

from __future__ import annotations

from datetime import datetime

from alertlib.market.clock import utc_stamp
from runners.live.database.chain import Record

_WARNINGS_LIMIT = 100
_AHEAD_SECONDS = 60.0
# A clock that follows a time server may be set back by a moment.
_BACK_SECONDS = 1.0


class Times:
    """Follows the time stamps, event by event.

    Times in the future are told once for all events in a row: a clock that was ahead for an hour
    must not hide what else there is.

    Parameters
    ----------
    now : float or None
        Unix seconds; without it no time lies in the future.

    Attributes
    ----------
    warnings : list of str
        What is odd, at most 100 lines.
    """

    def __init__(self, now: float | None) -> None:
        self.warnings: list[str] = []
        self._latest = ""
        self._limit = None if now is None else utc_stamp(now + _AHEAD_SECONDS)
        self._ahead: tuple[Record, Record] | None = None

    def look(self, record: Record) -> None:
        """Note what is odd about the time of ``record``."""
        if self._limit is not None and record.ts > self._limit:
            self._ahead = (record if self._ahead is None else self._ahead[0], record)
        else:
            self.end()
            if _goes_back(self._latest, record.ts):
                self._warn(
                    f"event {record.seq}: its time {record.ts} goes back behind {self._latest}, "
                    "of the event before it"
                )
        self._latest = record.ts

    def end(self) -> None:
        """Note the events in a row that lie in the future, if the last ones do."""
        if self._ahead is None:
            return
        first, last = self._ahead
        self._ahead = None
        if first.seq == last.seq:
            self._warn(f"event {first.seq}: its time {first.ts} lies in the future")
        else:
            self._warn(
                f"events {first.seq} to {last.seq}: their times, from {first.ts} on, lie in the "
                "future"
            )

    def _warn(self, line: str) -> None:
        if len(self.warnings) < _WARNINGS_LIMIT:
            self.warnings.append(line)


def _goes_back(before: str, after: str) -> bool:
    if after >= before:
        return False
    try:
        back = datetime.fromisoformat(before) - datetime.fromisoformat(after)
    except (TypeError, ValueError):  # no times; what does not fit its hash is a finding already
        return False
    return back.total_seconds() > _BACK_SECONDS
