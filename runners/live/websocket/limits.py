"""How much of something is allowed: rates, places, and audit entries about strangers.

Pure bookkeeping; the caller passes the time (seconds of a monotonic clock).
"""

from __future__ import annotations

import ipaddress
from collections import Counter, OrderedDict
from collections.abc import Hashable
from typing import Generic, NamedTuple, TypeVar

#: Seconds' worth of credit a rate may save up. A person's clicks and a client's first messages
#: come in bursts; a flood does not stop.
BURST_SECONDS = 3.0
MAX_ADDRESSES = 4_096
REJECTION_WINDOW = 300.0
#: What one name's connections may say together about alerts, in the audit log, for ever.
ACTION_RATE = 1.0
ACTION_BURST = 120.0
VISIT_RATE = 0.1
VISIT_BURST = 120.0


class TokenBucket:
    """A rate with some credit: ``rate`` per second on average, ``burst`` at once."""

    __slots__ = ("_burst", "_credit", "_rate", "_since")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate = rate
        self._burst = max(burst, 1.0)
        self._credit = self._burst
        self._since = now

    def take(self, now: float) -> bool:
        """Spend one unit; False if there is none left."""
        self._refill(now)
        if self._credit < 1.0:
            return False
        self._credit -= 1.0
        return True

    def has_credit(self, now: float) -> bool:
        """Whether :meth:`take` would succeed."""
        self._refill(now)
        return self._credit >= 1.0

    def _refill(self, now: float) -> None:
        self._credit = min(self._burst, self._credit + (now - self._since) * self._rate)
        self._since = now


class Rates:
    """One rate for each of many, who cost nothing until they come.

    The table is bounded: when full, the one that came longest ago is forgotten.
    """

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()

    def take(self, key: str, now: float) -> bool:
        """Spend one unit of ``key``'s; False if it has none left."""
        bucket = self._buckets.pop(key, None) or TokenBucket(self._rate, self._burst, now)
        self._buckets[key] = bucket
        if len(self._buckets) > MAX_ADDRESSES:
            self._buckets.popitem(last=False)
        return bucket.take(now)

    def has_credit(self, key: str, now: float) -> bool:
        """Whether :meth:`take` would succeed."""
        bucket = self._buckets.get(key)
        return bucket is None or bucket.has_credit(now)


class FailureLimiter:
    """Failed handshakes per address; IPv6 by its /64, which is what one subscriber is given."""

    def __init__(self, per_second: float) -> None:
        self._rates = Rates(per_second, per_second)

    def fail(self, address: str, now: float) -> bool:
        """Note a failure; False if ``address`` has had more than its share of them."""
        return self._rates.take(_network(address), now)

    def is_blocked(self, address: str, now: float) -> bool:
        """Whether one more failure of ``address`` would be too many."""
        return not self._rates.has_credit(_network(address), now)


One = TypeVar("One", bound=Hashable)


class Strangers(Generic[One]):
    """Those who have not said who they are, in the order in which they came, by address."""

    def __init__(self) -> None:
        self._addresses: dict[One, str] = {}
        self._of: dict[str, dict[One, None]] = {}

    def __len__(self) -> int:
        return len(self._addresses)

    def add(self, one: One, address: str) -> None:
        """Note one that came, or whose address turned out to be another."""
        self.remove(one)
        key = _network(address)
        self._addresses[one] = key
        self._of.setdefault(key, {})[one] = None

    def remove(self, one: One) -> None:
        """Forget one that is known now, or gone."""
        key = self._addresses.pop(one, None)
        if key is None:
            return
        del self._of[key][one]
        if not self._of[key]:
            del self._of[key]

    def oldest(self) -> One | None:
        """Return whom to send away: of the address with most of them, who came first."""
        if not self._of:
            return None
        most = max(self._of.values(), key=len)
        return next(iter(most))


