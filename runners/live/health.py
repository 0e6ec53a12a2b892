"""How the daemon is doing: what ``/health`` and ``/metrics`` say, and the operator is told."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from alertlib.detection.staleness import bars_missing, lies_ahead
from alertlib.market.clock import with_offset
from alertlib.market.futures import say_if_over
from runners.live.websocket.responses import Health

if TYPE_CHECKING:
    from alertlib.detection.intake import Core
    from runners.live.alert_store.store import Store
    from runners.live.delivery.courier import Courier
    from runners.live.feed.base import Feed, Key, Position
    from runners.live.heartbeat import Heartbeat
    from runners.live.websocket.server import AlertServer
    from runners.live.websocket.tls import Certificate

SLOW_SECONDS = 2.0
"""Round trip of a client above which its connection is a reason on ``/health``."""


class Reason(NamedTuple):
    """Something that is not well.

    Attributes
    ----------
    kind : str
        One of a few words.
    text : str
        For everybody who looks at ``/health``.
    is_failing : bool
        Whether it keeps alerts from being made.
    names : tuple of str
        What of its kind it is about, for the operator alone: streams, webhooks, recipients. One
        that stands alone has no name.
    """

    kind: str
    text: str
    is_failing: bool
    names: tuple[str, ...] = ("",)


class StreamTrouble(NamedTuple):
    """Why a stream gives no alerts.

    Attributes
    ----------
    state : {"down", "stale"}
        Something says why, or bars that are due have not come.
    brief, text : str
        Beside the stream's name, and by itself.
    """

    state: str
    brief: str
    text: str


class Board:
    """Looks at every part of the running daemon.

    Parts are filled in as they start; what is None is not there yet.
    """

    def __init__(self, store: Store, tolerated: int, grace: float) -> None:
        self.server: AlertServer | None = None
        self.certificate: Certificate | None = None
        self.couriers: Sequence[Courier[Any]] = ()
        self.heartbeat: Heartbeat | None = None
        self.feed: Feed | None = None
        self.cores: dict[Key, Core] = {}
        self.positions: dict[Key, Position] = {}
        self.task_errors: dict[str, str] = {}
        self.is_at_end = False
        self.is_dry_run = False
        self.version = ""
        self._store = store
        self._tolerated = tolerated
        self._grace = grace

    def reasons(self) -> list[Reason]:
        """Return what is not well, gravest first."""
        found = []
        if (trouble := self._store.trouble()) is not None:
            found.append(Reason("store", f"store: {trouble}", True))
        found += self._feed_reasons()
        if self.certificate is not None and (why := self.certificate.trouble(time.time())):
            found.append(Reason("certificate", f"certificate: {why}", False))
        for courier in self.couriers:
            if courier.reason:
                text = f"{courier.title}: {courier.reason}"
                found.append(Reason(courier.kind, text, False, (courier.own_name,)))
        found += [
            Reason(
                "letters", f"letters: {courier.title}: {courier.losses}", False, courier.unreached
            )
            for courier in self.couriers
            if courier.unreached
        ]
        if self.heartbeat is not None and self.heartbeat.reason:
            found.append(Reason("heartbeat", f"heartbeat: {self.heartbeat.reason}", False))
        found += [
            Reason("task", f"task: {name} has failed: {why}", False, (name,))
            for name, why in self.task_errors.items()
        ]
        if self.server is not None and self.server.slowest_round_trip() > SLOW_SECONDS:
            seconds = self.server.slowest_round_trip()
            found.append(
                Reason("websocket", f"websocket: a client answers after {seconds:.1f} s", False)
            )
        for key, core in self.cores.items():
            found += _detector_reasons(" ".join(key), core)
        return found

    def health(self) -> Health:
        """Return what ``/health`` says now."""
        reasons = self.reasons()
        feed = self.feed
        details: dict[str, object] = {
            "version": self.version,
            "feed": "ended" if self.is_at_end else ("running" if self.cores else "starting"),
            "feed_pid": None if feed is None else feed.pid,
            "dry_run": self.is_dry_run,
            "last_bars": {
                f"{symbol} {timeframe}": None if at.last is None else with_offset(at.last)
                for (symbol, timeframe), at in self.positions.items()
            },
        }
        return Health(
            not any(reason.is_failing for reason in reasons),
            tuple(reason.text for reason in reasons),
            details,
        )

    def stream_trouble(self, key: Key) -> StreamTrouble | None:
        """Return what keeps a stream from giving alerts; None if all is well."""
        if self.feed is None or self.is_at_end:
            return None
        if (trouble := self.feed.trouble(key)) is not None:
            return StreamTrouble("down", trouble, trouble)
        now, core, last = self.feed.now(), self.cores[key], self.positions[key].last
        if now is None:
            return None
        if (ahead := _reason_ahead(core, last, now)) is not None:
            return StreamTrouble("down", ahead, ahead)
        missing = bars_missing(core.instrument, last, now, self._grace)
        if missing < self._tolerated or self.feed.is_loading(key):
            return None
        opened = last or "no time at all"
        return StreamTrouble(
            "stale",
            f"{missing} bars missing",
            f"{core.symbol} {core.timeframe} is stale: {missing} bars missing, the last opened at "
            f"{opened}{say_if_over(core.symbol, now.date())}",
        )

    def _feed_reasons(self) -> list[Reason]:
        streams: dict[str, list[str]] = {}
        for key in self.cores:
            if (trouble := self.stream_trouble(key)) is not None:
                # What keeps all of them is said once.
                streams.setdefault(trouble.text, []).append(" ".join(key))
        return [
            Reason("feed", f"feed: {text}", True, tuple(names)) for text, names in streams.items()
        ]


def _detector_reasons(stream: str, core: Core) -> list[Reason]:
    disabled = dict.fromkeys(core.disabled, f"disabled on {stream}")
    off = {name: f"is off on {stream}: {why}" for name, why in core.off.items()}
    return [
        Reason("detector", f"detector: {name} {said}", False, (f"{name} {stream}",))
        for name, said in [*disabled.items(), *off.items()]
    ]


def _reason_ahead(core: Core, last: datetime | None, now: datetime) -> str | None:
    """Return why no bar can count for a while: those up to the cursor are taken for known."""
    if last is None or not lies_ahead(last + timedelta(minutes=core.instrument.minutes), now):
        return None
    return (
        f"{core.symbol} {core.timeframe} is ahead of the clock: its last bar opened at {last}, and "
        f"it is {now:%Y-%m-%d %H:%M:%S}; no bar counts before that; correct this machine's clock, "
        "or start with another --db or a copy of before"
    )
