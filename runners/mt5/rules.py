"""The rules of a MetaTrader 5 terminal, without a call to one: standard library only.

Times are seconds on the server's wall clock, as the API writes them: Brasilia time at B3 brokers,
counted from 1970-01-01 as if it were UTC. They are decoded to naive wall clock and never
converted; the offset from UTC only serves to know what the server's clock shows now.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import count
from typing import NamedTuple

from alertlib._backoff import capped_wait

FAILED = -1
INVALID = -2
REFUSED = -6

# -10000 is a failure inside the terminal: connecting again does not mend it.
CONNECTION_LOST = frozenset(range(-10_005, -10_000))

# How long a history that does not grow may take to settle: seconds between reads of it.
SETTLE_WAITS = (0.05, 0.1, 0.2, 0.4, 0.8, 1.0, 1.0, 1.0, 1.0)

# Bars read on every look at a live market. When they reach back to the last known bar nothing can
# be missing between, and one read is enough.
RECENT_BARS = 4

_MAX_PAGE = 10_000
_HALF_HOUR = 1_800
_DAY = 86_400
_LONGEST_WAIT = 60.0

# Carnival: from the close of Friday to 13:00 on Ash Wednesday, four days and eighteen hours.
_LONGEST_BREAK = 5 * _DAY

# A tick of a live market is seconds old. An old one could be taken for another offset only if
# its age were a multiple of half an hour, to within this.
_FRESH = 15


def timeframe_code(minutes: int) -> int:
    """Return the API's number for a timeframe: minutes, or 0x4000 + hours from H1 to D1."""
    return minutes if minutes < 60 else 0x4000 + minutes // 60


def wall_clock(seconds: int) -> datetime:
    """Decode a time of the API to the server's naive wall clock."""
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)


def request_time(seconds: int) -> datetime:
    """Encode a wall clock for a request: zoned UTC (the API shifts naive ones by this machine's
    zone)."""
    return datetime.fromtimestamp(seconds, UTC)


def retry_waits(retries: int | None) -> Iterator[float]:
    """Yield the seconds before each new attempt, jitter not included: 1, 2, 4 … 60.

    ``retries`` is how many there are; None for no end.
    """
    for step in count() if retries is None else range(retries):
        yield capped_wait(step, first=1.0, factor=2.0, cap=_LONGEST_WAIT)


def reads_needed(is_complete: bool) -> int:
    """Return how many reads in a row have to be equal before a history is believed.

    Parameters
    ----------
    is_complete : bool
        Whether it reaches as far back as was asked. One that does not may begin there, or may
        still be loading.
    """
    return 2 if is_complete else 6


def page_limit(maxbars: int) -> int:
    """Return how many bars to ask for at once: a request of ``maxbars`` or more fails whole."""
    return min(maxbars - 1, _MAX_PAGE)


def is_closed(last_open: int, minutes: int, clock: float, grace: float, tick: int | None) -> bool:
    """Whether the newest bar is closed. (Every earlier one is: a newer one exists.)

    Parameters
    ----------
    last_open : int
        Its open time.
    minutes : int
        Its length.
    clock : float
        The server's clock now, or the earliest it can be.
    grace : float
        Seconds to allow for trades that arrive late.
    tick : int or None
        Time of the last tick. When it lies days back within the bar, the feed stopped there and
        the bar may lack what came after.
    """
    end = last_open + 60 * minutes
    stopped = tick is not None and tick < end and is_stale(tick, clock)
    return clock >= end + grace and not stopped


def is_stale(tick: int | None, clock: float) -> bool:
    """Whether the last tick is older than any holiday explains."""
    return tick is not None and clock - tick > _LONGEST_BREAK


def server_clock(utc: float, offset: int | None, tick: int | None) -> float:
    """Return what the server's clock shows; where its offset is unknown, the least it can show.

    No zone on Earth is more than twelve hours behind UTC, and no clock behind a tick it stamped.
    """
    return max(utc - _DAY / 2, tick or 0) if offset is None else utc + offset


def measure_offset(tick: int | None, utc: float) -> int | None:
    """Return the server's offset from UTC in seconds as a fresh tick shows it, or None.

    Parameters
    ----------
    tick : int or None
        Time of the last tick.
    utc : float
        This machine's clock.
    """
    if not tick:
        return None
    offset = round((tick - utc) / _HALF_HOUR) * _HALF_HOUR
    return offset if is_near(tick - offset, utc) and -12 * 3_600 <= offset <= 14 * 3_600 else None


def is_near(one: float, other: float) -> bool:
    """Whether two times are those of one moment, to within the age of a fresh tick."""
    return abs(one - other) <= _FRESH


def choose_offset(measured: int | None, expected: int | None, is_open: bool) -> int | None:
    """Return the server's offset from UTC in seconds, or None if it cannot be known now.

    Parameters
    ----------
    measured : int or None
        What the last tick showed.
    expected : int or None
        Offset of the exchange's own zone; None where the exchange is unknown.
    is_open : bool
        Whether the market is open by the exchange's clock. After hours the last tick is old and
        may look like a smaller offset; none can look like a larger one.
    """
    if measured is None or (expected is not None and measured < expected and not is_open):
        return expected
    return measured


class Span(NamedTuple):
    """Opens of the first and the last bar of a day, and whether all its bars are between."""

    first: int
    last: int
    is_whole: bool


def spans_by_day(times: Sequence[int], today: int) -> list[Span]:
    """Return the first and the last bar of each day.

    Parameters
    ----------
    times : sequence of int
        Open times, sorted. The first day may have begun before them and is not whole.
    today : int
        The first day (since 1970-01-01) that may not be over.
    """
    spans: list[Span] = []
    for time in times:
        if spans and spans[-1].first // _DAY == time // _DAY:
            spans[-1] = spans[-1]._replace(last=time)
        else:
            spans.append(Span(time, time, is_whole=bool(spans) and time // _DAY < today))
    return spans


def find_shift(
    spans: Sequence[Span], hours: Sequence[tuple[int, int]], minutes: int, ahead: int | None
) -> tuple[int, int] | None:
    """Find the first day whose bars do not carry the exchange's wall clock.

    Parameters
    ----------
    spans : sequence of Span
    hours : sequence of (int, int), as long
        Minutes of the day, ``[open, close)``, in which a bar of that day may open.
    minutes : int
        Length of a bar.
    ahead : int or None
        Seconds by which a fresh tick is ahead of the exchange's clock.

    Returns
    -------
    (day, seconds) or None
        A whole day whose first *and* last bar are moved by the same half hours (a late open or
        an early end moves but one of them), or one that is not over and begins moved by as much
        as its ticks are ahead.
    """
    for span, (opening, closing) in zip(spans, hours, strict=True):
        at_open = _half_hours(span.first % _DAY // 60 - opening)
        at_close = _half_hours(span.last % _DAY // 60 - (closing - 1) // minutes * minutes)
        if at_open and (at_close == at_open if span.is_whole else 60 * at_open == ahead):
            return span.first // _DAY, 60 * at_open
    return None


def _half_hours(minutes: int) -> int:
    return round(minutes / 30) * 30