def _network(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is None:
        return str(ipaddress.ip_network((int(parsed) >> 64 << 64, 64)))
    return str(parsed)


class Roster:
    """Places taken: connections in all, and per client name."""

    def __init__(self, max_connections: int, max_per_name: int) -> None:
        self._max = max_connections
        self._max_per_name = max_per_name
        self._names: Counter[str] = Counter()
        self.taken = 0

    @property
    def is_full(self) -> bool:
        """Whether no connection may be added."""
        return self.taken >= self._max

    def enter(self) -> None:
        """Take a place, for a connection that may not have a name yet."""
        self.taken += 1

    def sign(self, name: str) -> bool:
        """Put a name to a place; False if that client has as many as it may."""
        if self._names[name] >= self._max_per_name:
            return False
        self._names[name] += 1
        return True

    def leave(self, name: str | None) -> None:
        """Give the place back, and the name with it if one was signed."""
        self.taken -= 1
        if name is not None:
            self._names[name] -= 1
            if not self._names[name]:
                del self._names[name]


class VisitLog:
    """Decides which comings and goings of a known client are worth an audit event each.

    A client that reconnects in a tight loop must not fill the disk either. Its visits beyond
    the rate are counted, and the next one recorded says how many were left out.
    """

    def __init__(self, rate: float = VISIT_RATE, burst: float = VISIT_BURST) -> None:
        self._rate = rate
        self._burst = burst
        self._clients: OrderedDict[str, tuple[TokenBucket, int]] = OrderedDict()

    def note(self, name: str, now: float) -> int | None:
        """Return how many visits went unrecorded before this one; None to leave it out too."""
        bucket, left_out = self._clients.pop(name, (TokenBucket(self._rate, self._burst, now), 0))
        is_recorded = bucket.take(now)
        self._clients[name] = (bucket, 0 if is_recorded else left_out + 1)
        if len(self._clients) > MAX_ADDRESSES:
            self._clients.popitem(last=False)
        return left_out if is_recorded else None


class Rejections(NamedTuple):
    """Handshakes refused for one reason: how many, and from how many addresses."""

    reason: str
    times: int
    address: str
    addresses: int

    def data(self) -> dict[str, object]:
        """The audit event's ``data``."""
        return {
            "reason": self.reason,
            "count": self.times,
            "address": self.address,
            "addresses": self.addresses,
        }


class RejectionLog:
    """Condenses refused handshakes so that nobody outside can fill the audit's disk.

    The first of a reason is reported at once; those that follow within ``window`` seconds are
    reported together, when :meth:`due` or :meth:`flush` is next called. With the handful of
    reasons there are, that is a few events per window however hard anyone knocks.
    """

    def __init__(self, window: float = REJECTION_WINDOW) -> None:
        self._window = window
        self._since: dict[str, float] = {}
        self._more: dict[str, Counter[str]] = {}

    def note(self, reason: str, address: str, now: float) -> Rejections | None:
        """Count one; returns it if it is to be reported at once."""
        if reason not in self._since:
            self._since[reason] = now
            return Rejections(reason, 1, address, 1)
        counts = self._more.setdefault(reason, Counter())
        # Past the bound only the total matters; the first address takes the rest.
        key = address if address in counts or len(counts) < MAX_ADDRESSES else next(iter(counts))
        counts[key] += 1
        return None

    def due(self, now: float) -> list[Rejections]:
        """Reports whose window has ended. A reason that went quiet is forgotten."""
        ended = [reason for reason, since in self._since.items() if now - since >= self._window]
        return [report for reason in ended for report in self._close(reason, now)]

    def flush(self, now: float) -> list[Rejections]:
        """All that has been counted and not reported, for a shutdown."""
        return [report for reason in tuple(self._since) for report in self._close(reason, now)]

    def _close(self, reason: str, now: float) -> list[Rejections]:
        counts = self._more.pop(reason, None)
        if counts is None:
            del self._since[reason]
            return []
        self._since[reason] = now
        address = counts.most_common(1)[0][0]
        return [Rejections(reason, counts.total(), address, len(counts))]
